"""The note about photos that wait: in time, true, and gone again."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path, PurePath

import pytest
from structlog.testing import capture_logs

from daemon import files
from daemon.inbox_note import Asked, Few, InboxNote
from daemon.names import INBOX_NOTE
from daemon.scanner import Sighting
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share
from tests.daemon.standins import Clock


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path))
    make_share(share)
    return share


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sighting(share: Share) -> Callable[..., Sighting]:
    return lambda name, size=10: Sighting(share.inbox / name, size, 1, 1)


def note(share: Share) -> str:
    path = share.inbox / INBOX_NOTE
    return path.read_text() if path.exists() else ""


def test_it_asks_when_a_photo_holds_still(
    share: Share, clock: Clock, sighting: Callable[..., Sighting]
) -> None:
    notice = InboxNote(share, 5.0, clock)
    notice.update([sighting("a.jpg")], [], ["Waves"])
    assert notice.restless
    assert not note(share)
    clock.now = 4.9
    notice.update([sighting("a.jpg", 11)], [], ["Waves"])
    clock.now = 9.8
    notice.update([sighting("a.jpg", 11)], [], ["Waves"])
    assert not note(share)
    clock.now = 10.0
    assert notice.restless  # until the next look has asked
    with capture_logs() as logs:
        notice.update([sighting("a.jpg", 11)], [], ["Waves"])
        notice.update([sighting("a.jpg", 11)], [], ["Waves"])
    assert not notice.restless
    assert "a.jpg" in note(share)
    assert "Waves" in note(share)
    assert [line["event"] for line in logs] == ["style.missing"]


def test_the_note_goes_when_its_cause_has_gone(
    share: Share, clock: Clock, sighting: Callable[..., Sighting]
) -> None:
    notice = InboxNote(share, 0.0, clock)
    notice.update([sighting("a.jpg"), sighting("b.jpg")], [], [])
    notice.update([sighting("b.jpg")], [], [])
    assert "a.jpg" not in note(share)
    assert "b.jpg" in note(share)
    notice.update([], [], [])
    assert not note(share)


def test_what_it_asks_for_can_be_told_elsewhere_too(
    share: Share, clock: Clock, sighting: Callable[..., Sighting]
) -> None:
    notice = InboxNote(share, 5.0, clock)
    lost = [sighting(f"Trip/{number:03}.jpg") for number in range(200)]
    half, shut = [sighting("Party/content.jpg")], [share.inbox / "Private"]
    notice.update(lost, half, ["Waves"], shut)
    assert notice.asked == Asked()  # they may be on their way
    clock.now = 5.0
    notice.update(lost, half, ["Waves"], shut)
    assert notice.asked.homeless.in_all == 200
    assert notice.asked.homeless.paths[:2] == (PurePath("Trip/000.jpg"), PurePath("Trip/001.jpg"))
    assert len(notice.asked.homeless.paths) == 20
    assert notice.asked.halves == Few((PurePath("Party/content.jpg"),), 1)
    assert notice.asked.closed == Few((PurePath("Private"),), 1)
    notice.update([], [], ["Waves"])
    assert notice.asked == Asked()


def test_a_mask_without_its_photo_is_told_where_the_photo_may_be(
    share: Share, clock: Clock, sighting: Callable[..., Sighting]
) -> None:
    notice, mask = InboxNote(share, 5.0, clock), sighting("Waves/a.mask.png")
    notice.update([], [], ["Waves"], lonely=[mask])
    assert notice.restless
    assert not note(share)  # its photo is probably on its way
    clock.now = 5.0
    with capture_logs() as logs:
        notice.update([], [], ["Waves"], lonely=[mask])
        notice.update([], [], ["Waves"], lonely=[mask])
    assert [(line["event"], line["pictures"]) for line in logs] == [("photo.missing", 1)]
    assert notice.asked.lonely == Few((PurePath("Waves/a.mask.png"),), 1)
    assert "- Waves/a.mask.png" in note(share)
    assert "it lies in Originals" in " ".join(note(share).split())
    assert "into one of these folders" not in note(share)
    notice.update([], [], ["Waves"])
    assert not note(share)


def test_a_note_of_an_earlier_daemon_goes_too(
    share: Share, clock: Clock, sighting: Callable[..., Sighting]
) -> None:
    InboxNote(share, 0.0, clock).update([sighting("a.jpg")], [], [])
    InboxNote(share, 0.0, clock).update([], [], [])
    assert not note(share)


def test_it_asks_for_the_other_half_of_a_folder(
    share: Share, clock: Clock, sighting: Callable[..., Sighting]
) -> None:
    notice = InboxNote(share, 5.0, clock)
    half = sighting("Party/Content.JPG")
    notice.update([], [half], ["Waves"])
    assert notice.restless
    assert not note(share)
    clock.now = 5.0
    with capture_logs() as logs:
        notice.update([], [half], ["Waves"])
    assert not notice.restless
    assert "Party has Content.JPG; put a picture named style beside it" in note(share)
    assert "Waves" not in note(share)  # nobody is to move this photo into a style's folder
    assert [(line["photos"], line["folders"]) for line in logs] == [(0, 1)]
    notice.update([sighting("a.jpg")], [sighting("Party/style.png")], ["Waves"])
    clock.now = 10.0
    notice.update([sighting("a.jpg")], [sighting("Party/style.png")], ["Waves"])
    text = note(share)
    assert text.index("a.jpg") < text.index("Waves") < text.index("Party has style.png")
    assert "named content" in text
    notice.update([], [], ["Waves"])
    assert not note(share)


def test_what_stands_in_the_notes_way_is_said_once_and_tried_again(
    share: Share,
    clock: Clock,
    sighting: Callable[..., Sighting],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notice = InboxNote(share, 0.0, clock)
    full = iter(range(99))

    def refuse(path: Path, *_args: object) -> None:
        # As the real one: the name of the temporary file is another one each time.
        raise OSError(errno.ENOSPC, "No space left on device", f"{path}.{next(full)}")

    with capture_logs() as logs:
        with monkeypatch.context() as patch:
            patch.setattr(files, "write_atomically", refuse)
            for _ in range(3):
                notice.update([sighting("a.jpg")], [], [])
        assert not notice.restless
        for _ in range(2):
            notice.update([sighting("a.jpg")], [], [])
    said = [line for line in logs if line["event"].startswith("note.")]
    assert [line["event"] for line in said] == ["note.failed", "note.works_again"]
    assert said[0]["why"] == "No space left on device"
    assert "a.jpg" in note(share)


def test_it_says_what_cannot_be_opened(
    share: Share, clock: Clock, sighting: Callable[..., Sighting]
) -> None:
    notice = InboxNote(share, 5.0, clock)
    shut = [share.inbox / "Holiday\x1b", share.inbox / "Party"]
    with capture_logs() as logs:
        notice.update([], [], ["Waves"], shut)
        assert notice.restless
        assert not note(share)
        assert logs == []
        clock.now = 5.0
        for _ in range(2):
            notice.update([], [], ["Waves"], shut)
        assert not notice.restless
        text = note(share)
        assert "not allowed to open" in text
        assert r"- Holiday\x1b" in text
        assert "- Party" in text
        assert "Permissions" in text
        assert "Waves" not in text
        notice.update([sighting("a.jpg")], [], ["Waves"], shut[:1])
        assert notice.restless
        assert "Party" not in note(share)
        notice.update([], [], ["Waves"], [])
    assert not note(share)
    assert [(line["log_level"], line["names"]) for line in logs] == [
        ("warning", [r"Holiday\x1b", "Party"]),
        ("warning", [r"Holiday\x1b"]),
        ("info", []),
    ]
