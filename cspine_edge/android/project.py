"""The app's sources: ``android_demo`` of the repository, of which the wheel carries what the build takes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..errors import InputError, UsageError

ANDROID = "http://schemas.android.com/apk/res/android"
"""Namespace of the attributes in manifests and resources."""
FLAVOR = "offline"
"""Product flavor that is built: the one whose interpreter is in the sources."""
DEBUG_PASSWORD = "android"
"""Of ``debug.keystore`` and its key, as everywhere in Android; whoever has the sources can sign with it."""
PASSWORD_VARIABLE = "CSPINE_EDGE_KEYSTORE_PASSWORD"
"""Environment variable with the password of another key store; so apksigner is told it as well."""


@dataclass(frozen=True)
class Project:
    """The Gradle project, with what ``app/build.gradle.kts`` states.

    Attributes
    ----------
    folder
        Where ``app``, ``core`` and ``platform`` lie.
    package
        Application id, and package of the class ``R``.
    min_sdk, target_sdk
        API levels.
    """

    folder: Path
    package: str
    min_sdk: int
    target_sdk: int

    @property
    def app_sources(self) -> list[Path]:
        """Java files of the app in the flavor :data:`FLAVOR`, and of the module ``core``."""
        roots = ("core/src/main/java", "app/src/main/java", f"app/src/{FLAVOR}/java")
        return [file for root in roots for file in sorted((self.folder / root).rglob("*.java"))]

    @property
    def platform_sources(self) -> list[Path]:
        """Java files that stand in for ``android.jar``."""
        return sorted((self.folder / "platform/src/main/java").rglob("*.java"))

    @property
    def resources(self) -> list[Path]:
        """Resource folders that exist; a later one replaces what it shares with an earlier one."""
        folders = (self.folder / f"app/src/{name}/res" for name in ("main", FLAVOR))
        return [folder for folder in folders if folder.is_dir()]

    @property
    def debug_keystore(self) -> Path:
        """A public key store: it makes builds of the same sources equal, and proves nothing of who signed."""
        return self.folder / "debug.keystore"

    def manifest(self) -> bytes:
        """The manifest with the package, which the Gradle build takes from elsewhere."""
        ET.register_namespace("android", ANDROID)
        tree = ET.parse(self.folder / "app/src/main/AndroidManifest.xml")
        tree.getroot().set("package", self.package)
        return ET.tostring(tree.getroot(), encoding="utf-8", xml_declaration=True)


def find_project() -> Project:
    """Read the project that this installation carries.

    Raises
    ------
    UsageError
        If it carries none.
    """
    package = Path(__file__).parent
    for folder in (package / "project", package.parents[1] / "android_demo"):
        if (folder / "app/build.gradle.kts").is_file():
            return read_project(folder)
    raise UsageError(
        "this installation lacks the app's sources; install cspine-edge from its wheel or a checkout"
    )


def read_project(folder: Path) -> Project:
    """Read ``app/build.gradle.kts`` of a project.

    Raises
    ------
    InputError
        If it lacks a statement.
    """
    file = folder / "app/build.gradle.kts"
    text = file.read_text(encoding="utf-8")

    def stated(name: str, pattern: str) -> str:
        found = re.search(rf"^\s*{name} = {pattern}$", text, re.MULTILINE)
        if found is None:
            raise InputError(file, f"has no line '{name} = ...'; get the file anew")
        return found[1]

    return Project(
        folder,
        package=stated("applicationId", r'"([\w.]+)"'),
        min_sdk=int(stated("minSdk", r"(\d+)")),
        target_sdk=int(stated("targetSdk", r"(\d+)")),
    )


def version_code(version: str = __version__) -> int:
    """Android's number of a version, two digits for each part after the first: 100 for ``0.1.0``."""
    major, minor, patch = (int(part) for part in re.findall(r"\d+", version)[:3])
    return (major * 100 + minor) * 100 + patch
