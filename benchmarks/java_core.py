"""The Android demo's core on a desktop JVM: compiling it, and the programs that give its answers to Python."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "android_demo" / "core" / "src"
PACKAGE = Path("java/org/cspineedge/core")
PROGRAMS = (
    "ToolkitComparison.java",
    "ServiceComparison.java",
    "ToldEngine.java",
    "builtin/LiteRtComparison.java",
)
JAVA = ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # quick to start
BUILTIN_PROGRAM = "org.cspineedge.core.builtin.LiteRtComparison"


def javac(files: Sequence[Path], out: Path, *options: str) -> None:
    """Compile as the Gradle build does: for Java 17, every warning an error.

    Raises
    ------
    RuntimeError
        With what the compiler says.
    """
    strict = ["--release", "17", "-encoding", "UTF-8", "-Xlint:all", "-Werror"]
    command = ["javac", *(f"-J{option}" for option in JAVA[1:]), *strict, *options]
    done = subprocess.run([*command, "-d", str(out), *map(str, files)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)


def compile_core(out: Path) -> None:
    """Compile the core, without Android on its class path, and the programs that compare."""
    files = sorted((SOURCES / "main" / PACKAGE).rglob("*.java"))
    javac([*files, *(SOURCES / "test" / PACKAGE / name for name in PROGRAMS)], out)
