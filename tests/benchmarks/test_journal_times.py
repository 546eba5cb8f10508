"""What a service spends in its journal is measured from outside, and each second once."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from benchmarks.journal_times import TIMES, read, telling
from daemon.errors import JournalError
from daemon.journal import JOURNAL, Journal


def test_calls_are_counted_and_what_they_call_themselves_is_a_part_of_them(tmp_path):
    original, began = Journal.get, time.perf_counter()
    with (
        telling({TIMES: str(tmp_path / "told")}),
        closing(Journal(tmp_path / JOURNAL, time.time)) as journal,
    ):
        journal.counts()
        journal.counts()
        with pytest.raises(JournalError):
            journal.get("nobody")  # which calls `find`
    took, spent = time.perf_counter() - began, read(tmp_path / "told")
    assert {name: one.calls for name, one in spent.items()} == {"counts": 2, "get": 1, "close": 1}
    assert 0 < sum(one.seconds for one in spent.values()) < took
    assert Journal.get is original


def test_nothing_is_measured_unless_it_is_asked_for(tmp_path):
    original = Journal.get
    with telling({}):
        assert Journal.get is original
    assert not list(tmp_path.iterdir())
