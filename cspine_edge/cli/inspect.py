"""The verb ``inspect``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import typer

from .options import JsonOption, ModelArgument, examples, print_json, say

if TYPE_CHECKING:
    from ..contract import Contract


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("inspect", epilog=examples("cspine-edge inspect", "cspine-edge inspect model.tflite --json"))(
        inspect
    )


def inspect(
    model: ModelArgument = None,
    as_json: JsonOption = False,
) -> None:
    """Show a model's contract and its graph in short."""
    from ..model_file import ModelFile
    from ..runtime import open_to_list
    from ..shipped import find_model

    file = ModelFile.read(find_model(model))
    session = open_to_list(file.path, file.graph, file.graph_sha256)
    operations = session.operations()
    floating = sum(operation.is_float for operation in operations)
    counts = Counter(operation.name for operation in operations)
    tensors = [session.input, *session.outputs]
    if as_json:
        described = [
            {
                "name": t.name,
                "shape": list(t.shape),
                "dtype": t.dtype.name,
                "scale": t.scale,
                "zero_point": t.zero_point,
            }
            for t in tensors
        ]
        graph = {
            "input": described[0],
            "outputs": described[1:],
            "operations": counts,
            "float_operations": floating,
        }
        contract = file.contract.to_json() if file.contract else None
        print_json(
            {"path": str(file.path), "graph_bytes": len(file.graph), "graph": graph, "contract": contract}
        )
        return
    rows = [("file", f"{file.path}, graph {len(file.graph) / 1e6:.2f} MB")]
    rows += [
        (
            "input" if position == 0 else "output",
            f"{t.name} {t.shape} {t.dtype.name}, scale {t.scale:.6g}, zero point {t.zero_point}",
        )
        for position, t in enumerate(tensors)
    ]
    rows.append(("operations", ", ".join(f"{count} {name}" for name, count in counts.most_common())))
    rows.append(
        (
            "arithmetic",
            f"{floating} of {len(operations)} operations in floating point"
            if floating
            else "integer throughout",
        )
    )
    rows += _contract_rows(file.contract) if file.contract else [("contract", "none")]
    for name, value in rows:
        say(f"{name:<14}{value}")


def _contract_rows(contract: Contract) -> list[tuple[str, str]]:
    spec, origin, parity = contract.preprocessing, contract.provenance, contract.parity
    low, high = spec.value_range
    window = f"window {spec.window} HU" if spec.window else "the file's own window"
    rows = [
        (
            "preprocessing",
            f"{spec.height} x {spec.width} x {spec.channels}, {contract.resize}, {window}, "
            f"values {low:g} to {high:g}",
        ),
        ("labels", f"{', '.join(contract.labels)}; looked for: {contract.positive}"),
        ("threshold", f"margin {contract.threshold.logit:.4f}; {contract.threshold.method}"),
        ("temperature", f"{contract.temperature:.4g}"),
        ("abstention", str(contract.abstention or "none: no slice is sent to a radiologist")),
    ]
    if origin is not None:
        versions = ", ".join(f"{name} {number}" for name, number in origin.versions.items())
        taught = f", learned from {origin.teacher.split()[0]}" if origin.teacher else ""
        held_out = f", held out {', '.join(origin.held_out)}" if origin.held_out else ""
        rows += [
            (
                "trained",
                f"{origin.backbone} {origin.precision.value}, {origin.head} head, {origin.optimizer}, "
                f"protocol {origin.protocol}{held_out}, {origin.weights} weights{taught}",
            ),
            *([("in float", ", ".join(origin.in_float))] if origin.in_float else []),
            ("data", origin.data),
            ("made", f"{origin.created} with {versions}"),
        ]
    families = ", ".join(contract.golden[0].expected) if contract.golden else ""
    rows.append(
        ("golden pairs", f"{len(contract.golden)} for {families} kernels" if contract.golden else "none")
    )
    rows.append(
        (
            "parity",
            f"{parity['verdict']}: {parity['reason']}" if parity else "not checked yet ('cspine-edge check')",
        )
    )
    rows.append(("intended use", contract.intended_use))
    return rows
