"""The Android app on a JVM: its real activity, driven and painted, without a phone.

``android_demo/platform`` stands in for Android. The app's classes are compiled by ``javac``, or come from elsewhere,
such as from an APK. It needs a JDK 17.

::

    python benchmarks/android_app.py docs/android     # paints the screens of the documentation
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import numpy as np
import PIL.Image

from cspine_edge.phantom import generate_series
from cspine_edge.window import BONE_WINDOW

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "android_demo"
RESOURCES = PROJECT / "app/src/main/res"
PACKAGE = "org.cspineedge.app"
SHIPPED = {
    "default.tflite": ROOT / "models/mobilenet-a1.0-224-int8-qat.tflite",
    "fast.tflite": ROOT / "models/mobilenet-a0.25-b11-272-int8.tflite",
}
"""The models within the app, by their names there, as ``app/build.gradle.kts`` copies them."""


@dataclass(frozen=True)
class Program:
    """What is needed to run the app.

    Attributes
    ----------
    class_path
        The stand-in for Android, the driver and the app.
    assets
        The app's assets.
    """

    class_path: tuple[Path, ...]
    assets: Path


def javac(files: Sequence[Path], out: Path, *class_path: Path) -> None:
    """Compile for Java 17, every warning an error.

    Raises
    ------
    RuntimeError
        With what the compiler says.
    """
    out.mkdir(parents=True, exist_ok=True)
    options = ["--release", "17", "-encoding", "UTF-8", "-Xlint:all", "-Werror"]
    path = os.pathsep.join(map(str, class_path))
    command = ["javac", *options, "-cp", path, "-d", str(out), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def sources(*folders: str) -> list[Path]:
    """All Java files in folders of the project."""
    return [file for folder in folders for file in sorted((PROJECT / folder).rglob("*.java"))]


def compile_driver(out: Path) -> Path:
    """Compile the stand-in for Android and the driver; gives the folder of classes."""
    javac(sources("platform/src/main/java", "app/src/jvmTest/java"), out / "driver")
    return out / "driver"


def compile_app(out: Path, driver: Path) -> Path:
    """Compile the app with the engine of its core alone; gives the folder of classes."""
    generated = out / "generated"
    numbers = [
        "java",
        "-cp",
        driver,
        "org.cspineedge.platform.ResourceNumbers",
        RESOURCES,
        PACKAGE,
        generated,
    ]
    subprocess.run([*map(str, numbers)], check=True)
    files = sources("core/src/main/java", "app/src/main/java", "app/src/offline/java")
    javac([*files, *generated.rglob("R.java")], out / "app", driver)
    return out / "app"


def copy_assets(out: Path) -> Path:
    """Lay out the app's assets as the Gradle build does."""
    models = out / "assets/models"
    models.mkdir(parents=True, exist_ok=True)
    for name, file in SHIPPED.items():
        shutil.copyfile(file, models / name)
    return models.parent


def compile_program(out: Path) -> Program:
    """Compile all of it."""
    driver = compile_driver(out)
    return Program((driver, compile_app(out, driver)), copy_assets(out))


@dataclass(frozen=True)
class View:
    """A view that is shown.

    Attributes
    ----------
    kind
        Its class, such as ``Button``.
    text
        Its text.
    width, height
        Its size in pixels.
    facts
        ``clipped``, ``clickable``, ``enabled``, ``unimportant``, ``described``, ``checked``, ``live`` where they hold.
    """

    kind: str
    text: str
    width: int
    height: int
    facts: frozenset[str]


@dataclass(frozen=True)
class Held:
    """How the phone is held and set: sizes in dp, quarter turns counter-clockwise."""

    width: int = 360
    height: int = 760
    density: float = 2.0
    font: float = 1.0
    night: bool = False
    turns: int = 0

    def words(self) -> list[str]:
        """As the driver takes it."""
        return [
            *map(str, (self.width, self.height, self.density, self.font)),
            str(self.night).lower(),
            str(self.turns),
        ]

    def turned(self, turns: int) -> Held:
        """The same phone held otherwise."""
        sides = sorted((self.width, self.height))
        width, height = sides if turns % 2 == 0 else sides[::-1]
        return Held(width, height, self.density, self.font, self.night, turns)


DOCUMENTED = Held(density=1.5)
"""The phone of the documentation's screens, which should be small files."""


class Phone:
    """The app in a JVM, used by commands (``android_demo/app/src/jvmTest``)."""

    def __init__(self, program: Program, *options: str) -> None:
        path = os.pathsep.join(map(str, program.class_path))
        java = ["java", "-XX:+UseSerialGC", "-Djava.awt.headless=true", *options, "-cp", path]
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  closed in __exit__
        self._process = subprocess.Popen(
            [*java, "org.cspineedge.drive.Drive", str(RESOURCES), str(program.assets)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            encoding="utf-8",
        )

    def __enter__(self) -> Phone:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()
        self._errors.close()

    def __call__(self, *words: object) -> list[str]:
        """Give a command; gives the lines of the answer.

        Raises
        ------
        RuntimeError
            If it fails.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\t".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith("= "):
                lines.append(line[2:-1].encode("latin-1", "backslashreplace").decode("unicode_escape"))
            elif line == "ok\n":
                return lines
            else:
                break
        self._errors.seek(0)
        raise RuntimeError(f"{' '.join(map(str, words))}: {self._errors.read()[-4000:]}")

    def start(
        self, held: Held = Held(), camera: Path | None = None, action: str = "MAIN", *files: Path
    ) -> None:
        """Start the app and wait until its model is ready."""
        self("start", *held.words(), camera or "", action, *files)
        self("until", "threshold_card", "shown")

    def open(self, picture: Path) -> None:
        """Choose a picture in the gallery and wait for the verdict or what else there is to say."""
        self("click", "open_picture")
        self("choose", picture)
        self("until", "open_picture", "enabled")

    def text(self, name: str) -> str:
        """Text of a view."""
        return self("text", name)[0]

    def views(self) -> list[View]:
        """All views that are shown, from the outer to the inner."""
        rows = (line.split("\t") for line in self("views"))
        return [View(row[0], row[1], int(row[2]), int(row[3]), frozenset(row[4].split())) for row in rows]

    def texts(self) -> list[str]:
        """All texts that are shown."""
        return [view.text for view in self.views() if view.text]

    def settle(self) -> None:
        """Wait until nothing is worked on; on a screen that lets the user act only then."""
        for name in ("open_picture", "run_self_test", "open_model"):
            if self("has", name) == ["true"]:
                self("until", name, "enabled")


def write_phantom_slice(path: Path, seed: int = 4, index: int = 0, size: int = 512) -> Path:
    """Write a synthetic slice in the bone window, a grey PNG."""
    hu = generate_series(seed=seed, index=index, slices=1, size=size).volume[0]
    PIL.Image.fromarray(BONE_WINDOW.apply(hu.astype(np.float64))).save(path)
    return path


def paint_screens(folder: Path, scratch: Path) -> None:
    """Paint the screens of the documentation, of phantom slices alone."""
    folder.mkdir(parents=True, exist_ok=True)
    with Phone(compile_program(scratch)) as phone:
        slices = [write_phantom_slice(scratch / f"phantom-{i}.png", index=i) for i in (0, 1, 4)]

        def paint(name: str) -> None:
            phone("paint", folder / f"{name}.png")
            with PIL.Image.open(folder / f"{name}.png") as image:
                small = image.convert("P", palette=PIL.Image.Palette.ADAPTIVE, colors=128)
            small.save(folder / f"{name}.png", optimize=True)

        phone.start(DOCUMENTED)
        for picture in slices:
            phone.open(picture)
        paint("verdict")
        phone("change", *replace(DOCUMENTED, night=True).words())
        paint("verdict-dark")
        phone("change", *DOCUMENTED.words())
        phone("click", "go_history")
        paint("history")
        phone("back")
        phone("click", "go_checks")
        phone("click", "run_self_test")
        phone("until", "run_self_test", "enabled")
        paint("self-test")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        paint_screens(Path(sys.argv[1]), Path(scratch))
