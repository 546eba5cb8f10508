"""The daemon of a story: started as a service manager does it, killed, and asked how it is."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STAND_IN = (sys.executable, "-m", "tests.daemon.stories.dawdling", "stand_in_worker")
REAL = (sys.executable, "-m", "daemon", "run")
_POLL = 0.005
_END = 60.0


class Keeper:
    """One daemon after the other on one share.

    Args:
        base: where its settings lie, and its log.
        state: the folder of its journal.
        program: what is started.
        environ: variables that the program wants besides.
        tell: told, in words, what becomes of it.
    """

    def __init__(
        self,
        base: Path,
        state: Path,
        program: tuple[str, ...],
        environ: dict[str, str],
        tell: Callable[[str], None],
    ) -> None:
        self._base, self._state, self._tell = base, state, tell
        self._program, self._environ = program, environ
        self._process: subprocess.Popen[bytes] | None = None
        self._begins = 0
        self.log = base / "log"
        self.log.touch()
        self.deaths = 0

    @property
    def is_there(self) -> bool:
        """Whether it was started and nobody has ended it."""
        return self._process is not None

    def start(self) -> None:
        """Start it, if it does not run."""
        if self._process is not None:
            return
        self._begins = self.log.stat().st_size
        # Whoever wants many stories says so in a variable that is no setting.
        mine = {key: value for key, value in os.environ.items() if not key.startswith("ATELIERD_")}
        quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._program, "--config", self._base / "config.toml"], cwd=ROOT, stdout=log,
                stderr=log, env={**mine, **quiet, **self._environ},
            )  # fmt: skip

    def ended(self) -> int | None:
        """How it has ended by itself, if it has; it may be started again then."""
        status = None if self._process is None else self._process.poll()
        if status is not None:
            self._process = None
        return status

    @property
    def has_begun(self) -> bool:
        """Whether it has said that it keeps the share."""
        return "service.started" in self.said()

    def wait_to_begin(self, seconds: float) -> None:
        """Wait until it has, or has ended."""
        end = time.monotonic() + seconds
        while not self.has_begun and time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                return
            time.sleep(_POLL)

    def said(self) -> str:
        """What it has logged since it was started."""
        with self.log.open("rb") as file:
            file.seek(self._begins)
            return file.read().decode()

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int | None:
        """Ask it to end; give its exit status."""
        return self._end(signal.SIGTERM)

    def kill_child(self, *, engine: bool) -> None:
        """Kill one of its children: the engine, or who inspects pictures."""
        for child in self._children(engine=engine):
            self.deaths += engine
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def hold(self, *, still: bool) -> None:
        """Let it stand still, or go on."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGSTOP if still else signal.SIGCONT)

    def hear(self, event: str, seconds: float) -> bool:
        """Wait until it says something once more; say whether it has."""
        end, before = time.monotonic() + seconds, self.said().count(event)
        while time.monotonic() < end:
            if self.said().count(event) > before:
                return True
            time.sleep(_POLL)
        return False

    @property
    def journal(self) -> Path | None:
        """Where it is, if there is one yet."""
        return next(self._state.glob("*/journal.sqlite"), None)

    def jobs(self) -> dict[str, int]:
        """How many jobs there are in each state."""
        with closing(
            sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True, timeout=30)
        ) as database:
            return dict(database.execute("SELECT state, count(*) FROM jobs GROUP BY state"))

    def close(self) -> None:
        """End it for good."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _end(self, number: signal.Signals) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        self.deaths += number == signal.SIGKILL
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        return process.wait(_END)

    def _children(self, *, engine: bool) -> list[int]:
        if self._process is None:
            return []
        found = []
        for task in Path(f"/proc/{self._process.pid}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(word) for word in task.read_text().split()]
        return [child for child in found if _is_engine(child) is engine]


def _is_engine(child: int) -> bool | None:
    """Whether a child is the engine; None if it is neither that nor the inspector."""
    with suppress(OSError):
        process = Path(f"/proc/{child}")
        if b"spawn_main" in (process / "cmdline").read_bytes():
            return (process / "oom_score_adj").read_text().strip() != "1000"
    return None
