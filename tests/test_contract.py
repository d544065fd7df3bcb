"""The contract: a document becomes one as it was written, or is refused for a stated reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from contracts import contract

from cspine_edge.contract import Contract
from cspine_edge.decision import Decision, Threshold
from cspine_edge.errors import ContractError
from cspine_edge.preprocess import Preprocessing


def document_of(given: Contract) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(given.to_json()))
    return document


def read(document: Any) -> Contract:
    return Contract.from_json(document, "model.tflite")


def test_every_field_is_read_as_it_was_written() -> None:
    assert read(document_of(contract())) == contract()


def test_the_defaults_are_read_where_a_document_leaves_them_out() -> None:
    minimal = {
        "schema": "cspine-edge/contract",
        "version": 1,
        "preprocessing": {},
        "outputs": {"logits": 0},
        "labels": ["normal", "fracture"],
        "positive": "fracture",
        "a field of a later toolkit": [1, 2],
    }
    found = read(minimal)
    assert found.preprocessing == Preprocessing(224, 224, 3, None, (0.0, 1.0))
    assert (found.threshold, found.temperature, found.parity, found.golden) == (Threshold(), 1.0, None, ())
    assert (found.abstention, found.provenance, found.graph_sha256) == (None, None, None)


def test_a_document_of_version_1_is_read_without_abstention_and_written_anew() -> None:
    document = document_of(contract())
    document["version"] = 1
    del document["abstention"]
    old = read(document)
    assert old == contract(abstention=None)
    assert (old.to_json()["version"], old.to_json()["abstention"]) == (2, None)


def test_the_contract_holds_how_the_model_decides() -> None:
    given = contract()
    assert given.decision == Decision(given.threshold, given.temperature, given.abstention)
    assert given.with_decision(Decision()).with_decision(given.decision) == given
    assert given.with_decision(Decision()).decision == Decision() != given.decision


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "is no cspine-edge/contract document"),
        (None, "is no cspine-edge/contract document"),
        ({"schema": "other", "version": 1}, "is no cspine-edge/contract document"),
        ({"schema": "cspine-edge/contract"}, "has version None, this toolkit reads 1 and 2"),
        ({"schema": "cspine-edge/contract", "version": 3}, "has version 3, this toolkit reads 1 and 2"),
        ({"schema": "cspine-edge/contract", "version": 1}, "preprocessing is missing"),
    ],
)
def test_documents_that_are_no_contract(document: Any, reason: str) -> None:
    with pytest.raises(ContractError, match=reason) as caught:
        read(document)
    assert str(caught.value).startswith("model.tflite: ")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d.pop("labels"), "labels is missing"),
        (lambda d: d.update(labels="normal"), "labels should be a list"),
        (lambda d: d.update(labels=["one"]), "labels should be two names"),
        (lambda d: d.update(labels=["Bruch", "Bruch"]), "labels should be two names"),
        (lambda d: d.update(positive="other"), "labels should be two names"),
        (lambda d: d.update(temperature=0), "temperature should be above 0"),
        (lambda d: d.update(temperature="warm"), "temperature should be a number"),
        (lambda d: d.update(temperature=10**400), "temperature should be a finite number"),
        (lambda d: d.update(temperature=True), "temperature should be a number"),
        (lambda d: d.update(abstention=0.95), "abstention should be an object"),
        (lambda d: d["abstention"].update(coverage=1), "coverage should be between 0 and 1"),
        (lambda d: d["abstention"].update(coverage=None), "abstention.coverage should be a number"),
        (lambda d: d["abstention"].update(normal_up_to="1"), "abstention.normal_up_to should be a number"),
        (lambda d: d["abstention"].pop("fracture_from"), "abstention.fracture_from is missing"),
        (lambda d: d["abstention"].update(fracture_cases=8.5), "fracture_cases should be an integer"),
        (lambda d: d.update(resize="nearest"), "resize filter 'nearest' is unknown"),
        (lambda d: d.update(parity={"reason": "none"}), "parity should have a verdict"),
        (lambda d: d.update(parity=[]), "parity should be an object"),
        (lambda d: d["preprocessing"].update(height="2"), "preprocessing.height should be an integer"),
        (lambda d: d["preprocessing"].update(height=2.5), "preprocessing.height should be an integer"),
        (lambda d: d["preprocessing"].update(width=-3), "height, width and channels"),
        (lambda d: d["preprocessing"].update(value_range=[1, 1]), "value range should be two finite"),
        (lambda d: d["preprocessing"].update(value_range=[0]), "value_range should have 2 entries"),
        (lambda d: d["preprocessing"]["window"].update(width=0), "wider than 0 HU"),
        (lambda d: d["preprocessing"]["window"].update(function="SIGMOID"), "should be one of LINEAR"),
        (lambda d: d["provenance"].update(precision="int4"), "precision should be one of float32"),
        (lambda d: d["provenance"].update(versions=["x"]), "versions should be an object"),
        (lambda d: d["golden"][0].update(expected={"xnnpack": [["a"]]}), "should be a number"),
        (lambda d: d.update(golden={}), "golden should be a list"),
    ],
)
def test_malformed_fields_are_named(change: Callable[[dict[str, Any]], object], reason: str) -> None:
    document = document_of(contract())
    change(document)
    with pytest.raises(ContractError, match="its contract is malformed: .*" + reason):
        read(document)
