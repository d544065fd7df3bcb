"""A contract for tests to write, read and change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cspine_edge.contract import Contract, GoldenPair, Outputs, Precision, Provenance
from cspine_edge.decision import Abstention, Threshold
from cspine_edge.preprocess import Preprocessing
from cspine_edge.window import Window, WindowFunction


def contract(**changes: Any) -> Contract:
    """One in which every field differs from its default."""
    given = Contract(
        preprocessing=Preprocessing(2, 3, 1, Window(400.0, 1800.0, WindowFunction.LINEAR_EXACT), (-1.0, 1.0)),
        outputs=Outputs(logits=1, probability=0),
        labels=("gesund", "Bruch"),
        positive="Bruch",
        threshold=Threshold(0.1 + 0.2, "chosen — by hand", 17),
        temperature=1.5,
        abstention=Abstention(0.9, None, 0.1 + 0.7, 8, 30, "chosen — by hand"),
        provenance=Provenance(
            backbone="mobilenet-a0.25-96",
            precision=Precision.INT8_QAT,
            optimizer="nadam",
            protocol="grouped",
            weights="imagenet",
            data="12 slices",
            data_fingerprint="ab" * 32,
            held_out=("B10", "B11"),
            calibration_sha256="cd" * 32,
            run="../run",
            versions={"cspine-edge": "0.1.0"},
            created="2025-01-31",
        ),
        parity={"verdict": "passed", "reason": "no flips", "flips": 0},
        golden=(GoldenPair("golden/0.png", {"xnnpack": ((1.0, 2.0), (3.0,))}),),
    )
    return replace(given, **changes)
