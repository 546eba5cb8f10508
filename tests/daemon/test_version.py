"""The program knows its version, and runs where nobody has installed it."""

from __future__ import annotations

from importlib import metadata

import pytest

from daemon import version


def test_it_is_the_one_that_was_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", {"atelierd": "1.2.3"}.__getitem__)
    assert version.program() == "1.2.3"


def test_it_is_unknown_where_it_was_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", none)
    assert version.program() == version.UNKNOWN == "unknown"
