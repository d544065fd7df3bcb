"""What is installed on this machine, what works of it, and the line that brings what is missing.

Nothing heavy is loaded for it: of TensorFlow only the metadata are read, unless no other interpreter is here.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .documents import encode
from .errors import CspineError, ExitCode, MissingExtraError
from .machine import Machine, describe_machine
from .requirements import requirements
from .system_files import ROOT, numbered, read_pairs, read_text

if TYPE_CHECKING:
    from .runtime import Runtime

_PACKAGE = "cspine-edge"
_DEVELOPMENT = "dev"
"""The extra of those who change this package; nobody lacks it for using it."""
_WEIGHTS = {
    "mobilenet": "mobilenet_*_tf_no_top.h5",
    "vgg16": "vgg16_*_notop.h5",
    "densenet121": "densenet121_*_notop.h5",
}
"""How Keras calls the files of ImageNet weights that ``train`` downloads."""


@dataclass(frozen=True)
class Interpreter:
    """One of the packages that run a ``.tflite``, in the order in which ``predict`` looks for them.

    Attributes
    ----------
    package, version
        Name and version; the version is ``None`` if it is not installed.
    kernels
        What computed the shipped model; ``None`` if it was not tried or could not.
    agreement
        How closely its golden outputs were compared; ``None`` likewise.
    passed
        Whether they were those of the workstation; ``None`` likewise.
    milliseconds
        For loading the package and the model and for all golden pairs.
    problem
        Why it cannot run the model.
    """

    package: str
    version: str | None
    kernels: str | None = None
    agreement: str | None = None
    passed: bool | None = None
    milliseconds: float | None = None
    problem: str | None = None

    def __str__(self) -> str:
        if self.version is None:
            return f"{self.package}: not installed"
        if self.problem is not None:
            return f"{self.package} {self.version}: {self.problem}"
        if self.passed is None:
            return f"{self.package} {self.version}: installed, not tried as another one comes first"
        word = "golden pairs equal" if self.passed else "GOLDEN PAIRS DIFFER, demanded"
        return (
            f"{self.package} {self.version}: {self.kernels} kernels, {word} {self.agreement}, "
            f"{self.milliseconds:.0f} ms with loading"
        )


@dataclass(frozen=True)
class Extra:
    """An optional part of the installation, by the package's own metadata.

    Attributes
    ----------
    name
        As in ``pip install 'cspine-edge[name]'``; empty for what every installation needs.
    installed
        Packages that are here, with their versions.
    missing
        Packages that are not, or in a version that will not do.
    line
        The command that installs them; ``None`` if nothing is missing.
    """

    name: str
    installed: tuple[str, ...]
    missing: tuple[str, ...]
    line: str | None

    def __str__(self) -> str:
        if not self.missing:
            return f"installed ({', '.join(self.installed)})"
        return f"missing {', '.join(self.missing)}: {self.line}"


@dataclass(frozen=True)
class Gpu:
    """A graphics processor of NVIDIA; only ``train`` and ``convert`` use one.

    Attributes
    ----------
    name, driver
        As its driver tells them; ``None`` where it does not.
    """

    name: str | None
    driver: str | None

    def __str__(self) -> str:
        return f"{self.name or 'NVIDIA, of unknown kind'}, driver {self.driver or 'of unknown version'}"


@dataclass(frozen=True)
class Place:
    """A folder that is written to: what for, where, and whether this user may."""

    purpose: str
    path: str
    writable: bool


@dataclass(frozen=True)
class Diagnosis:
    """What was found; prints itself.

    Attributes
    ----------
    version
        Of this toolkit.
    machine
        Board, processor, instruction sets, Python.
    needed
        What every installation needs; ``None`` if this one has no metadata (a bare checkout).
    interpreters
        In the order of preference.
    extras
        Optional parts; empty if the installation has no metadata.
    decoders
        Transfer syntaxes of compressed DICOM, each with the plugin that decodes it, or ``None``.
    gpus
        Graphics processors.
    weights
        ImageNet weights that Keras has downloaded, by network.
    places
        Folders that are written to.
    problem
        Why the verbs of the device cannot work, and the line that mends it; ``None`` if they do.
    exit_code
        What the command line ends with.
    """

    version: str
    machine: Machine
    needed: Extra | None
    interpreters: tuple[Interpreter, ...]
    extras: tuple[Extra, ...]
    decoders: dict[str, str | None]
    gpus: tuple[Gpu, ...]
    weights: dict[str, tuple[str, ...]]
    places: tuple[Place, ...]
    problem: str | None
    exit_code: ExitCode

    def to_json(self) -> dict[str, object]:
        """Give plain data for JSON."""
        found: dict[str, object] = encode(self)
        return found

    def __str__(self) -> str:
        rows = [
            ("cspine-edge", f"{self.version}, Python {self.machine.python}"),
            ("machine", f"{self.machine.banner}; {self.machine.system}"),
            *(("interpreter", str(entry)) for entry in self.interpreters),
            (
                "needed",
                str(self.needed) if self.needed else "not known: this is no installation but a checkout",
            ),
            *((f"[{extra.name}]", str(extra)) for extra in self.extras),
            ("DICOM", self._decoders()),
            (
                "GPU",
                "; ".join(map(str, self.gpus)) or "none found; only training and conversion would use one",
            ),
            ("weights", self._weights()),
            *(
                (place.purpose, f"{place.path}, {'writable' if place.writable else 'NOT WRITABLE'}")
                for place in self.places
            ),
        ]
        verdict = f"problem: {self.problem}" if self.problem else "passed: the verbs of the device work here"
        return "\n".join((*(f"{name:<17}{text}" for name, text in rows), verdict))

    def _decoders(self) -> str:
        lacking = [name for name, plugin in self.decoders.items() if plugin is None]
        there = f"{len(self.decoders) - len(lacking)} of {len(self.decoders)} kinds of compression"
        return there + (f"; not: {'; '.join(lacking)}" if lacking else "")

    def _weights(self) -> str:
        there = [file for files in self.weights.values() for file in files]
        lacking = [name for name, files in self.weights.items() if not files]
        without = "train downloads them, or takes --weights FILE where there is no network"
        missing = f"no ImageNet weights here for {', '.join(lacking)}: {without}" if lacking else ""
        return "; ".join(filter(None, (", ".join(there), missing)))


def examine(root: Path = ROOT, home: Path | None = None) -> Diagnosis:
    """Look at this machine and try its interpreters on the shipped model.

    Parameters
    ----------
    root
        Where ``proc`` and ``dev`` lie.
    home
        Home folder of the user, where Keras keeps what it downloads.
    """
    needed, extras = _parts()
    interpreters: tuple[Interpreter, ...] = ()
    problem: tuple[str, ExitCode] | None = None
    decoders: dict[str, str | None] = {}
    try:
        from .dicom_pixels import compressed_syntaxes

        interpreters, problem = _interpreters()
        decoders = compressed_syntaxes()
    except ModuleNotFoundError as error:  # of a package that every installation needs
        problem = f"{error.name} is not installed: pip install {_PACKAGE}", ExitCode.MISSING_EXTRA
    others = (
        {entry.package for entry in interpreters} if any(entry.passed for entry in interpreters) else set()
    )
    if needed is not None and set(needed.missing) - others:  # one interpreter does for another
        problem = f"{', '.join(needed.missing)} is missing: {needed.line}", ExitCode.MISSING_EXTRA
    keras = (home or Path.home()) / ".keras/models"
    return Diagnosis(
        version=__version__,
        machine=describe_machine(root),
        needed=needed,
        interpreters=interpreters,
        extras=extras,
        decoders=decoders,
        gpus=_gpus(root),
        weights={
            name: tuple(sorted(str(path) for path in keras.glob(pattern)))
            for name, pattern in _WEIGHTS.items()
        },
        places=(
            Place("Keras' downloads", str(keras), _writable(keras)),
            Place("temporary files", tempfile.gettempdir(), _writable(Path(tempfile.gettempdir()))),
        ),
        problem=problem[0] if problem else None,
        exit_code=problem[1] if problem else ExitCode.OK,
    )


def _interpreters() -> tuple[tuple[Interpreter, ...], tuple[str, ExitCode] | None]:
    """Each interpreter, and what is wrong with the one that would be used."""
    from .runtime import Runtime, available_runtimes

    here = available_runtimes()
    found: list[Interpreter] = []
    problem: tuple[str, ExitCode] | None = None
    for runtime in Runtime:
        if runtime not in here:
            found.append(Interpreter(runtime.value, None))
            continue
        if runtime is Runtime.TENSORFLOW and runtime is not here[0]:  # seconds, for what no verb would use
            found.append(Interpreter(runtime.value, runtime.version))
            continue
        entry, code = _try(runtime)
        if runtime is here[0] and code is not ExitCode.OK:  # no verb goes on to the next one
            problem = str(entry), code
        found.append(entry)
    if not here:
        error = MissingExtraError("running a model", "tflite-runtime")
        problem = str(error), error.exit_code
    return tuple(found), problem


def _try(runtime: Runtime) -> tuple[Interpreter, ExitCode]:
    from .classifier import Classifier
    from .runtime import tflite_session
    from .verification import verify

    begin = time.perf_counter()
    try:
        classifier = Classifier(runtime=runtime)
        result = verify(classifier)
    except CspineError as error:
        return Interpreter(runtime.value, runtime.version, problem=str(error)), error.exit_code
    milliseconds = 1000 * (time.perf_counter() - begin)
    entry = Interpreter(
        package=runtime.value,
        version=runtime.version,
        kernels=tflite_session(classifier.session, "golden pairs are").family.value,
        agreement=result.agreement.value,
        passed=result.passed,
        milliseconds=round(milliseconds, 1),
    )
    return entry, ExitCode.OK if result.passed else ExitCode.GATE_FAILED


def _parts() -> tuple[Extra | None, tuple[Extra, ...]]:
    try:
        package = distribution(_PACKAGE)
    except PackageNotFoundError:
        return None, ()
    names = package.metadata.get_all("Provides-Extra") or []
    return _part(package, ""), tuple(_part(package, name) for name in names if name != _DEVELOPMENT)


def _part(package: Distribution, extra: str) -> Extra:
    asked = requirements(package, extra)
    missing = [requirement for requirement in asked if not requirement.is_met]
    wanted = f"{_PACKAGE}[{extra}]" if extra else " ".join(f"{entry.name}{entry.wanted}" for entry in missing)
    line = f"pip install {shlex.join([wanted] if extra else wanted.split())}"
    return Extra(
        name=extra,
        installed=tuple(f"{entry.name} {entry.version}" for entry in asked if entry.is_met),
        missing=tuple(map(str, missing)),
        line=line if missing else None,
    )


def _gpus(root: Path) -> tuple[Gpu, ...]:
    """NVIDIA's GPUs by the files of their driver, of a PC's and of a Jetson's.

    ``/proc/driver/nvidia/gpus/*/information`` has a line ``Model:``; where a container hides it, the devices
    ``/dev/nvidia0`` ... are left. A Jetson's own GPU has ``/dev/nvhost-gpu`` or, since JetPack 6, ``/dev/nvgpu``.
    """
    driver = root / "proc/driver/nvidia"
    release = re.search(r"\b\d{3}\.\d+(?:\.\d+)?\b", read_text(driver / "version") or "")
    version = release[0] if release else None
    names = [dict(read_pairs(path)).get("Model") for path in sorted(driver.glob("gpus/*/information"))]
    if names or (names := [None] * len(numbered(root / "dev", "nvidia"))):
        return tuple(Gpu(name, version) for name in names)
    if any((root / "dev" / name).exists() for name in ("nvhost-gpu", "nvhost-ctrl-gpu", "nvgpu")):
        return (Gpu("that of the Jetson", version),)
    return ()


def _writable(folder: Path) -> bool:
    existing = next((path for path in (folder, *folder.absolute().parents) if path.exists()), folder)
    return os.access(existing, os.W_OK)
