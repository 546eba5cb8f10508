"""Which photo is meant by what somebody types."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from daemon.cli.naming import Named, meant
from daemon.errors import UsageError

TOP = Path("/srv/Inbox")
UNKNOWN = "No photo called {} waits."
THINGS = [
    Named(1, PurePath("Waves/a.jpg"), (), "job-1"),
    Named(2, PurePath("Dots/a.jpg"), (), "job-2"),
    Named(3, PurePath("Waves/b.jpg"), (), "job-3"),
    Named(4, PurePath("Waves/b.jpg"), (), "job-4"),
    Named(5, PurePath("Party"), (PurePath("Party/content.jpg"),), "job-5"),
    Named(6, PurePath("caf\u00e9.jpg"), (), "job-6"),
]


@pytest.mark.parametrize(
    ("name", "thing"),
    [("Waves/a.jpg", 1), ("/srv/Inbox/Waves/a.jpg", 1), ("Inbox/Dots/a.jpg", 2), ("job-4", 4),
     ("Party", 5), ("content.jpg", 5), ("Party/content.jpg", 5), ("cafe\u0301.jpg", 6)],
)  # fmt: skip
def test_names_places_and_ids(name: str, thing: int) -> None:
    assert meant(name, THINGS, [TOP], UNKNOWN) == thing


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.jpg", "2 photos are called a.jpg. Say which one, with its folder: Dots/a.jpg, Waves/a"),
        ("Waves/b.jpg", "by its number: job-3 (Waves/b.jpg), job-4 (Waves/b.jpg)."),
        ("z.jpg", "No photo called z.jpg waits. There are: Dots/a.jpg, Party, "),
        ("/elsewhere/Waves/a.jpg", "No photo called"),
        ("../a.jpg", "No photo called"),
        ("bad\x1b[2J", r"No photo called bad\x1b[2J waits."),
    ],
)
def test_what_cannot_be_told_is_said(name: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        meant(name, THINGS, [TOP], UNKNOWN)
    assert said in str(refused.value)


def test_of_many_some_are_named() -> None:
    things = [Named(number, PurePath(f"{number}.jpg")) for number in range(9)]
    with pytest.raises(UsageError, match=r"There are: 0\.jpg, .*4\.jpg, and 4 more\."):
        meant("z.jpg", things, [], UNKNOWN)
    with pytest.raises(UsageError, match=r"waits\.$"):
        meant("z.jpg", [], [], UNKNOWN)
