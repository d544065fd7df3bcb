"""What a package asks for: as the packaging library reads it, which a device does not have."""

from __future__ import annotations

import platform
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement as Peer

from cspine_edge.requirements import Requirement, requirements


def described(folder: Path, *requires: str) -> Distribution:
    """A distribution that has metadata and nothing else."""
    home = folder / "asking-1.0.dist-info"
    home.mkdir()
    lines = ["Metadata-Version: 2.4", "Name: asking", "Version: 1.0", "Provides-Extra: more"]
    (home / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {line}" for line in requires), ""]))
    return PathDistribution(home)


@pytest.mark.parametrize("extra", ["", "more"])
def test_markers_are_read_as_packaging_reads_them(tmp_path: Path, extra: str) -> None:
    lines = [
        "a>=1",
        "b; extra == 'more'",
        "c<2; (python_version < '3.12') and extra == 'more'",
        "d; (python_version >= '3.9') and extra == 'more'",  # as text 3.9 would be above 3.11
        "e; platform_machine != 'armv7l' and platform_machine != 'armv6l'",
        f"f; platform_machine == '{platform.machine()}' or extra == 'more'",
        "g==1.2.3 ; sys_platform == 'win32'",
        'h (>=2.2,<3.0) ; python_full_version >= "3.8.2" and extra == "more"',
        "i[x,y]<3,>=1.5; platform_system == 'Linux' and extra == 'more'",
    ]
    peers = [Peer(line) for line in lines]
    wanted = {
        peer.name
        for peer in peers
        if (peer.marker is None or peer.marker.evaluate({"extra": extra}))
        and not (extra and (peer.marker is None or peer.marker.evaluate({"extra": ""})))
    }
    assert wanted
    assert {entry.name for entry in requirements(described(tmp_path, *lines), extra)} == wanted


@pytest.mark.parametrize("wanted", [">=2.19,<2.22", "==2.14.0", "<2", "!=1.5", ">1.26", "<=3", ""])
@pytest.mark.parametrize(
    "version", ["1.5", "1.26.4", "2", "2.0.0", "2.14", "2.21.0", "2.22.0", "3.0", "3.0.1"]
)
def test_versions_are_compared_as_packaging_compares_them(wanted: str, version: str) -> None:
    assert Requirement("a", wanted, version).is_met == Peer(f"a{wanted}").specifier.contains(version)


def test_what_is_not_here_is_not_met(tmp_path: Path) -> None:
    here, absent = requirements(described(tmp_path, "numpy<1", "no-such-package-of-ours>=3"))
    assert not here.is_met
    assert str(here).startswith("numpy<1 (")
    assert not absent.is_met
    assert absent.version is None
    assert str(absent) == "no-such-package-of-ours"


def test_extras_of_the_asked_package_are_followed(tmp_path: Path) -> None:
    plain = requirements(described(tmp_path, "cspine-edge; extra == 'more'"), "more")
    folder = tmp_path / "other"
    folder.mkdir()
    with_extra = requirements(described(folder, "cspine-edge[dicom]; extra == 'more'"), "more")
    assert [entry.name for entry in plain] == ["cspine-edge"]
    assert {entry.name for entry in with_extra} >= {"cspine-edge", "pyjpegls", "pylibjpeg"}
