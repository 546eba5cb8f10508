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
    Named(5, PurePath("Party"), (PurePath("Party/content.jpg"),), "job-5", is_folder=True),
    Named(6, PurePath("caf\u00e9.jpg"), (), "job-6"),
]
FOLDERS = [
    Named(1, PurePath("Waves/Trip.jpg")),
    Named(2, PurePath("Trip"), (PurePath("Trip/content.jpg"),), is_folder=True),
    Named(3, PurePath("Dots/Sea"), (PurePath("Dots/Sea/content.jpg"),), is_folder=True),
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


@pytest.mark.parametrize(
    ("name", "thing"),
    [("Trip", 2), ("Trip.png", 2), ("Trip.jpg", 1), ("Inbox/Trip.PNG", 2), ("Inbox/Trip.jpg", 2),
     ("Sea", 3), ("Sea.png", 3), ("Dots/Sea.tif", 3)],
)  # fmt: skip
def test_a_folder_is_meant_by_the_name_of_its_painting_unless_a_photo_has_it(
    name: str, thing: int
) -> None:
    assert meant(name, FOLDERS, [TOP], UNKNOWN) == thing


@pytest.mark.parametrize("name", ["Trip.txt", "Waves/Sea.png", "Sea.jpg.png", "content.jpg.png"])
def test_nor_by_others(name: str) -> None:
    with pytest.raises(UsageError, match="No photo called"):
        meant(name, FOLDERS, [TOP], UNKNOWN)


def test_what_lies_elsewhere_under_that_name_counts_for_more_than_a_painting() -> None:
    def told(path: PurePath) -> str:
        return "It lies there." if path == PurePath("Party.png") else ""

    with pytest.raises(UsageError, match=r"^It lies there\.$"):
        meant("Party.png", THINGS, [TOP], UNKNOWN, told)
    assert meant("Party.jpg", THINGS, [TOP], UNKNOWN, told) == 5
    assert meant("Party", THINGS, [TOP], UNKNOWN, lambda _path: "It lies there.") == 5


def test_of_many_some_are_named() -> None:
    things = [Named(number, PurePath(f"{number}.jpg")) for number in range(9)]
    with pytest.raises(UsageError, match=r"There are: 0\.jpg, .*4\.jpg, and 4 more\."):
        meant("z.jpg", things, [], UNKNOWN)
    with pytest.raises(UsageError, match=r"waits\.$"):
        meant("z.jpg", [], [], UNKNOWN)
