"""The import rules: what runs on a device needs neither TensorFlow nor the rooms that do."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from absent import TENSORFLOW, without

import cspine_edge
from cspine_edge.cli import VERBS
from cspine_edge.model_file import ModelFile

ROOT = Path(__file__).parents[1]
WORKSTATION = {"converters", "calibration", "cspine_edge.training"}
INTERPRETERS = {"ai_edge_litert", "tflite_runtime"}
DEVICE_PACKAGES = {"numpy", "PIL", "pydicom", "rich", "typer"} | INTERPRETERS


BEHIND_AN_EXTRA = {
    Path("cspine_edge/parity_plots.py"): {"matplotlib"},
    Path("cspine_edge/dask_engine.py"): {"distributed"},
}
"""What a module may import inside its functions only, as it says which extra is missing."""


def modules(room: str) -> list[Path]:
    return [path.relative_to(ROOT) for path in sorted((ROOT / room).rglob("*.py"))]


def is_training(module: Path) -> bool:
    return module.parts[:2] == ("cspine_edge", "training")


DEVICE = [module for module in modules("cspine_edge") if not is_training(module)]
MAY_CALL_THE_WORKSTATION = {Path("cspine_edge/quickstart.py"), *(m for m in DEVICE if m.parent.name == "cli")}


def imports(module: Path, *, inside_functions: bool) -> set[str]:
    """Absolute names of the modules that a module imports, apart from those for type checkers only."""
    package = module.parent.parts
    names: set[str] = set()
    for node in _nodes(ast.parse((ROOT / module).read_text()), inside_functions):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
    return names


def _nodes(node: ast.AST, inside_functions: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not inside_functions:
            continue
        yield child
        yield from _nodes(child, inside_functions)


def touching(names: set[str], forbidden: set[str]) -> set[str]:
    return {name for name in names if any(name == room or name.startswith(f"{room}.") for room in forbidden)}


def test_the_reader_of_imports_sees_all_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cspine_edge").mkdir()
    (tmp_path / "cspine_edge" / "sample.py").write_text(
        "import a.b\nfrom .training import loop\nif TYPE_CHECKING:\n    import c\n"
        "try:\n    import d\nexcept ImportError:\n    pass\ndef f():\n    from .. import g\n    import e\n"
    )
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    sample = Path("cspine_edge/sample.py")
    at_import = {"a.b", "cspine_edge.training", "cspine_edge.training.loop", "d"}
    assert imports(sample, inside_functions=False) == at_import
    assert imports(sample, inside_functions=True) >= at_import | {"e"}


@pytest.mark.parametrize("module", DEVICE, ids=str)
def test_device_modules(module: Path) -> None:
    everywhere = imports(module, inside_functions=True)
    assert not touching(everywhere, TENSORFLOW)
    assert not touching(imports(module, inside_functions=False), WORKSTATION)
    if module not in MAY_CALL_THE_WORKSTATION:
        assert not touching(everywhere, WORKSTATION)
    optional = BEHIND_AN_EXTRA.get(module, set())
    assert not touching(imports(module, inside_functions=False), optional)
    packages = {name.split(".")[0] for name in everywhere} - set(sys.stdlib_module_names)
    assert packages - optional <= DEVICE_PACKAGES | {"cspine_edge", *WORKSTATION}


@pytest.mark.parametrize("module", modules("calibration"), ids=str)
def test_calibration_modules(module: Path) -> None:
    everywhere = imports(module, inside_functions=True)
    assert not touching(everywhere, TENSORFLOW | {"converters", "cspine_edge.training"})
    packages = {name.split(".")[0] for name in everywhere} - set(sys.stdlib_module_names)
    assert packages <= {"numpy", "cspine_edge", "calibration"}


def test_the_rooms_are_where_the_rules_look() -> None:
    assert len(DEVICE) > 30
    assert {path.name for path in modules("calibration")} >= {"representative.py", "threshold.py"}
    assert touching(imports(Path("converters/qat.py"), inside_functions=False), TENSORFLOW)


# What really happens, in a new process


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        check=False,
    )


SHOW_IMPORTS = """
import sys
try:
    {}
finally:
    print("imported:", *sorted({{name.split(".")[0] for name in sys.modules}}), file=sys.stderr)
"""


def imported_by(statement: str, *arguments: object) -> set[str]:
    done = run(SHOW_IMPORTS.format(statement), *arguments)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split("imported:")[1].split())


def test_the_package_alone_costs_nothing() -> None:
    found = imported_by("import cspine_edge") - set(sys.stdlib_module_names)
    assert not found & (DEVICE_PACKAGES | TENSORFLOW | WORKSTATION)


def test_help_reads_no_pictures_and_loads_no_interpreter() -> None:
    found = imported_by("from cspine_edge.cli import main; main()", "--help")
    assert "typer" in found
    assert not found & ({"PIL", "pydicom", "rich"} | INTERPRETERS | TENSORFLOW | WORKSTATION)


def test_the_name_of_a_model_is_completed_without_loading_one() -> None:
    found = imported_by(
        "from cspine_edge.cli.options import shipped_names; assert shipped_names('fa') == ['fast']"
    )
    assert "typer" in found
    assert not found & ({"numpy", "PIL", "pydicom", "rich"} | INTERPRETERS)


def test_a_picture_is_classified_without_pydicom_and_tables(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (32, 32)).save(tmp_path / "slice.png")
    found = imported_by("from cspine_edge.cli import main; main()", "predict", tmp_path / "slice.png")
    assert "PIL" in found
    assert not found & ({"pydicom", "rich"} | TENSORFLOW | WORKSTATION)


@pytest.mark.slow
@pytest.mark.workstation
def test_formats_of_others_are_exported_without_what_quantises() -> None:
    found = imported_by("import converters.onnx_export, converters.saved_model")
    assert "tensorflow" in found
    assert "tensorflow_model_optimization" not in found


def test_exported_names() -> None:
    for name in cspine_edge.__all__:
        assert getattr(cspine_edge, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        cspine_edge.nonsense  # noqa: B018


WITHOUT_TENSORFLOW = without(
    TENSORFLOW,
    """\
from cspine_edge.cli import main

calls = sys.argv[1:]
for number, call in enumerate(calls):
    sys.argv = ["cspine-edge", *call.split("|")]
    print("call:", call.replace("|", " "))
    try:
        main()
    except SystemExit as ended:
        print("code:", ended.code or 0)
""",
)


def test_without_tensorflow(phantom_data: Path, int8_model: Path, tmp_path: Path) -> None:
    file = ModelFile.read(int8_model)
    one, other = (file.save(tmp_path / f"{name}.tflite").path for name in ("one", "other"))
    calls = ["--help", "--version", *(f"{verb}|--help" for verb in VERBS)]
    calls += [
        f"predict|--model|{one}|{phantom_data}|--json",
        f"verify|{one}",
        f"inspect|{one}",
        f"check|{one}|--reference|{other}|--data|{phantom_data}|--no-record",
        f"audit|{phantom_data}",
        f"bench|{one}|--quick",
        "recommend|--json",
        f"phantom|{tmp_path / 'phantom'}|--series|1|--slices|1|--size|64",
    ]
    done = run(WITHOUT_TENSORFLOW, *calls)
    assert "Traceback" not in done.stderr, done.stderr
    codes = {
        call: int(code) for call, code in re.findall(r"^call: (\S+).*?^code: (\d)", done.stdout, re.M | re.S)
    }
    # Eight series are too few for the gate, and equal models can fail it no other way.
    assert codes == dict.fromkeys((*VERBS, "--help", "--version"), 0) | {"check": 3}
    ended = re.findall(r"^code: (\d)", done.stdout, re.M)
    assert len(ended) == len(calls), done.stderr
