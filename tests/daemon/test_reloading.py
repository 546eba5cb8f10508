"""What may change while the service runs, and what may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.catalogue import catalogue
from daemon.reloading import FIXED, changed, kept, needs_another_runner
from daemon.settings import (
    ClusterSettings,
    EngineSettings,
    OutputSettings,
    PaintSettings,
    Settings,
    ShareSettings,
)

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_what_can_change_does_and_what_cannot_is_named() -> None:
    before = Settings()
    read = Settings(
        state_dir=Path("elsewhere"),
        share=ShareSettings(root=Path("other"), failed=Path("Bad")),
        paint=PaintSettings(preset="fine"),
        output=OutputSettings(quality=80),
    )
    settings, refused = kept(before, read)
    assert refused == ["state_dir", "share.root", "share.failed"]
    assert changed(before, settings) == ["paint.preset", "output.quality"]
    assert settings.share == before.share
    assert settings.state_dir is None


def test_the_same_settings_change_nothing() -> None:
    assert kept(Settings(), Settings()) == (Settings(), [])
    assert changed(Settings(), Settings()) == []


@pytest.mark.parametrize(
    ("after", "needed"),
    [
        ({}, False),
        ({"engine": EngineSettings(max_attempts=1)}, False),
        ({"engine": EngineSettings(threads=3)}, True),
        ({"engine": EngineSettings(weights=Path("mine"))}, True),
        ({"cluster": ClusterSettings(scheduler="tcp://painters:8786")}, False),
    ],
)
def test_the_engine_is_started_anew_for_what_it_heeds(
    *, after: dict[str, Any], needed: bool
) -> None:
    assert needs_another_runner(Settings(), Settings(**after)) is needed


def test_another_scheduler_is_gone_to_where_painters_of_a_cluster_paint() -> None:
    before = Settings(runner="dask")
    after = before.model_copy(update={"cluster": ClusterSettings(scheduler="tcp://painters:8786")})
    assert needs_another_runner(before, after)
    assert not needs_another_runner(before, before)


def test_the_document_names_what_needs_a_restart() -> None:
    text = DOCUMENT.read_text("utf-8").partition("## While the service runs")[2]
    for name in FIXED:
        assert f"`{name}`" in text
    assert {key.partition(".")[0] for key in catalogue()} >= set(FIXED)
