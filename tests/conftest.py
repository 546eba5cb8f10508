"""Fixtures that both rooms' tests share."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine must not fail a test: time is measured in benchmarks alone.
settings.register_profile(
    "whatever-the-load", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("whatever-the-load")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c() -> Iterator[None]:
    """Let the tests' processes hear Ctrl-C, also where the suite runs in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def weights() -> Path:
    """The trained weights, converted; `make test` fetches them before the suite runs."""
    path = ROOT / "data" / "param" / "vgg19.params"
    if not path.exists():
        pytest.fail(f"{path} is missing: run `make weights` first")
    return path
