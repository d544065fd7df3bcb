"""The machine: cores by name, and nothing where nothing is told. Boards are in test_sensors."""

from __future__ import annotations

from pathlib import Path

import boards

from cspine_edge.machine import describe_machine


def test_a_board_that_names_itself_in_cpuinfo_only(tmp_path: Path) -> None:
    boards.raspberry_pi_4(tmp_path)
    (tmp_path / "proc/device-tree/model").unlink()
    machine = describe_machine(tmp_path)
    assert machine.board == "Raspberry Pi 4 Model B Rev 1.4"
    assert machine.memory_mib == 3794


def test_what_a_machine_does_not_show_is_none(tmp_path: Path) -> None:
    machine = describe_machine(tmp_path)
    assert (machine.board, machine.cpu, machine.memory_mib, machine.simd) == (None, None, None, ())
    assert (machine.firmware, machine.power_mode) == (None, None)
    assert machine.processors >= 1


def test_kinds_of_cores_are_named_once_and_unknown_ones_by_number(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    parts = ("0xd05", "0xd05", "0xd0b", "0xfff")
    text = "".join(f"CPU implementer\t: 0x41\nCPU part\t: {part}\n\n" for part in parts)
    (tmp_path / "proc/cpuinfo").write_text(text)
    assert describe_machine(tmp_path).cpu == "Cortex-A55 + Cortex-A76 + ARM core 0x41/0xfff"
    (tmp_path / "proc/cpuinfo").write_text(
        "model name\t: Some CPU @ 3 GHz\nflags\t\t: sse avx2 avx512_vnni\n"
    )
    assert describe_machine(tmp_path).cpu == "Some CPU @ 3 GHz"
    assert describe_machine(tmp_path).simd == ("avx2", "avx512_vnni")
