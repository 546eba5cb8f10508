"""Fixtures that both rooms' tests share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

# A busy machine must not fail a test: time is measured in benchmarks alone.
# Where a change is judged, examples are always the same; new ones are for who can look into them.
settings.register_profile(
    "whatever-the-load",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("whatever-the-load")

# The processes that tests start, many hundreds, would each compile the program anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
if "PYTEST_XDIST_WORKER" in os.environ:  # as many test at once as there are cores: each has one
    for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(_threads, "1")

ROOT = Path(__file__).resolve().parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Let reports be sent by the processes that run tests, which takes whole Unicode.

    Names of files that are none stand in what tests print.
    """
    return _whole((yield))


def _whole(told: Any) -> Any:
    if isinstance(told, str):
        return told.encode("utf-8", "backslashreplace").decode()
    if isinstance(told, dict):
        return {_whole(key): _whole(value) for key, value in told.items()}
    return type(told)(map(_whole, told)) if isinstance(told, (list, tuple)) else told


@pytest.fixture(scope="session", autouse=True)
def _signals() -> Iterator[None]:
    """Let the tests' processes hear signals, also in a shell's background or under `nohup`."""
    heard = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in heard.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _all_is_logged() -> None:
    """Let no test find the log as another one has set it up, such as without what is of no use."""
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def weights() -> Path:
    """The trained weights, converted; `make test` fetches them before the suite runs."""
    path = ROOT / "data" / "param" / "vgg19.params"
    if not path.exists():
        pytest.fail(f"{path} is missing: run `make weights` first")
    return path
