"""An APK around a model: resources, classes and models into one archive that is the same every time.

::

    res, AndroidManifest.xml ----aapt2----> resources, R.java
    core, app, R.java ---javac, d8--------> classes.dex
    model.tflite, the shipped fast one ---> assets/models/
    all of it, stored in order of the names, without times ---zipalign, apksigner---> APK

Nothing is compressed: models cannot be made smaller anyway, Android maps what is stored, and the bytes do not depend on
the release of a compressor.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..classifier import Classifier
from ..errors import InputError, ModelError
from ..files import refuse_unwritable, replacing
from ..model_file import ModelFile
from ..runtime import tflite_session
from ..shipped import shipped_model
from .project import DEBUG_PASSWORD, PASSWORD_VARIABLE, Project, find_project, version_code
from .tools import Toolchain, tools_to_build

DEFAULT_ASSET = "assets/models/default.tflite"
"""The model that the app opens with."""
FAST_ASSET = "assets/models/fast.tflite"
"""The shipped model that the app offers beside it."""
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class BuiltModel:
    """A model in an APK.

    Attributes
    ----------
    asset
        Where it lies in the APK.
    name
        Name of the file it was.
    graph_sha256
        Of its flatbuffer, as its contract has it.
    """

    asset: str
    name: str
    graph_sha256: str


@dataclass(frozen=True)
class Built:
    """An APK that was built.

    Attributes
    ----------
    path, size_bytes, sha256
        The file.
    package, version_name, version_code
        As the phone knows it.
    models
        What it carries, the default first.
    debug_key
        True if it was signed with the public key.
    toolchain
        Where the Android tools came from.
    versions
        Of the tools.
    """

    path: Path
    size_bytes: int
    sha256: str
    package: str
    version_name: str
    version_code: int
    models: tuple[BuiltModel, ...]
    debug_key: bool
    toolchain: str
    versions: dict[str, str]

    def __str__(self) -> str:
        models = ", ".join(f"{model.name} (graph {model.graph_sha256[:12]})" for model in self.models)
        versions = ", ".join(f"{tool} {version}" for tool, version in self.versions.items())
        key = "the public debug key: for tests only" if self.debug_key else "the key given"
        return "\n".join(
            (
                f"{self.path}: {self.size_bytes / 1e6:.2f} MB, sha256 {self.sha256}",
                f"app        {self.package} {self.version_name} ({self.version_code})",
                f"models     {models}",
                f"signed     with {key}",
                f"built by   {self.toolchain}: {versions}",
            )
        )


def build(
    model: Path | str,
    out: Path,
    *,
    keystore: Path | None = None,
    password: Callable[[], str] | None = None,
    overwrite: bool = False,
    project: Project | None = None,
) -> Built:
    """Build the app around a model.

    Parameters
    ----------
    model
        A ``.tflite`` file with a contract, which becomes the app's default. The shipped fast one goes along, unless it
        is the same.
    out
        The APK to write.
    keystore
        Key store with one key to sign with; by default the public one.
    password
        Gives the password of ``keystore`` and its key.
    overwrite
        Replace an existing file.
    project
        The app; by default the one that comes with this package.

    Raises
    ------
    ModelError
        If the model is broken, foreign or without contract, or the app's interpreter cannot run it.
    OutputError
        If the APK exists or cannot be written.
    MissingToolsError
        If programs are absent.
    ToolError
        If a program fails: the message is its own.
    """
    refuse_unwritable(out, overwrite=overwrite)
    if keystore is not None and not keystore.is_file():
        raise InputError(keystore, "is no file; give a key store such as keytool writes")
    files = [_usable(Path(model))]
    fast = _usable(shipped_model("fast"))
    if fast.path.read_bytes() != files[0].path.read_bytes():
        files.append(fast)
    tools = tools_to_build()
    app = project or find_project()
    secret = DEBUG_PASSWORD if keystore is None or password is None else password()
    with tempfile.TemporaryDirectory(prefix="cspine-edge-apk-") as folder:
        work = Path(folder)
        unsigned = work / "unsigned.apk"
        models = dict(zip((DEFAULT_ASSET, FAST_ASSET), files, strict=False))
        assets = {asset: file.path.read_bytes() for asset, file in models.items()}
        resources, jar = _resources(tools, app, work), _classes(tools, app, work)
        _refuse_what_the_app_refuses(tools, jar, files)
        write_archive(unsigned, resources | _dex(tools, app, work, jar) | assets)
        with replacing(out, overwrite=overwrite) as temporary:
            signed = align_and_sign(tools, unsigned, keystore or app.debug_keystore, secret, app.min_sdk)
            shutil.copyfile(signed, temporary)
    content = out.read_bytes()
    return Built(
        path=out,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        package=app.package,
        version_name=__version__,
        version_code=version_code(),
        models=tuple(
            BuiltModel(asset, file.path.name, hashlib.sha256(file.graph).hexdigest())
            for asset, file in models.items()
        ),
        debug_key=keystore is None,
        toolchain=tools.source.value,
        versions=tools.versions,
    )


def _usable(path: Path) -> ModelFile:
    """Read a model as the app will: with its contract, which has to describe its tensors."""
    classifier = Classifier(path, threads=1)
    tflite_session(classifier.session, "the app is")
    return classifier.file


def _resources(tools: Toolchain, app: Project, work: Path) -> dict[str, bytes]:
    """Compile and link the resources; leaves ``R.java`` below ``work / "generated"``."""
    compiled, linked, manifest = work / "compiled", work / "linked.apk", work / "AndroidManifest.xml"
    compiled.mkdir()
    manifest.write_bytes(app.manifest())
    overlays: list[object] = []
    for position, folder in enumerate(app.resources):
        archive = compiled / f"{position}.zip"
        tools.run("aapt2", "compile", "--dir", folder, "-o", archive)
        overlays += ["-R", archive] if position else [archive]
    tools.run(
        "aapt2",
        "link",
        *("--manifest", manifest),
        *("-I", tools.framework),
        *("--min-sdk-version", app.min_sdk),
        *("--target-sdk-version", app.target_sdk),
        *("--version-code", version_code()),
        *("--version-name", __version__),
        *("--java", work / "generated"),
        *("-o", linked),
        "--auto-add-overlay",
        *overlays,
    )
    with zipfile.ZipFile(linked) as found:
        return {name: found.read(name) for name in found.namelist()}


def _classes(tools: Toolchain, app: Project, work: Path) -> Path:
    """Compile the app into a jar; leaves what stands in for ``android.jar`` at ``_library``."""
    if tools.android_jar is None:
        _compile(tools, app.platform_sources, work / "platform", ())
    sources = [*app.app_sources, *sorted((work / "generated").rglob("*.java"))]
    return _compile(tools, sources, work / "app", ("--class-path", _library(tools, work)))


def _library(tools: Toolchain, work: Path) -> Path:
    return tools.android_jar or work / "platform.jar"


def _refuse_what_the_app_refuses(tools: Toolchain, jar: Path, files: Sequence[ModelFile]) -> None:
    """Open the models with the app's own interpreter.

    Raises
    ------
    ModelError
        If it cannot run one.
    """
    program = Path(__file__).with_name("OpenModels.java")
    said = tools.run("java", "-XX:TieredStopAtLevel=1", "-cp", jar, program, *(file.path for file in files))
    for file, reason in zip(files, said.splitlines(), strict=True):
        if reason:
            raise ModelError(file.path, f"cannot be run by the app: {reason}")


def _dex(tools: Toolchain, app: Project, work: Path, jar: Path) -> dict[str, bytes]:
    """Turn the classes of a jar into ``classes.dex``, or several."""
    dex = work / "dex"
    dex.mkdir()
    libraries: list[object] = ["--lib", _library(tools, work)]
    if tools.android_jar is None:  # which has java.* as well
        libraries += ["--lib", Path(tools.programs["java"][0]).resolve().parents[1]]
    tools.run("d8", "--release", "--min-api", app.min_sdk, *libraries, "--output", dex, jar)
    return {file.name: file.read_bytes() for file in sorted(dex.glob("classes*.dex"))}


def _compile(tools: Toolchain, sources: list[Path], classes: Path, options: tuple[object, ...]) -> Path:
    """Compile Java sources into a jar."""
    listing = classes.with_suffix(".txt")
    listing.write_text("".join(f'"{source.as_posix()}"\n' for source in sources), encoding="utf-8")
    release = ("--release", "17", "-encoding", "UTF-8", "-proc:none", "-nowarn", "-g:source,lines")
    quick = ("-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC")
    tools.run("javac", *quick, *release, *options, "-d", classes, f"@{listing}")
    jar = classes.with_suffix(".jar")
    write_archive(
        jar, {file.relative_to(classes).as_posix(): file.read_bytes() for file in classes.rglob("*.class")}
    )
    return jar


def write_archive(path: Path, entries: dict[str, bytes]) -> None:
    """Write a ZIP archive that depends on the entries' names and bytes alone."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.create_system = 0  # not the system it is written on
            archive.writestr(entry, entries[name])


def align_and_sign(tools: Toolchain, unsigned: Path, keystore: Path, password: str, min_sdk: int) -> Path:
    """Align stored entries to 4 bytes and sign with the schemes 2 and 3, which Android has had since API 24.

    Returns
    -------
    pathlib.Path
        The signed APK, beside ``unsigned``.
    """
    aligned, signed = unsigned.with_name("aligned.apk"), unsigned.with_name("signed.apk")
    tools.run("zipalign", "-f", "-p", 4, unsigned, aligned)
    tools.run(
        "apksigner",
        "sign",
        *("--ks", keystore),
        *("--ks-pass", f"env:{PASSWORD_VARIABLE}"),
        *("--min-sdk-version", min_sdk),
        *("--v1-signing-enabled", "false"),
        *("--v2-signing-enabled", "true"),
        *("--v3-signing-enabled", "true"),
        *("--v4-signing-enabled", "false"),
        *("--out", signed),
        aligned,
        environment={PASSWORD_VARIABLE: password},
    )
    return signed
