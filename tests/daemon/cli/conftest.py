"""What tests of several commands begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.daemon.cli.residents import Residents


@pytest.fixture(scope="module")
def residents() -> Iterator[Residents]:
    """Engines for all commands of a module; a test of how they start or end has its own."""
    kept = Residents()
    try:
        yield kept
    finally:
        kept.close()
