"""Fixtures that both rooms' tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def weights() -> Path:
    """The trained weights, converted; `make test` fetches them before the suite runs."""
    path = ROOT / "data" / "param" / "vgg19.params"
    if not path.exists():
        pytest.fail(f"{path} is missing: run `make weights` first")
    return path
