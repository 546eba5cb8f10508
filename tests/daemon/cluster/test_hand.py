"""A painter as a process: a folder of its own, and what it tells systemd."""

from __future__ import annotations

import json
import signal
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from daemon.cluster.hand import own_folder
from tests.daemon.cluster.grid import Grid, wait_until
from tests.daemon.listening import Listener


def test_painters_of_one_machine_have_folders_of_their_own(tmp_path: Path) -> None:
    with own_folder(tmp_path) as first:
        with own_folder(tmp_path) as second:
            assert (first.name, second.name) == ("1", "2")
        with own_folder(tmp_path) as again:
            assert again == second
    with own_folder(tmp_path) as last:
        assert last == first


@pytest.mark.weights
def test_a_painter_that_waits_for_its_scheduler_is_started(tmp_path: Path, weights: Path) -> None:
    nowhere = Grid(tmp_path, "tcp://127.0.0.1:9")
    with (
        tempfile.TemporaryDirectory() as short,  # the name of a socket may have 107 bytes
        closing(Listener(Path(short) / "socket")) as listener,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("NOTIFY_SOCKET", listener.name)
        environment.setenv("WATCHDOG_USEC", "3000000")
        words = ("--engine.weights", str(weights.parent))
        nowhere.start_painter("anna", *words, program="tests.daemon.cluster.run_painter")
        try:
            wait_until(lambda: any(nowhere.address in line for line in listener.said("STATUS")))
            wait_until(lambda: len(listener.said("WATCHDOG")) > 1)
            assert listener.said("READY") == ["1"]
            nowhere.workers["anna"].send_signal(signal.SIGTERM)
            assert nowhere.workers["anna"].wait(60) == 0
            last = (tmp_path / "anna.log").read_text().splitlines()[-2:]
            events = [json.loads(line)["event"] for line in last]
            assert events == ["painter.stopping", "painter.stopped"]
        finally:
            nowhere.close()
