"""What is wrong with an APK is found by the check that is there for it, and by no other."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cspine_edge.android.assembly import DEFAULT_ASSET, FAST_ASSET, align_and_sign, build, write_archive
from cspine_edge.android.project import DEBUG_PASSWORD, find_project, read_project
from cspine_edge.android.tools import tools_to_build
from cspine_edge.android.verification import ApkReport, Check, verify
from cspine_edge.model_file import ModelFile
from cspine_edge.shipped import shipped_model

Cli = Callable[..., Any]


def failed(report: ApkReport) -> dict[str, tuple[str, ...]]:
    return {check.name: check.problems for check in report.checks if not check.passed}


def entries_of(apk: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(apk) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def signed(entries: dict[str, bytes], folder: Path) -> Path:
    """An APK of these entries, aligned and signed with the debug key."""
    unsigned = folder / "unsigned.apk"
    write_archive(unsigned, entries)
    return align_and_sign(tools_to_build(), unsigned, find_project().debug_keystore, DEBUG_PASSWORD, 24)


def test_a_good_one_passes(scanner_apk: Path, cli: Cli) -> None:
    shown = cli("android", "verify", scanner_apk, "--model", "mobilenet", "--json")
    assert (shown.code, shown.err) == (0, "")
    report = json.loads(shown.out)
    assert report["passed"] is True
    found = {check["name"]: check["found"] for check in report["checks"]}
    assert list(found) == [
        *("archive", "signature", "alignment", "identity", "permissions", "components", "release"),
        *("default.tflite", "fast.tflite", "code", "API", "API levels"),
    ]
    assert found["signature"].startswith("v2 and v3 by CN=cspine-edge debug")
    assert found["permissions"] == "android.permission.CAMERA"
    assert found["default.tflite"].startswith("4 golden pairs bit for bit")
    assert found["default.tflite"].endswith("identical to the model given")
    assert int(found["API"].split()[0]) > 100


def test_many_problems_are_counted() -> None:
    shown = str(Check("API", "", tuple(f"problem {n}" for n in range(7)))).splitlines()
    assert shown[0] == "FAILED  API             problem 0"
    assert [line.strip() for line in shown[1:]] == [*(f"problem {n}" for n in range(1, 5)), "and 2 more"]


def test_the_table_ends_with_the_verdict() -> None:
    checks = (Check("archive", "20 entries"), Check("API", "", ("a", "b")))
    report = ApkReport(Path("a.apk"), 1234567, "abc", checks, "Debian", {})
    assert str(report).splitlines() == [
        "passed  archive         20 entries",
        "FAILED  API             a",
        "                        b",
        "FAILED: API; a.apk, 1.23 MB, sha256 abc",
    ]
    assert str(replace(report, checks=checks[:1])).splitlines()[-1].startswith("passed: 1 checks; a.apk")


def test_a_byte_of_the_code(scanner_apk: Path, tmp_path: Path, cli: Cli) -> None:
    content = bytearray(scanner_apk.read_bytes())
    content[content.index(b"dex\n037\0") + 5000] ^= 1
    damaged = tmp_path / "damaged.apk"
    damaged.write_bytes(content)
    shown = cli("android", "verify", damaged)
    assert shown.code == 1
    assert shown.out.splitlines()[-1].startswith("FAILED: archive, signature, code; ")
    found = failed(verify(damaged))
    assert found["archive"] == ("classes.dex is damaged",)
    assert "ERROR: " in found["signature"][0]
    assert "digest" in found["signature"][0].lower()


@pytest.mark.parametrize("kind", ["damaged", "encrypted", "unknown"])
def test_an_entry_that_cannot_be_unpacked(kind: str, scanner_apk: Path, tmp_path: Path) -> None:
    apk = tmp_path / "packed.apk"
    with zipfile.ZipFile(apk, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries_of(scanner_apk).items():
            archive.writestr(name, content)
        entry = archive.getinfo("AndroidManifest.xml")
    content = bytearray(apk.read_bytes())
    local, central = entry.header_offset, content.rindex(b"AndroidManifest.xml") - 46
    if kind == "damaged":
        content[local + 30 + len(entry.filename)] = 0xFF  # no such kind of block
    elif kind == "encrypted":
        content[local + 6] |= 1
        content[central + 8] |= 1
    else:
        content[local + 8] = content[central + 10] = 77
    apk.write_bytes(content)
    assert "archive" in failed(verify(apk))


def test_no_signature_and_no_alignment(scanner_apk: Path, tmp_path: Path) -> None:
    unsigned = tmp_path / "unsigned.apk"
    for length in range(1, 5):
        write_archive(unsigned, entries_of(scanner_apk) | {"A": bytes(length)})
        with zipfile.ZipFile(unsigned) as archive:
            entry = archive.getinfo(DEFAULT_ASSET)
        if (entry.header_offset + 30 + len(DEFAULT_ASSET)) % 4:
            break
    found = failed(verify(unsigned))
    assert set(found) == {"signature", "alignment"}
    assert any("(BAD" in problem for problem in found["alignment"])


def test_a_model_that_was_swapped(scanner_apk: Path, tmp_path: Path) -> None:
    entries = entries_of(scanner_apk)
    swapped = signed(entries | {DEFAULT_ASSET: entries[FAST_ASSET]}, tmp_path)
    assert failed(verify(swapped)) == {}
    assert failed(verify(swapped, shipped_model())) == {
        "default.tflite": ("is another file than the model given",)
    }


def test_models_that_do_not_prove_themselves(scanner_apk: Path, tmp_path: Path) -> None:
    shipped = ModelFile.read(shipped_model())
    assert shipped.contract is not None
    first, second, *others = shipped.contract.golden
    mixed = (replace(first, expected=second.expected), second, *others)
    other = (
        replace(shipped, contract=replace(shipped.contract, golden=mixed))
        .save(tmp_path / "other.tflite")
        .path
    )
    bare = ModelFile.read(shipped_model("fast")).graph
    apk = signed(entries_of(scanner_apk) | {DEFAULT_ASSET: other.read_bytes(), FAST_ASSET: bare}, tmp_path)
    found = failed(verify(apk))
    assert found["default.tflite"] == ("golden pair golden/0.png differs",)
    (problem,) = found["fast.tflite"]
    assert problem.startswith("carries no cspine-edge contract")
    assert set(found) == {"default.tflite", "fast.tflite"}


def test_what_should_not_be_in_it_and_what_should(scanner_apk: Path, tmp_path: Path) -> None:
    entries = entries_of(scanner_apk)
    del entries[DEFAULT_ASSET]
    found = failed(verify(signed(entries | {"lib/arm64-v8a/libx.so": b"\x7fELF"}, tmp_path)))
    assert found == {
        "archive": ("lib/arm64-v8a/libx.so is a native library",),
        "models": (f"{DEFAULT_ASSET} is not there",),
    }


def test_another_manifest_and_newer_calls(tmp_path: Path) -> None:
    """A build of changed sources: what Gradle would let through."""
    folder = Path(
        shutil.copytree(find_project().folder, tmp_path / "project", ignore=shutil.ignore_patterns("build"))
    )
    manifest = folder / "app/src/main/AndroidManifest.xml"
    text = manifest.read_text()
    text = text.replace(
        "<application",
        '<uses-permission android:name="android.permission.INTERNET" />\n<application\nandroid:debuggable="true"',
        1,
    )
    text = text.replace("android.intent.action.VIEW", "android.intent.action.EDIT")
    manifest.write_text(text.replace('android:allowBackup="false"', ""))
    gradle = folder / "app/build.gradle.kts"
    gradle.write_text(gradle.read_text().replace("minSdk = 24", "minSdk = 25"))
    added = folder / "core/src/main/java/org/cspineedge/core/Newer.java"
    added.write_text(
        "package org.cspineedge.core;\n/** Newer. */\npublic final class Newer {\n"
        "/** Calls.\n@return bytes */\npublic static Object call(java.io.InputStream in) throws java.io.IOException {"
        " return in.readAllBytes(); }\n"
        "}\n"
    )
    apk = build(shipped_model(), tmp_path / "changed.apk", project=read_project(folder)).path
    found = failed(verify(apk))
    assert found["identity"] == ("minSdkVersion is 25, not 24",)
    assert found["permissions"] == ("asks for android.permission.INTERNET, which it must not",)
    assert found["components"] == (
        "no component takes VIEW category.DEFAULT content image/*",
        "a component takes EDIT category.DEFAULT content image/*",
    )
    assert found["release"] == ("debuggable is not false", "allowBackup is not false")
    (problem,) = (problem for problem in found["API levels"] if "readAllBytes" in problem)
    assert problem.startswith(
        "Ljava/io/InputStream;.readAllBytes:()[B came after API 31, by 36; Lorg/cspineedge/core/"
    )
    assert set(found) == {"identity", "permissions", "components", "release", "API levels"}


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"no archive"])
def test_what_is_no_apk(content: bytes, tmp_path: Path, cli: Cli) -> None:
    other = tmp_path / "other.apk"
    other.write_bytes(content)
    shown = cli("android", "verify", other)
    assert (shown.code, shown.out) == (4, "")
    assert shown.err.startswith(f"error: {other}: is no APK")


def test_a_missing_file(cli: Cli, tmp_path: Path) -> None:
    shown = cli("android", "verify", tmp_path / "none.apk")
    assert shown.code == 4
    assert "none.apk: cannot be read (No such file or directory)" in shown.err


def test_a_missing_model(cli: Cli, tmp_path: Path, scanner_apk: Path) -> None:
    shown = cli("android", "verify", scanner_apk, "--model", tmp_path / "none.tflite")
    assert shown.code == 4
    assert "none.tflite: cannot be read" in shown.err
