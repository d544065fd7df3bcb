"""The app's sources: what the build reads of the Gradle project, and that the wheel takes it along."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from cspine_edge import __version__
from cspine_edge.android.project import ANDROID, find_project, read_project, version_code
from cspine_edge.errors import InputError


def test_the_project_of_this_checkout(root: Path) -> None:
    project = read_project(root / "android_demo")
    assert (project.package, project.min_sdk, project.target_sdk) == ("org.cspineedge.app", 24, 35)
    names = {source.name for source in project.app_sources}
    assert {"MainActivity.java", "ModelFile.java", "Engines.java"} <= names
    assert not any("litert" in source.parts for source in project.app_sources)
    assert "Activity.java" in {source.name for source in project.platform_sources}
    assert project.resources[0] == root / "android_demo/app/src/main/res"
    assert project.debug_keystore.is_file()


def test_gradle_states_the_same_version(root: Path) -> None:
    text = (root / "android_demo/app/build.gradle.kts").read_text()
    assert re.findall(r'version(Code|Name) = "?([\d.]+)"?', text) == [
        ("Code", str(version_code())),
        ("Name", __version__),
    ]


def test_the_manifest_gets_its_package_and_nothing_else() -> None:
    project = find_project()
    original = ET.parse(project.folder / "app/src/main/AndroidManifest.xml").getroot()
    made = ET.fromstring(project.manifest())
    assert made.attrib == {"package": project.package} | original.attrib
    assert [element.attrib for element in made.iter()][1:] == [e.attrib for e in original.iter()][1:]
    assert f"{{{ANDROID}}}name" in made[0].attrib


@pytest.mark.parametrize(
    ("version", "code"), [("0.1.0", 100), ("1.2.3", 10203), ("2.0.0.dev1", 20000), ("10.11.12", 101112)]
)
def test_version_codes_rise_with_versions(version: str, code: int) -> None:
    assert version_code(version) == code


def test_a_build_file_without_a_level_is_refused(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/build.gradle.kts").write_text('applicationId = "a.b"\nminSdk = 24\n')
    with pytest.raises(InputError, match=r"build.gradle.kts: has no line 'targetSdk = \.\.\.'"):
        read_project(tmp_path)


def test_the_wheel_takes_all_of_it_along(root: Path) -> None:
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    wheel = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    included = wheel["force-include"]
    project = read_project(root / "android_demo")
    needed = [*project.app_sources, *project.platform_sources, *project.resources, project.debug_keystore]
    needed += [project.folder / name for name in ("app/build.gradle.kts", "app/src/main/AndroidManifest.xml")]
    for path in needed:
        name = path.relative_to(root).as_posix()
        (prefix,) = [key for key in included if name == key or name.startswith(f"{key}/")]
        assert included[prefix] == prefix.replace("android_demo", "cspine_edge/android/project")
