"""What Dask says in our processes: nothing but that versions differ, and that in our words."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import Client, Scheduler, versions
from distributed.utils import get_ip
from structlog.testing import capture_logs

from daemon.cluster.quiet import keep_to_ourselves

TABLE = versions.error_message(
    {"packages": {"dask": "2026.8.0", "python": "3.11.9.final.0", "lz4": "1"}},
    {"a": {"packages": {"dask": "2026.7.0", "python": "3.11.9.final.0", "lz4": "2"}}},
    {"packages": {"dask": "2026.8.0", "python": "3.10.1.final.0", "lz4": "3"}},
    "Worker-1",
)["warning"]


@pytest.fixture(autouse=True)
def captured(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Warnings go to the log, as they do in our processes, whatever others made of its level."""
    caplog.set_level(logging.WARNING)
    logging.captureWarnings(capture=False)
    logging.captureWarnings(capture=True)
    loggers = [logging.getLogger(name) for name in ("distributed.worker", "py.warnings")]
    filters = [logger.filters[:] for logger in loggers]
    for logger in loggers:
        logger.filters.clear()
    keep_to_ourselves()
    yield
    logging.captureWarnings(capture=False)
    for logger, before in zip(loggers, filters, strict=True):
        logger.filters[:] = before


def test_a_name_that_nobody_knows_is_no_warning_of_a_library(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert get_ip("no-such-machine.invalid")
    assert not caplog.records


def test_a_painter_says_once_in_a_line_which_versions_differ() -> None:
    log = logging.getLogger("distributed.worker")
    with capture_logs() as logs:
        keep_to_ourselves()  # for another painter in the same process
        log.warning("Unable to connect")
        log.warning(TABLE)
        log.warning(TABLE)
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("cluster.versions", "warning")
    assert line["why"].startswith(
        "The machines of the cluster have different versions: dask 2026.8.0 here, 2026.8.0 at the "
        "scheduler, 2026.7.0 at painters; python 3.10.1 here, 3.11.9 at the scheduler, 3.11.9 at "
        "painters. Install"
    )


def test_a_service_says_it_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def older() -> dict[str, Any]:
        known = versions.get_versions()
        return {**known, "packages": {**known["packages"], "distributed": "2020.1.0"}}

    async def join() -> None:
        scheduler = Scheduler(host="127.0.0.1", port=0, dashboard=False, dashboard_address=":0")
        async with scheduler:
            version = SimpleNamespace(
                get_versions=older, VersionMismatchWarning=versions.VersionMismatchWarning
            )
            monkeypatch.setattr("distributed.client.version_module", version)
            async with Client(scheduler.address, asynchronous=True):
                pass

    with capture_logs() as logs:
        asyncio.run(join())
    (line,) = (one for one in logs if one["event"] == "cluster.versions")
    assert (
        f"distributed 2020.1.0 here, {versions.get_versions()['packages']['distributed']} at"
        in (line["why"])
    )
    assert "Mismatched" not in caplog.text


def test_other_warnings_are_heard_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("of something else", UserWarning, stacklevel=1)
    assert "of something else" in caplog.text
