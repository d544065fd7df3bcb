"""What the tests of the Android app share: the programs they need, Java as dex, and an APK's dex as a jar again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from cspine_edge.android.assembly import write_archive
from cspine_edge.android.tools import tools_to_build, tools_to_verify
from cspine_edge.errors import MissingToolsError


def need(*programs: str) -> None:
    """Skip a test where what builds and verifies an APK, or one of these programs, is absent; on CI it fails."""
    try:
        tools_to_build()
        tools_to_verify()
        absent = ", ".join(name for name in programs if shutil.which(name) is None)
    except MissingToolsError as error:
        absent = str(error)
    if absent:
        assert not os.environ.get("CI"), absent
        pytest.skip(f"needs {absent}")


def listing_of(sources: Mapping[str, str], library: Mapping[str, str], folder: Path) -> str:
    """Compile Java against a library that stays outside, and give what ``dexdump -d`` prints of its dex file.

    Parameters
    ----------
    sources, library
        Java files by path, such as ``android/os/Build.java``.
    folder
        Where to work.
    """
    need()
    tools = tools_to_build()
    jars = []
    for name, files in (("library", library), ("program", sources)):
        for path, text in files.items():
            file = folder / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        classes, jar = folder / f"{name}-classes", folder / f"{name}.jar"
        path = [folder / name / path for path in files]
        tools.run(
            "javac", "--release", "17", "-proc:none", "-cp", folder / "library.jar", "-d", classes, *path
        )
        write_archive(
            jar, {str(file.relative_to(classes)): file.read_bytes() for file in classes.rglob("*.class")}
        )
        jars.append(jar)
    java_home = Path(tools.programs["java"][0]).resolve().parents[1]
    library_options = ("--lib", jars[0], "--lib", java_home)
    tools.run("d8", "--release", "--min-api", 24, *library_options, "--output", folder, jars[1])
    return tools_to_verify().run("dexdump", "-d", folder / "classes.dex")


def jar_of(apk: Path, folder: Path) -> Path:
    """Turn the classes of an APK back into a jar, with Debian's enjarify."""
    need("enjarify")
    jar = folder / f"{apk.stem}.jar"
    done = subprocess.run(
        ["enjarify", "--force", "--output", jar, apk],
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": "/usr/bin:/bin"},  # it is a module of Debian's own Python
    )
    assert ", 0 classes had errors" in done.stdout, done.stdout + done.stderr
    return jar
