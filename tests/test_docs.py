"""The pages that are made from the code are what the code says, and links between pages lead somewhere."""

from __future__ import annotations

import ast
import dataclasses
import os
import re
import runpy
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def test_the_command_line_reference_is_that_of_the_code(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "docs/make_cli.py", "--check"], capture_output=True, text=True, cwd=root, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_changed_reference_is_noticed(root: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "docs"
    folder.mkdir()
    shutil.copy(root / "docs/make_cli.py", folder)
    text = (root / "docs/cli.md").read_text(encoding="utf-8")
    (folder / "cli.md").write_text(text.replace("--json", "--yaml", 1), encoding="utf-8")
    call = [sys.executable, str(folder / "make_cli.py"), "--check"]
    done = subprocess.run(
        call, capture_output=True, text=True, cwd=root, env={"PYTHONPATH": str(root)}, check=False
    )
    assert done.returncode == 1
    assert "run 'python docs/make_cli.py'" in done.stderr


def test_the_architecture_names_each_module_once(root: Path) -> None:
    page = (root / "docs/architecture.md").read_text(encoding="utf-8")
    table = page.split("### `cspine_edge/`, module by module")[1].split("###")[0]
    names = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`(.+?)`", row)
    ]
    package = root / "cspine_edge"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    rooms = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")} - {"training/"}
    assert sorted(names) == sorted(modules | rooms)
    (row,) = re.findall(r"^\| `android/` \| (.*) \|$", table, re.M)
    parts = {path.stem for path in (package / "android").glob("*.py")} - {"__init__"}
    assert set(re.findall(r"`(\w+)`", row)) == parts


def anchors(text: str) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    bare = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in bare}


PAGES = ["README.md", "CONTRIBUTING.md", "models/README.md", "results/README.md", "docs"]


@pytest.mark.parametrize("place", PAGES)
def test_links_lead_somewhere(root: Path, place: str) -> None:
    pages = sorted((root / place).glob("*.md")) if (root / place).is_dir() else [root / place]
    assert pages
    for page in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            name, _, anchor = target.partition("#")
            if ":" in name:  # a link to the web
                continue
            file = (page.parent / name) if name else page
            assert file.exists(), f"{page.name}: {target}"
            if anchor and file.suffix == ".md":
                assert anchor in anchors(file.read_text(encoding="utf-8")), f"{page.name}: {target}"


# Errors and fields that the pages name


def templates(root: Path) -> Iterator[str]:
    """All texts of the code; what a format string fills in is an ellipsis."""
    for room in ("cspine_edge", "converters", "calibration"):
        for path in (root / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
                    yield "".join(map(str, parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def is_printed(sentence: str, texts: list[str]) -> bool:
    """Whether a sentence of the FAQ is one of the texts, or one with its gaps filled in."""
    for text in texts:
        literal = text.replace("…", "")
        if len(literal) < max(12, 0.6 * len(sentence.replace("…", ""))):
            continue
        pattern = ".+?".join(map(re.escape, text.split("…")))
        if re.fullmatch(pattern, sentence):
            return True
    return False


def test_the_faq_quotes_what_the_tool_prints(root: Path) -> None:
    page = (root / "docs/faq.md").read_text(encoding="utf-8")
    first, _, errors = page.partition("\n## What the errors mean\n")
    questions = re.findall(r"^#### (.+)$", first, re.M)
    assert questions
    assert all(question.endswith("?") and "`" not in question for question in questions)
    sentences = re.findall(r"^#### `(.+)`$", errors, re.M)
    assert len(sentences) == errors.count("\n#### ") >= 40
    texts = list(templates(root))
    assert [sentence for sentence in sentences if not is_printed(sentence, texts)] == []


def test_a_sentence_that_is_not_printed_is_noticed(root: Path) -> None:
    texts = list(templates(root))
    assert is_printed("has only one series (…); none can be held out", texts)
    assert not is_printed("has only two series (…); none can be held out", texts)
    assert not is_printed("…", texts)


def names(kind: Any, prefix: str = "") -> Iterator[str]:
    """Dotted names of the fields of a dataclass and of those in it, as its JSON has them."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        yield f"{prefix}{field.name}"
        for inner in (hints[field.name], *typing.get_args(hints[field.name])):
            if dataclasses.is_dataclass(inner):
                yield from names(inner, f"{prefix}{field.name}.")


def test_the_contract_is_specified_to_the_last_field(root: Path, int8_model: Path) -> None:
    from cspine_edge.contract import Contract
    from cspine_edge.model_file import ModelFile

    page = (root / "docs/contract.md").read_text(encoding="utf-8")
    table = page.partition("## Fields")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \| ([^|]+) \| ([^|]+) \|$", table, re.M)
    specified = [name for row in rows for name in re.findall(r"`([\w.]+)`", row[0])]
    contract = ModelFile.read(int8_model).contract
    assert contract is not None
    assert contract.parity is not None
    expected = {"schema", "version", *names(Contract), *(f"parity.{name}" for name in contract.parity)}
    assert sorted(specified) == sorted(expected)
    assert "provenance.in_float" in expected
    kinds: dict[str, Any] = {"string": str, "integer": int, "number": int | float, "object": dict}
    document = contract.to_json()
    for cell, stated, _ in rows:  # the stated types, against a contract that ships
        kind, _, null = stated.strip().partition(" or ")
        for name in re.findall(r"`([\w.]+)`", cell):
            *above, last = name.split(".")
            place: Any = document
            for part in above:
                place = place[part]
            if isinstance(place, list):
                place = place[0]
            if place is not None:  # of an object that may be null and is
                value = place[last]
                ok = isinstance(value, kinds.get(kind.partition(" of ")[0], list))
                assert ok or (null and value is None), name


def test_who_reads_models_elsewhere_finds_the_figures_of_the_page(
    root: Path, int8_model: Path, tmp_path: Path
) -> None:
    from cspine_edge import Classifier
    from cspine_edge.phantom import write_phantom
    from cspine_edge.slices import read_slices

    page = (root / "docs/contract.md").read_text(encoding="utf-8")
    part = page.partition("## Test your reader")[2].partition("\n## ")[0]
    classifier = Classifier(int8_model)
    (first, second), (normal, fracture) = classifier.contract.golden[0].expected["xnnpack"]
    assert f"probabilities {first:.0f}, {second:.0f} and the logits {normal:.0f}, {fracture:.0f}" in part
    logits = classifier.session.outputs[classifier.contract.outputs.logits]
    margin = (fracture - normal) * logits.scale
    assert f"scale {logits.scale} and zero point {logits.zero_point}" in part
    assert f"({fracture:.0f} − {normal:.0f}) × {logits.scale} = {margin:.7f}".replace("-", "−") in part
    decision = classifier.contract.decision
    assert decision.abstention is not None
    assert f"threshold {decision.threshold.logit:.7f}".replace("-", "−") in part
    for name, bound in (
        ("`fracture_from`\n   ", decision.abstention.fracture_from),
        ("`normal_up_to` ", decision.abstention.normal_up_to),
    ):
        assert f"{name}{bound:.3f}".replace("-", "−") in part
    image = tmp_path / "0.png"
    image.write_bytes(classifier.file.attachments["golden/0.png"])
    verdict = classifier.classify(next(read_slices(image)))
    assert (verdict.margin, verdict.referral.value) == (pytest.approx(margin), "neither label is likely")
    assert f"(`{verdict.label}`)" in part

    write_phantom(tmp_path / "ct", series=1, slices=1, seed=1, size=128)
    next((tmp_path / "ct").rglob("*.dcm")).rename(tmp_path / "slice.dcm")
    (tmp_path / "model.tflite").symlink_to(int8_model)
    code = part.partition("```python\n")[2].partition("```")[0]
    environment = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[2] in classifier.contract.labels
    spec = classifier.contract.preprocessing
    assert (tmp_path / "levels.bin").stat().st_size == spec.height * spec.width


@pytest.mark.parametrize("kind", ["audit", "check", "predict", "bench"])
def test_screens_are_small_and_name_no_place(root: Path, kind: str) -> None:
    """Pictures of terminals, made by docs/make_screens.py from commands of the tutorial."""
    text = (root / f"docs/screens/{kind}.svg").read_text(encoding="utf-8")
    assert len(text) < 60_000
    assert not re.search(r"/tmp/|/home/|/root|@font-face|https?://(?!www\.w3\.org|www\.textualize)", text)
    assert f"cspine-edge&#160;{kind}" in text
    page = (root / "docs/tutorial.md").read_text(encoding="utf-8") + (root / "README.md").read_text(
        encoding="utf-8"
    )
    page += (root / "docs/results.md").read_text(encoding="utf-8")
    assert f"screens/{kind}.svg" in page


def test_screens_are_of_commands_that_are_executed(root: Path) -> None:
    script = runpy.run_path(str(root / "docs/make_screens.py"))
    readme = (root / "README.md").read_text(encoding="utf-8")
    typed = {*script["tutorial"](), *(line.partition("  #")[0].strip() for line in readme.splitlines())}
    assert set(script["SCREENS"]) == {path.stem for path in (root / "docs/screens").glob("*.svg")}
    for screen in script["SCREENS"].values():
        assert screen.command in typed


def test_a_screen_shows_what_was_printed(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = runpy.run_path(str(root / "docs/make_screens.py"))
    monkeypatch.setitem(script["draw"].__globals__, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    printed = script["run"]("cspine-edge verify", tmp_path)
    script["draw"]("verify", script["Screen"]("cspine-edge verify", 2, "passed"), printed)
    text = (tmp_path / "docs/screens/verify.svg").read_text().replace("&#160;", " ")
    assert "cspine-edge verify" in text
    assert text.count("golden/") == 2
    assert "passed: 4 golden pairs bit for bit" in text
