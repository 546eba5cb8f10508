"""What the journal asks of SQLite, where that takes more than a line."""

from __future__ import annotations

from typing import Final

SIZE: Final = "coalesce(CASE WHEN json_valid(recipe) THEN json_extract(recipe, '$.size') END, 0)"
"""Of the picture that a job is to become, out of its recipe."""

ADD: Final = (
    "INSERT INTO jobs (id, lane, style_name, relative, content, style, overrides, recipe, stays, "
    "queued_at, state, finished_at, result, error) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
"""A new job: what it is, and how far it has come."""

SERVE: Final = (
    "UPDATE lanes SET served = (SELECT max(served) + 1 FROM lanes) WHERE name = "
    "(SELECT lane FROM jobs WHERE id = ? AND state = 'queued' AND error IS NULL)"
)
"""Count a turn for the lane of a job that is about to leave the queue."""

PRUNE: Final = """
DELETE FROM jobs WHERE number IN (
    SELECT number FROM (
        SELECT number, finished_at, stays FROM jobs WHERE state IN ('done', 'failed')
        ORDER BY finished_at DESC, number DESC LIMIT -1 OFFSET ?
    )
    WHERE finished_at < ? AND stays IS NULL ORDER BY finished_at, number LIMIT ?
)"""
"""Forget old jobs: but so many of the newest, older than a moment, and how many at most."""
