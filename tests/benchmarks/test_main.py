"""What `make bench` does, and what it keeps of an earlier run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import PARTS, QUICK, kept, parts

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
