"""What `make bench` does, and what it keeps of an earlier run."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import load
from benchmarks.__main__ import PARTS, QUICK, broken, kept, main, parts

HERE = {"processor": "this one", "threads": 2, "memory_mb": 100}


@pytest.mark.weights
def test_every_part_can_be_asked_for_by_its_name(weights: Path) -> None:
    assert tuple(parts(weights.parent, QUICK, ())) == PARTS


def test_parts_of_an_earlier_run_are_kept_if_it_was_on_this_machine(tmp_path: Path) -> None:
    output = tmp_path / "latest.json"
    assert kept(output, HERE) == {}
    before = {"machine": HERE, "step": []}
    output.write_text(json.dumps(before))
    assert kept(output, HERE) == before
    assert kept(output, {**HERE, "memory_mb": 90}) == before
    assert kept(output, {**HERE, "threads": 3}) == {}


def test_a_promise_under_load_that_is_not_kept_is_named() -> None:
    def row(what: str, target: float | None, measured: float) -> dict[str, Any]:
        return {"what": what, "unit": "s", "target": target, "measured": measured}

    rows = [row("a", 1.0, 1.0), row("b", None, 9.0), row("c", 0.5, 0.51), row("d", 1.0, math.nan)]
    assert broken(rows, quick=True) == broken(rows[:2], quick=False) == []
    assert broken(rows, quick=False) == [
        "c: 0.51 s, and 0.5 are promised",
        "d: nan s, and 1 are promised",
    ]


@pytest.mark.parametrize(
    ("measured", "more", "code"), [(2, [], 1), (1, [], 0), (2, ["--quick"], 0)]
)
def test_it_ends_with_1_if_a_promise_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: float, more: list[str], code: int
) -> None:
    monkeypatch.setattr("benchmarks.__main__.environment", lambda _: {})  # it starts itself anew
    monkeypatch.setattr(load, "measure", lambda _: [load.Finding("a", "s", 1.0, measured)])
    output = str(tmp_path / "found.json")
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "load", "--output", output, *more])
    assert main() == code
    assert json.loads(Path(output).read_text())["load"][0]["measured"] == measured
