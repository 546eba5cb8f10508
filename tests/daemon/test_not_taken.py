"""What lies in the inbox and was not taken, seen from beside."""

from __future__ import annotations

from itertools import count
from pathlib import Path, PurePath

import pytest

from daemon import not_taken
from daemon.not_taken import NotTaken, look
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


def test_photos_that_stay_there_for_ever_are_not_counted(share: Share) -> None:
    put(share, "Styles/Waves.jpg", "Inbox/Waves/a.jpg", "Inbox/Waves/b.jpg")
    found = look(share, None, {PurePath("Waves/a.jpg")})
    assert found is not None
    assert found.photos == 1


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
