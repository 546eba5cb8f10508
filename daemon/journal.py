"""The jobs of one share, in SQLite on a local disk: the one owner of what state a job is in.

Each call is one transaction that is on the disk when it returns, so the journal is true at any
moment, also after a power cut. Who comes next is fair: the lane (a style folder) that was served
longest ago first, and within it the job that waited longest.

File names need not be valid UTF-8, and SQLite's texts must be: names and paths are stored as the
bytes that the file system knows them by.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice, zip_longest
from pathlib import Path, PurePath
from typing import Any, Final

from daemon import database, queries, schema
from daemon.errors import JournalError
from daemon.jobs import (
    COLUMNS,
    Intention,
    Job,
    JobState,
    NewJob,
    job_of,
    row_of,
    written_styles,
)
from daemon.looks import Part

JOURNAL: Final = "journal.sqlite"
"""Name of the file in a share's state folder."""

_DAMAGED: Final = (
    "The journal {} is damaged ({}). The service moves it aside when it starts, begins a new one, "
    "and goes by what lies in the folders."
)
_SELECT: Final = "SELECT " + ", ".join(COLUMNS) + " FROM jobs "  # noqa: S608 - our own names


class Journal:
    """The journal of one share; one process writes it, others may read it meanwhile.

    Args:
        path: the database's file on a local disk; it and its folder are made when missing.
        clock: seconds since 1970.
        read_only: for a reader beside the daemon; nothing is made or changed.

    Raises:
        JournalError: it cannot be opened, or another version of the program wrote it.
    """

    def __init__(self, path: Path, clock: Callable[[], float], *, read_only: bool = False) -> None:
        self._path = path
        self._clock = clock
        self.damage = ""
        """What SQLite said when it met with damage; nothing can be relied upon after that."""
        with self._errors():
            self._database = (
                database.open_to_read(path) if read_only else database.open_to_write(path)
            )
        try:
            with self._errors():
                schema.expect_version(self._database, path)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the database; calls after this raise."""
        self._database.close()

    def add(self, job: NewJob, error: str | None = None) -> Job:
        """Record a new job as queued.

        Args:
            job: the job.
            error: why it is to fail, if so: then it is nobody's next.

        Returns:
            The job as it stands now.

        Raises:
            JournalError: a job of this id is there already.
        """
        state = (JobState.QUEUED.value, None, None, error and _sane(error))
        return self._written(job.id, queries.ADD, (*row_of(job), self._clock(), *state))

    def adopt(self, job: NewJob, result: Path | None, error: str | None) -> Job:
        """Record a job that was over before this journal was begun, in one step.

        Args:
            job: the job.
            result: the painted picture, if it is known where it was put.
            error: why it failed; None if it was painted.

        Returns:
            The job as it stands now.

        Raises:
            JournalError: a job of this id is there already.
        """
        ended = JobState.DONE if error is None else JobState.FAILED
        state = (ended.value, self._clock(), result and _bytes(result), error and _sane(error))
        return self._written(job.id, queries.ADD, (*row_of(job), self._clock(), *state))

    def next_queued(
        self,
        without: Collection[str] = (),
        without_jobs: Collection[str] = (),
        smaller_than: int | None = None,
    ) -> Job | None:
        """The job whose turn it is, or None when none waits to be painted.

        Args:
            without: lanes that are left out this time.
            without_jobs: ids of jobs, likewise.
            smaller_than: jobs whose pictures have so long a side, or a longer one, likewise.
        """
        lanes = self._rows(queries.LANES)
        skipped = {_bytes(lane) for lane in without}
        # One that was given up is only waiting for its photo to be moved.
        query = _SELECT + "WHERE state = 'queued' AND lane = ? AND error IS NULL "
        query += "AND id NOT IN (SELECT value FROM json_each(?)) "
        query += f"AND (? IS NULL OR {queries.SIZE} < ?) ORDER BY number LIMIT 1"
        more = (json.dumps(list(without_jobs)), smaller_than, smaller_than)
        firsts = (self._one(query, (lane, *more)) for (lane,) in lanes if lane not in skipped)
        return next((job for job in firsts if job is not None), None)

    def start(self, job_id: str) -> Job:
        """Count an attempt and mark the job as running: to be called before the work begins.

        Returns:
            The job as it stands now.

        Raises:
            JournalError: there is no such job, or it does not wait.
        """
        with self._transaction():
            self._database.execute(queries.SERVE, (job_id,))
            self._change(queries.START, (self._clock(), job_id))
            return self.get(job_id)

    def restyle(self, job_id: str, parts: tuple[Part, ...]) -> Job:
        """Record that other pictures have taken the places of a queued job's styles.

        Raises:
            JournalError: there is no such job, or it does not wait.
        """
        styles = written_styles(parts) if len(parts) > 1 else None
        query = "UPDATE jobs SET style = ?, styles = ? WHERE id = ? AND state = 'queued'"
        return self._written(job_id, query, (_bytes(parts[0].path), styles, job_id))

    def progress(self, job_id: str, iteration: int, total: int, eta_seconds: float | None) -> None:
        """Record how far a running job is, for those who read along; None: nobody can tell yet."""
        self._write(
            "UPDATE jobs SET iteration = ?, total = ?, eta_seconds = ? "
            "WHERE id = ? AND state = 'running'",
            (iteration, total, eta_seconds, job_id),
        )

    def intend(self, job_id: str, intention: Intention, report: Mapping[str, Any]) -> None:
        """Record where the picture is about to appear, before it does: each path that is tried."""
        where = (_bytes(intention.path), intention.sha256, intention.size)
        self._write(queries.INTEND, (*where, json.dumps(report), job_id))

    def published(self, job_id: str, result: Path, report: Mapping[str, Any]) -> None:
        """Record that the picture is out, before the photo moves: it must not be painted twice."""
        self._write(
            "UPDATE jobs SET result = ?, report = ? "
            "WHERE id = ? AND state IN ('queued', 'running')",
            (_bytes(result), json.dumps(report), job_id),
        )

    def given_up(self, job_id: str, error: str) -> None:
        """Record why a job fails, before its photo is moved: it must not be tried again."""
        with self._transaction():
            # With one that was never begun too: a lane of failures would take turn after turn.
            self._database.execute(queries.SERVE, (job_id,))
            self._change(
                "UPDATE jobs SET error = ? WHERE id = ? AND state IN ('queued', 'running')",
                (_sane(error), job_id),
            )

    def finish(self, job_id: str, kept: Path | None = None) -> Job:
        """Mark a published job as done.

        Args:
            job_id: which.
            kept: where its photo went.

        Raises:
            JournalError: there is no such job, it has ended before, or nothing was published.
        """
        values = (self._clock(), kept and _bytes(kept), job_id)
        return self._written(job_id, queries.FINISH, values)

    def fail(self, job_id: str, error: str, kept: Path | None = None) -> Job:
        """Mark a job as failed.

        Args:
            job_id: which.
            error: why, in plain words.
            kept: where its photo went.

        Raises:
            JournalError: there is no such job, or it has ended before.
        """
        values = (_sane(error), self._clock(), kept and _bytes(kept), job_id)
        return self._written(job_id, queries.FAIL, values)

    def requeue(self, job_id: str, *, forgive: bool = False) -> None:
        """Put a running job back to its old place in the queue.

        Args:
            job_id: which.
            forgive: whether the attempt is not held against it.

        Raises:
            JournalError: there is no such job, or it does not run.
        """
        self._write(queries.REQUEUE, (int(forgive), job_id))

    def prune(self, newest: int, seconds: float, most: int) -> int:
        """Forget old jobs that are over, the oldest first; none whose photo stays in the inbox.

        Args:
            newest: so many of those that ended last are kept in any case.
            seconds: so are those that ended within so long.
            most: how many to forget at most: whoever reads along must not wait for long.

        Returns:
            How many were forgotten.
        """
        with self._transaction():
            limits = (newest, self._clock() - seconds, most)
            return self._database.execute(queries.PRUNE, limits).rowcount

    def staying(self) -> list[Job]:
        """The jobs whose photos stay in the inbox, the oldest first."""
        query = _SELECT + "WHERE stays IS NOT NULL ORDER BY number"
        return [self._read(row) for row in self._rows(query)]

    def left(self, job_id: str) -> None:
        """Record that a job's photo does not stay in the inbox any more."""
        self._write("UPDATE jobs SET stays = NULL WHERE id = ?", (job_id,))

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            JournalError: there is no such job.
        """
        job = self.find(job_id)
        if job is None:
            raise JournalError(f"The journal {self._path} knows no job {job_id}.")
        return job

    def find(self, job_id: str) -> Job | None:
        """One job; None if there is no such job."""
        return self._one(_SELECT + "WHERE id = ?", (job_id,))

    def read_through(self) -> str:
        """Read all jobs once; what of them cannot be read, empty if all can.

        Raises:
            JournalError: the journal cannot be used, for another reason than damage.
        """
        try:
            with self._errors():
                for row in self._database.execute(_SELECT):
                    self._read(row)
        except JournalError:
            if not self.damage:
                raise
        return self.damage

    def having(self, state: JobState) -> Iterator[Job]:
        """All jobs of a state, the oldest first."""
        query = _SELECT + "WHERE state = ? ORDER BY number"
        for row in self._rows(query, (state.value,)):
            yield self._read(row)

    def recent(self, state: JobState, limit: int) -> list[Job]:
        """The jobs that were done, or failed, last; the latest first.

        Args:
            state: `DONE` or `FAILED`.
            limit: how many at most.
        """
        query = _SELECT + "WHERE state = ? ORDER BY finished_at DESC, number DESC LIMIT ?"
        return [self._read(row) for row in self._rows(query, (state.value, limit))]

    def leaving(self, since: float) -> list[Job]:
        """The jobs on their way into failed, and those that have failed since a moment."""
        return [self._read(row) for row in self._rows(_SELECT + queries.LEAVING, (since,))]

    def failed_for(self, error: str) -> set[Path]:
        """Where in failed photos lie that came there for this reason last."""
        rows = self._rows(queries.FAILED_FOR, (_sane(error),))
        return {Path(os.fsdecode(kept)) for (kept,) in rows}

    def upcoming(self, most: int) -> list[Job]:
        """The jobs that come next if nothing stands in their way, at most so many, in order."""
        lanes = self._rows(f"{queries.LANES} LIMIT ?", (most,))
        firsts = [self._rows(queries.FIRSTS, (lane, most)) for (lane,) in lanes]
        turns = (row for turn in zip_longest(*firsts) for row in turn if row is not None)
        jobs = (self._one(_SELECT + "WHERE number = ?", number) for number in islice(turns, most))
        return [job for job in jobs if job is not None]

    @property
    def changes(self) -> int:
        """How many rows were written since it was opened: another number tells of news."""
        return self._database.total_changes

    def counts(self) -> dict[JobState, int]:
        """How many jobs there are in each state; every state is a key."""
        rows = dict(self._rows("SELECT state, count(*) FROM jobs GROUP BY state"))
        return {state: rows.get(state.value, 0) for state in JobState}

    def waiting(self) -> dict[str, int]:
        """How many jobs wait in each lane that has any, the lane whose turn is next first."""
        rows = self._rows("SELECT name, waiting FROM lanes WHERE waiting > 0 ORDER BY served, name")
        return {os.fsdecode(name): number for name, number in rows}

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._errors():
            return self._database.execute(query, values).fetchall()

    def _one(self, query: str, values: tuple[Any, ...]) -> Job | None:
        rows = self._rows(query, values)
        return self._read(rows[0]) if rows else None

    def _read(self, row: tuple[Any, ...]) -> Job:
        try:
            return job_of(row)
        except (ValueError, TypeError) as error:  # we wrote it, and it was whole
            self.damage = str(error)
            raise JournalError(_DAMAGED.format(self._path, error)) from error

    def _write(self, query: str, values: tuple[Any, ...]) -> None:
        with self._transaction():
            self._change(query, values)

    def _written(self, job_id: str, query: str, values: tuple[Any, ...]) -> Job:
        # Read before it is committed: whoever is told of an error may trust that nothing was done.
        with self._transaction():
            self._change(query, values)
            return self.get(job_id)

    def _change(self, query: str, values: tuple[Any, ...]) -> None:
        if self._database.execute(query, values).rowcount != 1:
            raise JournalError(
                f"The journal {self._path} holds no such job in the right state. Start the "
                "service again; it puts its jobs in order then."
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if schema.is_damage(error):
                self.damage = str(error)
                raise JournalError(_DAMAGED.format(self._path, error)) from error
            raise JournalError(
                f"The journal {self._path} cannot be used: {error}. It must lie on a local disk "
                "with free space, in a folder that this user may write to."
            ) from error


def _bytes(name: str | PurePath) -> bytes:
    return os.fsencode(name)


def _sane(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
