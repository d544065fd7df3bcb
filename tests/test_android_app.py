"""The Android app: its real activity on a JVM, used as a person would, gives the toolkit's verdicts."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
import shutil
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import android_app
import android_tools
import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageOps
import pytest
from android_app import PROJECT, RESOURCES, SHIPPED, Held, Phone, Program

from cspine_edge.bench_report import read_report
from cspine_edge.classifier import Classifier, Verdict
from cspine_edge.contract import KernelFamily
from cspine_edge.decision import Threshold
from cspine_edge.model_file import ModelFile
from cspine_edge.slices import read_slices

ANDROID = "{http://schemas.android.com/apk/res/android}"
DISCLAIMER = "Research use only. Not a medical device."
SCREENS = ("go_history", "go_checks", "go_settings", "go_about")
Image = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The app as javac compiles it."""
    if shutil.which("javac") is None:
        pytest.skip("needs a JDK (javac)")
    return android_app.compile_program(tmp_path_factory.mktemp("android"))


@pytest.fixture(scope="module")
def apk_program(compiled: Program, scanner_apk: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The app out of its APK: its code turned back into classes, and its models."""
    folder = tmp_path_factory.mktemp("apk")
    jar = android_tools.jar_of(scanner_apk, folder)
    with zipfile.ZipFile(scanner_apk) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith("assets/")])
    return Program((compiled.class_path[0], jar), folder / "assets")


@pytest.fixture(scope="module")
def app(compiled: Program) -> Iterator[Phone]:
    with Phone(compiled) as phone:
        yield phone


@pytest.fixture(scope="module", params=["javac", pytest.param("APK", marks=pytest.mark.slow)])
def either(request: pytest.FixtureRequest) -> Iterator[Phone]:
    """The app as javac compiles it, and the app out of its APK."""
    if request.param == "javac":
        yield request.getfixturevalue("app")
        return
    with Phone(request.getfixturevalue("apk_program")) as phone:
        yield phone


@pytest.fixture(scope="module")
def phantom_slice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic slice that lies near the shipped model's threshold."""
    return android_app.write_phantom_slice(tmp_path_factory.mktemp("slices") / "slice.png", index=1)


@pytest.fixture(scope="module")
def grey(phantom_slice: Path) -> Image:
    return np.asarray(PIL.Image.open(phantom_slice))


@pytest.fixture
def other_model(int8_model: Path, tmp_path: Path) -> Path:
    """The shipped model under another name and with another threshold."""
    model = ModelFile.read(int8_model)
    assert model.contract is not None
    contract = replace(model.contract, threshold=Threshold(-9.0, "chosen for this test", 5))
    return replace(model, contract=contract).save(tmp_path / "other.tflite").path


@functools.cache
def classifier(model: Path, family: str | None = None) -> Classifier:
    return Classifier(model, family=KernelFamily(family) if family else None)


def judged(path: Path, model: Path = SHIPPED["default.tflite"], family: str | None = None) -> Verdict:
    """What the toolkit says of a picture."""
    (ct_slice,) = read_slices(path)
    return classifier(model, family).classify(ct_slice)


def exported(phone: Phone, button: str, path: Path) -> str:
    """What the app writes when this button is clicked and this file named."""
    phone("click", button)
    phone("choose", path)
    phone("until", button, "enabled")
    return path.read_text(encoding="utf-8")


def history(phone: Phone, folder: Path) -> list[dict[str, object]]:
    """The session's history by way of its JSON export; the scanner is shown again afterwards."""
    phone("click", "go_history")
    phone("click", "export_json")
    phone("choose", folder / "history.json")
    phone("until", "history_notice", "~Written: history.json")
    phone("back")
    document = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert document["intended_use"] == DISCLAIMER
    readings: list[dict[str, object]] = document["readings"]
    return readings


def assert_same(reading: dict[str, object], verdict: Verdict) -> None:
    assert reading["label"] == verdict.label
    assert reading["margin"] == verdict.margin
    assert reading["score"] == pytest.approx(verdict.score, abs=1e-12)
    assert reading["threshold"] == verdict.threshold
    assert reading["referral"] == verdict.referral.value


# Pictures and verdicts


def test_a_verdict_from_the_gallery_is_the_toolkits(
    either: Phone, phantom_slice: Path, tmp_path: Path
) -> None:
    either.start()
    either.open(phantom_slice)
    expected = judged(phantom_slice)
    assert either.text("verdict_label") == expected.label
    assert either.text("verdict_score") == f"Score for fracture: {expected.score:.4f}"
    assert (
        either.text("verdict_threshold")
        == f"Margin {expected.margin:.2f}, threshold {expected.threshold:.2f}"
    )
    assert expected.referral.value in either.text("verdict_referral")
    assert "slice.png, by default.tflite on builtin" in either.text("verdict_source")
    assert re.search(r"Inference [\d.]+ ms at the median, [\d.]+ ms at p90", either.text("verdict_latency"))
    (reading,) = history(either, tmp_path)
    assert_same(reading, expected)
    assert reading["source"] == "slice.png"


def test_pictures_of_all_kinds_get_the_toolkits_verdicts(either: Phone, grey: Image, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    colours = np.stack([grey, np.roll(grey, 9, axis=1), 255 - grey], axis=-1)
    alpha = rng.integers(0, 256, grey.shape, dtype=np.uint8)  # zeros among them, below which colours remain
    pictures = {
        "grey": PIL.Image.fromarray(grey),
        "grey with alpha": PIL.Image.fromarray(np.stack([grey, alpha], axis=-1)),
        "colour": PIL.Image.fromarray(colours),
        "colour with alpha": PIL.Image.fromarray(np.concatenate([colours, alpha[..., None]], axis=-1)),
        "palette": PIL.Image.fromarray(colours).quantize(64),
        "two levels": PIL.Image.fromarray(grey).convert("1"),
        "wide": PIL.Image.fromarray(grey[100:300]),
        "one pixel": PIL.Image.fromarray(grey[200:201, 200:201]),
    }
    files = []
    for name, picture in pictures.items():
        files.append(tmp_path / f"{name}.png")
        picture.save(files[-1])
    either.start(Held(), None, "SEND_MULTIPLE", *files)
    either("until", "notice", f"~{len(files)} pictures were judged")
    readings = history(either, tmp_path)
    assert [reading["source"] for reading in readings] == [file.name for file in files]
    for reading, file in zip(readings, files, strict=True):
        assert_same(reading, judged(file))
    assert len({reading["margin"] for reading in readings}) > len(files) / 2


def test_slices_of_the_data_set_get_the_toolkits_verdicts(app: Phone, csf: Path, tmp_path: Path) -> None:
    every = sorted((csf / "val").rglob("*.png"))
    files = every[:: len(every) // 16][:16]
    app.start(Held(), None, "SEND_MULTIPLE", *files)
    app("until", "notice", f"~{len(files)} pictures were judged")
    readings = history(app, tmp_path)
    for reading, file in zip(readings, files, strict=True):
        assert_same(reading, judged(file))
    assert {reading["label"] for reading in readings} == {"fracture", "normal"}


def test_a_jpeg_is_turned_as_its_camera_was_held(app: Phone, grey: Image, tmp_path: Path) -> None:
    """The toolkit takes pixels as stored, so it is asked about the picture that Pillow turned."""
    picture = PIL.Image.fromarray(grey[:, 60:300])  # neither square nor symmetric
    files, margins = [], []
    for orientation in range(1, 9):
        files.append(tmp_path / f"{orientation}.jpg")
        exif = PIL.Image.Exif()
        exif[0x0112] = orientation
        picture.save(files[-1], quality=100, exif=exif)
        upright = tmp_path / f"{orientation}.png"
        PIL.ImageOps.exif_transpose(PIL.Image.open(files[-1])).save(upright)
        margins.append(judged(upright).margin)
    app.start(Held(), None, "SEND_MULTIPLE", *files)
    app("until", "notice", "~8 pictures were judged")
    found = [reading["margin"] for reading in history(app, tmp_path)]
    assert found == pytest.approx(margins, abs=0.75)  # the JVM's JPEG decoder is not Pillow's
    assert max(margins) - min(margins) > 3
    assert np.argsort(found).tolist()[0] == np.argsort(margins).tolist()[0]


def test_the_threshold_slider_flips_the_label_and_resets(
    either: Phone, phantom_slice: Path, tmp_path: Path
) -> None:
    either.start()
    either.open(phantom_slice)
    contract = either.text("threshold_contract")
    assert contract == "contract's: -3.77. Changed here for this session only."
    expected = judged(phantom_slice)
    assert (either.text("verdict_label"), expected.label) == ("normal", "normal")
    either("drag", "threshold", 60)
    assert either.text("verdict_label") == "fracture"
    assert either.text("threshold_contract") == contract
    shown = re.fullmatch(r"Threshold: (-?[\d.]+) \(score ([\d.]+)\)", either.text("threshold_title"))
    assert shown is not None
    assert float(shown[1]) < expected.margin
    assert either.text("verdict_threshold") == f"Margin {expected.margin:.2f}, threshold {shown[1]}"
    either("drag", "threshold", 400)
    assert either.text("verdict_label") == "normal"
    either("drag", "threshold", 60)
    either.open(phantom_slice)  # the next picture too
    assert either.text("verdict_label") == "fracture"
    either("click", "threshold_reset")
    assert either.text("verdict_label") == "normal"
    assert either.text("verdict_threshold").endswith("threshold -3.77")
    with pytest.raises(RuntimeError, match="cannot be clicked now"):
        either("click", "threshold_reset")
    assert [reading["label"] for reading in history(either, tmp_path)] == ["normal", "fracture"]


def damaged(path: Path) -> bytes:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    return bytes(data)


def large_png(width: int, height: int) -> bytes:
    """A small file that states a large size."""
    buffer = io.BytesIO()
    PIL.Image.new("1", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def test_what_is_no_whole_picture_is_refused_and_changes_nothing(
    either: Phone, phantom_slice: Path, grey: Image, tmp_path: Path
) -> None:
    PIL.Image.fromarray(grey).save(tmp_path / "whole.jpg")
    jpeg = (tmp_path / "whole.jpg").read_bytes()
    contents = {
        "empty.png": (b"", "is no picture that this phone can read; give a PNG or JPEG file."),
        "letter.png": (
            b"Dear colleague,",
            "is no picture that this phone can read; give a PNG or JPEG file.",
        ),
        "cut.png": (phantom_slice.read_bytes()[:-20000], "copy or export it again."),
        "damaged.png": (damaged(phantom_slice), "copy or export it again."),
        "cut.jpg": (jpeg[: len(jpeg) // 2], "is a broken or truncated picture; copy or export it again."),
        "large.png": (
            large_png(9000, 9000),
            "has 9000 × 9000 pixels, which is too large for a CT slice; leave it out.",
        ),
    }
    either.start()
    either.open(phantom_slice)
    before = either.texts()
    for name, (content, sentence) in contents.items():
        (tmp_path / name).write_bytes(content)
        either.open(tmp_path / name)
        notice = either.text("notice")
        assert notice.startswith(f"{name}: "), notice
        assert notice.endswith(sentence), notice
        assert [text for text in either.texts() if text != notice] == before
    either.open(tmp_path / "gone.png")
    assert re.fullmatch(r"gone\.png: cannot be read \(.+\); choose it again\.", either.text("notice"))
    either("click", "open_picture")
    either("choose")  # nothing
    either.open(tmp_path / "whole.jpg")
    assert "notice" not in either.texts()
    assert either("has", "notice") == ["false"]
    assert len(history(either, tmp_path)) == 2


def test_a_large_picture_is_shrunk_and_says_so(app: Phone, grey: Image, tmp_path: Path) -> None:
    large = PIL.Image.fromarray(grey).resize((4200, 4200))
    large.save(tmp_path / "large.png", compress_level=1)
    app.start()
    app.open(tmp_path / "large.png")
    assert "large.png, shrunk to a part in 2 of its sides before it was judged" in app.text("verdict_source")


def test_pictures_that_other_apps_share_come_into_one_history(
    either: Phone, phantom_slice: Path, tmp_path: Path
) -> None:
    second = android_app.write_phantom_slice(tmp_path / "second.png", index=4)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    either.start(Held(), None, "SEND", phantom_slice)
    either("until", "verdict", "shown")
    assert either.text("verdict_label") == judged(phantom_slice).label
    either("send", "VIEW", second)
    either("until", "verdict_source", "~second.png")
    either("click", "go_settings")
    either("send", "SEND_MULTIPLE", broken, phantom_slice, second)
    either("until", "notice", "~1 picture could not be read")
    assert "broken.png: is no picture" in either.text("notice")
    sources = [reading["source"] for reading in history(either, tmp_path)]
    assert sources == ["slice.png", "second.png", "slice.png", "second.png"]
    either("send", "SEND_MULTIPLE", *[second] * 51)
    either("until", "notice", "~51 pictures at a time are too many; the first 50 are judged")
    assert either.text("go_history") == "History (54 verdicts)"


# Turning the phone, going back, being ended


def test_a_turn_of_the_phone_loses_nothing(either: Phone, phantom_slice: Path) -> None:
    held = Held()
    either.start(held)
    either.open(phantom_slice)
    either("drag", "threshold", 60)
    before = either.texts()
    for turned in (held.turned(1), held.turned(2), replace(held, night=True), held):
        either("change", *turned.words())
        assert either.texts() == before
    either("click", "go_checks")
    either("change", *held.turned(1).words())
    assert either("has", "run_self_test") == ["true"]
    either("back")
    assert either.texts() == before


def test_work_goes_on_while_the_phone_is_turned(app: Phone, phantom_slice: Path) -> None:
    held = Held()
    app.start(held)
    app("click", "open_picture")
    app("choose", phantom_slice)
    app("change", *held.turned(1).words())
    app("until", "verdict_label", f"~{judged(phantom_slice).label}")
    app("click", "go_checks")
    app("click", "run_self_test")
    app("change", *held.words())
    app("until", "export_self_test", "shown")


def test_work_that_ends_after_the_app_ends_in_peace(app: Phone, phantom_slice: Path) -> None:
    app.start()
    app.open(phantom_slice)
    app("click", "go_settings")
    app("click", "=Fast")  # after which the picture is to be judged again
    app("end")
    app("sleep", 2000)
    assert "checked" in next(view.facts for view in app.views() if view.text == "Default")


def test_back_leads_to_the_scanner_and_then_out(app: Phone) -> None:
    app.start()
    for screen in SCREENS:
        app("click", screen)
        app("back")
        assert app("has", "shutter") == ["true"]
        app("click", screen)
        app("click", "back")
        assert app("has", "shutter") == ["true"]
    assert app("finished") == ["false"]
    app("back")
    assert app("finished") == ["true"]


def test_an_app_that_was_ended_starts_on_the_same_screen(app: Phone) -> None:
    app.start()
    app("click", "go_history")
    app("kill")
    assert app("has", "history_empty") == ["true"]


def test_what_was_chosen_when_the_app_had_been_ended(
    app: Phone, phantom_slice: Path, other_model: Path, tmp_path: Path
) -> None:
    app.start()
    app("click", "go_settings")
    app("click", "open_model")
    app("kill")
    app("choose", other_model)  # before the new session has a model at all
    app("until", "settings_notice", "~other.tflite is in use")
    app("back")
    app.open(phantom_slice)
    app("click", "go_history")
    app("click", "export_csv")
    app("kill")
    (tmp_path / "history.csv").touch()  # as the system does when the user names a file
    app("choose", tmp_path / "history.csv")
    app("until", "history_notice", "~gone, because the phone ended the app meanwhile; make it again")
    assert not (tmp_path / "history.csv").exists()


def test_what_was_shared_long_ago_is_not_asked_for_again(app: Phone, tmp_path: Path) -> None:
    gone = tmp_path / "gone.png"
    for action, notice in (("SEND", ["true"]), ("again SEND", ["false"])):
        app.start(Held(), None, action, gone)
        app.settle()
        assert app("has", "notice") == notice


# The camera


def camera_picture(folder: Path) -> Path:
    """What the camera sees: taller than wide, and different in each quarter."""
    picture = np.zeros((640, 480), np.uint8)
    hu = np.asarray(PIL.Image.open(android_app.write_phantom_slice(folder / "seen.png", size=480, index=2)))
    picture[80:560] = hu
    picture[80:200, 300:420] = 220
    path = folder / "camera.png"
    PIL.Image.fromarray(picture).save(path)
    return path


@pytest.mark.parametrize(("begun", "turns"), [(0, 0), (1, 1), (2, 2), (3, 3), (1, 3)])
def test_a_camera_picture_is_what_the_guide_shows(
    either: Phone, begun: int, turns: int, tmp_path: Path
) -> None:
    """However the phone is held: what lies in the guide is cut out, turned upright and judged."""
    seen = camera_picture(tmp_path)
    either.start(Held().turned(begun), seen)
    either("click", "shutter")  # asks for the camera
    either("camera", "allow")
    either("until", "shutter", "~Take picture")
    for _ in range(3):  # until the camera has begun
        either("sleep", 50)
    if begun != turns:
        either("turn over")
    either("paint", tmp_path / "live.png")
    either("click", "shutter")
    either("click", "shutter")  # a finger that trembles
    either("until", "verdict", "shown")
    either("paint", tmp_path / "taken.png")
    upright = np.rot90(np.asarray(PIL.Image.open(seen)), turns)  # as a person sees it
    height, width = upright.shape
    side = round(min(width, height) * 0.84)
    top, left = (height - side) // 2, (width - side) // 2
    square = upright[top : top + side, left : left + side]
    PIL.Image.fromarray(square).save(tmp_path / "square.png")
    (reading,) = history(either, tmp_path)
    assert reading["source"] == "Camera"
    assert_same(reading, judged(tmp_path / "square.png"))
    x, y, right, _ = (int(number) for number in either("bounds", "stage")[0].split())
    size = right - x
    inset = round(size * 0.08)

    def painted(name: str, margin: int) -> Image:
        box = (x + margin, y + margin, x + size - margin, y + size - margin)
        shown = PIL.Image.open(tmp_path / name).convert("L").crop(box)
        return np.asarray(shown.resize((100, 100), PIL.Image.Resampling.BOX), np.float64)

    live, taken = painted("live.png", inset)[3:-3, 3:-3], painted("taken.png", 0)[3:-3, 3:-3]
    assert np.abs(live - taken).mean() < 4
    assert np.abs(live - np.rot90(taken)).mean() > 8  # so that another turn would be noticed


def test_without_the_camera_the_gallery_stays(app: Phone, phantom_slice: Path) -> None:
    app.start()
    assert app.text("shutter") == "Allow the camera"
    app("click", "shutter")
    app("camera", "deny")
    assert app.text("camera_note").startswith("The camera may not be used. Allow it in the phone's settings")
    app("change", *Held().turned(1).words())
    assert app("has", "camera_note") == ["true"]
    app.open(phantom_slice)
    assert app.text("verdict_label") == judged(phantom_slice).label
    app("click", "shutter")
    assert app("has", "verdict") == ["false"]
    app("click", "shutter")  # asks again
    app("camera", "allow")  # there is none
    app("until", "camera_note", "~This phone has no camera that can be used")


# Models and how they are run


def test_without_a_model_another_can_be_chosen(
    compiled: Program, other_model: Path, phantom_slice: Path, tmp_path: Path
) -> None:
    shutil.copytree(compiled.assets, tmp_path / "assets")
    (tmp_path / "assets/models/default.tflite").write_bytes(b"nothing")
    with Phone(replace(compiled, assets=tmp_path / "assets")) as phone:
        phone("start", *Held().words(), "", "MAIN")
        phone("until", "notice", "~default.tflite: is no TFLite model")
        phone.open(phantom_slice)
        assert phone.text("notice") == "No model is ready. Choose one in the settings."
        phone("click", "go_settings")
        phone("click", "open_model")
        phone("choose", other_model)
        phone.settle()
        phone("click", "=reference")
        phone.settle()
        checked = [view.text for view in phone.views() if "checked" in view.facts]
        assert checked[:3] == ["other.tflite", "builtin", "reference"]


def test_a_foreign_model_is_refused_and_the_old_one_stays(
    either: Phone, phantom_slice: Path, int8_model: Path, tmp_path: Path
) -> None:
    model = ModelFile.read(int8_model)
    files = {
        "letter.tflite": (b"Dear colleague,", "is no TFLite model; give a .tflite file"),
        "bare.tflite": (model.graph, "carries no cspine-edge contract; convert it"),
        "cut.tflite": (int8_model.read_bytes()[:-1000], "is damaged or cut short"),
        "odd.tflite": (b"\x1c\x00\x00\x00TFL3" + bytes(64), "carries no cspine-edge contract"),
    }
    either.start()
    either.open(phantom_slice)
    before = either.texts()
    either("click", "go_settings")
    for name, (content, sentence) in files.items():
        (tmp_path / name).write_bytes(content)
        either("click", "open_model")
        either("choose", tmp_path / name)
        either("until", "open_model", "enabled")
        assert either.text("settings_notice").startswith(f"{name}: {sentence}")
        assert "Default" in [view.text for view in either.views() if "checked" in view.facts]
    either("back")
    assert [text for text in either.texts() if not text.startswith("odd.tflite")] == before


def test_models_are_chosen_and_judge_at_once(
    either: Phone, phantom_slice: Path, other_model: Path, tmp_path: Path
) -> None:
    either.start()
    either.open(phantom_slice)
    either("drag", "threshold", 60)
    either("click", "go_settings")
    either("click", "=Fast")
    either("until", "settings_notice", "~fast.tflite is in use")
    either("until", "open_model", "enabled")
    either("click", "open_model")
    either("choose", other_model)
    either("until", "settings_notice", "~other.tflite is in use")
    either("until", "open_model", "enabled")
    assert "other.tflite" in [view.text for view in either.views() if "checked" in view.facts]
    either("click", "go_about") if either("has", "go_about") == ["true"] else either("back")
    readings = history(either, tmp_path)
    assert [reading["model"] for reading in readings] == ["default.tflite", "fast.tflite", "other.tflite"]
    assert_same(readings[1], judged(phantom_slice, SHIPPED["fast.tflite"]))
    assert_same(readings[2], judged(phantom_slice, other_model))  # with its own threshold, not the slider's
    assert either.text("verdict_threshold").endswith("threshold -9.00")


def test_kernels_and_threads_are_chosen(app: Phone, phantom_slice: Path, tmp_path: Path) -> None:
    app.start()
    app.open(phantom_slice)
    app("drag", "threshold", 60)
    app("click", "go_settings")
    app("click", "=reference")
    app.settle()
    app("click", "=1 thread")
    app.settle()
    checked = [view.text for view in app.views() if "checked" in view.facts]
    assert checked == ["Default", "builtin", "reference", "1 thread"]
    app("back")
    first, *others = history(app, tmp_path)
    assert (first["family"], others[0]["family"]) == ("xnnpack", "reference")
    assert others[1]["threads"] == 1
    reference = judged(phantom_slice, family="reference")
    assert others[0]["margin"] == others[1]["margin"] == reference.margin
    assert others[1]["threshold"] == others[0]["threshold"] < reference.threshold  # the slider's, which stays


def test_the_contract_is_shown(app: Phone, int8_model: Path) -> None:
    model = ModelFile.read(int8_model)
    assert model.contract is not None
    app.start()
    app("click", "go_about")
    shown = "\n".join(app.texts())
    assert model.contract.graph_sha256 in shown
    assert model.contract.threshold.method in shown
    assert model.contract.intended_use in shown
    assert model.contract.provenance is not None
    assert f"{model.contract.provenance.backbone}, int8-qat" in shown
    assert model.contract.parity is not None
    assert f"{model.contract.parity['verdict']}: {model.contract.parity['reason']}" in shown
    assert "4 golden pairs" in shown


# Checks and exports


def test_the_self_test_finds_the_kernels_equal(either: Phone, tmp_path: Path) -> None:
    either.start()
    either("click", "go_checks")
    either("click", "run_self_test")
    either("until", "export_self_test", "shown")
    rows = [text for text in either.texts() if text.startswith("builtin, ")]
    assert rows == ["builtin, xnnpack: equal", "builtin, reference: equal"]
    either("click", "export_self_test")
    either("choose", tmp_path / "self-test.json")
    either("until", "checks_notice", "~Written")
    document = json.loads((tmp_path / "self-test.json").read_text(encoding="utf-8"))
    assert document["passed"] is True
    assert len(document["results"]) == 2


def test_a_bench_tells_how_far_it_is_and_can_be_cancelled(either: Phone) -> None:
    either.start()
    either("click", "go_checks")
    either("click", "run_bench")
    either("until", "bench_state", "~^[1-9] % done")
    assert either("has", "bench_progress") == ["true"]
    either("click", "run_bench")
    either("until", "bench_state", "~The bench was cancelled; nothing was kept.")
    assert either("has", "export_bench") == ["false"]
    assert either.text("run_bench") == "Run the bench"


def test_a_bench_is_exported_as_the_toolkit_reads_it(compiled: Program, tmp_path: Path) -> None:
    """With a tenth of the time that the app's resources say."""
    resources = shutil.copytree(RESOURCES, tmp_path / "res")
    stated = resources / "values/integers.xml"
    assert '<integer name="bench_seconds">30</integer>' in stated.read_text(encoding="utf-8")
    stated.write_text(stated.read_text(encoding="utf-8").replace(">30<", ">3<"), encoding="utf-8")
    with Phone(replace(compiled, resources=resources)) as phone:
        phone.start()
        phone("click", "go_checks")
        assert phone.text("bench_about").startswith("Times inference for 3 seconds")
        phone("click", "run_bench")
        phone("until", "export_bench", "shown")
        phone("click", "export_bench")
        phone("choose", tmp_path / "bench.json")
        phone("until", "checks_notice", "~Written")
    report = read_report(tmp_path / "bench.json")
    assert "builtin" in str(report)
    assert 3e6 <= np.concatenate(report.blocks[0].times_us()).sum() < 10e6


def test_the_history_is_exported_and_shared(either: Phone, phantom_slice: Path, tmp_path: Path) -> None:
    either.start()
    for _ in range(2):
        either.open(phantom_slice)
    either("click", "go_history")
    either("click", "export_csv")
    assert either("started")[:3] == [
        "android.intent.action.CREATE_DOCUMENT",
        "text/csv",
        "cspine-edge-history.csv",
    ]
    either("choose", tmp_path / "history.csv")
    either("until", "history_notice", "~Written: history.csv")
    with (tmp_path / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["source"] for row in rows] == ["slice.png"] * 2
    assert float(rows[1]["margin"]) == judged(phantom_slice).margin
    either("click", "share_csv")
    action, kind, _, text = either("started")
    assert (action, kind) == ("android.intent.action.SEND", "text/plain")
    assert text == (tmp_path / "history.csv").read_bytes().decode()
    either("click", "export_json")
    either("choose", tmp_path / "no such folder" / "history.json")
    either("until", "history_notice", r"~history\.json: could not be written \(.+\); choose another place\.")
    either("click", "clear_history")
    assert either("has", "history_empty") == ["true"]
    assert either("has", "export_csv") == ["false"]


# How it looks and is read aloud


@pytest.mark.parametrize("held", [Held(), Held(font=2.0), Held(width=320, height=480, font=1.3, night=True)])
@pytest.mark.parametrize("turns", [0, 1])
def test_no_text_is_cut_off_and_all_can_be_touched(
    app: Phone, phantom_slice: Path, held: Held, turns: int, tmp_path: Path
) -> None:
    held = held.turned(turns)
    app.start(held)
    app.open(phantom_slice)
    for screen in (None, *SCREENS):
        if screen is not None:
            app("click", screen)
            if screen == "go_checks":
                app("click", "run_self_test")
                app("until", "export_self_test", "shown")
        views = app.views()
        assert [view.text for view in views if "clipped" in view.facts] == []
        for view in views:
            if "clickable" in view.facts:
                assert min(view.width, view.height) >= 48 * held.density, view
            if view.kind in ("ImageView", "SeekBar", "ProgressBar", "TextureView"):
                assert "described" in view.facts, view
        app("paint", tmp_path / "screen.png")
        left, top, _, bottom = (int(number) for number in app("bounds", "disclaimer")[0].split())
        assert app.text("disclaimer") == DISCLAIMER
        assert (left, bottom <= held.height * held.density - 24 * held.density) == (0, True)
        assert top > 0
        if screen is not None:
            app("back")


def test_night_is_dark_and_day_is_light(app: Phone, phantom_slice: Path, tmp_path: Path) -> None:
    levels = {}
    for night in (False, True):
        app.start(Held(night=night))
        app.open(phantom_slice)
        app("paint", tmp_path / "screen.png")
        levels[night] = np.asarray(PIL.Image.open(tmp_path / "screen.png").convert("L"))[-40:].mean()
    assert levels[False] > 200
    assert levels[True] < 50


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours (WCAG 2.1)."""

    def luminance(color: str) -> float:
        levels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(levels <= 0.03928, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("folder", ["values", "values-night"])
def test_colours_can_be_told_apart(folder: str) -> None:
    colors = {
        color.get("name"): color.text or "" for color in ET.parse(RESOURCES / folder / "colors.xml").getroot()
    }
    for text in ("text", "text_secondary", "accent", "positive", "negative", "warning"):
        for ground in ("background", "surface"):
            assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
    assert contrast(colors["on_accent"], colors["accent"]) >= 4.5


# Phones of all ages


def test_nothing_newer_than_the_phone_is_called(
    compiled: Program, phantom_slice: Path, tmp_path: Path
) -> None:
    """The stand-in refuses what API 24 did not have."""
    with Phone(compiled, "-Dandroid.sdk=24") as phone:
        phone.start(Held(), camera_picture(tmp_path))
        phone.open(phantom_slice)
        phone("drag", "threshold", 60)
        phone("click", "go_checks")
        phone("click", "run_bench")
        phone("until", "bench_state", "~% done")
        phone("click", "run_bench")
        phone("until", "bench_state", "~cancelled")
        phone("back")
        (reading,) = history(phone, tmp_path)
        assert_same(reading, judged(phantom_slice))


# The project


def test_the_app_asks_for_the_camera_and_nothing_else() -> None:
    manifest = ET.parse(PROJECT / "app/src/main/AndroidManifest.xml").getroot()
    asked = [element.get(f"{ANDROID}name") for element in manifest.iter("uses-permission")]
    assert asked == ["android.permission.CAMERA"]
    application = manifest.find("application")
    assert application is not None
    assert application.get(f"{ANDROID}allowBackup") == "false"


def test_every_text_is_a_resource_and_every_resource_is_used() -> None:
    strings = {
        element.get("name")
        for element in ET.parse(RESOURCES / "values/strings.xml").getroot()
        if element.tag in ("string", "plurals")
    }
    java = "".join(file.read_text(encoding="utf-8") for file in android_app.sources("app/src/main/java"))
    xml = "".join(file.read_text(encoding="utf-8") for file in RESOURCES.rglob("*.xml"))
    manifest = (PROJECT / "app/src/main/AndroidManifest.xml").read_text(encoding="utf-8")
    used = set(re.findall(r"R\.(?:string|plurals)\.(\w+)", java)) | set(
        re.findall(r"@string/(\w+)", xml + manifest)
    )
    assert used == strings
    spoken = re.findall(r'(?<!AssertionError\()"[^"\n]*[a-z] [a-z][^"\n]*"', re.sub(r"@\w+\(.*", "", java))
    assert spoken == []
    for layout in (RESOURCES / "layout").glob("*.xml"):
        for element in ET.parse(layout).iter():
            for name in ("text", "contentDescription", "hint"):
                assert element.get(f"{ANDROID}{name}", "@string/").startswith("@string/"), layout


def test_the_flavor_with_litert_compiles(compiled: Program, root: Path, tmp_path: Path) -> None:
    """Against the signatures of LiteRT 1.4 that the app uses (``tests/litert``): its library cannot be had here."""
    stubs = sorted((root / "tests/litert").rglob("*.java"))
    android_app.javac(stubs, tmp_path / "litert")
    app_sources = android_app.sources("app/src/main/java", "app/src/litert/java")
    generated = list((compiled.assets.parent / "generated").rglob("R.java"))
    android_app.javac([*app_sources, *generated], tmp_path / "app", tmp_path / "litert", *compiled.class_path)
    assert (tmp_path / "app/org/cspineedge/app/LiteRtEngine.class").exists()
