"""Nothing is unpickled or executed from what is read, and nothing that names a person is written."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from outcome import PERSON, Outcome

Cli = Callable[..., Outcome]
ROOT = Path(__file__).parents[1]
ROOMS = ("cspine_edge", "converters", "calibration", "benchmarks")

UNPICKLERS = {
    "pickle",
    "cPickle",
    "_pickle",
    "cloudpickle",
    "dill",
    "joblib",
    "marshal",
    "shelve",
    "yaml",
    "torch",
}
RUNNERS = {"eval", "exec", "compile", "__import__"}
LOADERS = {
    "load_model": {"converters/keras_model.py"},
    "load_weights": set[str](),
    "load_op_library": set[str](),
    "from_saved_model": {
        "converters/tflite.py",
        "benchmarks/bakeoff.py",
    },  # of what was written a line before
    "system": set[str](),
    "popen": set[str](),
}
"""What makes code or objects of a file's content, and where it may be called."""


def doors(tree: ast.AST, module: str) -> Iterator[str]:
    """Name each place where content could become code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in UNPICKLERS)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLERS:
            yield f"from {node.module}"
        elif isinstance(node, ast.Call):
            function = node.func
            name = getattr(function, "id", None) or getattr(function, "attr", "")
            if isinstance(function, ast.Name) and name in RUNNERS:
                yield name
            is_os = (
                getattr(getattr(function, "value", None), "id", "os") == "os"
            )  # platform.system is another
            if name in LOADERS and module not in LOADERS[name] and (is_os or name != "system"):
                yield name
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            for option in ("allow_pickle", "shell", "unsafe"):
                value = given.get(option)
                if value is not None and not (isinstance(value, ast.Constant) and value.value is False):
                    yield option


@pytest.mark.parametrize("room", ROOMS)
def test_no_door(room: str) -> None:
    modules = sorted((ROOT / room).rglob("*.py"))
    assert modules
    for path in modules:
        found = list(doors(ast.parse(path.read_text(encoding="utf-8")), path.relative_to(ROOT).as_posix()))
        assert not found, f"{path}: {found}"


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import torch.serialization",
        "eval(text)",
        "exec(text)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=allowed)",
        "subprocess.run(line, shell=True)",
        "os.system(line)",
        "keras.models.load_model(path)",
        "tf.saved_model.load_model(path)",
        "yaml.load(text); import yaml",
    ],
)
def test_the_reader_of_doors_sees_them(code: str) -> None:
    assert list(doors(ast.parse(code), "cspine_edge/some.py"))


def test_a_pickle_in_place_of_features_or_a_checkpoint_is_not_read(tmp_path: Path) -> None:
    import pickle
    import zipfile

    pytest.importorskip("tensorflow")
    from cspine_edge.training.feed import _kept

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "trap",)

    hostile = np.array([Trap()], dtype=object)
    (tmp_path / "bare.npz").write_bytes(pickle.dumps(Trap()))
    np.savez(tmp_path / "object.npz", features=hostile)
    with zipfile.ZipFile(tmp_path / "member.npz", "w") as archive:
        archive.writestr("features.float32", pickle.dumps(Trap()))
    for name in ("bare", "object", "member"):
        assert _kept(tmp_path / f"{name}.npz", (7, 3)) is None
    assert not (tmp_path / "trap").exists()


def test_weights_of_an_onnx_model_are_not_taken_from_another_file(
    cli: Cli, tmp_path: Path, phantom_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx")
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    np.arange(6, dtype=np.float32).tofile(tmp_path / "secret.bin")
    weights = onnx.numpy_helper.from_array(np.zeros((3, 2), np.float32), "w")
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "secret.bin"), ("offset", "0"), ("length", "24")):
        weights.external_data.add(key=key, value=value)
    # ONNX Runtime itself would read them: it leaves alone what it does not optimise.
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    image = helper.make_tensor_value_info("x", float32, [1, 3, 1, 1])
    logits = helper.make_tensor_value_info("y", float32, [1, 2])
    graph = helper.make_graph(nodes, "g", [image], [logits], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    monkeypatch.chdir(tmp_path)
    told = cli(
        "predict", phantom_data, "--model", "model.onnx", "--labels", "normal,fracture", "--threads", 1
    )
    assert told.code == 4
    assert "has weights in another file" in told.err
    assert not told.out


def test_a_new_process_of_bench_imports_nothing_from_the_folder_it_is_started_in(
    cli: Cli, int8_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "importlib", "pathlib", "dl", "numpy", "ai_edge_litert"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'trap')!r}, 'w')\nraise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    told = cli("bench", int8_model, "--quick", "--json")
    assert told.code == 0
    assert json.loads(told.out)["cold_start"]
    assert not (tmp_path / "trap").exists()


# What is written of a person


def named(content: bytes | str) -> bool:
    if isinstance(content, bytes):
        content = content.decode("latin-1")
    return bool(re.search(f"{PERSON}|19010203", content, re.IGNORECASE))


def test_the_files_that_are_read_do_name_a_person(phantom_data: Path) -> None:
    files = sorted(phantom_data.rglob("*.dcm"))
    assert len(files) == 48
    assert all(named(path.read_bytes()) for path in files)


def files_of(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]])
def test_predict_names_nobody(cli: Cli, form: list[str], phantom_data: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.dcm"
    whole = next(phantom_data.rglob("*.dcm")).read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    headless = tmp_path / "headless.dcm"
    headless.write_bytes(whole[: whole.index(PERSON.encode()) + 8])
    told = cli("predict", phantom_data, broken, headless, *form)
    assert told.code == 4
    assert "broken.dcm" in told.err
    assert "headless.dcm" in told.err
    assert len(told.out.splitlines()) >= 48
    assert not named(told.out + told.err)


def test_audit_and_check_name_nobody(cli: Cli, phantom_data: Path, int8_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    model = tmp_path / "model.tflite"
    model.write_bytes(int8_model.read_bytes())
    out = tmp_path / "out"
    audited = cli("audit", phantom_data, "--out", out)
    reports = ["--out", out / "check.json", "--html", out / "check.html"]
    checked = cli("check", model, "--reference", int8_model, "--data", phantom_data, *reports)
    timed = cli("bench", int8_model, "--quick", "--images", phantom_data, "--out", out / "bench.json")
    assert (audited.code, checked.code, timed.code) == (0, 3, 0)
    assert len(files_of(out)) == 6
    for path in files_of(out):
        assert not named(path.read_bytes()), path
    assert not named(model.read_bytes())
    assert not named("".join(told.out + told.err for told in (audited, checked, timed)))


@pytest.mark.workstation
def test_runs_and_models_name_nobody(
    small_run: Path, small_int8_model: Path, float_model: Path, phantom_data: Path
) -> None:
    """Nor what lies beside the run: the features of the frozen base."""
    files = files_of(small_run, small_run.parent / "features")
    assert {small_int8_model, float_model, small_run / "run.json"} <= set(files)
    for path in files:
        assert not named(path.read_bytes()), path
