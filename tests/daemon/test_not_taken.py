"""What lies in the inbox and was not taken, seen from beside."""

from __future__ import annotations

from itertools import count
from pathlib import Path, PurePath

import pytest

from daemon import not_taken
from daemon.cli import lines
from daemon.job_files import JobFiles
from daemon.not_taken import NotTaken, look, lying
from daemon.share import Share


def put(share: Share, *names: str) -> None:
    for name in names:
        path = share.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_an_empty_inbox_has_nothing_to_tell(share: Share) -> None:
    found = look(share, None)
    assert found == NotTaken()
    assert not found


def test_what_waits_is_told_apart(share: Share) -> None:
    put(
        share,
        "Styles/Waves.jpg", "Inbox/Waves/a.jpg", "Inbox/Waves/b.jpg", "Inbox/lost.jpg",
        "Inbox/c.jpg", "Inbox/c.style.jpg", "Inbox/Party/content.jpg", "Inbox/.hidden.jpg",
    )  # fmt: skip
    assert look(share, None) == NotTaken(
        3, (PurePath("lost.jpg"),), (PurePath("Party/content.jpg"),)
    )
    assert look(share, "Waves") == NotTaken(4, (), (PurePath("Party/content.jpg"),))
    put(share, "Inbox/Waves/a.mask.png", "Inbox/Waves/gone.mask.png")
    (lonely,) = found.lonely if (found := look(share, "Waves")) else ()
    assert lonely == PurePath("Waves/gone.mask.png")
    assert NotTaken(lonely=(lonely,))
    style = PurePath("Trip/style.regions.png")
    assert list(lines.lying(NotTaken(lonely=(lonely, style)), running=True)) == [
        "Waves/gone.mask.png is a mask and waits for the photo gone beside it",
        "Trip/style.regions.png marks regions of a style and waits for the picture style beside it",
    ]


def test_what_there_was_no_time_to_read_is_no_half(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "Inbox/Party/content.jpg", "Inbox/Party/job.toml")
    monkeypatch.setattr(not_taken, "JobFiles", lambda top, _: JobFiles(top, 0.0))
    found = look(share, None)
    assert found == NotTaken(unread=(PurePath("Party/content.jpg"),))
    assert found
    assert list(lines.lying(found, running=True)) == [
        "Party/content.jpg waits until its job.toml is read"
    ]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("a.jpg", "a.jpg"), ("Waves/a.jpg", "Waves/a.jpg"), ("b.jpg", "Waves/b.jpg"),
        ("Trip", "Trip"), ("Trip/content.jpg", "Trip/content.jpg"), ("Sea", "Waves/Sea"),
        ("cafe\u0301.jpg", "Waves/caf\u00e9.jpg"),
        ("Waves", None), ("Dots", None), ("z.jpg", None), ("../Styles/Dots.jpg", None), (".", None),
        ("Sea/b.jpg", None), ("Why photos wait - read me.txt", None),
    ],
)  # fmt: skip
def test_where_something_of_a_name_lies(share: Share, name: str, place: str | None) -> None:
    put(
        share,
        "Inbox/a.jpg", "Inbox/Waves/a.jpg", "Inbox/Waves/b.jpg", "Inbox/Waves/caf\u00e9.jpg",
        "Inbox/Trip/content.jpg", "Inbox/Trip/mask.png", "Inbox/Waves/Sea/style.jpg",
        "Inbox/Why photos wait - read me.txt", "Styles/Dots.jpg", "Inbox/Dots/content.jpg",
    )  # fmt: skip
    assert lying(share, PurePath(name)) == (None if place is None else PurePath(place))


def test_in_an_inbox_that_is_away_nothing_is_found(share: Share) -> None:
    share.inbox.rmdir()
    assert lying(share, PurePath("a.jpg")) is None


def test_photos_that_stay_there_for_ever_are_not_counted(share: Share) -> None:
    put(share, "Styles/Waves.jpg", "Inbox/Waves/a.jpg", "Inbox/Waves/b.jpg")
    found = look(share, None, {PurePath("Waves/a.jpg")})
    assert found is not None
    assert found.photos == 1


def test_what_ends_as_no_picture_is_not_counted_as_a_photo(share: Share) -> None:
    names = ("a.JPG", "IMG_1", "Mr. Smith at sea", "bill.pdf", "film.mp4")
    put(share, "Styles/Waves.jpg", *(f"Inbox/Waves/{name}" for name in names))
    found = look(share, None)
    assert found == NotTaken(3, others=2)
    assert list(lines.lying(found, running=False)) == [
        "3 photos to be taken once the service runs",
        "2 other files whose ending is not a picture's",
    ]
    assert NotTaken(others=1)


def test_what_is_closed_is_named(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    put(share, "Styles/Waves.jpg", "Inbox/Waves/closed/a.jpg", "Inbox/Waves/b.jpg")
    real = not_taken.scanner._look_into

    def look_into(root: Path, folder: Path, finds: object) -> list[str]:
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(root, folder, finds)  # type: ignore[arg-type]

    monkeypatch.setattr(not_taken.scanner, "_look_into", look_into)
    assert look(share, None) == NotTaken(1, closed=(PurePath("Waves/closed"),))


def test_a_look_is_not_long(share: Share) -> None:
    put(share, *(f"Inbox/{number}/a.jpg" for number in range(9)))
    ticks = count()
    found = look(share, None, clock=lambda: next(ticks) / 5)  # a fifth of a second a folder
    assert found is not None
    assert not found.is_all
    assert found.closed == ()
    assert 0 < len(found.homeless) < 9


def test_an_inbox_that_is_away_is_none(share: Share) -> None:
    share.inbox.rmdir()
    assert look(share, None) is None


def test_without_the_styles_folder_nobody_has_a_style(share: Share) -> None:
    put(share, "Inbox/Waves/a.jpg")
    share.styles.rmdir()
    assert look(share, "Waves") == NotTaken(homeless=(PurePath("Waves/a.jpg"),))
