"""The classifier: the same answer each time, on every kind of input tensor, and no model it cannot trust."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge.classifier import Classifier, Facts, Verdict
from cspine_edge.contract import Contract, Outputs
from cspine_edge.decision import Abstention, Referral, Threshold
from cspine_edge.errors import ContractError, ModelError, SliceError, UsageError
from cspine_edge.model_file import ModelFile
from cspine_edge.preprocess import Preprocessing
from cspine_edge.shipped import shipped_model
from cspine_edge.slice_files import find_slices
from cspine_edge.slices import CtSlice, read_slices
from cspine_edge.window import Window, WindowSource


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    """Grey images of the shipped model's size, far apart from one another."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, 224 * 224).reshape(224, 224)
    noise = rng.integers(0, 256, (224, 224))
    return [
        array.astype(np.uint8)
        for array in (ramp, ramp.T, 255 - ramp, noise, noise // 4, np.zeros((224, 224)))
    ]


@pytest.fixture
def rewritten(int8_model: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copies of the shipped model whose contract differs in given fields."""

    def write(**changes: Any) -> Path:
        file = ModelFile.read(int8_model)
        assert file.contract is not None
        changed = replace(file, contract=replace(file.contract, **changes))
        return changed.save(tmp_path / "rewritten.tflite", overwrite=True).path

    return write


@pytest.fixture
def bare(int8_model: Path, tmp_path: Path) -> Path:
    """The graph of the shipped model without its contract."""
    path = tmp_path / "bare.tflite"
    path.write_bytes(ModelFile.read(int8_model).graph)
    return path


def margins(classifier: Classifier, images: list[np.ndarray]) -> list[float]:
    return [classifier.margin(image) for image in images]


def grey_slice(image: np.ndarray) -> CtSlice:
    return CtSlice(Path("slice.png"), frame=0, frames=1, pixels=image)


def contract_of(path: Path) -> Contract:
    contract = ModelFile.read(path).contract
    assert contract is not None
    return contract


# The network


def test_the_margin_is_the_same_each_time_and_with_every_number_of_threads(
    int8_model: Path, images: list[np.ndarray]
) -> None:
    classifier = Classifier(int8_model, threads=1)
    first = margins(classifier, images)
    assert len(set(first)) > 2
    assert margins(classifier, images) == first
    assert margins(classifier, images[::-1]) == first[::-1]
    for threads in (2, 4):
        assert margins(Classifier(int8_model, threads=threads), images) == first


def test_the_margin_is_the_difference_of_the_dequantised_logits(
    int8_model: Path, images: list[np.ndarray]
) -> None:
    classifier = Classifier(int8_model)
    output = classifier.session.outputs[classifier.contract.outputs.logits]
    for image in images:
        margin = classifier.margin(image)
        stored = classifier.session.output(classifier.contract.outputs.logits).astype(int)
        assert margin == pytest.approx((stored[1] - stored[0]) * output.scale, abs=1e-12)
        assert classifier.read_margin() == margin


def test_the_score_is_the_softmax_of_the_logits(int8_model: Path, images: list[np.ndarray]) -> None:
    classifier = Classifier(int8_model)
    position = classifier.contract.outputs.probability
    assert position is not None
    output = classifier.session.outputs[position]
    for image in images:
        score = classifier.score(classifier.margin(image))
        softmax = output.dequantize(classifier.session.output(position))
        assert score == pytest.approx(softmax[1], abs=2 * output.scale)


def test_scores_of_extreme_margins_and_temperatures(rewritten: Callable[..., Path]) -> None:
    classifier = Classifier(rewritten(temperature=2.0))
    assert classifier.score(0.0) == 0.5
    assert classifier.score(2 * math.log(3)) == pytest.approx(0.75)
    assert 0.0 <= classifier.score(-1e9) < 1e-100
    assert classifier.score(1e9) == 1.0


def test_uint8_bytes_go_in_as_they_are(int8_model: Path, images: list[np.ndarray]) -> None:
    classifier = Classifier(int8_model)
    assert classifier.session.input.dtype == np.uint8
    classifier.load(images[0])
    view = classifier.session.input_view()
    assert view.shape == (1, 224, 224, 3)
    for channel in range(3):
        np.testing.assert_array_equal(view[0, :, :, channel], images[0])


# Verdicts


def test_a_slice_is_prepared_classified_and_described(int8_model: Path, images: list[np.ndarray]) -> None:
    classifier = Classifier(int8_model)
    verdict = classifier.classify(grey_slice(images[0]))
    margin = classifier.margin(images[0])
    assert verdict == Verdict(
        path="slice.png",
        frame=0,
        label="fracture" if margin >= classifier.contract.threshold.logit else "normal",
        score=classifier.score(margin),
        margin=margin,
        threshold=classifier.contract.threshold.logit,
        referral=classifier.contract.decision.referral(margin),
        coverage=classifier.contract.abstention.coverage if classifier.contract.abstention else None,
        window=None,
        window_source=WindowSource.NONE,
        series=None,
    )


def test_slices_of_files_are_classified_in_order(int8_model: Path, phantom_data: Path) -> None:
    classifier = Classifier(int8_model)
    paths = find_slices([phantom_data])[:5]
    found = list(classifier.classify_all(slice_ for path in paths for slice_ in read_slices(path)))
    assert [verdict.path for verdict in found] == [str(path) for path in paths]
    assert all(verdict.window and verdict.series for verdict in found)


def test_the_window_of_the_contract_comes_before_the_file_s(
    rewritten: Callable[..., Path], phantom_data: Path
) -> None:
    (slice_,) = read_slices(find_slices([phantom_data])[0])
    contract = contract_of(rewritten())
    for window, source in ((Window(40, 80), WindowSource.CONTRACT), (None, WindowSource.FILE)):
        spec = replace(contract.preprocessing, window=window)
        verdict = Classifier(rewritten(preprocessing=spec)).classify(slice_)
        assert verdict.window_source is source
        assert (verdict.window == "40/80") == (window is not None)


def test_hu_without_any_window_are_refused(rewritten: Callable[..., Path]) -> None:
    spec = replace(contract_of(rewritten()).preprocessing, window=None)
    classifier = Classifier(rewritten(preprocessing=spec))
    hu = CtSlice(Path("a.dcm"), 0, 1, np.arange(4096, dtype=np.int16).reshape(64, 64), rescale=(1.0, -1024.0))
    with pytest.raises(SliceError, match="--window"):
        classifier.classify(hu)
    verdict = classifier.classify(hu, Window(400, 1800))
    assert (verdict.window, verdict.window_source) == ("400/1800", WindowSource.OPTION)


# Thresholds


def test_a_slice_at_the_threshold_is_called_a_fracture(
    rewritten: Callable[..., Path], int8_model: Path, images: list[np.ndarray]
) -> None:
    margin = Classifier(int8_model).margin(images[0])
    at = Classifier(rewritten(threshold=Threshold(logit=margin)))
    assert at.classify(grey_slice(images[0])).label == "fracture"
    above = Classifier(rewritten(threshold=Threshold(logit=math.nextafter(margin, math.inf))))
    assert above.classify(grey_slice(images[0])).label == "normal"


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_caller_s_threshold_is_on_the_score(
    rewritten: Callable[..., Path], images: list[np.ndarray], temperature: float
) -> None:
    model = rewritten(temperature=temperature)
    score = Classifier(model).classify(grey_slice(images[0])).score
    below, above = Classifier(model, threshold=0.9 * score), Classifier(model, threshold=0.1 + 0.9 * score)
    assert below.classify(grey_slice(images[0])).label == "fracture"
    assert above.classify(grey_slice(images[0])).label == "normal"
    assert below.score(below.contract.threshold.logit) == pytest.approx(0.9 * score)
    assert below.contract.threshold.method.endswith("given by the caller")
    assert ModelFile.read(model).contract == Classifier(model).contract


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.5, 1.5, math.nan])
def test_thresholds_that_are_no_score_are_wrong_usage(int8_model: Path, threshold: float) -> None:
    with pytest.raises(UsageError, match="not between 0 and 1"):
        Classifier(int8_model, threshold=threshold)


# Abstention


def abstention_of(fracture_from: float | None, normal_up_to: float | None) -> Abstention:
    return Abstention(0.9, fracture_from, normal_up_to, 40, 50, "chosen for this test")


def test_every_verdict_says_whether_a_radiologist_is_needed_and_at_what_coverage(
    rewritten: Callable[..., Path], int8_model: Path, images: list[np.ndarray]
) -> None:
    margin = Classifier(int8_model).margin(images[0])
    for fracture_from, normal_up_to, threshold, referral in (
        (margin, margin, margin, Referral.BOTH),
        (margin + 1, margin - 1, margin, Referral.NEITHER),
        (margin, margin - 1, margin, Referral.NOT_NEEDED),
        (margin, margin - 1, margin + 1, Referral.DISAGREEMENT),
        (None, None, margin, Referral.BOTH),
    ):
        model = rewritten(
            threshold=Threshold(threshold), abstention=abstention_of(fracture_from, normal_up_to)
        )
        verdict = Classifier(model).classify(grey_slice(images[0]))
        assert (verdict.referral, verdict.coverage) == (referral, 0.9)
        assert verdict.refer is (referral is not Referral.NOT_NEEDED)
        assert verdict.label == ("fracture" if margin >= threshold else "normal")


def test_a_contract_without_abstention_says_that_nobody_knows(
    rewritten: Callable[..., Path], bare: Path, images: list[np.ndarray]
) -> None:
    facts = Facts(("normal", "fracture"), "fracture", probabilities=False)
    for classifier in (Classifier(rewritten(abstention=None)), Classifier(bare, facts=facts)):
        verdict = classifier.classify(grey_slice(images[0]))
        assert (verdict.refer, verdict.referral, verdict.coverage) == (False, Referral.UNKNOWN, None)


def test_a_threshold_of_the_caller_leaves_abstention_as_it_is(
    rewritten: Callable[..., Path], int8_model: Path, images: list[np.ndarray]
) -> None:
    margin = Classifier(int8_model).margin(images[0])
    model = rewritten(abstention=abstention_of(margin, margin - 1), temperature=1e6)
    low, high = (Classifier(model, threshold=score).classify(grey_slice(images[0])) for score in (0.01, 0.99))
    assert (low.label, low.referral) == ("fracture", Referral.NOT_NEEDED)
    assert (high.label, high.referral) == ("normal", Referral.DISAGREEMENT)


# The contract against the tensors


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"preprocessing": Preprocessing(height=225)}, "225 x 224 x 3 pixels"),
        ({"preprocessing": Preprocessing(channels=1)}, "224 x 224 x 1 pixels"),
        ({"preprocessing": Preprocessing(value_range=(0.0, 1.01))}, "gives input scale 0.00396"),
        ({"preprocessing": Preprocessing(value_range=(-1.0, 1.0))}, "gives input scale 0.00784"),
        ({"preprocessing": Preprocessing(value_range=(-0.01, 0.99))}, "zero point 2.55, its tensor has"),
        ({"outputs": Outputs(logits=2)}, "names output 2 of 2"),
        ({"outputs": Outputs(logits=-1)}, "names output -1 of 2"),
        ({"outputs": Outputs(logits=0, probability=9)}, "names output 9 of 2"),
    ],
)
def test_a_contradiction_is_refused(
    rewritten: Callable[..., Path], changes: dict[str, Any], reason: str
) -> None:
    path = rewritten(**changes)
    with pytest.raises(ContractError, match=reason) as caught:
        Classifier(path)
    assert caught.value.path == path


def test_a_zero_point_half_way_between_two_bytes_may_be_rounded_either_way(
    rewritten: Callable[..., Path],
) -> None:
    half = 0.5 / 255
    assert Classifier(rewritten(preprocessing=Preprocessing(value_range=(-half, 1 - half))))
    assert Classifier(rewritten(preprocessing=Preprocessing(value_range=(half, 1 + half))))
    with pytest.raises(ContractError):
        Classifier(rewritten(preprocessing=Preprocessing(value_range=(-1.1 * half, 1 - 1.1 * half))))


# Models without a contract


def test_facts_stand_in_for_a_contract(bare: Path, int8_model: Path, images: list[np.ndarray]) -> None:
    facts = Facts(("normal", "fracture"), "fracture", probabilities=False)
    described = Classifier(bare, facts=facts)
    assert margins(described, images) == margins(Classifier(int8_model), images)
    assert described.spec == Preprocessing(224, 224, 3, None, (0.0, 1.0))
    turned = Classifier(bare, facts=Facts(("Bruch", "gesund"), "Bruch", probabilities=False))
    assert margins(turned, images) == [-margin for margin in margins(described, images)]
    labels = {turned.classify(grey_slice(image)).label for image in images}
    assert labels <= {"Bruch", "gesund"}


def test_probabilities_are_turned_into_logits(bare: Path, images: list[np.ndarray], tmp_path: Path) -> None:
    """The shipped model's first output taken for probabilities; its steps then are those of a probability."""
    classifier = Classifier(bare, facts=Facts(("normal", "fracture"), "fracture", probabilities=True))
    output = classifier.session.outputs[0]
    for image in images:
        margin = classifier.margin(image)
        stored = np.maximum(output.dequantize(classifier.session.output(0)), output.scale / 2)
        assert margin == pytest.approx(math.log(stored[1] / stored[0]))


def test_without_facts_it_is_refused_and_the_options_are_named(bare: Path) -> None:
    with pytest.raises(ContractError, match="--labels, --value-range and --outputs"):
        Classifier(bare)


@pytest.mark.parametrize("value_range", [(-1.0, 1.0), (0.0, 255.0)])
def test_facts_that_contradict_the_tensors_are_refused(bare: Path, value_range: tuple[float, float]) -> None:
    with pytest.raises(ContractError, match="input scale"):
        Classifier(bare, facts=Facts(("normal", "fracture"), "fracture", value_range))


def test_a_model_that_is_no_image_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        Classifier(tmp_path / "missing.tflite")


def test_the_shipped_model_is_the_default(int8_model: Path) -> None:
    assert shipped_model().samefile(int8_model)
    assert Classifier().file.path == shipped_model()


# Float models


@pytest.mark.workstation
@pytest.mark.slow
def test_float_tensors_take_the_real_values_of_the_bytes(float_model: Path, small_int8_model: Path) -> None:
    classifier = Classifier(float_model)
    assert classifier.session.input.dtype == np.float32
    image = np.arange(96 * 96, dtype=np.uint32).reshape(96, 96).astype(np.uint8)
    classifier.load(image)
    expected = (image / 255.0).astype(np.float32)
    np.testing.assert_array_equal(classifier.session.input_view()[0, :, :, 1], expected)
    # The same network in 8 bits gives margins nearer to those of the same bytes than to those of any others.
    small = Classifier(small_int8_model)
    assert small.session.input.dtype == np.uint8
    golden = [small.file.golden_image(pair) for pair in small.contract.golden]
    found = np.array([small.margin(picture) for picture in golden])
    same = np.array([classifier.margin(picture) for picture in golden])
    inverted = np.array([classifier.margin(255 - picture) for picture in golden])
    assert np.abs(found - same).max() < 0.5 * np.abs(found - inverted).min()


@pytest.mark.workstation
def test_float_probabilities_reach_far_beyond_those_of_eight_bits(tmp_path: Path) -> None:
    from cspine_edge.training.framework import keras, tf

    image = keras.Input((8, 8, 1), batch_size=1)
    bias = keras.initializers.Constant([0.0, 20.0])
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    softmax = keras.layers.Dense(2, activation="softmax", bias_initializer=bias)(pooled)
    path = tmp_path / "softmax.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, softmax)).convert())
    classifier = Classifier(path, facts=Facts(("normal", "fracture"), "fracture"), threshold=0.999)
    black = np.zeros((8, 8), np.uint8)
    assert classifier.margin(black) == pytest.approx(20.0, abs=0.01)
    assert classifier.classify(grey_slice(black)).label == "fracture"
