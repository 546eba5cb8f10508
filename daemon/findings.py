"""What the doctor finds: one thing, whether it is well, and what to do about it if not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from daemon.errors import AtelierError
from daemon.names import printable

FIRST: Final = "Not checked: {} has to be put right first."
"""Text of a finding on what cannot be looked at, because of another one."""

_MOST_NAMED: Final = 8


@dataclass(frozen=True)
class Finding:
    """What was found about one thing.

    Attributes:
        topic: the thing, in a word or two.
        well: whether it works.
        text: how it is, or what is wrong and what to do.
        but: whether it works, and still has something that somebody should know of.
    """

    topic: str
    well: bool
    text: str
    but: bool = False


def tried(topic: str, attempt: Callable[[], Any]) -> tuple[Finding | None, Any]:
    """Make an attempt.

    Args:
        topic: what it is about.
        attempt: may raise anything.

    Returns:
        A finding that says what failed, or None and the result.
    """
    try:
        return None, attempt()
    except Exception as error:  # noqa: BLE001 - whatever fails is a finding
        return Finding(topic, False, _in_words(error)), None


def named(names: Sequence[str], between: str = ", ") -> str:
    """The first few of many names, and how many more there are."""
    shown, more = names[:_MOST_NAMED], len(names) - _MOST_NAMED
    return between.join(shown) + (f" and {more} more" if more > 0 else "")


def by_reason(whys: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Each reason once, with the names of all whom it holds for.

    Args:
        whys: names, each with its reason.
    """
    found: dict[str, list[str]] = {}
    for name, why in whys:
        found.setdefault(why, []).append(name)
    return found


def _in_words(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}."
    # By the module's name: the engine's package cannot be imported without numpy.
    if isinstance(error, AtelierError) or type(error).__module__.startswith("engine."):
        text = str(error)
    elif isinstance(error, ImportError):
        text = f"It cannot be loaded ({error}). Install atelierd again, in a new environment."
    return printable(" ".join(text.split()))
