"""Errors: the drawn tree is the real one, and every exit code is the documented one."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from cspine_edge import errors
from cspine_edge.errors import CspineError, ExitCode, InputError, MissingExtraError, ModelError, first_line

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, CspineError)
}


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    drawn: dict[str, tuple[str | None, int]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ([│├└─ ]*)(\w+Error) +(\d)", line)
        if found:
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            drawn[found[2]] = (path[depth - 1] if depth else None, int(found[3]))
    real = {
        name: (kind.__base__.__name__ if kind is not CspineError else None, int(kind.exit_code))
        for name, kind in CLASSES.items()
    }
    assert drawn == real


def test_exit_codes_are_those_of_the_command_line() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "GATE_FAILED": 1,
        "USAGE": 2,
        "TOO_LITTLE_EVIDENCE": 3,
        "BAD_INPUT": 4,
        "MISSING_EXTRA": 5,
    }


@pytest.mark.parametrize("kind", [kind for kind in CLASSES.values() if issubclass(kind, InputError)])
def test_an_input_error_names_its_file(kind: type[InputError]) -> None:
    error = kind("folder/scan.dcm", "is empty; copy it again")
    assert str(error) == "folder/scan.dcm: is empty; copy it again"
    assert (error.path, error.reason) == (Path("folder/scan.dcm"), "is empty; copy it again")
    assert error.exit_code is ExitCode.BAD_INPUT


def test_a_missing_extra_has_the_line_that_brings_it() -> None:
    error = MissingExtraError("training", "train")
    assert str(error) == "training needs an extra that is not installed: pip install 'cspine-edge[train]'"
    assert (error.extra, error.exit_code) == ("train", ExitCode.MISSING_EXTRA)


def test_the_named_extras_exist(root: Path) -> None:
    project = (root / "pyproject.toml").read_text()
    named = set()
    for path in (*(root / "cspine_edge").rglob("*.py"), *(root / "converters").rglob("*.py")):
        named |= set(re.findall(r'MissingExtraError\([^()]*"([a-z-]+)"\)', path.read_text()))
    assert named >= {"train", "tflite-runtime"}
    for extra in named:
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra


def test_a_contract_error_is_a_model_error() -> None:
    assert issubclass(errors.ContractError, ModelError)


@pytest.mark.parametrize(
    ("error", "said", "line"),
    [
        (ValueError("one\ntwo"), "", "one"),
        (ValueError("\n  one  \r\ntwo"), "beside it", "one"),
        (ValueError(""), "beside it\nand more", "beside it"),
        (ValueError(" \n"), "\n", "ValueError"),
        (ValueError("x" * 1000), "", "x" * 300),
    ],
)
def test_the_first_line_of_what_others_tell(error: Exception, said: str, line: str) -> None:
    assert first_line(error, said) == line
