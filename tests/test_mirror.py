"""Every module has its tests where they are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [
    path
    for room in ("cspine_edge", "converters", "calibration")
    for path in sorted((ROOT / room).rglob("*.py"))
    if not path.name.startswith("__")
]
AS_A_WHOLE = {"audit": "test_audit", "cli": "test_cli", "phantom": "test_phantom"}
"""Packages whose modules show what they do only together."""
WITH_WHAT_USES_IT = {
    "bench_tables": "test_bench",
    "contract_writer": "test_convert",
    "parity_plots": "test_parity_page",
    "plots": "test_train",
    "restoration": "test_restore",
    "settings": "test_train",
    "teacher": "test_train",
}
"""Modules that need a whole report, run or model to work on."""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_has_tests(module: Path) -> None:
    name, room = module.stem, module.parent.name
    places = {f"test_{name}", f"test_{room}_{name}", AS_A_WHOLE.get(room), WITH_WHAT_USES_IT.get(name)}
    assert any((ROOT / "tests" / f"{place}.py").is_file() for place in places if place)


def test_no_exception_is_needless() -> None:
    for name in WITH_WHAT_USES_IT:
        assert name in {module.stem for module in MODULES}
        assert not (ROOT / "tests" / f"test_{name}.py").exists()
