"""Documents: dataclasses to JSON and back, every type checked on the way in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Optional

import pytest

from cspine_edge.documents import DocumentError, decode, encode, parse


class Colour(str, Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    size: int
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("size should not be below 0")


@dataclass(frozen=True)
class Outer:
    name: str
    colour: Colour
    inner: Inner
    pair: tuple[int, float]
    many: tuple[Inner, ...] = ()
    table: dict[str, tuple[int, ...]] = field(default_factory=dict)
    place: Path | None = None
    old_style: Optional[int] = None  # noqa: UP045
    free: Any = None
    flag: bool = False


FULL = Outer(
    name="é",
    colour=Colour.BLUE,
    inner=Inner(3, 1.0),
    pair=(1, 2.0),
    many=(Inner(1), Inner(2)),
    table={"a": (1, 2)},
    place=Path("x/y"),
    old_style=4,
    free={"anything": [1, None]},
    flag=True,
)


def document(**changes: Any) -> dict[str, Any]:
    return encode(FULL) | changes


def test_round_trip() -> None:
    assert decode(Outer, encode(FULL)) == FULL


def test_encoding_gives_plain_data() -> None:
    assert encode(FULL) == {
        "name": "é",
        "colour": "blue",
        "inner": {"size": 3, "share": 1.0},
        "pair": [1, 2.0],
        "many": [{"size": 1, "share": 0.5}, {"size": 2, "share": 0.5}],
        "table": {"a": [1, 2]},
        "place": "x/y",
        "old_style": 4,
        "free": {"anything": [1, None]},
        "flag": True,
    }


def test_defaults_fill_in_and_unknown_fields_are_passed_over() -> None:
    small = {"name": "n", "colour": "red", "inner": {"size": 0}, "pair": [0, 0], "of a later version": 1}
    assert decode(Outer, small) == Outer("n", Colour.RED, Inner(0), (0, 0.0))


def test_whole_numbers_are_numbers() -> None:
    decoded = decode(Outer, document(pair=[1, 2]))
    assert decoded.pair == (1, 2.0)
    assert isinstance(decoded.pair[1], float)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 1}, "name should be a string"),
        ({"name": None}, "name should be a string"),
        ({"colour": "green"}, "colour should be one of red, blue"),
        ({"colour": ["red"]}, "colour should be one of red, blue"),
        ({"inner": []}, "inner should be an object"),
        ({"inner": {}}, "inner.size is missing"),
        ({"inner": {"size": 1.0}}, "inner.size should be an integer"),
        ({"inner": {"size": True}}, "inner.size should be an integer"),
        ({"inner": {"size": 1, "share": "all"}}, "inner.share should be a number"),
        ({"inner": {"size": 1, "share": False}}, "inner.share should be a number"),
        ({"inner": {"size": 1, "share": 10**400}}, "inner.share should be a finite number"),
        ({"inner": {"size": -1}}, "inner: size should not be below 0"),
        ({"pair": [1]}, "pair should have 2 entries"),
        ({"pair": {"0": 1}}, "pair should be a list"),
        ({"many": [{"size": 1}, {"size": "2"}]}, r"many\[1\].size should be an integer"),
        ({"table": []}, "table should be an object"),
        ({"table": {"a": [1, "2"]}}, r"table.a\[1\] should be an integer"),
        ({"place": 1}, "place should be "),
        ({"old_style": "4"}, "old_style should be an integer"),
        ({"flag": 1}, "flag should be true or false"),
    ],
)
def test_a_wrong_type_is_named_with_its_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        decode(Outer, document(**changes))


@pytest.mark.parametrize("whole", [None, [], "text", 1])
def test_a_document_that_is_no_object(whole: Any) -> None:
    with pytest.raises(DocumentError, match="the document should be an object"):
        decode(Outer, whole)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("{'a': 1}", "is not JSON"),
        (b"\xff\xff", "is not JSON"),
        ("[1, NaN]", "holds NaN"),
        ("-Infinity", "holds -Infinity"),
        ("[1e400]", "holds 1e400, which is too large"),
        ("[" * 200_000, "is not JSON"),
        ("1" * 5000, "is not JSON"),
    ],
    ids=["empty", "quotes", "bytes", "nan", "infinity", "too large", "deep", "long"],
)
def test_what_is_no_json_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        parse(text)


def test_json_is_parsed() -> None:
    assert parse('{"a": [1, 2.5, null, "é"]}'.encode()) == {"a": [1, 2.5, None, "é"]}
