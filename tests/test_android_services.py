"""The Android app's services: pictures, classifier, self-test, bench and history answer as the toolkit does."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import platform
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import boards
import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest
from java_core import JAVA
from test_android_core import REFERRALS, VERDICT

from cspine_edge.bench_report import read_report
from cspine_edge.classifier import Classifier, Verdict
from cspine_edge.contract import KernelFamily
from cspine_edge.kernel_families import verify_families
from cspine_edge.latency import latency_of
from cspine_edge.machine import describe_machine
from cspine_edge.percentiles import interval_ranks, percentile
from cspine_edge.phantom import generate_series
from cspine_edge.preprocess import prepare
from cspine_edge.runtime import Runtime
from cspine_edge.sensors import read_sensors
from cspine_edge.shipped import SHIPPED, find_model
from cspine_edge.slice_files import find_slices
from cspine_edge.slices import CtSlice, read_slices
from cspine_edge.verification import outputs_of
from cspine_edge.window import BONE_WINDOW

Image = npt.NDArray[np.uint8]
Services = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def services(core_classes: Path) -> Services:
    """Runs a verb of the comparing program."""

    def run(*arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
        java = (
            ["java", "-XX:+UseSerialGC"] if "builtin" in arguments else JAVA
        )  # whose work is worth compiling
        command = [*java, "-cp", str(core_classes), "org.cspineedge.core.ServiceComparison"]
        done = subprocess.run(
            [*command, *map(str, arguments)], input=given, capture_output=True, encoding="utf-8", timeout=600
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


def packed(pictures: Iterable[npt.NDArray[Any]]) -> bytes:
    """Pictures as the comparing program takes them."""
    return b"".join(struct.pack(">ii", *picture.shape[::-1]) + picture.tobytes() for picture in pictures)


# Pictures


def test_pictures_become_grey_as_in_the_toolkit(services: Services, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    colours = PIL.Image.fromarray(rng.integers(0, 256, (700, 900, 4), dtype=np.uint8), "RGBA")
    palette = colours.convert("RGB").quantize(200)
    pictures = {
        "rgba.png": colours,
        "rgb.png": colours.convert("RGB"),
        "la.png": colours.convert("LA"),
        "l.png": colours.convert("L"),
        "bits.png": colours.convert("1"),
        "palette.png": palette,
        "colour.jpg": colours.convert("RGB").resize((90, 70)),
        "grey.jpg": colours.convert("L").resize((90, 70)),
    }
    for name, picture in pictures.items():
        picture.save(tmp_path / name)
    palette.save(tmp_path / "holes.png", transparency=7)
    paths = sorted([*tmp_path.glob("*.png"), *tmp_path.glob("*.jpg")])
    assert len(paths) == 9
    given = []
    for path in paths:
        with PIL.Image.open(path) as picture:
            r, g, b, a = np.moveaxis(np.asarray(picture.convert("RGBA")).astype(">u4"), -1, 0)
        given.append((a << 24 | r << 16 | g << 8 | b).astype(">u4"))
    (tmp_path / "argb").write_bytes(packed(given))
    services("greys", tmp_path / "argb", tmp_path / "levels")
    expected = [next(read_slices(path)).pixels for path in paths]
    assert (tmp_path / "levels").read_bytes() == b"".join(grey.tobytes() for grey in expected)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(
    rows: bytes, width: int, height: int, kind: bytes = b"\x08\0\0\0\0", between: bytes = b""
) -> bytes:
    """A PNG around filtered rows, its pixels in several parts."""
    data = zlib.compress(rows)
    parts = [data[i : i + 100] for i in range(0, len(data), 100)]
    pixels = b"".join(chunk(b"IDAT", part) for part in parts)
    header = chunk(b"IHDR", struct.pack(">II", width, height) + kind)
    return b"\x89PNG\r\n\x1a\n" + header + between + pixels + chunk(b"IEND", b"")


def filtered(levels: Image, filters: Sequence[int]) -> bytes:
    """Rows of grey levels, each under a filter of section 9 of the PNG standard."""
    padded = np.pad(levels.astype(np.int64), ((1, 0), (1, 0)))
    rows = b""
    for y, kind in enumerate(filters, start=1):
        left, above, corner = padded[y, :-1], padded[y - 1, 1:], padded[y - 1, :-1]
        distances = [abs(above - corner), abs(left - corner), abs(left + above - 2 * corner)]
        a, b, c = distances
        paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, above, corner))
        predicted = [0 * left, left, above, (left + above) // 2, paeth][kind]
        rows += bytes([kind]) + ((padded[y, 1:] - predicted) % 256).astype(np.uint8).tobytes()
    return rows


def test_grey_pngs_are_read_as_pillow_does(services: Services, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    smooth = (np.add.outer(np.arange(90), 2 * np.arange(120)) + rng.integers(0, 9, (90, 120))).astype(
        np.uint8
    )
    noise = rng.integers(0, 256, (41, 37), dtype=np.uint8)
    extra = chunk(b"tEXt", b"Comment\0none") + chunk(b"tRNS", b"\0\7")
    for kind in range(5):
        (tmp_path / f"filter{kind}.png").write_bytes(png_of(filtered(noise, [kind] * 41), 37, 41))
    mixed = filtered(noise, rng.integers(0, 5, 41).tolist())
    (tmp_path / "mixed.png").write_bytes(png_of(mixed, 37, 41, between=extra))
    for level in (0, 1, 9):
        PIL.Image.fromarray(smooth).save(tmp_path / f"level{level}.png", compress_level=level)
    PIL.Image.fromarray(noise[:1, :1]).save(tmp_path / "one.png", optimize=True)
    paths = sorted(tmp_path.glob("*.png"))
    shown = services("png", tmp_path / "levels", *paths).stdout
    assert shown == ""
    expected = [np.asarray(PIL.Image.open(path)) for path in paths]
    assert {image.dtype for image in expected} == {np.dtype(np.uint8)}
    assert (tmp_path / "levels").read_bytes() == packed(expected)


def test_what_is_no_grey_png_is_refused_with_a_reason(services: Services, tmp_path: Path) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (6, 5), dtype=np.uint8)
    rows = filtered(noise, [0] * 6)
    good = png_of(rows, 5, 6)
    kind = "it is not grey with 8 bits and without interlacing"
    cases = {
        "empty": (b"", "it is no PNG"),
        "jpeg": (b"\xff\xd8\xff\xe0" + bytes(40), "it is no PNG"),
        "cut": (good[:-5], "it is cut short"),
        "crc": (good.replace(b"IHDR", b"IHDr"), "the checksum of a part is wrong"),
        "colour": (png_of(rows, 5, 6, b"\x08\x02\0\0\0"), kind),
        "16 bits": (png_of(rows, 5, 6, b"\x10\0\0\0\0"), kind),
        "interlaced": (png_of(rows, 5, 6, b"\x08\0\0\0\1"), kind),
        "header": (png_of(rows, 5, 6, b"\x08\0\0\0"), kind),
        "wide": (png_of(rows, 5000, 6), "its sides are not 1 to 4096 pixels"),
        "no pixels": (png_of(rows, 0, 6), "its sides are not 1 to 4096 pixels"),
        "negative": (png_of(rows, 5, 1 << 31), "its sides are not 1 to 4096 pixels"),
        "few": (png_of(rows[:-1], 5, 6), "it has too few pixels"),
        "many": (png_of(rows + b"\0", 5, 6), "it has too many pixels"),
        "filter": (png_of(b"\5" + rows[1:], 5, 6), "it has a filter of an unknown kind"),
        "unknown": (
            png_of(rows, 5, 6, between=chunk(b"PLTE", bytes(6))),
            "it has a part of an unknown kind",
        ),
        "headers": (png_of(rows, 5, 6, between=good[8:33]), "its header is not its first part"),
        "headless": (good[:8] + good[33:], "its header is not its first part"),
    }
    for name, (content, _) in cases.items():
        (tmp_path / name).write_bytes(content)
    shown = services("png", tmp_path / "levels", *(tmp_path / name for name in cases)).stdout
    found = dict(line.split("\t") for line in shown.splitlines())
    assert found == {str(tmp_path / name): reason for name, (_, reason) in cases.items()}
    assert (tmp_path / "levels").read_bytes() == b""


# Percentiles, documents, sensors


def test_percentiles_and_their_intervals_are_the_toolkits(services: Services, tmp_path: Path) -> None:
    times = np.sort(np.random.default_rng(1).integers(10**6, 10**9, 1500))
    (tmp_path / "times").write_bytes(times.astype(">i8").tobytes())
    percents = (50, 90, 95, 99)
    lines = iter(services("percentiles", tmp_path / "times", *percents).stdout.splitlines())
    for runs in range(1, len(times) + 1):
        for percent in percents:
            low, high = interval_ranks(runs, percent) or (0, 0)
            expected = f"{percentile(times[:runs], percent)} {low} {high}"
            assert next(lines) == expected, (runs, percent)


def test_documents_come_back_as_pythons_json_reads_them(services: Services, root: Path) -> None:
    rng = np.random.default_rng(4)
    words = rng.integers(0, 2**64, 20_000, dtype=np.uint64).view(np.float64)
    numbers = [*words[np.isfinite(words)].tolist(), 0.1, -0.0, 5e-324, 1e22, 2**63 - 1, -(2**63), 7]
    texts = ['"\\/\b\f\n\r\t\0\x1f\x7f', "Wirbelbrüche 頸椎 🦴", "", "</script>", "\u2028"]
    report = json.loads((root / "results/bench-mobilenet-a1.0-224-int8-qat-x86_64.json").read_text())
    document = {"numbers": numbers, "texts": texts, "report": report, "": [None, True, False, {}, []]}
    back = json.loads(services("json", given=json.dumps(document)).stdout)
    assert json.dumps(back) == json.dumps(document)


@pytest.mark.parametrize("board", ["jetson_nano", "jetson_orin", "raspberry_pi_4", "a PC without sensors"])
def test_sensors_and_processor_are_read_as_the_toolkit_does(
    services: Services, board: str, tmp_path: Path
) -> None:
    if hasattr(boards, board):
        getattr(boards, board)(tmp_path)
        shutil.rmtree(tmp_path / "usr")  # programs of boards that no phone has
    (found, machine) = json.loads(services("readings", tmp_path).stdout)
    expected, described = json.loads(
        json.dumps([vars(read_sensors(tmp_path)), vars(describe_machine(tmp_path))], default=vars)
    )
    assert found.keys() == expected.keys()
    closed = {"throttled_now", "throttled_since_boot", "overcurrent_events", "power"}
    assert {name: found[name] for name in found.keys() - closed} == {
        name: expected[name] for name in expected.keys() - closed
    }
    assert all(found[name] is None for name in closed)
    assert machine.keys() == described.keys()
    assert (machine["simd"], machine["memory_mib"]) == (described["simd"], described["memory_mib"])
    assert (machine["board"], machine["cpu"], machine["system"]) == ("Phone", "Chip", "Android 15")
    if hasattr(boards, board):
        assert found["temperatures"]
        assert found["max_frequencies_mhz"]
        assert machine["simd"]


# The classifier


def recorded(classifier: Classifier, images: Iterable[Image], path: Path, *, off: float = 0.0) -> Path:
    """What the toolkit's interpreter gives for prepared images, and for a black one, for an engine to repeat.

    ``off`` is added to the first logit.
    """
    outputs = classifier.session.outputs
    blank = np.zeros((classifier.spec.height, classifier.spec.width), np.uint8)
    with path.open("wb") as file:
        file.write(struct.pack(">i", len(outputs)))
        for tensor in outputs:
            file.write(struct.pack(">ifi", math.prod(tensor.shape), tensor.scale, tensor.zero_point))
        for image in (blank, *images):
            given = [np.array(values, ">f8") for values in outputs_of(classifier, image)]
            given[classifier.contract.outputs.logits][0] += off
            tensor_bytes = np.repeat(image.ravel(), classifier.spec.channels).tobytes()
            file.write(struct.pack(">i", len(tensor_bytes)) + tensor_bytes)
            file.write(b"".join(values.tobytes() for values in given))
    return path


def phantom_slices() -> list[CtSlice]:
    """Slices of three phantom series of several sizes, in the bone window."""
    slices = []
    for index, size in enumerate((512, 300, 224)):
        for hu in generate_series(seed=6, index=index, slices=8, size=size).volume:
            levels = BONE_WINDOW.apply(hu.astype(np.float64))
            slices.append(CtSlice(Path("phantom.png"), frame=0, frames=1, pixels=levels))
    return slices


def assert_same_verdicts(
    services: Services,
    engine: str,
    model: Path,
    slices: Sequence[CtSlice],
    expected: Sequence[Verdict],
    folder: Path,
    threshold: float | None = None,
) -> npt.NDArray[np.void]:
    """Labels, referrals and margins are equal, scores within 1e-12."""
    given, made = folder / "slices", folder / "verdicts"
    given.write_bytes(packed(ct_slice.to_uint8()[0] for ct_slice in slices))
    services(
        "classify", model, "xnnpack", engine, "contract" if threshold is None else threshold, given, made
    )
    found = np.fromfile(made, VERDICT)
    assert len(found) == len(slices) == len(expected)
    labels = [*(Classifier(model).contract.labels)]
    assert [labels[position] for position in found["label"]] == [verdict.label for verdict in expected]
    assert [REFERRALS[position] for position in found["referral"]] == [v.referral for v in expected]
    np.testing.assert_array_equal(found["margin"], [verdict.margin for verdict in expected])
    np.testing.assert_allclose(found["score"], [verdict.score for verdict in expected], rtol=0, atol=1e-12)
    return found


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_verdicts_on_phantom_slices_equal_the_toolkits(services: Services, name: str, tmp_path: Path) -> None:
    """The engine repeats what LiteRT gave; it knows no other tensors than the toolkit's."""
    classifier, slices = Classifier(name), phantom_slices()
    model = classifier.file.path
    images = [prepare(ct_slice, classifier.spec).image for ct_slice in slices]
    engine = f"ai-edge-litert={recorded(classifier, images, tmp_path / 'recording')}"
    verdicts = [classifier.classify(ct_slice) for ct_slice in slices]
    assert_same_verdicts(services, engine, model, slices, verdicts, tmp_path)
    strict = Classifier(name, threshold=max(verdict.score for verdict in verdicts))
    others = [strict.classify(ct_slice) for ct_slice in slices]
    found = assert_same_verdicts(
        services, engine, model, slices, others, tmp_path, strict.contract.threshold.logit
    )
    assert set(found["label"]) == {0, 1}


ALL_SLICES = "CSPINE_EDGE_ALL_SLICES"
"""Environment variable that, set, has all slices of the data set compared, which takes some minutes."""


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_the_apps_own_engine_gives_the_toolkits_verdicts(
    services: Services, name: str, tmp_path: Path
) -> None:
    classifier, slices = Classifier(name), phantom_slices()
    verdicts = [classifier.classify(ct_slice) for ct_slice in slices]
    assert_same_verdicts(services, "builtin", classifier.file.path, slices, verdicts, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_apps_own_engine_gives_the_toolkits_verdicts_on_the_data_set(
    services: Services, int8_model: Path, csf: Path, tmp_path: Path
) -> None:
    """On every 20th slice, the first among them, or on all (see ``ALL_SLICES``)."""
    paths = find_slices([csf])[:: 1 if os.environ.get(ALL_SLICES) else 20]
    assert len(paths) >= 200
    classifier, labels, referrals = Classifier(int8_model), set(), set()
    for first in range(0, len(paths), 300):  # few enough to be held at once
        slices = [next(read_slices(path)) for path in paths[first : first + 300]]
        verdicts = [classifier.classify(ct_slice) for ct_slice in slices]
        found = assert_same_verdicts(services, "builtin", int8_model, slices, verdicts, tmp_path)
        labels.update(found["label"].tolist())
        referrals.update(found["referral"].tolist())
        print(f"{first + len(found)} of {len(paths)} slices equal")
    assert labels == {0, 1}
    assert len(referrals) > 1


# The self-test


FAMILIES = tuple(KernelFamily)


def recordings(model: Path, folder: Path, off: dict[KernelFamily, float]) -> list[str]:
    """Engines that repeat what LiteRT's kernels of each family give for the golden inputs."""
    engines = []
    for family in FAMILIES:
        classifier = Classifier(model, family=family, runtime=Runtime.LITERT, threads=1)
        images = [classifier.file.golden_image(pair) for pair in classifier.contract.golden]
        path = recorded(classifier, images, folder / family.value, off=off.get(family, 0.0))
        engines.append(f"{family.value}:ai-edge-litert={path}")
    return engines


def told(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The results without what the telling engine cannot know."""
    results = []
    for result in report["results"]:
        if result["runtime"] == "ai-edge-litert":
            verification = dict(result["verification"])
            del verification["banner"], verification["model"]
            results.append(result | {"verification": verification, "version": None})
    return results


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_the_self_test_finds_what_verify_finds(
    services: Services, name: str, machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    expected = verify_families(name, threads=1)
    done = services("self-test", expected.model, machine, *recordings(Path(expected.model), tmp_path, {}))
    report = json.loads(done.stdout)
    assert told(report) == told(json.loads(json.dumps(expected.to_json())))
    litert = [result for result in expected.results if result.runtime is Runtime.LITERT]
    *lines, last = done.stderr.splitlines()
    shown = [" ".join(str(result).split()).replace(f" {result.version},", " 1.0,") for result in litert]
    assert lines == shown
    assert last.startswith("passed: 3" if report["passed"] else "FAILED: 3")


def test_the_self_test_notices_one_step_of_one_logit(
    services: Services, int8_model: Path, tmp_path: Path
) -> None:
    engines = recordings(int8_model, tmp_path, {KernelFamily.REFERENCE: 1.0})
    report = json.loads(services("self-test", int8_model, "x86_64", *engines).stdout)
    passed = [all(pair["equal"] for pair in row["verification"]["pairs"]) for row in report["results"]]
    assert passed == [True, True, False]
    assert not report["passed"]
    assert {pair["largest_difference"] for pair in report["results"][2]["verification"]["pairs"]} == {1.0}


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_the_self_test_finds_the_apps_own_engine_equal(services: Services, name: str) -> None:
    done = services("self-test", find_model(name), platform.machine(), "builtin")
    report = json.loads(done.stdout)
    assert [row["family"] for row in report["results"]] == ["xnnpack", "reference"]
    assert report["passed"], done.stderr
    assert done.stderr.splitlines()[-1] == "passed: 2 kinds of kernels"


# The bench


@pytest.fixture(scope="module")
def phone(services: Services, int8_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a bench as the app writes it."""
    path = tmp_path_factory.mktemp("phone") / "phone.json"
    path.write_text(services("bench", int8_model, "xnnpack", "builtin", 0.5).stdout)
    return path


def test_the_phones_report_is_as_the_schema_says(phone: Path, root: Path, int8_model: Path) -> None:
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    schema = json.loads((root / "docs/bench.schema.json").read_text())
    document = json.loads(phone.read_text())
    assert [error.message for error in validator(schema).iter_errors(document)] == []
    facts = document["model"]
    assert facts["sha256"] in (root / "models/SHA256SUMS").read_text()
    assert (facts["file"], facts["size_bytes"]) == (int8_model.name, int8_model.stat().st_size)
    assert (facts["backbone"], facts["precision"]) == ("mobilenet-a1.0-224", "int8-qat")
    assert document["machine"]["board"] == "Maker Phone 1"
    assert document["bench_peak_mib"] > 10
    (stages,) = document["stages"]
    names = ("read", "preprocess", "invoke", "decide", "total")
    assert stages["total"]["mean_ms"] == pytest.approx(sum(stages[name]["mean_ms"] for name in names[:4]))
    assert all(0 < stages[name]["p50_ms"] <= stages[name]["p90_ms"] for name in names)


def test_the_phones_figures_are_those_the_toolkit_computes_of_its_times(phone: Path) -> None:
    report = read_report(phone)
    times = np.concatenate(report.blocks[0].times_us()) * 1e3
    expected, (found,) = latency_of(1, np.rint(times).astype(np.int64)), report.latencies
    assert found.runs >= 36
    for name, value in vars(expected).items():
        assert getattr(found, name) == pytest.approx(value, abs=1e-4), name
    assert sum(times) >= 0.5e9
    assert report.conditions.most_reached is not found.tight


def test_bench_report_and_compare_take_the_phones_file(
    phone: Path, cli: Callable[..., Any], root: Path
) -> None:
    board = root / "results/bench-mobilenet-a1.0-224-int8-qat-x86_64.json"
    shown = cli("bench", "report", phone, board)
    assert shown.code == 0, shown.err
    row = "| phone.json | mobilenet-a1.0-224-int8-qat.tflite | Maker Phone 1, Chip 9 | builtin "
    assert row in shown.out
    refused = cli("bench", "compare", phone, board)
    assert refused.code == 2
    assert "not comparable: they differ in machine" in refused.err
    assert "runtime (builtin, " in refused.err
    compared = cli("bench", "compare", board, phone, "--across", "machine,clock,runtime", "--json")
    assert compared.code == 0, compared.err
    rows = json.loads(compared.out)["ratios"]
    assert [(row["threads"], row["percent"]) for row in rows] == [(1, 50), (1, 90)]
    same = json.loads(cli("bench", "compare", phone, phone, "--json").out)["ratios"]
    assert [row["ratio"] for row in same] == [1.0, 1.0]


# The history


def test_the_history_is_read_by_others_as_it_was_written(
    services: Services, int8_model: Path, tmp_path: Path
) -> None:
    sources = [
        "camera",
        '=HYPERLINK("x")',
        "+1",
        "-1",
        "@a",
        "a,b",
        'say "x"',
        "zwei\nZeilen",
        "頸椎 🦴.png",
        " a ",
        "",
    ]
    classifier = Classifier(int8_model)
    image = classifier.file.golden_image(classifier.contract.golden[0])
    comma, plain = tmp_path / "history.csv", tmp_path / "history.json"
    services("history", int8_model, "xnnpack", "builtin", comma, plain, *sources)
    document = json.loads(plain.read_text(encoding="utf-8"))
    rows = document.pop("readings")
    use = "Research use only. Not a medical device."
    assert document == {"schema": "cspine-edge/history", "version": 1, "intended_use": use}
    table = list(csv.DictReader(io.StringIO(comma.read_bytes().decode(), newline=""), strict=True))
    assert [row["source"] for row in rows] == sources
    assert [row["source"].removeprefix("'") for row in table] == sources
    assert not any(row["source"].startswith(tuple("=+-@")) for row in table)
    assert comma.read_bytes().count(b"\r\n") == len(sources) + 1
    for row, cells in zip(rows, table, strict=True):
        assert row.keys() == cells.keys()
        for name, value in row.items():
            if isinstance(value, bool):
                assert cells[name] == str(value).lower()
            elif isinstance(value, int | float):
                assert float(cells[name]) == value
            elif name != "source":
                assert cells[name] == value
    expected = classifier.classify(CtSlice(Path("golden.png"), frame=0, frames=1, pixels=image))
    graph = classifier.contract.graph_sha256
    for i, row in enumerate(rows):
        assert row["time"] == f"2027-01-15T08:00:{i:02}+00:00"
        assert (row["label"], row["margin"], row["threshold"]) == (
            expected.label,
            expected.margin,
            expected.threshold,
        )
        assert row["score"] == pytest.approx(expected.score, abs=1e-12)
        assert (row["refer"], row["referral"]) == (expected.refer, expected.referral.value)
        assert (row["model"], row["graph_sha256"]) == (int8_model.name, graph)
        assert (row["engine"].split()[0], row["family"], row["threads"]) == ("builtin", "xnnpack", 1)
        assert row["inference_ms"] > 0
