"""Processes of our own that do what may crash: started afresh, spoken to by a pipe, ended for sure.

Both sides stand here: `Child` is the parent's, `settle_in` is the child's. A child
is spawned, never forked: the parent has threads, and a child must not inherit its files.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_FIRST_TO_GO: Final = "1000"  # proc(5), oom_score_adj
_STARTING: Final = threading.Lock()  # the environment is one for all threads
_LAST_SECONDS: Final = 5.0  # for the kernel to tear down a killed process's memory


class Bell:
    """Wakes a thread that waits for children: rung from any thread, heard by `Child.wait`."""

    def __init__(self) -> None:
        self._handle = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """For waiting."""
        return self._handle

    def ring(self) -> None:
        """Wake whoever waits, now or at the next wait."""
        os.eventfd_write(self._handle, 1)

    def hear(self, timeout: float | None = None) -> bool:
        """Wait for a ring and take note of it.

        Args:
            timeout: seconds; None waits for ever, 0 only looks.

        Returns:
            Whether it rang.
        """
        if not wait([self._handle], timeout):
            return False
        os.eventfd_read(self._handle)
        return True

    def close(self) -> None:
        """Give the handle back; nobody may ring afterwards."""
        os.close(self._handle)


class Child:
    """One spawned process and the pipe to it, for the thread that made it.

    The kernel ends the process when that thread ends (`settle_in`), so it must be a thread that
    outlives the child. Only `kill` may be called from other threads.

    Args:
        target: a function of a module that can be imported; called in the child with its end of
            the pipe and `arguments`.
        arguments: picklable.
        name: for lists of processes.
        environment: variables that it is started with besides ours.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(
        self,
        target: Callable[..., None],
        arguments: tuple[Any, ...],
        name: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=target, args=(theirs, *arguments), name=name, daemon=True
        )
        try:
            with _interrupts_blocked(), _added(environment or {}):
                self._process.start()
        except BaseException:
            self._pipe.close()
            raise
        finally:
            theirs.close()  # while we hold a copy of their end, it never says that they are gone

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid or 0

    @property
    def exit_status(self) -> int | None:
        """As `Process.exitcode`; None while it lives."""
        return self._process.exitcode

    def send(self, message: object) -> bool:
        """Send a message.

        Returns:
            Whether it could be sent; a child that is gone shows in `exit_status`.
        """
        try:
            self._pipe.send(message)
        except OSError:
            return False
        return True

    def receive(self) -> Any:
        """The next message.

        Raises:
            EOFError: the child has closed its end, which it does by ending, or broke off.
        """
        try:
            return self._pipe.recv()
        except OSError as error:
            raise EOFError(str(error)) from error

    def wait(self, bell: Bell, timeout: float | None) -> bool:
        """Wait until the child has said something or ended, the bell rings, or time is up.

        Returns:
            Whether there is something to `receive` (if only the end).
        """
        return self._pipe in wait([self._pipe, bell.fileno()], timeout)

    def hear(self, bell: Bell, seconds: float, is_over: Callable[[], bool]) -> Any:
        """The next message, once it comes.

        Args:
            bell: may be rung meanwhile, for `is_over` or for what can wait.
            seconds: that it may take, by the clock.
            is_over: whether nobody waits for it any more.

        Raises:
            EOFError: as `receive`.
            TimeoutError: it took too long, or nobody waits for it any more.
        """
        until = time.monotonic() + seconds
        while not is_over():
            if self.wait(bell, max(until - time.monotonic(), 0)):
                return self.receive()
            if not bell.hear(0) and time.monotonic() >= until:
                break
        raise TimeoutError("the process does not answer")

    def join(self, timeout: float) -> bool:
        """Wait for the end of the process.

        Returns:
            Whether it has ended.
        """
        self._process.join(timeout)
        return self._process.exitcode is not None

    def kill(self) -> None:
        """End it at once, from any thread."""
        with suppress(ValueError):  # another thread has just seen it out
            self._process.kill()

    def end(self, patience: float) -> int | None:
        """See the process out: wait, then terminate, then kill; give everything back.

        Args:
            patience: seconds to wait for it to end by itself.

        Returns:
            Its exit status; None when the kernel cannot end it (it hangs in a dead disk).
        """
        self._pipe.close()
        if not self.join(patience):
            self._process.terminate()
            if not self.join(min(patience, 1.0)):
                self._process.kill()
                self.join(_LAST_SECONDS)
        status = self._process.exitcode
        if status is not None:
            self._process.close()
        return status


def settle_in() -> None:
    """In the child, first of all: live no longer than the parent, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid != os.getppid():  # it died before it could be told
        os._exit(1)


def settle_in_to_decode(memory_bytes: int) -> None:
    """Likewise where pictures are read that may be anything: it is the first that may go.

    Args:
        memory_bytes: more it may not take.
    """
    settle_in()
    with suppress(OSError):  # if memory runs out, this process is no loss
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash over a picture is nobody's to debug


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """What is started here is born deaf to Ctrl-C: its first half second is Python's, not ours."""
    resource_tracker.ensure_running()  # its own start would undo the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _added(environment: Mapping[str, str]) -> Iterator[None]:
    """Some more variables for what is started here: `multiprocessing` hands ours on, no others."""
    with _STARTING:
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def describe_exit(status: int | None) -> str:
    """What an exit status means, as the end of a sentence: "it ..."."""
    if status is None or status >= 0:
        return f"it ended with status {status}"
    if -status == signal.SIGKILL:
        return "the system ended it, most likely because the memory ran out"
    if -status == signal.SIGXCPU:  # `daemon.rations`
        return "a picture took it too long to read"
    return f"it was ended by {_signal_name(-status)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
