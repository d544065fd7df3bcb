"""JSON Schema of the bench's report, and the list of its fields in docs/bench.md, from the dataclasses it is made of.

    python benchmarks/bench_schema.py [--check]

writes ``docs/bench.schema.json`` and the part of ``docs/bench.md`` between its marks; ``--check`` fails if they are not
what the dataclasses say. Types come from the annotations, descriptions from the docstrings.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import types
import typing
from dataclasses import fields, is_dataclass
from enum import Enum
from inspect import cleandoc
from pathlib import Path
from typing import Any

from cspine_edge.bench_report import SCHEMA, VERSION, BenchReport

ROOT = Path(__file__).parents[1]
SCHEMA_FILE = Path("docs/bench.schema.json")
PAGE = Path("docs/bench.md")
_MARKS = re.compile(r"(<!-- fields -->\n).*?(<!-- end: fields -->)", re.DOTALL)
_PLAIN = {int: "integer", float: "number", str: "string", bool: "boolean"}
_NEVER_NEGATIVE = re.compile(
    r"_(ms|s|mib|mhz|bytes|runs)$|^(runs|threads|size|height|width|seed|macs|files)$"
)


def schema() -> dict[str, Any]:
    """Give the JSON Schema, draft 2020-12."""
    definitions: dict[str, Any] = {}
    report = _object(BenchReport, definitions)
    report["properties"] = {
        "schema": {"const": SCHEMA, "description": "What this document is."},
        "version": {
            "const": VERSION,
            "description": "Of the schema; it grows when a field is added or changes.",
        },
    } | report["properties"]
    report["required"] = ["schema", "version", *report["required"]]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Report of cspine-edge bench"}
    return head | report | {"$defs": dict(sorted(definitions.items()))}


def _object(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    described, hints = descriptions(kind), typing.get_type_hints(kind)
    properties = {}
    for field in fields(kind):
        entry = _type(hints[field.name], definitions) | {"description": described[field.name]}
        if _NEVER_NEGATIVE.search(field.name) and entry.get("type") != "array":
            entry["minimum"] = 0
        properties[field.name] = entry
    return {
        "description": cleandoc(kind.__doc__).partition("\n\n")[0].replace("\n", " ").replace("``", "`"),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _type(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = _type(next(choice for choice in arguments if choice is not type(None)), definitions)
        if "type" in inner:
            return inner | {"type": [inner["type"], "null"]}
        return {"anyOf": [inner, {"type": "null"}]}
    if origin is tuple and arguments[-1] is ...:
        return {"type": "array", "items": _type(arguments[0], definitions)}
    if origin is tuple:
        entries = [_type(argument, definitions) for argument in arguments]
        return {"type": "array", "prefixItems": entries, "minItems": len(entries), "maxItems": len(entries)}
    if is_dataclass(hint):
        name = typing.cast(type, hint).__name__
        if name not in definitions:
            definitions[name] = {}  # keeps a class that holds itself from going on for ever
            definitions[name] = _object(hint, definitions)
        return {"$ref": f"#/$defs/{name}"}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    return {"type": _PLAIN[hint]}


def descriptions(kind: Any) -> dict[str, str]:
    """Give the text on each field in the section "Attributes" of a dataclass's docstring."""
    section = re.search(r"Attributes\n-+\n(.*?)(?=\n\n\w+\n-+\n|\Z)", cleandoc(kind.__doc__), re.DOTALL)
    found: dict[str, str] = {}
    names: list[str] = []
    for line in (section[1] if section else "").splitlines():
        if line and not line.startswith(" "):
            names = [name.strip() for name in line.split(",")]
            found |= dict.fromkeys(names, "")
        else:
            found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
    return {name: text.replace("``", "`") for name, text in found.items()}


def field_list(document: dict[str, Any]) -> str:
    """Give the fields as Markdown, a table for each kind of object."""
    parts = [_table("the report", document)]
    parts += [_table(f"`{name}`", entry) for name, entry in document["$defs"].items()]
    return "\n".join(parts)


def _table(name: str, entry: dict[str, Any]) -> str:
    rows = [
        f"| `{field}` | {_short(facts)} | {facts['description']} |"
        for field, facts in entry["properties"].items()
    ]
    return "\n".join(
        [f"**{name}**: {entry['description']}", "", "| field | type | |", "|---|---|---|", *rows, ""]
    )


def _short(facts: dict[str, Any]) -> str:
    if "const" in facts:
        return f"`{json.dumps(facts['const'])}`"
    if "enum" in facts:
        return ", ".join(f'"{value}"' for value in facts["enum"])
    if "$ref" in facts:
        return f"`{facts['$ref'].rpartition('/')[2]}`"
    if "anyOf" in facts:
        return " or ".join(_short(choice) for choice in facts["anyOf"])
    kinds = facts["type"] if isinstance(facts["type"], list) else [facts["type"]]
    if kinds[0] == "array":
        inner = "two numbers" if "prefixItems" in facts else f"list of {_short(facts['items'])}"
        return " or ".join([inner, *kinds[1:]])
    return " or ".join(kinds)


def main() -> None:
    """Write the two files, or check them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    document = schema()
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    made = {
        SCHEMA_FILE: json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        PAGE: _MARKS.sub(lambda marks: f"{marks[1]}{field_list(document)}{marks[2]}", page),
    }
    for name, text in made.items():
        path = ROOT / name
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{name} is not what the dataclasses say; run 'python benchmarks/bench_schema.py'")


if __name__ == "__main__":
    main()
