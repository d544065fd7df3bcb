"""The sweep: blocks in shuffled order, never too short, on until the tail is known, and not beyond its time."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cspine_edge import sweep as sweep_module
from cspine_edge.classifier import Classifier
from cspine_edge.errors import UsageError
from cspine_edge.latency import TAIL_SHARE
from cspine_edge.sweep import SWEEP_UNITS, Rules, sweep

MILLISECOND = 1_000_000


@pytest.fixture(scope="module")
def classifiers(int8_model: Path) -> dict[int, Classifier]:
    return {count: Classifier(int8_model, threads=count) for count in (1, 2, 3)}


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], Any]], list[int]]:
    """Let blocks take times that are known; give the list of the thread counts they were measured with."""

    def install(times: Callable[[int], Any]) -> list[int]:
        seen: list[int] = []

        def block(classifier: Classifier, runs: int) -> Any:
            seen.append(classifier.session.threads)
            return np.asarray(times(len(seen)), np.int64)

        monkeypatch.setattr(sweep_module, "_timed_block", block)
        return seen

    return install


def test_blocks_alternate_in_an_order_that_the_seed_decides(
    classifiers: dict[int, Classifier], blocks: Callable[..., list[int]]
) -> None:
    seen = blocks(lambda _: [MILLISECOND] * 5)
    rules = Rules(least_s=0.0, least_runs=60, most_s=None, warmup=1)

    def order(seed: int) -> list[int]:
        seen.clear()
        sweep(classifiers, rules, np.random.default_rng(seed), lambda *_: None)
        return list(seen)

    first = order(1)
    rounds = [tuple(first[i : i + 3]) for i in range(0, len(first), 3)]
    assert len(rounds) == 12
    assert all(sorted(counts) == [1, 2, 3] for counts in rounds)
    assert len(set(rounds)) > 2
    assert order(1) == first
    assert order(2) != first


@pytest.mark.parametrize(
    ("rules", "runs"),
    [
        # 10 runs of 1 ms a block: both minima count, the least number here, the least time there.
        (Rules(least_s=0.05, least_runs=200, most_s=None), 200),
        (Rules(least_s=0.50, least_runs=200, most_s=None), 500),
        # Times that never differ are known at once, but for the 36 runs that p90's interval takes.
        (Rules(least_s=0.05, least_runs=50, most_s=10.0), 50),
        (Rules(least_s=0.0, least_runs=1, most_s=10.0), 40),
    ],
)
def test_steady_times_end_it_with_the_least_and_no_sooner(
    classifiers: dict[int, Classifier], blocks: Callable[..., list[int]], rules: Rules, runs: int
) -> None:
    blocks(lambda _: [MILLISECOND] * 10)
    found = sweep({1: classifiers[1]}, rules, np.random.default_rng(0), lambda *_: None)[1].latency
    assert found.runs == runs
    assert found.tight is (runs >= 36)


def test_wild_times_go_on_until_the_tail_is_known(
    classifiers: dict[int, Classifier], blocks: Callable[..., list[int]]
) -> None:
    generator = np.random.default_rng(0)
    blocks(lambda _: generator.exponential(MILLISECOND, 10))
    rules = Rules(least_s=0.0, least_runs=100, most_s=1000.0)
    found = sweep({1: classifiers[1]}, rules, np.random.default_rng(0), lambda *_: None)[1].latency
    assert found.tight
    assert found.tail_width is not None
    assert found.tail_width <= TAIL_SHARE
    assert 1000 < found.runs < 100_000
    assert found.p90_ms == pytest.approx(np.log(10), rel=0.06)  # of the exponential distribution


def test_the_most_time_ends_it_and_the_tail_stays_loose(
    classifiers: dict[int, Classifier], blocks: Callable[..., list[int]]
) -> None:
    generator = np.random.default_rng(0)
    blocks(lambda _: generator.exponential(MILLISECOND, 10))
    rules = Rules(least_s=0.1, least_runs=100, most_s=0.2)
    found = sweep({1: classifiers[1]}, rules, np.random.default_rng(0), lambda *_: None)[1].latency
    assert not found.tight
    assert 0.2 <= found.runs * found.mean_ms / 1e3 < 0.25


def test_it_goes_on_while_one_of_several_is_loose(
    classifiers: dict[int, Classifier], blocks: Callable[..., list[int]]
) -> None:
    generator = np.random.default_rng(0)
    seen = blocks(
        lambda _: generator.exponential(MILLISECOND, 10) if seen[-1] == 2 else np.full(10, MILLISECOND)
    )
    rules = Rules(least_s=0.0, least_runs=50, most_s=1000.0)
    both = {count: classifiers[count] for count in (1, 2)}
    found = sweep(both, rules, np.random.default_rng(0), lambda *_: None)
    assert all(timing.latency.tight for timing in found.values())
    assert found[1].latency.runs == found[2].latency.runs > 1000


def test_progress_reaches_its_end_once(
    classifiers: dict[int, Classifier], blocks: Callable[..., list[int]]
) -> None:
    blocks(lambda _: [MILLISECOND] * 7)
    units = []
    rules = Rules(least_s=0.1, least_runs=10, most_s=None)
    sweep(
        {1: classifiers[1]},
        rules,
        np.random.default_rng(0),
        lambda advance=1, text=None: units.append(advance),
    )
    assert sum(units) == SWEEP_UNITS
    assert min(units) >= 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"least_s": -1.0},
        {"least_s": float("nan")},
        {"least_s": float("inf"), "most_s": None},
        {"least_runs": 0},
        {"warmup": -1},
        {"least_s": 5.0, "most_s": 4.0},
        {"most_s": float("nan")},
    ],
)
def test_rules_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Rules(**wrong)


def test_real_inference_is_timed(classifiers: dict[int, Classifier]) -> None:
    rules = Rules(least_s=0.05, least_runs=20, most_s=None, warmup=1)
    found = sweep({1: classifiers[1]}, rules, np.random.default_rng(0), lambda *_: None)[1]
    assert found.threads == 1
    assert found.latency.runs == sum(map(len, found.blocks)) >= 20
    assert found.latency.runs * found.latency.mean_ms >= 50


def test_one_slow_inference_of_the_warm_up_does_not_shorten_blocks(
    int8_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, pauses = Classifier(int8_model, threads=1), iter([0.001] * 4 + [0.05])
    monkeypatch.setattr(classifier.session, "invoke", lambda: time.sleep(next(pauses)))
    assert sweep_module._warm_up(classifier, 5) > 30  # of 1 ms and a little make 100 ms


def test_garbage_collection_rests_while_a_block_is_timed(
    int8_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, seen = Classifier(int8_model, threads=1), set()
    monkeypatch.setattr(classifier.session, "invoke", lambda: seen.add(gc.isenabled()))
    assert len(sweep_module._timed_block(classifier, 5)) == 5
    assert seen == {False}
    assert gc.isenabled()


# Latency
