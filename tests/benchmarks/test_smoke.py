"""The benchmarks still run, at their smallest; what they find out is nobody's assertion."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks import load as load_of_the_service
from benchmarks import machine, memory, resident
from benchmarks.__main__ import PHOTO, STYLE, square, table
from benchmarks.apart import Apart
from benchmarks.flops import step_flops
from benchmarks.timing import interleaved
from engine import PRESETS
from engine.painter import Painter
from engine.stages import Tiling
from engine.tiles import Grid

SMALLEST = load_of_the_service.Load(30, 3, 2, 2.0, 1.0, 0.5)


def test_things_take_turns_and_the_first_round_does_not_count() -> None:
    calls: list[str] = []
    found = interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b"] * 3
    assert all(0 <= times.least <= times.median <= times.most for times in found.values())


def prepare(number: int) -> Callable[[], tuple[int, int]]:
    if not number:
        raise SystemExit(3)
    return lambda: (number, os.getpid())


def test_what_is_compared_has_processes_of_its_own() -> None:
    with Apart(prepare, 4) as four, Apart(prepare, 5) as five:
        (first, own), (second, other) = four(), five()
        assert (first, second) == (4, 5)
        assert four() == (4, own)
        assert len({own, other, os.getpid()}) == 3
    assert not [each for each in (own, other) if Path(f"/proc/{each}").exists()]


def test_what_cannot_be_made_ready_is_said() -> None:
    with pytest.raises(ChildProcessError, match="3"):
        Apart(prepare, 0)


def test_the_arithmetic_of_a_step_is_that_of_its_convolutions() -> None:
    # 381 thousand million operations at 512x512, counted by hand once.
    assert step_flops(512, 512) == pytest.approx(381e9, rel=0.01)
    assert step_flops(256, 256) == pytest.approx(step_flops(512, 512) / 4)


def test_the_machine_is_described() -> None:
    found = machine.describe()
    assert found["cores"] >= 1
    assert found["versions"]["mxnet"] == "1.9.1"


@pytest.mark.weights
def test_a_peak_is_measured_and_predicted(weights: Path) -> None:
    peak = memory.peak_of(weights.parent, 64, 48)
    assert (peak.width, peak.height, peak.tiles) == (64, 48, 1)
    assert min(peak.predicted_mb, peak.measured_mb, peak.seconds_per_step) > 0


@pytest.mark.weights
def test_the_gradient_in_tiles_is_compared(weights: Path) -> None:
    error = memory.gradient_error(
        Painter(weights.parent, "cpu", precision="float32"), (96, 128), Tiling(Grid(1, 2))
    )
    assert 0 <= error < 1e-3


@pytest.mark.weights
def test_a_step_is_compared_with_pytorch_where_that_is_installed(weights: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is installed by `make bench` alone")
    from benchmarks import step  # noqa: PLC0415 - only with PyTorch

    row = step.measure(weights.parent, "float32", 64, 1)
    assert all(math.isfinite(value) for value in (row.seconds, row.ratio_to_torch_float32))
    assert "share_of_limit" in table([asdict(row)])


@pytest.mark.weights
def test_the_time_to_the_peers_loss_is_taken(weights: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is installed by `make bench` alone")
    from benchmarks import equal_quality  # noqa: PLC0415 - only with PyTorch

    photo, style = square(PHOTO, 64), square(STYLE, 64)
    found = equal_quality.measure(weights.parent, photo, style, peer_steps=3)
    assert found.size == 64
    assert found.speedup == found.peer_seconds / found.seconds > 0
    assert 0 < found.target_loss < math.inf


@pytest.mark.weights
def test_what_a_job_costs_besides_its_steps_is_taken(weights: Path) -> None:
    recipe = PRESETS["draft"].model_copy(update={"iterations": (4, 4)})
    found = resident.measure(weights.parent, square(PHOTO, 256), square(STYLE, 256), recipe)
    # The first job's may be less than nothing: the steps, which are taken off, are told from one
    # that whatever else the machine did may have held up.
    assert found.warm_overhead_share < 1


def test_each_scale_has_a_pace_and_the_evaluation_of_its_start_is_a_step() -> None:
    recipe = PRESETS["draft"].model_copy(update={"iterations": (4, 2)})
    seen = {1: [(10.0, 1), (10.6, 3), (11.5, 4)], 2: [(12.0, 1), (13.0, 2)]}
    assert resident._stepping(recipe, seen) == pytest.approx(5 * 0.5 + 3 * 1.0)


def test_the_load_that_the_service_is_under_is_measured() -> None:
    found = {one.what: one.measured for one in load_of_the_service.measure(SMALLEST)}
    assert found["turns that a folder had while another waited for one"] >= 1
    assert found["idle, 3 styles, poll: memory"] > 0
    assert 1 < found["of 30 photos taken in that time"] <= 31  # with the late one
    assert found["memory 0.5 s after all are taken"] > 0
    assert all(map(math.isfinite, found.values()))


@pytest.mark.parametrize(
    ("order", "turns"),
    [("abcabcabc", 1), ("aabbcc", 2), ("aaabcbcbc", 3), ("abcbcbca", 3)],
)
def test_how_unfair_an_order_is(order: str, turns: int) -> None:
    jobs = [(lane, 0.0, float(at)) for at, lane in enumerate(order, 1)]
    assert load_of_the_service.most_turns_meanwhile(jobs, 99.0) == turns


def test_who_does_not_wait_is_not_passed_over() -> None:
    jobs = [("a", 0.0, 1.0), ("a", 0.0, 2.0), ("b", 2.5, 3.0), ("a", 0.0, 4.0), ("c", 3.5, None)]
    assert load_of_the_service.most_turns_meanwhile(jobs, 5.0) == 1


def test_of_two_that_came_at_once_one_may_never_have_begun() -> None:
    jobs = [("a", 1.0, None), ("a", 1.0, 2.0), ("b", 1.0, 3.0)]
    assert load_of_the_service.most_turns_meanwhile(jobs, 4.0) == 1
