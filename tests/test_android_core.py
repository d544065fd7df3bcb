"""The Android core: its Java sees the bytes, reads the contract and gives the verdicts of the toolkit."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from java_core import JAVA, PACKAGE, javac

from cspine_edge.classifier import Classifier
from cspine_edge.contract import CONTRACT_FILE, LABELS_FILE, Contract, Outputs, Provenance
from cspine_edge.decision import Abstention, Referral, Threshold
from cspine_edge.errors import ContractError, ModelError
from cspine_edge.model_file import ModelFile
from cspine_edge.phantom import generate_series
from cspine_edge.preprocess import Preprocessing, replicate_channels, resize
from cspine_edge.slice_files import find_slices
from cspine_edge.slices import CtSlice, iter_slices
from cspine_edge.window import BONE_WINDOW, Window, WindowFunction

JUNIT = Path("/usr/share/java/junit-platform-console-standalone.jar")
Image = npt.NDArray[np.uint8]
Core = Callable[..., str]


@pytest.fixture(scope="module")
def sources(root: Path) -> Path:
    """Source folder of the module ``core``."""
    return root / "android_demo" / "core" / "src"


@pytest.fixture(scope="module")
def core(core_classes: Path) -> Core:
    """Runs a verb of the comparing program and gives what it prints."""

    def run(*arguments: object) -> str:
        command = [*JAVA, "-cp", str(core_classes), "org.cspineedge.core.ToolkitComparison"]
        done = subprocess.run(
            [*command, *map(str, arguments)], capture_output=True, encoding="utf-8", timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def small_model(int8_model: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    """A file with all the parts of the shipped one, and almost no graph."""
    shipped = ModelFile.read(int8_model)
    assert shipped.contract is not None
    pair = shipped.contract.golden[0]
    small = replace(
        shipped,
        graph=b"\x1c\x00\x00\x00TFL3" + bytes(range(64)),
        contract=replace(shipped.contract, golden=(pair,)),
        attachments={pair.image: b"not a picture", LABELS_FILE: shipped.attachments[LABELS_FILE]},
    )
    return small.save(tmp_path_factory.mktemp("small") / "small.tflite")


# The input tensor


def phantom_images(sizes: Iterable[int]) -> list[Image]:
    """Phantom slices in the bone window, one of each size."""
    images = []
    for size in sizes:
        hu = generate_series(seed=4, index=size, slices=1, size=size).volume[0]
        images.append(BONE_WINDOW.apply(hu.astype(np.float64)))
    return images


def noise_images(sizes: Iterable[tuple[int, int]]) -> list[Image]:
    """Noise of these heights and widths; every second image has only black and white, the farthest apart."""
    rng = np.random.default_rng(11)
    images = [rng.integers(0, 256, size, dtype=np.uint8) for size in sizes]
    return [(image >> 7) * np.uint8(255) if i % 2 else image for i, image in enumerate(images)]


def rows_first(image: Image, height: int, width: int) -> Image:
    """Pillow's BILINEAR, rows before columns, as the contract has it.

    Pillow 13 takes the columns of a tall image first if it is not asked for one axis at a time.
    """
    narrowed = PIL.Image.fromarray(image).resize((width, image.shape[0]), PIL.Image.Resampling.BILINEAR)
    return np.asarray(narrowed.resize((width, height), PIL.Image.Resampling.BILINEAR))


def assert_same_tensors(core: Core, images: Sequence[Image], spec: Preprocessing, folder: Path) -> None:
    given, made = folder / "images", folder / "tensors"
    given.write_bytes(b"".join(struct.pack(">ii", *image.shape[::-1]) + image.tobytes() for image in images))
    core("tensors", spec.height, spec.width, spec.channels, given, made)
    tensors = np.fromfile(made, np.uint8).reshape(len(images), spec.height, spec.width, spec.channels)
    for image, tensor in zip(images, tensors, strict=True):
        expected = rows_first(image, spec.height, spec.width)
        differing = np.count_nonzero(tensor != replicate_channels(expected, spec.channels))
        assert differing == 0, f"{differing} bytes of an image of {image.shape} differ"
        np.testing.assert_array_equal(resize(image, spec.height, spec.width), expected)


@pytest.mark.parametrize(("height", "width", "channels"), [(224, 224, 3), (96, 96, 1), (160, 131, 3)])
def test_input_tensors_equal_those_of_the_toolkit(
    core: Core, height: int, width: int, channels: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    sizes = [(512, 512), (300, 411), (411, 300), (224, 224), (97, 640), (640, 97), (1, 1), (1, 7), (7, 1)]
    sizes += [(223, 225), (224, 512), (512, 224), (96, 97), (448, 448), (1024, 768), (160, 131), (3, 1000)]
    sizes += [(int(h), int(w)) for h, w in rng.integers(1, 400, (40, 2))]
    images = noise_images(sizes) + phantom_images([64, 128, 181, 512])
    assert_same_tensors(core, images, Preprocessing(height, width, channels), tmp_path)


def test_sides_of_every_length_are_resized_alike(core: Core, tmp_path: Path) -> None:
    lengths = range(1, 700)
    wide, tall = noise_images((2, n) for n in lengths), noise_images((n, 2) for n in lengths)
    assert_same_tensors(core, wide + tall, Preprocessing(224, 224, 1), tmp_path)


def test_slices_of_the_data_set_are_resized_alike(core: Core, csf: Path, tmp_path: Path) -> None:
    slices = iter_slices(find_slices([csf])[::40], lambda error: pytest.fail(str(error)))
    images = [ct_slice.to_uint8(None, None)[0] for ct_slice in slices]
    assert len(images) > 100
    assert_same_tensors(core, images, Preprocessing(224, 224, 3), tmp_path)


# The contract


def described(abstention: Abstention | None) -> str:
    if abstention is None:
        return "none"
    bounds = ("none" if b is None else f"{b}" for b in (abstention.fracture_from, abstention.normal_up_to))
    cases = f"{abstention.fracture_cases} {abstention.normal_cases}"
    return f"{abstention.coverage} {' '.join(bounds)} {cases} {abstention.method}"


def origin_of(provenance: Provenance | None) -> str:
    if provenance is None:
        return "none"
    return f"{provenance.backbone} {provenance.precision.value} [{', '.join(provenance.in_float)}]"


def fields_of(path: Path) -> dict[str, str]:
    """The fields of a model's contract, read by the toolkit and written as the comparing program does."""
    model = ModelFile.read(path)
    contract = model.contract
    assert contract is not None
    spec, window = contract.preprocessing, contract.preprocessing.window
    probability = contract.outputs.probability
    fields = {
        "graph": f"{len(model.graph)}",
        "size": f"{spec.height} {spec.width} {spec.channels}",
        "range": f"{spec.value_range[0]} {spec.value_range[1]}",
        "window": f"{window.center} {window.width} {window.function.value}" if window else "none",
        "outputs": f"{contract.outputs.logits} {-1 if probability is None else probability}",
        "labels": ", ".join(contract.labels),
        "positive": f"{contract.positive_index} {contract.positive}",
        "threshold": f"{contract.threshold.logit} {contract.threshold.cases}",
        "method": contract.threshold.method,
        "temperature": f"{contract.temperature}",
        "abstention": described(contract.abstention),
        "sha256": f"{contract.graph_sha256}",
        "use": contract.intended_use,
        "provenance": origin_of(contract.provenance),
        "parity": "{verdict}: {reason}".format(**contract.parity) if contract.parity else "none",
    }
    for pair in contract.golden:
        families = (
            f"{family}={[list(map(float, output)) for output in outputs]}"
            for family, outputs in pair.expected.items()
        )
        fields[pair.image] = f"{len(model.attachments[pair.image])} {{{', '.join(families)}}}"
    return fields


def answers(core: Core, paths: Iterable[Path]) -> dict[Path, dict[str, str]]:
    """What the core makes of each file: fields and values, or a kind of error and its sentence."""
    found: dict[Path, dict[str, str]] = {}
    for line in core("contract", *paths).splitlines():
        path, name, value = line.split("\t")
        found.setdefault(Path(path), {})[name] = value
    return found


def another_contract(contract: Contract) -> Contract:
    """A contract in which everything the core reads is different."""
    return replace(
        contract,
        preprocessing=Preprocessing(
            96, 100, 1, Window(380.5, 1750, WindowFunction.LINEAR_EXACT), (-1.0, 1 / 3)
        ),
        outputs=Outputs(1, None),
        labels=("Wirbelbrüche", "keine"),
        positive="Wirbelbrüche",
        threshold=Threshold(-0.7310585786300049, 'highest sensitivity at "specificity" 0.9 – 2 series', 77),
        temperature=1.37,
        abstention=Abstention(0.9, None, -0.30000000000000004, 8, 3000, "„so“ – and\u00a0so"),
        provenance=replace(contract.provenance, backbone="other", in_float=("conv_dw_1", "logits"))
        if contract.provenance
        else None,
        parity=None,
    )


def test_contracts_are_read_with_equal_fields(
    core: Core, int8_model: Path, small_model: ModelFile, tmp_path: Path
) -> None:
    assert small_model.contract is not None
    other = replace(
        small_model,
        contract=another_contract(small_model.contract),
        attachments=small_model.attachments | {LABELS_FILE: "Wirbelbrüche\nkeine\n".encode()},
    ).save(tmp_path / "other.tflite")
    old = tmp_path / "old.tflite"
    document = small_model.contract.to_json() | {"version": 1}
    del document["abstention"], document["provenance"]["in_float"]
    files = {name: content.decode("latin-1") for name, content in small_model.attachments.items()}
    old.write_bytes(with_document(small_model, json.dumps(document), **files))
    found = answers(core, [int8_model, small_model.path, other.path, old])
    assert len(found) == 4
    assert found[old]["abstention"] == "none" != found[other.path]["abstention"]
    assert found[other.path]["provenance"] == "other int8-qat [conv_dw_1, logits]"
    for path, fields in found.items():
        assert fields == fields_of(path)
    assert found[int8_model]["golden/0.png"].count("xnnpack=") == 1
    assert found[other.path]["window"] == "380.5 1750.0 LINEAR_EXACT"


def with_document(model: ModelFile, document: str, method: int = zipfile.ZIP_STORED, **files: str) -> bytes:
    """A model file around another contract document."""
    buffer = io.BytesIO()
    buffer.write(model.graph)
    with zipfile.ZipFile(buffer, "a", method) as archive:
        archive.writestr(CONTRACT_FILE, document)
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_field(model: ModelFile, path: str, value: object) -> bytes:
    """A model file in whose contract one field, in a dotted path, is another; ``...`` leaves it out."""
    assert model.contract is not None
    document = model.contract.to_json()
    *folders, name = path.split(".")
    place = document
    for folder in folders:
        place = place[folder]
    place[name] = value
    if value is ...:
        del place[name]
    return with_document(model, json.dumps(document))


def abstaining(model: ModelFile) -> ModelFile:
    """The model with an abstention in its contract."""
    assert model.contract is not None
    abstention = Abstention(0.95, -0.5, 0.5, 40, 50, "chosen for this test")
    return replace(model, contract=replace(model.contract, abstention=abstention))


def flipped(data: bytes, position: int) -> bytes:
    """The data with one bit flipped."""
    return data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]


def test_what_the_toolkit_refuses_is_refused_with_the_same_sentence(
    core: Core, int8_model: Path, small_model: ModelFile, tmp_path: Path
) -> None:
    shipped = int8_model.read_bytes()
    contents = [
        b"",
        b"TFL3",
        b"Dear colleague, the model you asked for is below.",
        flipped(shipped, len(shipped) // 2),
        flipped(small_model.path.read_bytes(), 40),
        with_document(small_model, "[]"),
        with_field(small_model, "schema", "cspine-edge/bench"),
        with_field(small_model, "graph_sha256", "0" * 64),
        with_field(small_model, "labels", ...),
        with_field(small_model, "labels", ["fracture", "fracture"]),
        with_field(small_model, "labels", [0, 1]),
        with_field(small_model, "positive", "Fracture"),
        with_field(small_model, "temperature", 0),
        with_field(small_model, "temperature", True),
        with_field(small_model, "abstention", 0.95),
        *(
            with_field(abstaining(small_model), f"abstention.{name}", value)
            for name, value in (
                ("coverage", 1),
                ("coverage", None),
                ("fracture_from", "0"),
                ("fracture_from", ...),
                ("normal_up_to", True),
                ("fracture_cases", 2.5),
                ("method", None),
            )
        ),
        with_field(small_model, "threshold", 0.5),
        with_field(small_model, "threshold.logit", "0"),
        with_field(small_model, "threshold.cases", 1.0),
        with_field(small_model, "preprocessing.height", 0),
        with_field(small_model, "preprocessing.height", "224"),
        with_field(small_model, "preprocessing.value_range", [1, 0]),
        with_field(small_model, "preprocessing.value_range", [0]),
        with_field(small_model, "golden", {}),
        with_field(small_model, "golden", [{"expected": {}}]),
    ]
    paths = []
    for i, content in enumerate(contents):
        paths.append(tmp_path / f"{i}.tflite")
        paths[-1].write_bytes(content)
    found = answers(core, paths)
    for path in paths:
        with pytest.raises(ModelError) as caught:
            ModelFile.read(path)
        kind = "ContractException" if isinstance(caught.value, ContractError) else "ModelException"
        assert found[path] == {kind: str(caught.value)}


def test_what_else_no_verdict_should_be_based_on_is_refused(
    core: Core, int8_model: Path, small_model: ModelFile, tmp_path: Path
) -> None:
    assert small_model.contract is not None
    shipped, document = int8_model.read_bytes(), json.dumps(small_model.contract.to_json())
    cut_short = r"is damaged or cut short \(.+\); copy the file again"
    cases = {
        "archive cut": (shipped[:-1000], cut_short),
        "archive changed": (flipped(shipped, len(shipped) - 8000), cut_short),
        "graph cut": (shipped[: len(shipped) // 2], "carries no cspine-edge contract; .+"),
        "no contract": (small_model.graph, "carries no cspine-edge contract; .+"),
        "version": (
            with_field(small_model, "version", 3),
            "its contract has version 3, this app reads 1 and 2; .+",
        ),
        "compressed": (
            with_document(ModelFile.read(int8_model), document, zipfile.ZIP_DEFLATED),
            "its attachment cspine_edge.json is too large or compressed; .+",
        ),
        "blown up": (
            with_document(small_model, document, zipfile.ZIP_DEFLATED),
            "its attached archive is larger than the file; .+",
        ),
        "resize": (with_field(small_model, "resize", "lanczos"), ".+ its resize filter is unknown .+"),
        "side": (with_field(small_model, "preprocessing.width", 1 << 20), ".+ should be at most 4096; .+"),
        "number": (with_field(small_model, "preprocessing.width", 1 << 40), ".+ at most 32 bits; .+"),
        "not JSON": (
            with_document(small_model, document[:-2]),
            r"its .+ is not JSON \(.+\); .+",
        ),
        "NaN": (with_field(small_model, "temperature", float("nan")), r".+ is not JSON \(.+\); .+"),
        "twice": (
            with_document(small_model, document[:-1] + ', "version": 1}'),
            r".+ \(a key stands twice .+",
        ),
        "labels": (
            with_document(small_model, document, **{LABELS_FILE: "fracture\nnormal\n"}),
            "its labels.txt has other classes than its contract; .+",
        ),
        "golden": (with_document(small_model, document), "lacks a golden input its contract names; .+"),
    }
    paths = {name: tmp_path / f"{name}.tflite" for name in cases}
    for name, (content, _) in cases.items():
        paths[name].write_bytes(content)
    found = answers(core, paths.values())
    for name, (_, sentence) in cases.items():
        (message,) = found[paths[name]].values()
        assert re.fullmatch(re.escape(f"{paths[name]}: ") + sentence, message), message


def test_no_damage_goes_unnoticed_that_the_toolkit_notices(
    core: Core, small_model: ModelFile, tmp_path: Path
) -> None:
    printed = core("damage", small_model.path, tmp_path / "accepted").splitlines()
    accepted = np.fromfile(tmp_path / "accepted", ">u4").tolist()
    separator = accepted.index(2**32 - 1)
    assert accepted[separator + 1 :] == []  # no cut file
    data = small_model.path.read_bytes()
    bits = accepted[:separator]  # dates and attributes in the archive's directory, which nobody reads
    assert 0 < len(bits) < 0.1 * 8 * len(data)
    archive = len(small_model.graph)
    assert min(bits) >= 8 * archive
    changed = tmp_path / "changed.tflite"
    for bit in bits:
        changed.write_bytes(data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :])
        assert ModelFile.read(changed).contract == small_model.contract, f"bit {bit}"
    assert len(printed) > 5
    for sentence in printed:
        assert re.fullmatch(re.escape(f"{small_model.path}: ") + r"[ -~]+; [ -~]+[^.]", sentence), sentence


# The verdict


VERDICT = np.dtype([("label", "u1"), ("referral", "u1"), ("margin", ">f8"), ("score", ">f8")])


REFERRALS = list(Referral)


class Told(Classifier):
    """A classifier whose network is told its logits; all the rest is the toolkit's own."""

    def margin(self, image: Image) -> float:
        return self.read_margin()

    def verdicts(self, pairs: npt.NDArray[np.generic], scale: float, zero_point: int) -> npt.NDArray[np.void]:
        """Verdicts on pairs of stored logits, shape (n, 2), of a tensor with this quantisation."""
        position = self.contract.outputs.logits
        spec = replace(self.session.outputs[position], scale=scale, zero_point=zero_point)
        network = SimpleNamespace(outputs={position: spec})
        self.session = network  # type: ignore[assignment]
        blank = np.zeros((self.spec.height, self.spec.width), np.uint8)
        ct_slice = CtSlice(Path("blank.png"), frame=0, frames=1, pixels=blank)
        found = np.empty(len(pairs), VERDICT)
        for i, pair in enumerate(pairs):
            network.output = lambda position, pair=pair: pair
            verdict = self.classify(ct_slice)
            label, referral = self.contract.labels.index(verdict.label), REFERRALS.index(verdict.referral)
            found[i] = (label, referral, verdict.margin, verdict.score)
        return found


def assert_same_verdicts(
    core: Core, model: Path, pairs: npt.NDArray[np.generic], scale: float, zero_point: int, folder: Path
) -> npt.NDArray[np.void]:
    given, made = folder / "logits", folder / "verdicts"
    given.write_bytes(pairs.astype(pairs.dtype.newbyteorder(">")).tobytes())
    core("decide", model, repr(scale), zero_point, given, made)
    found, expected = np.fromfile(made, VERDICT), Told(model).verdicts(pairs, scale, zero_point)
    assert found["label"].tobytes() == expected["label"].tobytes()
    assert found["referral"].tobytes() == expected["referral"].tobytes()
    assert found["margin"].tobytes() == expected["margin"].tobytes()
    np.testing.assert_allclose(found["score"], expected["score"], rtol=0, atol=1e-12)
    return found


def test_verdicts_on_all_logits_of_the_shipped_model_equal_the_toolkits(
    core: Core, int8_model: Path, tmp_path: Path
) -> None:
    classifier = Classifier(int8_model)
    tensor = classifier.session.outputs[classifier.contract.outputs.logits]
    assert tensor.dtype == np.uint8
    pairs = np.stack(np.meshgrid(np.arange(256), np.arange(256)), axis=-1).reshape(-1, 2).astype(np.uint8)
    found = assert_same_verdicts(core, int8_model, pairs, tensor.scale, tensor.zero_point, tmp_path)
    assert len(found) == 65536
    assert set(found["label"]) == {0, 1}


@pytest.mark.parametrize(
    ("fracture_from", "normal_up_to", "referrals"),
    [
        (-20, 11, {Referral.NOT_NEEDED, Referral.BOTH}),
        (11, -20, {Referral.NOT_NEEDED, Referral.NEITHER}),
        (3, 20, {Referral.NOT_NEEDED, Referral.BOTH, Referral.DISAGREEMENT}),
        (None, 11, {Referral.NOT_NEEDED, Referral.BOTH}),
        (None, None, {Referral.BOTH}),
    ],
)
@pytest.mark.parametrize("positive", ["normal", "fracture"])
def test_referrals_equal_the_toolkits(
    core: Core,
    int8_model: Path,
    positive: str,
    fracture_from: int | None,
    normal_up_to: int | None,
    referrals: set[Referral],
    tmp_path: Path,
) -> None:
    """Bounds at whole steps of the margin, which many pairs of stored logits meet exactly."""
    model = ModelFile.read(int8_model)
    assert model.contract is not None
    tensor = Classifier(int8_model).session.outputs[model.contract.outputs.logits]
    step = float(np.float32(tensor.scale))
    bounds = (None if steps is None else step * steps for steps in (fracture_from, normal_up_to))
    abstention = Abstention(0.95, *bounds, 40, 50, "chosen for this test")
    contract = replace(
        model.contract, positive=positive, threshold=Threshold(-4 * step), abstention=abstention
    )
    path = replace(model, contract=contract).save(tmp_path / "abstaining.tflite").path
    stored = np.random.default_rng(9).integers(100, 156, (3000, 2), dtype=np.uint8)
    found = assert_same_verdicts(core, path, stored, tensor.scale, tensor.zero_point, tmp_path)
    assert {REFERRALS[position] for position in found["referral"]} == referrals


def test_referrals_have_the_toolkits_names_and_reasons(sources: Path) -> None:
    source = (sources / "main" / PACKAGE / "Referral.java").read_text()
    found = re.findall(r'^    ([A-Z_]+)\("(.+)"\)[,;]$', source, re.MULTILINE)
    assert found == [(referral.name, referral.value) for referral in Referral]


@pytest.mark.parametrize("positive", ["normal", "fracture"])
def test_verdicts_with_another_contract_equal_the_toolkits(
    core: Core, int8_model: Path, positive: str, tmp_path: Path
) -> None:
    model = ModelFile.read(int8_model)
    assert model.contract is not None
    tensor = Classifier(int8_model).session.outputs[model.contract.outputs.logits]
    at_a_margin = Threshold(float(np.float32(tensor.scale)) * -7, "seven steps below zero", 12)
    contract = replace(
        model.contract, positive=positive, threshold=at_a_margin, temperature=2.718281828459045
    )
    path = replace(model, contract=contract).save(tmp_path / "other.tflite").path
    rng = np.random.default_rng(8)
    stored = rng.integers(0, 256, (3000, 2), dtype=np.uint8)
    found = assert_same_verdicts(core, path, stored, tensor.scale, tensor.zero_point, tmp_path)
    assert np.count_nonzero(found["margin"] == at_a_margin.logit) > 0
    real = rng.normal(0, 1, (3000, 2)) * 10 ** rng.uniform(-9, 4, (3000, 1))
    extremes = np.array([[0.0, -0.0], [5e-324, 0], [3e38, -3e38], [-3e38, 3e38], [np.inf, 0]])
    assert_same_verdicts(core, path, np.concatenate([real, extremes]), 0.0, 0, tmp_path)


# The project


def test_the_unit_tests_of_the_core_pass(core_classes: Path, sources: Path, tmp_path: Path) -> None:
    if not JUNIT.exists():
        pytest.skip("needs JUnit (Debian package junit5)")
    tests = sorted((sources / "test" / PACKAGE).rglob("*Test.java"))
    javac(sorted((sources / "test" / PACKAGE).rglob("*.java")), tmp_path, "-cp", f"{core_classes}:{JUNIT}")
    command = [*JAVA, "-jar", JUNIT, "--cp", f"{core_classes}:{tmp_path}", "--scan-classpath", str(tmp_path)]
    done = subprocess.run([*map(str, command), "--disable-banner"], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout
    found = re.search(r"\[\s*(\d+) tests successful", done.stdout)
    assert found is not None
    assert int(found[1]) >= 3 * len(tests)


def test_the_build_names_what_its_catalogue_has(root: Path) -> None:
    tomllib = pytest.importorskip("tomllib")
    project = root / "android_demo"
    catalogue = tomllib.loads((project / "gradle" / "libs.versions.toml").read_text())
    libraries = {name.replace("-", ".") for name in catalogue["libraries"]}
    builds = [project / "build.gradle.kts", *sorted(project.glob("*/build.gradle.kts"))]
    named = {name for build in builds for name in re.findall(r"\(libs\.([a-z.]+)\)", build.read_text())}
    plugins = {"plugins." + name.replace("-", ".") for name in catalogue["plugins"]}
    assert named == libraries | plugins
    for entry in [*catalogue["libraries"].values(), *catalogue["plugins"].values()]:
        assert entry.get("version", {"ref": "junit"})["ref"] in catalogue["versions"]
    modules = re.findall(r'include\(":([a-z]+)"\)', (project / "settings.gradle.kts").read_text())
    assert modules == [path.parent.name for path in sorted(project.glob("*/build.gradle.kts"))]
