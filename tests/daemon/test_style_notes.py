"""A style that cannot be read has a note beside it, for as long as that is so."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from daemon import files, notes
from daemon.names import INBOX_NOTE, is_junk
from daemon.share import Share
from daemon.style_notes import StyleNotes
from daemon.styles import find_styles

TORN = "The picture is damaged and cannot be read. Copy it again, or save it anew as a JPEG."
names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60
)


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


@pytest.fixture
def subject(share: Share) -> StyleNotes:
    return StyleNotes(share)


def put(share: Share, name: str = "Waves.jpg") -> Path:
    path = share.styles / name
    path.write_bytes(b"torn")
    return path


def there(share: Share) -> list[str]:
    return sorted(path.name for path in share.styles.iterdir())


def note(share: Share, name: str = "Waves.jpg") -> str:
    return (share.styles / notes.why_name(name)).read_bytes().decode()


def test_it_says_what_is_wrong_and_is_no_style(share: Share, subject: StyleNotes) -> None:
    style = put(share)
    subject.update({style: TORN}, ())
    assert "The picture is damaged" in note(share)
    assert "Inbox > Waves" in note(share)
    assert find_styles(share.styles) == {"Waves": style}


def test_it_is_written_only_when_it_says_something_new(share: Share, subject: StyleNotes) -> None:
    style = put(share)
    path = share.styles / notes.why_name(style.name)
    subject.update({style: TORN}, ())
    before = path.stat().st_ino
    subject.update({style: TORN}, ())
    assert path.stat().st_ino == before
    subject.update({style: "The file is empty."}, ())
    assert "The file is empty." in note(share)


def test_it_goes_when_the_picture_can_be_read(share: Share, subject: StyleNotes) -> None:
    style = put(share)
    subject.update({style: TORN}, ())
    subject.update({}, ())
    assert there(share) == ["Waves.jpg"]


def test_it_goes_with_the_picture(share: Share, subject: StyleNotes) -> None:
    style = put(share)
    subject.update({style: TORN}, ())
    style.unlink()
    subject.update({}, ())
    assert there(share) == []


def test_it_stays_until_somebody_knows(share: Share, subject: StyleNotes) -> None:
    """After a restart, or when the picture is another one, nobody knows for some seconds."""
    style = put(share)
    subject.update({style: TORN}, ())
    StyleNotes(share).update({}, {style})
    assert there(share) == ["Waves.jpg", "Waves.jpg - why.txt"]
    StyleNotes(share).update({}, {put(share, "Dots.jpg")})
    assert there(share) == ["Dots.jpg", "Waves.jpg"]


def test_one_of_a_share_in_another_language_is_ours_too(share: Share, subject: StyleNotes) -> None:
    style = put(share)
    subject.update({style: TORN}, ())
    chinese = StyleNotes(replace(share, language="zh"))
    chinese.update({style: TORN}, ())
    assert "「Waves.jpg」不能用作风格。" in note(share)
    assert "图片已损坏" in note(share)
    subject.update({}, ())
    assert there(share) == ["Waves.jpg"]


def test_what_somebody_else_wrote_stays(share: Share, subject: StyleNotes, logs: list[Any]) -> None:
    style = put(share)
    mine = {"Waves.jpg - why.txt", "Dots.jpg - why.txt", INBOX_NOTE}
    for name in mine:
        (share.styles / name).write_bytes(b"dear diary")
    for _ in range(3):
        subject.update({style: TORN}, ())
    assert {(share.styles / name).read_bytes() for name in mine} == {b"dear diary"}
    assert [line["event"] for line in logs] == ["note.failed"]
    subject.update({}, ())
    assert {(share.styles / name).read_bytes() for name in mine} == {b"dear diary"}
    assert [line["event"] for line in logs] == ["note.failed", "note.works_again"]


def test_a_disk_that_refuses_is_told_of_once(
    share: Share, subject: StyleNotes, logs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    styles = [put(share), put(share, "Dots.jpg")]
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_atomically", refuse)
        for _ in range(3):
            subject.update(dict.fromkeys(styles, TORN), ())
    assert [line["event"] for line in logs] == ["note.failed"]
    assert "No space left on device" in logs[0]["why"]
    assert there(share) == ["Dots.jpg", "Waves.jpg"]
    subject.update(dict.fromkeys(styles, TORN), ())
    assert [line["event"] for line in logs] == ["note.failed", "note.works_again"]
    assert len(there(share)) == 4


def test_a_folder_that_is_away_is_told_of_once_and_not_made(
    share: Share, subject: StyleNotes, logs: list[Any]
) -> None:
    style = share.styles / "Waves.jpg"
    share.styles.rmdir()
    for _ in range(3):
        subject.update({style: TORN}, ())
    assert not share.styles.exists()
    assert [line["event"] for line in logs] == ["note.failed"]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=50,
)
@given(st.sets(names, max_size=4), st.sets(names, max_size=4))
def test_whatever_they_are_called_each_has_its_note_and_no_other(
    share: Share, torn: set[str], whole: set[str]
) -> None:
    for path in share.styles.iterdir():
        path.unlink()
    assume(not any(is_junk(name) or len(f"{name}.jpg".encode()) > 255 for name in torn | whole))
    bad = {put(share, f"{name}.jpg"): TORN for name in torn - whole}
    for name in whole:
        put(share, f"{name}.jpg")
    subject = StyleNotes(share)
    subject.update(bad, ())
    subject.update(bad, ())
    pictures = {path.name for path in bad} | {f"{name}.jpg" for name in whole}
    assert set(there(share)) == pictures | {notes.why_name(path.name) for path in bad}
    subject.update({}, ())
    assert set(there(share)) == pictures
