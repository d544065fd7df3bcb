"""The APK: the same bytes wherever it is built, around the model given, or nothing at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import android_tools
import pytest
from emulation import roots

from cspine_edge import __version__
from cspine_edge.android.assembly import DEFAULT_ASSET, FAST_ASSET, align_and_sign, write_archive
from cspine_edge.android.project import DEBUG_PASSWORD, find_project, version_code
from cspine_edge.android.tools import DEBIAN_FRAMEWORK, d8_jar, tools_to_build
from cspine_edge.errors import ToolError
from cspine_edge.model_file import ModelFile
from cspine_edge.shipped import shipped_model

Cli = Callable[..., Any]


def test_the_installed_wheel_gives_the_same_bytes_elsewhere(scanner_apk: Path, tmp_path: Path) -> None:
    """Other sources of the same content, in another folder, language and time zone."""
    try:
        wheel = roots.build_wheel(tmp_path)
    except roots.EmulationError as error:  # it fetches hatchling
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no wheel can be built here: {error}")
    elsewhere = tmp_path / "another place"
    elsewhere.mkdir()
    other = {"LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "TMPDIR": str(elsewhere), "HOME": str(elsewhere)}
    done = subprocess.run(
        [sys.executable, "-m", "cspine_edge", "android", "build", "--out", "scanner.apk", "--json"],
        env=os.environ | other | {"PYTHONPATH": str(roots.unpack_wheel(wheel, tmp_path / "site"))},
        cwd=elsewhere,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    content = (elsewhere / "scanner.apk").read_bytes()
    assert content == scanner_apk.read_bytes()
    assert [path.name for path in elsewhere.glob("*")] == ["scanner.apk"]
    built = json.loads(done.stdout)
    assert (built["sha256"], built["size_bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (built["path"], built["debug_key"]) == ("scanner.apk", True)
    assert (built["package"], built["version_name"], built["version_code"]) == (
        "org.cspineedge.app",
        __version__,
        version_code(),
    )
    contract = ModelFile.read(shipped_model()).contract
    assert contract is not None
    assert built["models"][0] == {
        "asset": DEFAULT_ASSET,
        "name": shipped_model().name,
        "graph_sha256": contract.graph_sha256,
    }


def test_entries_are_stored_in_order_and_without_time(scanner_apk: Path) -> None:
    with zipfile.ZipFile(scanner_apk) as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    assert names == sorted(names)
    assert {(entry.compress_type, entry.date_time, entry.create_system) for entry in entries} == {
        (zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0), 0)
    }
    assert {"AndroidManifest.xml", "classes.dex", "resources.arsc"} <= set(names)


REPLAY = """
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.cspineedge.core.*;
import org.cspineedge.core.builtin.BuiltinEngineFactory;

class Replay {
    public static void main(String[] files) throws Exception {
        for (String file : files) {
            ModelFile model = ModelFile.read(file, Files.newInputStream(Path.of(file)));
            SelfTestReport report = SelfTest.run(model, List.of(new BuiltinEngineFactory()), 2, "x86_64");
            for (SelfTestReport.Result result : report.results()) {
                System.out.println(result.passed() + " " + result.line());
            }
        }
    }
}
"""


def test_the_code_in_the_apk_gives_the_golden_outputs(scanner_apk: Path, tmp_path: Path) -> None:
    """The dex file turned back into classes and run on the JVM: the app's interpreter, as D8 left it."""
    jar, program = android_tools.jar_of(scanner_apk, tmp_path), tmp_path / "Replay.java"
    program.write_text(REPLAY)
    with zipfile.ZipFile(scanner_apk) as archive:
        models = [archive.extract(asset, tmp_path) for asset in (DEFAULT_ASSET, FAST_ASSET)]
    sources = find_project().folder / "core/src/main/java"  # enjarify leaves out what only a compiler reads
    javac = ["javac", "-implicit:none", "--source-path", sources, "-d", tmp_path, program]
    subprocess.run(javac, check=True)
    java = ["java", "-cp", f"{tmp_path}:{jar}", "Replay", *models]
    done = subprocess.run(java, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("ModelFile.class"))
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    for line, family in zip(lines, ("xnnpack", "reference") * 2, strict=True):
        assert line.startswith("true equal builtin")
        assert f"{family} kernels: 4 golden pairs bit for bit" in line


# A key of one's own


@pytest.fixture(scope="module")
def keystore(tmp_path_factory: pytest.TempPathFactory) -> Path:
    android_tools.need("keytool")
    path = tmp_path_factory.mktemp("key") / "own.keystore"
    call = ["keytool", "-genkeypair", "-keystore", path, "-storepass", "secret words", "-alias", "own"]
    call += ["-keyalg", "RSA", "-dname", "CN=somebody else"]
    subprocess.run(call, check=True, capture_output=True)
    return path


def test_a_wrong_password(keystore: Path, scanner_apk: Path, tmp_path: Path) -> None:
    unsigned = Path(shutil.copy(scanner_apk, tmp_path / "unsigned.apk"))
    with pytest.raises(ToolError, match=r"^apksigner failed: .*password was incorrect") as error:
        align_and_sign(tools_to_build(), unsigned, keystore, "guess", 24)
    assert error.value.exit_code == 4
    assert not unsigned.with_name("signed.apk").exists()


def test_the_debug_key_is_as_public_as_it_says(scanner_apk: Path) -> None:
    call = ["keytool", "-list", "-keystore", find_project().debug_keystore, "-storepass", DEBUG_PASSWORD]
    assert "PrivateKeyEntry" in subprocess.run(call, check=True, capture_output=True, text=True).stdout


# What is refused


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not a model", "is no TFLite model"),
        (None, "cannot be read"),
        ("cut", "is damaged or cut short"),
        ("bare", "carries no cspine-edge contract"),
    ],
)
def test_a_model_that_is_none(
    content: bytes | str | None, sentence: str, cli: Cli, tmp_path: Path, int8_model: Path
) -> None:
    model, out = tmp_path / "model.tflite", tmp_path / "a.apk"
    if content == "cut":
        content = int8_model.read_bytes()[:-100]
    elif content == "bare":
        content = ModelFile.read(int8_model).graph
    if isinstance(content, bytes):
        model.write_bytes(content)
    shown = cli("android", "build", "--model", model, "--out", out)
    assert (shown.code, shown.out) == (4, "")
    assert shown.err.startswith(f"error: {model}: {sentence}")
    assert not out.exists()


@pytest.mark.workstation
def test_a_model_that_the_apps_interpreter_cannot_run(float_model: Path, cli: Cli, tmp_path: Path) -> None:
    android_tools.need()
    shown = cli("android", "build", "--model", float_model, "--out", tmp_path / "a.apk")
    assert (shown.code, shown.out) == (4, "")
    assert shown.err.startswith(f"error: {float_model}: cannot be run by the app: ")
    assert shown.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_an_existing_apk_stays(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "a.apk"
    out.write_bytes(b"mine")
    shown = cli("android", "build", "--out", out)
    assert shown.code == 4
    assert "exists already" in shown.err
    assert out.read_bytes() == b"mine"


def test_a_key_store_that_is_none(cli: Cli, tmp_path: Path) -> None:
    shown = cli("android", "build", "--keystore", tmp_path / "no.keystore", "--out", tmp_path / "a.apk")
    assert shown.code == 4
    assert "no.keystore: is no file" in shown.err


# Other tools, another model, another key


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    """An SDK of Debian's programs in the usual folders, with an ``android.jar`` and a ``d8`` of its own."""
    android_tools.need()
    tools = tools_to_build()
    if tools.android_jar is not None:
        pytest.skip("an SDK is in use")
    platform, programs = tmp_path / "sdk/platforms/android-35", tmp_path / "sdk/build-tools/35.0.0"
    platform.mkdir(parents=True)
    programs.mkdir(parents=True)
    tools.run("javac", "-nowarn", "-d", tmp_path / "stubs", *find_project().platform_sources)
    stubs = {path.relative_to(tmp_path / "stubs"): path for path in (tmp_path / "stubs").rglob("*.class")}
    with zipfile.ZipFile(DEBIAN_FRAMEWORK) as framework:
        resources = {name: framework.read(name) for name in framework.namelist()}
    classes = {name.as_posix(): path.read_bytes() for name, path in stubs.items()}
    write_archive(platform / "android.jar", resources | classes)
    for name in ("aapt2", "zipalign", "apksigner", "dexdump"):
        (programs / name).symlink_to(str(shutil.which(name)))
    (programs / "d8").write_text(f'#!/bin/sh\nexec java -cp "{d8_jar()}" com.android.tools.r8.D8 "$@"\n')
    (programs / "d8").chmod(0o755)
    return tmp_path / "sdk"


def test_an_sdk_another_model_and_a_key_of_ones_own(
    sdk: Path, keystore: Path, scanner_apk: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDROID_HOME", str(sdk))
    monkeypatch.setenv("CSPINE_EDGE_KEYSTORE_PASSWORD", "secret words")
    fast, out = shipped_model("fast"), tmp_path / "fast.apk"
    shown = cli("android", "build", "--model", "fast", "--keystore", keystore, "--out", out)
    assert (shown.code, shown.err) == (0, "")
    for words in (
        fast.name,
        "with the key given",
        "Android SDK: ",
        "platform android-35, build-tools 35.0.0",
    ):
        assert words in shown.out
    with zipfile.ZipFile(out) as archive:  # the fast one goes along once
        assert [name for name in archive.namelist() if name.endswith("tflite")] == [DEFAULT_ASSET]
        assert archive.read(DEFAULT_ASSET) == fast.read_bytes()
    with zipfile.ZipFile(scanner_apk) as archive:
        assert archive.read(DEFAULT_ASSET) == shipped_model().read_bytes()
        assert archive.read(FAST_ASSET) == fast.read_bytes()
    report = json.loads(cli("android", "verify", out, "--model", "fast", "--json").out)
    assert (report["passed"], report["toolchain"]) == (True, "Android SDK")
    (signature,) = [check for check in report["checks"] if check["name"] == "signature"]
    assert "by CN=somebody else" in signature["found"]
