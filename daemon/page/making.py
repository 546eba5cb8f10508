"""Puts the page of a service together."""

from __future__ import annotations

from daemon.condition import Condition
from daemon.intake import Intake
from daemon.journal import Journal
from daemon.page.gathering import Asks, Gathering
from daemon.page.keeping import StatusPage
from daemon.parts import Parts
from daemon.runners.exchange import Exchange
from daemon.settings import PageSettings
from daemon.share import Share
from daemon.style_telling import StyleTelling


def page_of(
    share: Share,
    settings: PageSettings,
    journal: Journal,
    parts: Parts,
    about: tuple[Condition, Exchange, Intake, StyleTelling],
) -> StatusPage:
    """The page of a service.

    Args:
        share: its folders.
        settings: of the page.
        journal: its jobs.
        parts: what the service is put together from.
        about: the parts of the service that are asked how things are.
    """
    condition, engine, intake, styles = about
    asks = Asks(
        styles=lambda: tuple(intake.styles_seen.styles),
        obstacles=condition.obstacles,
        is_loading=lambda: engine.loading_since is not None,
        asked=lambda: intake.asked,
        bad_styles=lambda: styles.faults,
        aside=lambda: condition.aside,
    )
    gathering = Gathering(share, journal, parts.glimpses, asks, now=parts.now, clock=parts.clock)
    return StatusPage(
        share, settings, gathering, parts.draw, clock=parts.clock, expect=parts.expect
    )
