"""A cluster of real processes on loopback, for tests: a scheduler, and workers that come and go."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.daemon.ports import LOOPBACK, kept_port

ROOT = Path(__file__).resolve().parents[3]
_PATIENCE = 120


@dataclass
class Grid:
    """All of its processes, which end with it."""

    folder: Path
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kept: ExitStack = field(default_factory=ExitStack)

    @property
    def port(self) -> str:
        return self.address.rpartition(":")[2]

    def start_scheduler(self, *more: str, **configuration: str) -> None:
        """Start one, on the same port as the one before."""
        log = self.folder / "scheduler.log"
        log.write_bytes(b"")
        port = self.port or str(self.kept.enter_context(kept_port()))
        words = ("--host", LOOPBACK, "--port", port, "--no-dashboard", *more)
        self.scheduler = self._run("dask_scheduler", words, log, configuration)
        wait_until(lambda: b"Scheduler at:" in log.read_bytes())
        line = next(one for one in log.read_text().splitlines() if "Scheduler at:" in one)
        self.address = line.split()[-1]

    def start_worker(
        self,
        name: str,
        places: int = 1,
        *,
        words: tuple[str, ...] = ("--no-nanny",),
        **environment: str,
    ) -> None:
        """Start one that can paint, of which nobody knows yet whether it is any good."""
        words = (
            *(self.address, "--name", name, "--host", LOOPBACK, "--no-dashboard", *words),
            *("--nthreads", f"{places}", "--resources", f"PAINTER={places}", "--memory-limit", "0"),
            *("--local-directory", str(self.folder)),
        )
        log = self.folder / f"{name}.log"
        self.workers[name] = self._run("dask_worker", words, log, environment)

    def start_painter(self, name: str, *words: str, program: str = "daemon") -> None:
        """Start `atelierd worker`, or what stands for it, with a real engine."""
        state = ("--state_dir", str(self.folder / name))
        command = ("-m", program, "worker", "--scheduler", self.address, "--name", name, *state)
        self.workers[name] = self._start((*command, *words), self.folder / f"{name}.log", {})

    def start_preloaded(self, name: str, **environment: str) -> None:
        """Start a worker of Dask's own that is to be a painter, with a real engine."""
        words = (
            *(self.address, "--name", name, "--host", LOOPBACK, "--no-dashboard", "--no-nanny"),
            *("--preload", "daemon.cluster.preload", "--resources", "PAINTER=1"),
            *("--nthreads", "1", "--memory-limit", "0"),
        )
        own = {"ATELIERD_STATE_DIR": str(self.folder / name), **environment}
        self.workers[name] = self._run("dask_worker", words, self.folder / f"{name}.log", own)

    def kill_worker(self, name: str) -> None:
        """End one by force."""
        kill(self.workers.pop(name))

    def kill_scheduler(self) -> None:
        """End it by force."""
        assert self.scheduler is not None
        kill(self.scheduler)

    def close(self) -> None:
        for process in [*self.workers.values(), *([self.scheduler] if self.scheduler else [])]:
            kill(process)
        self.kept.close()

    def _run(
        self, module: str, words: tuple[str, ...], log: Path, environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        return self._start(("-m", f"distributed.cli.{module}", *words), log, environment)

    @staticmethod
    def _start(
        words: tuple[str, ...], log: Path, environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        with log.open("ab") as file:
            return subprocess.Popen(
                [sys.executable, *words],
                stderr=file,
                stdout=file,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                cwd=ROOT,
            )


def kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    process.wait()


def wait_until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@contextmanager
def grid(folder: Path, *names: str, **environment: str) -> Iterator[Grid]:
    """A scheduler, and workers of these names."""
    one = Grid(folder)
    try:
        one.start_scheduler()
        for name in names:
            one.start_worker(name, **environment)
        yield one
    finally:
        one.close()
