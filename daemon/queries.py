"""What the journal asks of SQLite, where that takes more than a line."""

from __future__ import annotations

from typing import Final

SIZE: Final = "coalesce(CASE WHEN json_valid(recipe) THEN json_extract(recipe, '$.size') END, 0)"
"""Of the picture that a job is to become, out of its recipe."""

ADD: Final = (
    "INSERT INTO jobs (id, lane, style_name, relative, content, style, overrides, recipe, stays, "
    "styles, companions, queued_at, state, finished_at, result, error) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
"""A new job: what it is, and how far it has come."""

SERVE: Final = (
    "UPDATE lanes SET served = (SELECT max(served) + 1 FROM lanes) WHERE name = "
    "(SELECT lane FROM jobs WHERE id = ? AND state = 'queued' AND error IS NULL)"
)
"""Count a turn for the lane of a job that is about to leave the queue."""

LANES: Final = (
    "SELECT name FROM lanes WHERE waiting > 0 ORDER BY served, "
    "(SELECT min(number) FROM jobs WHERE state = 'queued' AND lane = lanes.name)"
)
"""The lanes in which jobs wait, in the order of their turns."""

FIRSTS: Final = (
    "SELECT number FROM jobs WHERE state = 'queued' AND lane = ? AND error IS NULL "
    "ORDER BY number LIMIT ?"
)
"""The jobs of a lane that wait to be painted, in their order."""

START: Final = (
    "UPDATE jobs SET state = 'running', attempts = attempts + 1, started_at = ?, "
    "iteration = NULL, total = NULL, eta_seconds = NULL WHERE id = ? AND state = 'queued'"
)
"""Count an attempt and mark a job as running."""

REQUEUE: Final = (
    "UPDATE jobs SET state = 'queued', attempts = attempts - ?, "
    "iteration = NULL, total = NULL, eta_seconds = NULL WHERE id = ? AND state = 'running'"
)
"""Put a job back to its old place, and forget so many attempts."""

INTEND: Final = (
    "UPDATE jobs SET intended = ?, sha256 = ?, size = ?, report = ? "
    "WHERE id = ? AND state IN ('queued', 'running') AND result IS NULL"
)
"""Note where a picture is about to appear."""

FINISH: Final = (
    "UPDATE jobs SET state = 'done', finished_at = ?, kept = ? "
    "WHERE id = ? AND state IN ('queued', 'running') AND result IS NOT NULL"
)
"""Mark a published job as done."""

FAIL: Final = (
    "UPDATE jobs SET state = 'failed', error = ?, finished_at = ?, kept = ? "
    "WHERE id = ? AND state IN ('queued', 'running')"
)
"""Mark a job as failed."""

LEAVING: Final = (
    "WHERE (state IN ('queued', 'running') AND error IS NOT NULL) "
    "OR (state = 'failed' AND finished_at >= ?) ORDER BY number"
)
"""Which jobs are on their way into failed, or were so after a moment."""

FAILED_FOR: Final = (
    "SELECT kept FROM (SELECT kept, error, row_number() OVER "
    "(PARTITION BY kept ORDER BY finished_at DESC, number DESC) AS place "
    "FROM jobs WHERE state = 'failed' AND kept IS NOT NULL) WHERE place = 1 AND error = ?"
)
"""Where photos lie whose failure, of several at one place the last one, has this reason."""

PRUNE: Final = """
DELETE FROM jobs WHERE number IN (
    SELECT number FROM (
        SELECT number, finished_at, stays FROM jobs WHERE state IN ('done', 'failed')
        ORDER BY finished_at DESC, number DESC LIMIT -1 OFFSET ?
    )
    WHERE finished_at < ? AND stays IS NULL ORDER BY finished_at, number LIMIT ?
)"""
"""Forget old jobs: but so many of the newest, older than a moment, and how many at most."""
