"""What the tests of the Android app share: the programs they need, Java as dex, and an APK's dex as a jar again."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from cspine_edge.android.assembly import write_archive
from cspine_edge.android.tools import tools_to_build, tools_to_verify
from cspine_edge.errors import MissingToolsError

JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # quick to start


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


def javac(files: Sequence[Path], out: Path, *options: str) -> None:
    """Compile as the Gradle build does: for Java 17, every warning an error."""
    strict = ["--release", "17", "-encoding", "UTF-8", "-Xlint:all", "-Werror"]
    command = ["javac", *(f"-J{option}" for option in JAVA[1:]), *strict, *options]
    done = subprocess.run([*command, "-d", str(out), *map(str, files)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


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
    """Turn the classes of an APK back into a jar that a JVM runs, with Debian's enjarify.

    enjarify writes class files of Java 5, whose interfaces have no code; those of Android since API 24 may. Attributes
    that only a compiler reads, such as those of nested classes, are gone.
    """
    need("enjarify")
    jar = folder / f"{apk.stem}.jar"
    command = ["/usr/bin/python3", "-c", _ENJARIFY, "--force", "--output", jar, apk]
    done = subprocess.run(command, capture_output=True, text=True)
    assert ", 0 classes had errors" in done.stdout, done.stdout + done.stderr
    with zipfile.ZipFile(jar) as archive:
        classes = {name: archive.read(name) for name in archive.namelist()}
    write_archive(
        jar,
        {
            name: _as_java_8(content) if _is_interface(content) else content
            for name, content in classes.items()
        },
    )
    return jar


_ENJARIFY = """
from enjarify import dalvikformats, main

def signed(word, low, high):
    return [word >> 8, dalvikformats.sign(low | high << 16, 32)]

dalvikformats._FUNC["31i"] = signed
main.main()
"""
"""enjarify 1.0.3 is a module of Debian's own Python; it takes the number of ``const-wide/32`` to be without sign."""


def _as_java_8(content: bytes) -> bytes:
    return content[:6] + (52).to_bytes(2, "big") + content[8:]


def _is_interface(content: bytes) -> bool:
    """Read the access flags of a class file, which come after its constants (JVM Specification, 4.1)."""
    sizes = {3: 5, 4: 5, 5: 9, 6: 9, 7: 3, 8: 3, 9: 5, 10: 5, 11: 5, 12: 5, 15: 4, 16: 3, 18: 5}
    count, place, index = int.from_bytes(content[8:10], "big"), 10, 1
    while index < count:
        tag = content[place]
        place += 3 + int.from_bytes(content[place + 1 : place + 3], "big") if tag == 1 else sizes[tag]
        index += 2 if tag in (5, 6) else 1
    return bool(int.from_bytes(content[place : place + 2], "big") & 0x200)
