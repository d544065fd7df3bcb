"""The command line: help, exit codes, and what is printed for people and for programs."""

from __future__ import annotations

import csv
import gc
import inspect
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image

from cspine_edge import __version__
from cspine_edge.classifier import Classifier
from cspine_edge.cli import VERBS
from cspine_edge.cli.app import command_line
from cspine_edge.contract import KernelFamily
from cspine_edge.decision import Abstention, Threshold
from cspine_edge.errors import ExitCode
from cspine_edge.model_file import ModelFile
from cspine_edge.window import Window

Cli = Callable[..., Any]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of three grey PNG."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        grey = np.random.default_rng(number).integers(0, 256, (80, 60), dtype=np.uint8)
        Image.fromarray(grey).save(folder / f"slice{number}.png")
    return folder


@pytest.fixture
def model(int8_model: Path, tmp_path: Path) -> Path:
    """A copy of the shipped model, to be written to."""
    return Path(shutil.copy(int8_model, tmp_path / "model.tflite"))


# Help


def test_overview(cli: Cli) -> None:
    shown = cli("--help")
    assert shown.code == 0
    names = [re.split(" {2,}", line)[0] for line in commands(shown.out)]
    assert [name for name in names if " " not in name] == list(VERBS)
    assert [name for name in names if " " in name] == ["bench compare", "bench report"]
    assert [line.split()[0] for line in commands(cli("android", "--help").out)] == ["build", "verify"]
    assert all(len(line.split()) > 3 for line in commands(shown.out))
    text = " ".join(shown.out.split())
    assert "Research use only. Not a medical device." in text
    for code in ExitCode:
        assert re.search(rf"\b{int(code)} [a-z]", text.partition("Exit codes:")[2])


def test_each_verb_is_told_whole_in_80_columns(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for words in ([], ["android"]):
        for line in commands(cli(*words, "--help").out):
            name, sentence = re.split(" {2,}", line)
            assert sentence.endswith("."), line
            assert not sentence.endswith("..."), line
            assert len(sentence.split()) > 3, name


def commands(text: str) -> list[str]:
    return re.findall(r"^  (\w.*)$", text.partition("Commands:\n")[2], re.MULTILINE)


def test_without_arguments_it_shows_the_overview(cli: Cli) -> None:
    shown = cli()
    assert "Commands:" in shown.out + shown.err
    assert shown.code in (0, 2)  # 2 since click 8.2


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"cspine-edge {__version__}\n"


WORDS = [verb for verb in VERBS if verb != "android"]
WORDS += ["bench compare", "bench report", "android build", "android verify"]


@pytest.mark.parametrize("verb", WORDS)
def test_every_option_is_explained(cli: Cli, verb: str) -> None:
    shown = cli(*verb.split(), "--help")
    assert shown.code == 0
    parameters = command_of(verb).params
    assert parameters
    usage = re.sub(r"\s+", " ", shown.out.partition("\n\n")[0])
    arguments = [entry for entry in parameters if entry.param_type_name == "argument"]
    assert re.fullmatch(
        rf"Usage: .*{verb} \[OPTIONS\]" + r" (?:[A-Z]+|\[[A-Z]+\])(?:\.\.\.)?" * len(arguments), usage
    )
    for parameter in parameters:
        assert parameter.help, parameter.name
        assert parameter.name
        for name in parameter.opts:
            if name.startswith("--"):
                assert re.search(rf"{name}\b", shown.out), name
        # The sentence begins on the line of the option or, after a long name, on the next.
        assert parameter.help.split()[0] in shown.out
    function = getattr(import_module(f"cspine_edge.cli.{verb.split()[0]}"), verb.split()[-1])
    assert set(inspect.signature(function).parameters) == {parameter.name for parameter in parameters}


def command_of(verb: str) -> Any:
    group: Any = typer.main.get_command(command_line())
    of_android = verb.startswith("android ")
    return (group.commands["android"] if of_android else group).commands[verb.removeprefix("android ")]


def examples_of(verb: str) -> list[list[str]]:
    """The calls of the help's examples, without the program's name and without what a shell takes off."""
    lines = (command_of(verb).epilog or "").splitlines()
    assert lines[:2] == ["\b", "Examples:"]
    calls = [shlex.split(line.partition(" > ")[0]) for line in lines[2:]]
    assert all(call[0] == "cspine-edge" for call in calls)
    return [call[1:] for call in calls]


@pytest.mark.parametrize("verb", WORDS)
def test_help_ends_with_examples_that_parse(cli: Cli, verb: str) -> None:
    shown, calls = cli(*verb.split(), "--help").out, examples_of(verb)
    assert 1 <= len(calls) <= 3
    for call in calls:
        words = verb.split()
        assert call[: len(words)] == words
        group: Any = typer.main.get_command(command_line())
        name, command, rest = group.resolve_command(group.make_context("cspine-edge", list(call)), list(call))
        if name == "android":
            name, command, rest = command.resolve_command(command.make_context(name, list(rest)), rest)
        assert name == verb.removeprefix("android ")
        command.make_context(name, rest)  # raises where a shell would show the usage
    raw = [line for line in shown.splitlines() if line.startswith("    cspine-edge ")]
    assert [shlex.split(line.partition(" > ")[0])[1:] for line in raw] == calls


def test_examples_that_are_quick_run(
    cli: Cli, phantom_data: Path, int8_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(min(phantom_data.rglob("*.dcm")), "slice.dcm")
    shutil.copy(int8_model, "model.tflite")
    calls = [examples_of("phantom")[1], *examples_of("audit"), *examples_of("predict")[:2]]
    calls += [
        examples_of("bench")[0],
        *(c for v in ("verify", "inspect", "recommend", "doctor") for c in examples_of(v)),
    ]
    for call in calls:
        shown = cli(*call)
        assert (shown.code, bool(shown.out)) == (0, True), (call, shown.err)


def test_every_table_has_a_json_twin() -> None:
    verbs = (
        *(
            "quickstart",
            "phantom",
            "audit",
            "train",
            "convert",
            "check",
            "layers",
            "predict",
            "bench",
            "verify",
            "inspect",
        ),
        *("recommend", "doctor", "bench compare", "bench report", "android build", "android verify"),
    )
    for verb in verbs:
        function = getattr(import_module(f"cspine_edge.cli.{verb.split()[0]}"), verb.split()[-1])
        assert "as_json" in inspect.signature(function).parameters


def test_only_the_called_verb_is_imported(root: Path) -> None:
    program = (
        "import sys; sys.argv[1:] = ['verify', '--help']\n"
        "from cspine_edge.cli import main\n"
        "try: main()\n"
        "except SystemExit: print([m for m in sys.modules if m.startswith('cspine_edge.cli.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    assert "'cspine_edge.cli.verify'" in done.stdout
    assert "'cspine_edge.cli.predict'" not in done.stdout


def test_module_and_exit_code_of_a_process(root: Path) -> None:
    call = [sys.executable, "-m", "cspine_edge", "verify", "missing.tflite"]
    done = subprocess.run(call, capture_output=True, text=True, check=False, cwd=root)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: missing.tflite: cannot be read")


# predict


def test_predict_prints_a_line_a_slice(cli: Cli, pictures: Path) -> None:
    shown = cli("predict", pictures)
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines):
        assert re.fullmatch(
            rf"(normal|fracture) +[01]\.\d{{4}}  .*slice{number}\.png  as displayed", line.rstrip()
        )


def test_predict_json_is_one_array_that_agrees_with_the_library(
    cli: Cli, pictures: Path, int8_model: Path
) -> None:
    from cspine_edge.slices import read_slices

    shown = cli("predict", pictures, "--json", "--model", int8_model)
    verdicts = json.loads(shown.out)
    classifier = Classifier(int8_model)
    assert [Path(verdict["path"]).name for verdict in verdicts] == [f"slice{n}.png" for n in range(3)]
    for verdict in verdicts:
        expected = classifier.classify(next(read_slices(Path(verdict["path"]))))
        assert verdict["label"] == expected.label
        assert verdict["margin"] == expected.margin
        assert verdict["score"] == pytest.approx(expected.score, abs=1e-6)
        assert verdict["window"] is None
        assert verdict["window_source"] == "none"


def test_predict_says_which_slices_go_to_a_radiologist(cli: Cli, pictures: Path, model: Path) -> None:
    margins = sorted(v["margin"] for v in json.loads(cli("predict", pictures, "--json").out))
    file = ModelFile.read(model)
    assert file.contract is not None
    abstention = Abstention(0.9, margins[0], margins[0], 40, 50, "chosen for this test")
    contract = replace(file.contract, threshold=Threshold(margins[0]), abstention=abstention)
    replace(file, contract=contract).save(model, overwrite=True)
    verdicts = json.loads(cli("predict", pictures, "--json", "--model", model).out)
    refer = [verdict["margin"] == margins[0] for verdict in verdicts]
    assert 0 < sum(refer) < 3
    assert [verdict["refer"] for verdict in verdicts] == refer
    assert {(verdict["refer"], verdict["referral"], verdict["coverage"]) for verdict in verdicts} == {
        (True, "both labels are possible", 0.9),
        (False, "not needed", 0.9),
    }
    lines = cli("predict", pictures, "--model", model).out.splitlines()
    assert [", refer to a radiologist" in line for line in lines] == refer
    rows = list(csv.DictReader(io.StringIO(cli("predict", pictures, "--csv", "--model", model).out)))
    assert [row["refer"] for row in rows] == [str(needed) for needed in refer]
    shown = cli("inspect", model).out
    assert f"fracture possible from margin {margins[0]:.4f}" in shown
    assert "coverage 90 % on 40 fracture and 50 normal cases; chosen for this test" in shown


def test_predict_csv_has_a_header_and_the_same_rows(cli: Cli, pictures: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("predict", pictures, "--csv").out)))
    verdicts = json.loads(cli("predict", pictures, "--json").out)
    assert list(rows[0]) == list(verdicts[0])
    assert [row["path"] for row in rows] == [verdict["path"] for verdict in verdicts]
    assert [float(row["score"]) for row in rows] == [verdict["score"] for verdict in verdicts]


def test_predict_reads_dicom_with_its_window(cli: Cli, phantom_data: Path) -> None:
    verdicts = json.loads(cli("predict", phantom_data, "--json").out)
    assert len(verdicts) == 48
    assert {verdict["window_source"] for verdict in verdicts} <= {"file", "contract"}
    assert len({verdict["series"] for verdict in verdicts}) == 8


def windowless(source: Path, target: Path) -> Path:
    import pydicom

    dataset = pydicom.dcmread(source)
    del dataset.WindowCenter, dataset.WindowWidth
    dataset.save_as(target)
    return target


@pytest.mark.parametrize(
    "form", [[], ["--json"], ["--csv"], ["--threads", "1"], ["--out", "OUT"]], ids=lambda form: " ".join(form)
)
def test_a_window_that_is_ignored_is_told_once(
    cli: Cli, pictures: Path, phantom_data: Path, model: Path, tmp_path: Path, form: list[str]
) -> None:
    own = sorted(phantom_data.rglob("*.dcm"))[:2]
    without = windowless(own[0], tmp_path / "without.dcm")
    file = ModelFile.read(model)
    assert file.contract is not None
    assert file.contract.preprocessing.window is None

    def told(*words: object) -> str:
        (tmp_path / "out.jsonl").unlink(missing_ok=True)
        places = {"OUT": tmp_path / "out.jsonl"}
        shown = cli("predict", "--model", model, *words, *(places.get(word, word) for word in form))
        assert shown.code == 0
        return "".join(line for line in shown.err.splitlines() if "classified" not in line)

    used = told(without, "--window", "40/80")
    assert used == told(*own) == ""
    start = "note: --window 40/80 is ignored where "
    assert told(without, *own, "--window", "40/80") == f"{start}the file has its own window"
    assert told(*own, pictures, "--window", "40/80") == (
        f"{start}the file has its own window or a picture has 8 bits, and so no HU"
    )
    spec = replace(file.contract.preprocessing, window=Window(400, 1800))
    replace(file, contract=replace(file.contract, preprocessing=spec)).save(model, overwrite=True)
    assert told(without, *own, "--window", "40/80") == f"{start}the model's contract has a window"


@pytest.mark.parametrize("option", ["--json", "--csv", None])
def test_a_broken_input_is_named_and_the_others_go_on(
    cli: Cli, pictures: Path, tmp_path: Path, option: str | None
) -> None:
    (pictures / "slice1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    missing = tmp_path / "missing.dcm"
    shown = cli("predict", missing, pictures, *([option] if option else []))
    assert shown.code == 4
    *errors, last = shown.err.splitlines()
    assert last == "2 slices classified, 2 inputs could not be used"
    assert [line.startswith("error: ") for line in errors] == [True, True]
    assert str(missing) in errors[0]
    assert "slice1.png" in errors[1]
    if option == "--json":
        assert [Path(verdict["path"]).name for verdict in json.loads(shown.out)] == [
            "slice0.png",
            "slice2.png",
        ]
    else:
        assert len(shown.out.splitlines()) == (3 if option else 2)


def test_nothing_usable_is_still_an_array(cli: Cli, tmp_path: Path) -> None:
    shown = cli("predict", tmp_path / "missing.png", "--json")
    assert shown.code == 4
    assert json.loads(shown.out) == []


def test_a_missing_decoder_is_a_missing_extra(
    cli: Cli, pictures: Path, phantom_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pydicom
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGLSLossless

    from cspine_edge import dicom_pixels

    monkeypatch.setattr(dicom_pixels, "_PLUGINS", ("pydicom",))
    source = pydicom.dcmread(sorted(phantom_data.rglob("*.dcm"))[0])
    source.file_meta.TransferSyntaxUID = JPEGLSLossless
    source.PixelData = encapsulate([bytes(64)])
    source["PixelData"].is_undefined_length = True
    path = pictures / "compressed.dcm"
    source.save_as(path, enforce_file_format=True)
    alone = cli("predict", path)
    assert alone.code == 5
    assert "pip install 'cspine-edge[dicom]'" in alone.err
    assert cli("predict", pictures, pictures.parent / "missing").code == 4


def test_file_names_that_are_not_text_are_printed(pictures: Path, root: Path) -> None:
    try:
        os.rename(pictures / "slice0.png", os.fsencode(pictures) + b"/m\xfcller.png")  # noqa: PTH104
    except OSError:
        pytest.skip("the file system takes no such name")
    call = [sys.executable, "-m", "cspine_edge", "predict", str(pictures)]
    for option, name in (("--json", "m\\udcfcller.png"), ("--csv", "m\\udcfcller.png")):
        done = subprocess.run([*call, option], capture_output=True, check=False, cwd=root)
        assert done.returncode == 0, done.stderr.decode()
        assert name in done.stdout.decode()


def test_threshold_option(cli: Cli, pictures: Path) -> None:
    def labels(threshold: float) -> set[str]:
        verdicts = json.loads(cli("predict", pictures, "--json", "--threshold", threshold).out)
        return {verdict["label"] for verdict in verdicts}

    assert labels(1e-15) == {"fracture"}
    assert labels(1 - 1e-15) == {"normal"}


@pytest.mark.parametrize("value", ["1.7", "-3.2", "0", "nan"])
def test_a_threshold_that_is_a_margin_is_told_from_a_score(cli: Cli, pictures: Path, value: str) -> None:
    shown = cli("predict", pictures, f"--threshold={value}")
    assert (shown.code, shown.out) == (2, "")
    assert f"--threshold {value} is not between 0 and 1: it is a score, not a margin" in shown.err
    assert "(0 to 1; not a margin," in " ".join(cli("predict", "--help").out.split())


def test_model_without_contract_is_described_by_options(
    cli: Cli, pictures: Path, int8_model: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(ModelFile.read(int8_model).graph)
    known = json.loads(cli("predict", pictures, "--json", "--model", int8_model).out)
    described = ("--labels", "normal, fracture", "--outputs", "logits", "--value-range", "0,1")
    found = json.loads(cli("predict", pictures, "--json", "--model", bare, *described).out)
    assert [verdict["margin"] for verdict in found] == [verdict["margin"] for verdict in known]
    turned = ("--labels", "fracture,normal", "--outputs", "logits")
    found = json.loads(cli("predict", pictures, "--json", "--model", bare, *turned).out)
    assert [verdict["margin"] for verdict in found] == [-verdict["margin"] for verdict in known]


# verify, inspect


@pytest.mark.parametrize("family", ["xnnpack", "builtin", "reference"])
def test_verify_passes_with_every_kernel_family(cli: Cli, int8_model: Path, family: str) -> None:
    shown = cli("verify", int8_model, "--family", family)
    assert (shown.code, shown.err) == (0, "")
    assert f"{family} kernels" in shown.out
    assert shown.out.splitlines()[-1].startswith("passed: 4 golden pairs bit for bit")


def test_verify_all_families(cli: Cli, model: Path) -> None:
    shown = cli("verify", model, "--all-families")
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["equal"] * 3
    for family, line in zip(("xnnpack", "builtin", "reference"), lines, strict=False):
        assert f"{family} kernels: 4 golden pairs bit for bit; against the kernels in use 0 flips" in line
    assert lines[-1].startswith("passed: ")
    document = json.loads(cli("verify", with_other_golden(model), "--all-families", "--json").out)
    assert document["passed"] is False
    assert [pair["equal"] for pair in document["results"][1]["verification"]["pairs"]] == [
        False,
        True,
        True,
        True,
    ]
    assert cli("verify", model, "--all-families", "--family", "builtin").code == 2


def test_verify_fails_when_an_output_differs(cli: Cli, model: Path) -> None:
    tampered = with_other_golden(model)
    shown = cli("verify", tampered)
    assert shown.code == 1
    assert "DIFFERS" in shown.out
    assert "FAILED" in shown.out
    document = json.loads(cli("verify", tampered, "--json").out)
    assert document["passed"] is False
    assert [pair["equal"] for pair in document["pairs"]] == [False, True, True, True]
    assert document["pairs"][0]["largest_difference"] == 1


def with_other_golden(path: Path) -> Path:
    file = ModelFile.read(path)
    assert file.contract is not None
    first, *others = file.contract.golden
    expected = {
        family: tuple(tuple(value + (1 if value < 255 else -1) for value in row) for row in rows)
        for family, rows in first.expected.items()
    }
    golden = (replace(first, expected=expected), *others)
    return replace(file, contract=replace(file.contract, golden=golden)).save(path, overwrite=True).path


def test_inspect_shows_contract_and_graph(cli: Cli, int8_model: Path) -> None:
    shown = cli("inspect", int8_model)
    assert shown.code == 0
    for word in ("integer throughout", "looked for: fracture", "pillow-bilinear", "golden pairs", "medical"):
        assert word in shown.out
    document = json.loads(cli("inspect", int8_model, "--json").out)
    assert document["graph"]["input"]["shape"] == [1, 224, 224, 3]
    assert document["graph"]["float_operations"] == 0
    assert document["contract"] == json.loads(json.dumps(document["contract"]))
    assert document["contract"]["schema"] == "cspine-edge/contract"


def test_inspect_shows_a_model_without_contract(cli: Cli, int8_model: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(ModelFile.read(int8_model).graph)
    assert re.search(r"^contract +none$", cli("inspect", bare).out, re.MULTILINE)
    assert json.loads(cli("inspect", bare, "--json").out)["contract"] is None


# check


def test_check_records_its_verdict_and_says_how_many_series_are_missing(
    cli: Cli, model: Path, int8_model: Path, phantom_data: Path, tmp_path: Path
) -> None:
    call = ("check", model, "--reference", int8_model, "--data", phantom_data)
    shown = cli(*call, "--out", tmp_path / "report.json")
    assert shown.code == 3
    assert "TOO LITTLE EVIDENCE" in shown.out
    assert f"{299 - 8} more are needed" in shown.out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["schema"] == "cspine-edge/parity"
    assert report["missing_fracture_series"] == 299 - 8
    assert report["agreement"] == 1
    assert report["candidate_reliability"] == report["reference_reliability"]
    assert report["candidate_decision"]["threshold"] == report["reference_decision"]["threshold"]
    assert "ECE, its temperature" in shown.out
    assert "each at its own threshold" in shown.out
    contract = ModelFile.read(model).contract
    assert contract is not None
    assert contract.parity is not None
    assert contract.parity["verdict"] == "too little evidence"
    assert cli("verify", model).code == 0
    assert "too little evidence" in cli("inspect", model).out
    assert cli(*call, "--margin", "0.5").code == 0


def test_check_can_leave_the_model_alone(cli: Cli, model: Path, int8_model: Path, phantom_data: Path) -> None:
    before = model.read_bytes()
    shown = cli("check", model, "--reference", int8_model, "--data", phantom_data, "--no-record", "--json")
    assert shown.code == 3
    assert json.loads(shown.out)["verdict"] == "too little evidence"
    assert model.read_bytes() == before


def test_check_fails_a_model_that_decides_the_other_way_round(
    cli: Cli, int8_model: Path, phantom_data: Path, tmp_path: Path
) -> None:
    """The data are labelled as the reference ranks them, so that it is right on all of them."""
    file = ModelFile.read(int8_model)
    assert file.contract is not None
    verdicts = json.loads(cli("predict", phantom_data, "--json").out)
    margins = np.array([verdict["margin"] for verdict in verdicts])
    levels = np.unique(margins)
    assert len(levels) > 1
    middle = float(levels[len(levels) // 2 - 1 : len(levels) // 2 + 1].mean())
    rows = [
        f"{verdict['path']},{int(verdict['margin'] > middle)},{verdict['series']}" for verdict in verdicts
    ]
    data = tmp_path / "labels.csv"
    data.write_text("\n".join(["path,label,series", *rows]))
    contract = replace(file.contract, threshold=Threshold(logit=middle))
    reference = replace(file, contract=contract).save(tmp_path / "reference.tflite")
    turned = replace(reference, graph=with_rows_exchanged(int8_model, file.graph)).save(
        tmp_path / "turned.tflite"
    )
    shown = cli("check", turned.path, "--reference", reference.path, "--data", data)
    assert shown.code == 1, shown
    assert "verdict: FAILED: s" in shown.out
    assert "flip: " in shown.out
    contract_now = ModelFile.read(turned.path).contract
    assert contract_now is not None
    assert contract_now.parity is not None
    assert contract_now.parity["verdict"] == "failed"


def with_rows_exchanged(path: Path, graph: bytes) -> bytes:
    """The graph with the weights of the two logits exchanged."""
    interpreter = Classifier(path, family=KernelFamily.REFERENCE).session._interpreter
    last = [detail for detail in interpreter._get_ops_details() if detail["op_name"] == "FULLY_CONNECTED"][-1]
    weights = interpreter.get_tensor(int(last["inputs"][1]))
    assert weights.shape[0] == 2
    assert graph.count(weights.tobytes()) == 1
    return graph.replace(weights.tobytes(), weights[::-1].tobytes())


def test_check_refuses_a_reference_that_looks_for_something_else(
    cli: Cli, model: Path, int8_model: Path, phantom_data: Path
) -> None:
    file = ModelFile.read(model)
    assert file.contract is not None
    other = replace(file.contract, positive=file.contract.labels[0])
    replace(file, contract=other).save(model, overwrite=True)
    shown = cli("check", model, "--reference", int8_model, "--data", phantom_data)
    assert shown.code == 4
    assert "pair it with its own float model" in shown.err


def test_check_on_the_test_part_of_a_split(
    cli: Cli, model: Path, int8_model: Path, phantom_data: Path, tmp_path: Path
) -> None:
    assert cli("audit", phantom_data, "--out", tmp_path / "audit").code == 0
    split = json.loads((tmp_path / "audit" / "split.json").read_text())
    call = ("check", model, "--reference", int8_model, "--data", phantom_data, "--no-record", "--json")
    report = json.loads(cli(*call, "--split", tmp_path / "audit" / "split.json").out)
    assert report["reference_metrics"]["slices"] == len(split["test"])


def test_check_without_data_needs_the_run(cli: Cli, model: Path, int8_model: Path) -> None:
    assert "give --data DATA" in cli("check", model, "--reference", int8_model).err
    assert cli("check", model, "--reference", int8_model).code in (2, 4)


@pytest.mark.workstation
@pytest.mark.slow
def test_check_finds_data_and_reference_by_the_run(
    cli: Cli, small_int8_model: Path, float_model: Path
) -> None:
    shown = cli("check", small_int8_model, "--json")
    assert shown.code in (0, 1, 3)
    report = json.loads(shown.out)
    assert (report["candidate"], report["reference"]) == (small_int8_model.name, float_model.name)
    assert "series" in report["data"]
    contract = ModelFile.read(small_int8_model).contract
    assert contract is not None
    assert contract.parity is not None
    assert contract.parity["reference"] == float_model.name


# What others wrote

HOSTILE = "names\nverdict: PASSED\x1b[2J\x9b1m\r"
"""Would make a line of the tool's, and clear a terminal."""


def is_harmless(shown: Any) -> bool:
    lines = (shown.out + shown.err).split("\n")
    return all(line.isprintable() for line in lines) and "verdict: PASSED" not in [
        line[: len("verdict: PASSED")] for line in lines
    ]


@pytest.fixture
def hostile_slices(pictures: Path) -> Path:
    for number, path in enumerate(sorted(pictures.iterdir())):
        try:
            path.rename(path.with_name(f"{HOSTILE}{number}.png"))
        except OSError:
            pytest.skip("the file system takes no such name")
    return pictures


def test_texts_of_a_contract_are_shown_as_they_are(cli: Cli, model: Path) -> None:
    file = ModelFile.read(model)
    assert file.contract is not None
    assert file.contract.provenance is not None
    contract = replace(
        file.contract,
        intended_use=HOSTILE,
        provenance=replace(file.contract.provenance, data=HOSTILE),
        golden=tuple(replace(pair, image=f"{HOSTILE}{pair.image}") for pair in file.contract.golden),
    )
    attachments = {f"{HOSTILE}{name}": content for name, content in file.attachments.items()}
    replace(file, contract=contract, attachments=file.attachments | attachments).save(model, overwrite=True)
    for words in (["inspect", model], ["verify", model], ["inspect", model, "--json"]):
        shown = cli(*words)
        assert (shown.code, is_harmless(shown)) == (0, True), words
        assert "names\\u000averdict: PASSED\\u001b[2J\\u009b1m\\u000d" in shown.out or words[-1] == "--json"


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--threads", "1"]])
def test_names_of_slices_cannot_make_lines(cli: Cli, hostile_slices: Path, form: list[str]) -> None:
    (hostile_slices / f"{HOSTILE}3.png").write_bytes(b"")
    shown = cli("predict", hostile_slices, *form)
    assert (shown.code, is_harmless(shown)) == (4, True)
    if form == ["--json"]:
        assert all(HOSTILE in verdict["path"] for verdict in json.loads(shown.out))
    else:
        assert shown.out.count("\\u000averdict: PASSED\\u001b[2J\\u009b1m\\u000d") == 3
    if form == ["--csv"]:
        assert [row["label"] in ("fracture", "normal") for row in csv.DictReader(io.StringIO(shown.out))] == [
            True
        ] * 3


def test_names_of_flips_cannot_make_lines(
    cli: Cli, hostile_slices: Path, model: Path, int8_model: Path, tmp_path: Path
) -> None:
    margins = [verdict["margin"] for verdict in json.loads(cli("predict", hostile_slices, "--json").out)]
    file = ModelFile.read(model)
    assert file.contract is not None
    turned = replace(file.contract, threshold=Threshold(max(margins) + 1), abstention=None)
    if max(margins) < file.contract.threshold.logit:
        turned = replace(turned, threshold=Threshold(min(margins)))
    replace(file, contract=turned).save(model, overwrite=True)
    for number, path in enumerate(sorted(hostile_slices.iterdir())):
        folder = tmp_path / "data" / ("fracture" if number == 0 else "normal")
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.name)
    words = ("check", model, "--reference", int8_model, "--data", tmp_path / "data", "--no-record")
    shown = cli(*words, "--series-pattern", "(?P<series>.)$")
    assert shown.code in (1, 3), shown.err
    assert "  flip: " in shown.out
    assert is_harmless(shown)


def test_a_folder_s_name_cannot_make_lines(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    shown = cli("phantom", tmp_path / "file" / HOSTILE)
    assert (shown.code, is_harmless(shown)) == (4, True)
    shown = cli("predict", "--watch", tmp_path / HOSTILE, "--out", tmp_path / "verdicts.jsonl")
    assert (shown.code, is_harmless(shown)) == (4, True)
    shown = cli("phantom", tmp_path / HOSTILE, "--series", 1, "--slices", 1, "--size", 64)
    assert (shown.code, is_harmless(shown)) == (0, True)


def test_brackets_and_colons_are_no_markup(
    cli: Cli, int8_model: Path, phantom_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    file = ModelFile.read(int8_model)
    graph = file.graph.replace(b"quant_conv_dw_2/", b"quant_[/v_dw_2]/")
    names = ("[red]x.tflite", "[link=file:x]m:smile:.tflite")
    one, other = (replace(file, graph=graph).save(tmp_path / name).path for name in names)
    shown = cli("layers", one, "--reference", other, "--data", phantom_data, "--slices", 8)
    assert (shown.code, shown.err) == (0, "")
    assert "[/v_dw_2]" in shown.out
    assert " against ".join(names) in shown.out
    shown = cli("check", one, "--reference", other, "--data", phantom_data, "--no-record")
    assert shown.code == 3
    assert " against ".join(names) in shown.out


def test_verbs_print_in_one_way(root: Path) -> None:
    """By ``say``, ``show`` and ``print_json``, which take care of what others wrote."""
    for path in sorted((root / "cspine_edge/cli").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name not in ("options.py", "app.py"):
            assert "typer.echo" not in text, path.name
            assert "Console" not in text, path.name


# Pipes


def test_no_progress_bar_and_no_colour_in_a_pipe(pictures: Path, root: Path, phantom_data: Path) -> None:
    call = [sys.executable, "-m", "cspine_edge", "audit", str(phantom_data)]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=root)
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


def test_a_predict_that_fails_leaves_garbage_collection_on(cli: Cli, tmp_path: Path) -> None:
    assert cli("predict", tmp_path / "none.png", "--model", tmp_path / "none.tflite").code == 4
    assert gc.isenabled()
