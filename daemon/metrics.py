"""Figures for Prometheus, in a text file that node_exporter's textfile collector reads.

The format is plain enough to be written by hand, and a library for it would be one more thing to
trust inside the service. Each line has the share as a label: several services may be read together.
The file is replaced as a whole, so that nobody reads half of one; it says at the end that the
service has ended. What a kill has left half-written beside it is removed before the first one is
written. Other services may write there too: only what names this share goes, or is empty and old.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import structlog

from daemon import files
from daemon.errors import FaultError, JournalError, MetricsError
from daemon.handles import read_file, reading
from daemon.jobs import JobState
from daemon.journal import Journal
from daemon.last_resort import LastResort
from daemon.names import printable
from daemon.once import Once
from daemon.runners.base import EngineLost, Event, Painted
from daemon.runners.exchange import Engines
from daemon.version import program

BUCKETS: Final = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 21_600.0)
"""Upper bounds for the seconds that a painting takes."""

_PAUSE_SECONDS: Final = 15.0  # as often as it is read, usually
_MARK: Final = b"# HELP atelierd_"  # as our files begin
_HEAD_BYTES: Final = 4096  # the share is named in the first hundreds
_OLD_SECONDS: Final = 60.0  # whoever writes a file that is empty still has done so long before
_NO_FILE: Final = frozenset({errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EISDIR})
_TAKEN: Final = (
    "it is not the program's own. Give that file another name, or set metrics.file to another one."
)
_log: Final = structlog.get_logger()

Labels = Mapping[str, str]


class Metrics:
    """The figures of one service.

    Args:
        path: the file, ``*.prom``; None: nothing is written.
        share: whose figures they are: the folder of the share.
        clock: monotonic seconds.
        now: seconds since 1970, as the times of files.
    """

    def __init__(
        self,
        path: Path | None,
        share: Path,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._share = printable(share)
        self._clock, self._now = clock, now
        self._last_resort, self._said = LastResort(), Once()
        self._counts = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0
        self._restarts = 0
        self._written = ""
        self._due = float("-inf")

    def use(self, path: Path | None) -> None:
        """Write to another file from now on, and remove the one that was written until now.

        It would say for ever that the service runs, and the same figures may not stand in two.
        """
        if path != self._path:
            with self._telling():
                self._withdraw()
            self._path, self._written, self._due = path, "", float("-inf")

    def heard(self, event: Event) -> None:
        """Count what a runner says; what cannot be counted is left out, and the log has it."""
        with (
            contextlib.suppress(FaultError, OSError),
            self._last_resort.over("the figures"),
        ):
            self._count(event)

    def tell(
        self, journal: Journal, trouble: Callable[[], str], failures: int, engines: Engines
    ) -> None:
        """Write the file if it is time, and anything has changed. To be called at each turn.

        Args:
            journal: of the share.
            trouble: says what stands in the way of the service; empty if nothing does.
            failures: photos that could not be painted since the start.
            engines: how many there are.
        """
        now = self._clock()
        if self._path is not None and now >= self._due:
            self._due = now + _PAUSE_SECONDS
            with self._telling():
                self._write(self._text(journal, trouble(), failures, engines, is_up=True))

    def end(
        self, journal: Journal, trouble: Callable[[], str], failures: int, engines: Engines
    ) -> None:
        """Say that the service has ended; as `tell`, but at once."""
        if self._path is not None:
            self._due = float("-inf")  # another one may go on in this process
            with self._telling():
                self._write(self._text(journal, trouble(), failures, engines, is_up=False))

    def _count(self, event: Event) -> None:
        if isinstance(event, Painted):
            seconds = float(event.report.get("seconds", 0.0))
            self._counts[bisect_left(BUCKETS, seconds)] += 1
            self._seconds += seconds
        elif isinstance(event, EngineLost):
            self._restarts += 1

    def _write(self, text: str) -> None:
        if self._path is None or text == self._written:
            return
        if not self._written:
            self._sweep(self._path.parent)
        files.write_atomically(self._path, text.encode(), replace=_is_ours(self._path), sync=False)
        self._written = text
        if self._said.is_over():
            _log.info("metrics.written_again", file=printable(self._path))

    def _sweep(self, folder: Path) -> None:
        """Remove what services of this share that were killed have left half-written."""
        for path in [path for path in folder.iterdir() if files.is_temporary(path.name)]:
            with contextlib.suppress(OSError):  # one that may not be removed keeps nobody from work
                if self._is_left(path):
                    path.unlink()

    def _is_left(self, path: Path) -> bool:
        with reading(path) as handle:
            head, status = os.pread(handle, _HEAD_BYTES, 0), os.fstat(handle)
        if not head:
            return self._now() - status.st_mtime > _OLD_SECONDS
        return head.startswith(_MARK) and f"{{{self._label}".encode() in head

    @property
    def _label(self) -> str:
        return f'share="{_escaped(self._share)}"'

    def _withdraw(self) -> None:
        """Remove the file, if what lies there is what was written last."""
        if self._path is not None and self._written:
            written = self._written.encode()
            with contextlib.suppress(FileNotFoundError):
                if read_file(self._path, len(written)) == written:
                    self._path.unlink()

    def _telling(self) -> contextlib.AbstractContextManager[None]:
        """Nothing that is met with over the figures keeps anybody from work."""
        return self._last_resort.aside("the figures", self._said, self._not_written)

    def _not_written(self, why: str) -> None:
        _log.warning("metrics.not_written", file=printable(self._path or ""), why=why)

    def _text(
        self, journal: Journal, trouble: str, failures: int, engines: Engines, *, is_up: bool
    ) -> str:
        families = (
            self._family("up", "gauge", "Whether the service runs.", [({}, float(is_up))]),
            self._family(
                "build_info",
                "gauge",
                "Which version runs; always 1.",
                [({"version": program()}, 1)],
            ),
            self._family(
                "trouble",
                "gauge",
                "Whether something keeps photos from being taken, painted or moved.",
                [({}, float(bool(trouble)))],
            ),
            self._family(
                "photos_failed_total",
                "counter",
                "Photos that could not be painted since the service was started.",
                [({}, failures)],
            ),
            self._family(
                "engine_restarts_total",
                "counter",
                "How often the process that paints has died and was started again.",
                [({}, self._restarts)],
            ),
            self._engines(engines),
            self._painting(),
            self._jobs(journal),
        )
        return "".join(f"{line}\n" for family in families for line in family)

    def _jobs(self, journal: Journal) -> Iterator[str]:
        """What the journal says; nothing while it cannot be read."""
        try:
            counts, last = journal.counts(), journal.recent(JobState.DONE, 1)
        except JournalError:  # the log and the trouble say so
            return
        states = [({"state": state.value}, counts[state]) for state in JobState]
        yield from self._family("jobs", "gauge", "Jobs that the journal has, by state.", states)
        queued: list[tuple[Labels, float]] = [({}, counts[JobState.QUEUED])]
        yield from self._family("queue_length", "gauge", "Photos that wait for their turn.", queued)
        at: list[tuple[Labels, float]] = [
            ({}, job.finished_at) for job in last if job.finished_at is not None
        ]
        if at:
            what = "When the last picture was finished, seconds since 1970."
            yield from self._family("last_result_timestamp_seconds", "gauge", what, at)

    def _engines(self, engines: Engines) -> Iterator[str]:
        ready = "Engines that paint or wait for a photo: as many are painted at once."
        yield from self._family("engines_ready", "gauge", ready, [({}, engines.ready)])
        aside = "Engines, or painters of a cluster, that are of no use, while others go on."
        yield from self._family("engines_aside", "gauge", aside, [({}, engines.aside)])

    def _painting(self) -> Iterator[str]:
        what = "How long paintings took that were finished since the service was started."
        yield from _head("painting_seconds", "histogram", what)
        total = 0
        for bound, count in zip([*map(_number, BUCKETS), "+Inf"], self._counts, strict=True):
            total += count
            yield self._sample("painting_seconds_bucket", {"le": bound}, total)
        yield self._sample("painting_seconds_sum", {}, self._seconds)
        yield self._sample("painting_seconds_count", {}, total)

    def _family(
        self, name: str, kind: str, what: str, samples: Iterable[tuple[Labels, float]]
    ) -> Iterator[str]:
        yield from _head(name, kind, what)
        for labels, value in samples:
            yield self._sample(name, labels, value)

    def _sample(self, name: str, labels: Labels, value: float) -> str:
        pairs = {"share": self._share, **labels}.items()
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in pairs)
        return f"atelierd_{name}{{{shown}}} {_number(value)}"


def _is_ours(path: Path) -> bool:
    """Whether a file is there, and may be written over.

    Raises:
        MetricsError: somebody else's file is there, or no file.
        OSError: the disk does not say.
    """
    try:
        with reading(path) as handle:
            head = os.pread(handle, len(_MARK), 0)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in _NO_FILE:
            raise MetricsError(_TAKEN) from None
        raise
    # A power cut may leave an empty one, since it is not synced to the disk.
    if head and head != _MARK:
        raise MetricsError(_TAKEN)
    return True


def _head(name: str, kind: str, what: str) -> Iterator[str]:
    yield f"# HELP atelierd_{name} {what}"
    yield f"# TYPE atelierd_{name} {kind}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
