"""A run folder: described so that it can be found, read again and moved with its data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cspine_edge.dataset import load_dataset
from cspine_edge.decision import Abstention, Threshold
from cspine_edge.errors import DatasetError, InputError, OutputError
from cspine_edge.preprocess import Preprocessing
from cspine_edge.run import Run, relative_data_path
from cspine_edge.splits import grouped_split
from cspine_edge.window import Window


def run(folder: Path, **changes: Any) -> Run:
    given: dict[str, Any] = {
        "folder": folder,
        "backbone": "mobilenet",
        "alpha": 0.25,
        "size": 96,
        "hidden_units": 16,
        "dropout": 0.5,
        "optimizer": "nadam",
        "protocol": "grouped",
        "weights": "imagenet",
        "seed": 3,
        "data": "../data",
        "series_pattern": None,
        "fingerprint": "ab" * 32,
        "preprocessing": Preprocessing(96, 96, 3, Window(400.0, 1800.0)),
        "threshold": Threshold(0.25, "chosen", 12),
        "settings": {"epochs": 2, "augmentation": {"flip": True}},
        "versions": {"tensorflow": "2.21.0"},
        "temperature": 1.5,
        "abstention": Abstention(0.95, -0.5, None, 30, 7, "chosen"),
    }
    return Run(**given | changes)


def test_round_trip(tmp_path: Path) -> None:
    described = run(tmp_path)
    described.save()
    assert Run.load(tmp_path) == described
    document = json.loads((tmp_path / "run.json").read_text())
    assert (document["schema"], document["version"]) == ("cspine-edge/run", 1)
    assert "folder" not in document
    with pytest.raises(OutputError):
        described.save()


def test_a_run_of_before_there_was_abstention_is_read(tmp_path: Path) -> None:
    run(tmp_path).save()
    document = json.loads((tmp_path / "run.json").read_text())
    del document["temperature"], document["abstention"]
    (tmp_path / "run.json").write_text(json.dumps(document))
    assert Run.load(tmp_path) == run(tmp_path, temperature=1.0, abstention=None)


def test_a_moved_folder_knows_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    run(tmp_path / "old").save()
    (tmp_path / "old").rename(tmp_path / "new")
    assert Run.load(tmp_path / "new").folder == tmp_path / "new"
    assert Run.load(tmp_path / "new").model_path == tmp_path / "new" / "model.keras"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "mobilenet-a0.25-96"),
        ({"alpha": 1.0, "size": 224}, "mobilenet-a1.0-224"),
        ({"backbone": "vgg16", "alpha": 1.0, "size": 224}, "vgg16-224"),
        ({"alpha": 1.0, "size": 224, "head": "linear"}, "mobilenet-a1.0-224"),
        ({"alpha": 0.5, "size": 208, "blocks": 8}, "mobilenet-a0.5-b8-208"),
    ],
)
def test_names_follow_the_grammar(tmp_path: Path, changes: dict[str, Any], name: str) -> None:
    assert run(tmp_path, **changes).name == name


def test_run_and_data_move_together(phantom_data: Path, tmp_path: Path) -> None:
    shutil.copytree(phantom_data, tmp_path / "here" / "data")
    folder = tmp_path / "here" / "runs" / "one"
    dataset = load_dataset(tmp_path / "here" / "data")
    relative = relative_data_path(dataset.root, folder)
    assert relative == "../../data"
    folder.mkdir(parents=True)
    run(folder, data=relative).save()
    split = grouped_split(dataset, 0)
    split.save(folder / "split.json")
    (tmp_path / "here").rename(tmp_path / "there")
    found = Run.load(tmp_path / "there" / "runs" / "one")
    assert found.split() == split
    assert found.dataset().slices == dataset.slices
    shutil.rmtree(tmp_path / "there" / "data")
    with pytest.raises(DatasetError, match="does not exist"):
        found.dataset()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (None, "is no finished run folder"),
        (lambda d: d.update(schema="other"), "is not version 1 of cspine-edge/run; train again"),
        (lambda d: d.update(version=2), "is not version 1 of cspine-edge/run; train again"),
        (lambda d: d.pop("optimizer"), "is malformed .*optimizer is missing"),
        (lambda d: d.update(size="96"), "is malformed .*size should be an integer"),
        (lambda d: d["threshold"].update(logit=None), "is malformed .*threshold.logit should be a number"),
    ],
)
def test_what_is_no_run_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], object] | None, reason: str
) -> None:
    if change is not None:
        run(tmp_path).save()
        path = tmp_path / "run.json"
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=reason):
        Run.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xff", b'{"schema": NaN}'])
def test_a_broken_description_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InputError, match=r"run\.json: is "):
        Run.load(tmp_path)
    with pytest.raises(InputError, match="is no finished run folder"):
        Run.load(tmp_path / "missing")


@pytest.mark.workstation
@pytest.mark.slow
def test_a_training_leaves_a_run_that_is_read_again(small_run: Path, phantom_data: Path) -> None:
    found = Run.load(small_run)
    assert found.name == "mobilenet-a0.25-96"
    assert found.preprocessing == Preprocessing(96, 96, 3, Window(400.0, 1800.0))
    assert found.dataset().root.samefile(phantom_data)
    assert found.fingerprint == found.dataset().fingerprint()
    split = found.split()
    assert split.held_out
    assert found.model_path.is_file()
    assert {path.name for path in small_run.iterdir()} >= {"metrics.json", "curves.png", "confusion.png"}
    assert not list(small_run.rglob("*.part"))
