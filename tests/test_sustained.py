"""Sustained load: what happened when, on a board that heats up; energy by hand; broken off and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cspine_edge import sustained as sustained_module
from cspine_edge.classifier import Classifier
from cspine_edge.sensors import Power, Readings, ThermalZone
from cspine_edge.sustained import Energy, _summarise, sustain

S = 1_000_000_000
QUIET = Readings(
    frequencies_mhz=(2400.0, 2400.0), throttled_now=(), temperatures=(ThermalZone("cpu-thermal", 50.0),)
)


@pytest.fixture
def classifier(int8_model: Path) -> Classifier:
    return Classifier(int8_model, threads=1)


def test_samples_energy_and_slowdown_by_hand() -> None:
    """Ten seconds at 10 ms, then ten at 20 ms, read every five seconds and at the end."""
    times = np.array([S // 100] * 1000 + [S // 50] * 500)
    hot = replace(
        QUIET,
        throttled_now=("throttled",),
        frequencies_mhz=(1200.0, 1500.0),
        temperatures=(ThermalZone("cpu-thermal", 85.0),),
    )
    taken = [
        (5 * S, replace(QUIET, power=Power(6.0, "meter"))),
        (10 * S, replace(QUIET, power=Power(6.0, "meter"))),
        (15 * S, replace(hot, power=Power(3.0, "meter"))),
        (20 * S, replace(hot, power=Power(1.0, "meter"))),  # after the load
    ]
    found = _summarise(2, 30.0, True, np.cumsum(times), times, taken, 2.0)
    assert (found.threads, found.asked_s, found.measured_s, found.broken_off) == (2, 30.0, 20.0, True)
    assert (found.runs, found.p50_ms, found.p90_ms) == (1500, 10.0, 20.0)
    assert (found.first_p50_ms, found.last_p50_ms, found.slowdown) == (10.0, 20.0, 2.0)
    assert [sample.second for sample in found.samples] == [5, 10, 15, 20]
    assert [sample.runs for sample in found.samples] == pytest.approx([500, 500, 250, 250], abs=1)
    assert [sample.p50_ms for sample in found.samples] == [10, 10, 20, 20]
    assert [sample.celsius for sample in found.samples] == [50, 50, 85, 85]
    assert [sample.mhz for sample in found.samples] == [2400, 2400, 1350, 1350]
    assert [sample.throttled for sample in found.samples] == [(), (), ("throttled",), ("throttled",)]
    # 5 W for 20 s are 100 J, and 60 J above the 2 W at rest; the reading after the load is not counted.
    assert found.energy == Energy("meter", 2.0, 5.0, pytest.approx(1e5 / 1500), pytest.approx(6e4 / 1500))


def test_without_sensors_there_is_latency_alone() -> None:
    times = np.full(100, S // 100)
    found = _summarise(1, 1.0, False, np.cumsum(times), times, [(S // 2, Readings()), (S, Readings())], None)
    assert (found.energy, found.slowdown) == (None, 1.0)
    assert {(s.celsius, s.mhz, s.watts, s.throttled) for s in found.samples} == {(None, None, None, None)}


def test_an_interval_without_an_inference_has_no_median() -> None:
    times = np.array([S, 4 * S])
    taken = [(second * S, QUIET) for second in (2, 3, 6)]
    found = _summarise(1, 5.0, False, np.cumsum(times), times, taken, None)
    assert [(sample.runs, sample.p50_ms) for sample in found.samples] == [(1, 1000.0), (0, None), (1, 4000.0)]


def test_a_real_load_is_watched_by_a_second_thread(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sustained_module, "_IDLE_PAUSE_S", 0.01)
    seconds: list[float] = []
    watts = iter([1.0] * 10 + [4.0] * 100)
    found = sustain(
        classifier,
        1.5,
        lambda: replace(QUIET, power=Power(next(watts), "meter")),
        every_s=0.25,
        on_second=seconds.append,
    )
    assert not found.broken_off
    assert 1.5 <= found.measured_s < 10
    assert [round(second) for second in seconds[:2]] == [0, 1]
    assert 4 <= len(found.samples) <= 8
    assert sum(sample.runs for sample in found.samples) == found.runs
    assert found.runs * found.p50_ms / 1e3 < 2 * found.measured_s
    assert found.energy is not None
    assert (found.energy.idle_watts, found.energy.load_watts) == (1.0, 4.0)


def test_readings_are_300_at_most(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sustained_module, "_MOST_SAMPLES", 4)
    found = sustain(classifier, 1.0, lambda: QUIET, every_s=0.001)
    assert 3 <= len(found.samples) <= 5


def broken_at(count: int, classifier: Classifier) -> Callable[[], None]:
    invoke, calls = classifier.session.invoke, iter(range(count + 1))

    def once() -> None:
        if next(calls) == count:
            raise KeyboardInterrupt
        invoke()

    return once


def test_broken_off_keeps_what_was_measured(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier.session, "invoke", broken_at(50, classifier))
    begin = time.perf_counter()
    found = sustain(classifier, 600.0, lambda: QUIET)
    assert time.perf_counter() - begin < 30
    assert (found.broken_off, found.asked_s, found.runs) == (True, 600.0, 50)
    assert len(found.samples) >= 1


def test_broken_off_at_once_is_an_interrupt(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier.session, "invoke", broken_at(0, classifier))
    with pytest.raises(KeyboardInterrupt):
        sustain(classifier, 600.0, lambda: QUIET)
