"""An APK examined as a phone would take it, and its models as the toolkit takes them: a table of checks."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..classifier import Classifier
from ..documents import encode
from ..errors import CspineError, InputError, ToolError, printable
from ..files import read_regular
from ..model_file import ModelFile
from ..verification import verify as replay
from . import dex, manifest
from .api import NEWEST, Api, Levels, Signatures
from .assembly import DEFAULT_ASSET
from .compatibility import examine
from .project import Project, find_project
from .tools import Toolchain, d8_jar, stubs_folder, tools_to_verify

PERMISSIONS = frozenset({"android.permission.CAMERA"})
"""What the app may ask for; pictures and verdicts cannot leave the phone without INTERNET."""
FILTERS = (
    "MAIN category.LAUNCHER",
    "SEND SEND_MULTIPLE category.DEFAULT image/*",
    "VIEW category.DEFAULT content image/*",
)
"""What other apps may ask of the app: to start it, and to hand it images."""
MODELS_FOLDER = "assets/models/"
_STORED = (".tflite", ".arsc")
_NEWEST_DEX = 37
"""Newest version of dex files that Android reads at API 24; 38 came with API 26."""
_UNREADABLE = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError, OSError)
"""What ``zipfile`` raises for damaged, encrypted and unknown kinds of entries."""
_LARGEST = 1024 * 1024 * 1024
_SHOWN = 5
"""Problems of a check that the table shows; JSON has all."""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes
    ----------
    name
        What was looked at.
    found
        What is there, in words.
    problems
        Sentences on what is wrong; none if it passed.
    """

    name: str
    found: str
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """True if nothing is wrong."""
        return not self.problems

    def __str__(self) -> str:
        shown = list(self.problems[:_SHOWN]) or [self.found]
        if len(self.problems) > _SHOWN:
            shown.append(f"and {len(self.problems) - _SHOWN} more")
        return f"{'passed' if self.passed else 'FAILED'}  {self.name:<16}" + f"\n{'':<24}".join(
            map(printable, shown)
        )


@dataclass(frozen=True)
class ApkReport:
    """What was found in an APK.

    Attributes
    ----------
    path, size_bytes, sha256
        The file.
    checks
        In the order they were made.
    toolchain, versions
        What examined it.
    """

    path: Path
    size_bytes: int
    sha256: str
    checks: tuple[Check, ...]
    toolchain: str
    versions: dict[str, str]

    @property
    def passed(self) -> bool:
        """True if every check passed."""
        return all(check.passed for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Give plain data for JSON."""
        checks = [encode(check) | {"passed": check.passed} for check in self.checks]
        return encode(self) | {"checks": checks, "passed": self.passed}

    def __str__(self) -> str:
        failed = [check.name for check in self.checks if not check.passed]
        verdict = f"FAILED: {', '.join(failed)}" if failed else f"passed: {len(self.checks)} checks"
        end = f"{verdict}; {printable(str(self.path))}, {self.size_bytes / 1e6:.2f} MB, sha256 {self.sha256}"
        return "\n".join([*map(str, self.checks), end])


def verify(path: Path, model: Path | str | None = None, project: Project | None = None) -> ApkReport:
    """Examine an APK of the scanner app.

    Parameters
    ----------
    path
        The APK.
    model
        The model that it should carry as its default, bit for bit.
    project
        What it should be; by default the app that comes with this package.

    Raises
    ------
    InputError
        If the file is no APK, or the model is none.
    MissingToolsError
        If programs are absent.
    """
    try:
        content = read_regular(path, _LARGEST)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror}); give an APK") from error
    if not zipfile.is_zipfile(path) or b"AndroidManifest.xml" not in content:
        raise InputError(path, "is no APK; give one, such as 'cspine-edge android build' writes")
    expected = ModelFile.read(model).path.read_bytes() if model is not None else None
    tools, app = tools_to_verify(), project or find_project()
    with tempfile.TemporaryDirectory(prefix="cspine-edge-apk-") as folder:
        checks = (
            *_attempted("archive", lambda: _archive(path)),
            *_attempted("signature", lambda: _signature(tools, path, app.min_sdk)),
            *_attempted("alignment", lambda: _alignment(tools, path)),
            *_attempted("manifest", lambda: _manifest(tools, path, app)),
            *_attempted("models", lambda: _models(path, Path(folder), expected)),
            *_attempted("code", lambda: _code(tools, path, app.min_sdk)),
        )
    sha256 = hashlib.sha256(content).hexdigest()
    return ApkReport(path, len(content), sha256, checks, tools.source.value, tools.versions)


def _attempted(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    """Make checks; what cannot be looked at at all has failed."""
    try:
        return list(look())
    except (ToolError, *_UNREADABLE) as error:
        return [Check(name, "", (str(error),))]


def _archive(path: Path) -> Iterator[Check]:
    with zipfile.ZipFile(path) as archive:
        broken, entries = archive.testzip(), archive.infolist()
    problems = [f"{broken} is damaged"] if broken else []
    names = [entry.filename for entry in entries]
    problems += [f"{name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    problems += [f"{name} is a native library" for name in names if name.endswith(".so")]
    problems += [
        f"{entry.filename} is compressed"
        for entry in entries
        if entry.filename.endswith(_STORED) and entry.compress_type
    ]
    yield Check("archive", f"{len(names)} entries, no native library, models stored", tuple(problems))


def _signature(tools: Toolchain, path: Path, min_sdk: int) -> Iterator[Check]:
    done = tools.attempt(
        "apksigner", "verify", "--verbose", "--print-certs", "--min-sdk-version", min_sdk, path
    )
    said = dict(line.partition(": ")[::2] for line in done.stdout.splitlines())
    schemes = [
        name for name in ("v2", "v3") if any(f"{name} scheme" in key and said[key] == "true" for key in said)
    ]
    errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("ERROR: ")]
    problems = [] if done.returncode == 0 else errors or ["apksigner does not verify it"]
    if done.returncode == 0 and "v2" not in schemes:
        problems.append("it is not signed with scheme v2")
    owner, digest = said.get("Signer #1 certificate DN"), said.get("Signer #1 certificate SHA-256 digest", "")
    yield Check(
        "signature", f"{' and '.join(schemes)} by {owner}, certificate {digest[:16]}", tuple(problems)
    )


def _alignment(tools: Toolchain, path: Path) -> Iterator[Check]:
    done = tools.attempt("zipalign", "-c", "-v", "-p", 4, path)
    bad = [line.strip() for line in done.stdout.splitlines() if "(BAD" in line]
    problems = [] if done.returncode == 0 else bad or ["zipalign does not verify it"]
    yield Check("alignment", "stored entries begin at multiples of 4 bytes", tuple(problems))


def _manifest(tools: Toolchain, path: Path, app: Project) -> Iterator[Check]:
    root = manifest.parse(tools.run("aapt2", "dump", "xmltree", "--file", "AndroidManifest.xml", path))
    uses = next(root.all("uses-sdk"), manifest.Element("uses-sdk"))
    stated = {
        "package": (root.get("package"), app.package),
        "minSdkVersion": (uses.get("minSdkVersion"), str(app.min_sdk)),
        "targetSdkVersion": (uses.get("targetSdkVersion"), str(app.target_sdk)),
    }
    yield Check(
        "identity",
        f"{root.get('package')} {root.get('versionName')} ({root.get('versionCode')}), API {app.min_sdk} on, for "
        f"{app.target_sdk}",
        tuple(
            f"{name} is {found}, not {wanted}" for name, (found, wanted) in stated.items() if found != wanted
        ),
    )
    asked = {str(found.get("name")) for found in root.all("uses-permission", "uses-permission-sdk-23")}
    yield Check(
        "permissions",
        ", ".join(sorted(asked)) or "none",
        tuple(f"asks for {name}, which it must not" for name in sorted(asked - PERMISSIONS)),
    )
    yield _components(list(root.all(*manifest.COMPONENTS)))
    application = next(root.all("application"), manifest.Element("application"))
    wrong = [name for name in ("debuggable", "testOnly") if application.get(name) == "true"]
    wrong += [] if application.get("allowBackup") == "false" else ["allowBackup"]
    yield Check("release", "not debuggable, no backup", tuple(f"{name} is not false" for name in wrong))


def _components(components: Sequence[manifest.Element]) -> Check:
    problems, filters = [], []
    for component in components:
        name = str(component.get("name"))
        filters += component.filters
        if component.filters and component.get("exported") is None:
            problems.append(f"{name} has intent filters and does not state exported")
        if component.get("exported") == "true" and not component.filters:
            problems.append(f"{name} is exported without intent filter")
    problems += [f"no component takes {wanted}" for wanted in FILTERS if wanted not in filters]
    problems += [f"a component takes {found}" for found in filters if found not in FILTERS]
    return Check("components", f"{len(components)} with {len(filters)} intent filters", tuple(problems))


def _models(path: Path, folder: Path, expected: bytes | None) -> Iterator[Check]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.startswith(MODELS_FOLDER)]
        if DEFAULT_ASSET not in names:
            yield Check("models", "", (f"{DEFAULT_ASSET} is not there",))
        for name in sorted(names):
            content = archive.read(name)
            model = folder / Path(name).name
            model.write_bytes(content)
            yield _model(model, expected if name == DEFAULT_ASSET else None)


def _model(path: Path, expected: bytes | None) -> Check:
    problems = []
    found = ""
    try:
        result = replay(Classifier(path))
        found = f"{len(result.pairs)} golden pairs {result.agreement.value}, {result.banner}"
        problems += [f"golden pair {pair.image} differs" for pair in result.pairs if not pair.equal]
    except CspineError as error:
        problems.append(str(error).replace(f"{path}: ", ""))
    if expected is not None:
        found += "; identical to the model given"
        if path.read_bytes() != expected:
            problems.append("is another file than the model given")
    return Check(path.name, found, tuple(problems))


def _code(tools: Toolchain, path: Path, min_sdk: int) -> Iterator[Check]:
    listing = tools.run("dexdump", "-d", path)
    versions = dex.versions(listing)
    classes = dex.parse(listing)
    young = [
        f"{name} has version {number}, which API {min_sdk} does not read"
        for name, number in versions.items()
        if number > _NEWEST_DEX
    ]
    yield Check(
        "code",
        f"{len(classes)} classes in {', '.join(versions)}",
        tuple(young) if versions else ("no dex file is there",),
    )
    jar, stubs = d8_jar(), stubs_folder()
    assert jar is not None  # tools_to_verify found both
    assert stubs is not None
    result = examine(classes, Api(Levels(jar), Signatures(stubs)), min_sdk)
    yield Check("API", f"{result.references} references, all in API {NEWEST}", result.missing)
    yield Check(
        "API levels",
        f"{result.newer} of them newer than API {min_sdk}, each after a comparison with SDK_INT",
        result.unguarded,
    )
