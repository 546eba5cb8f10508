"""What is found out of the styles is told in time: in notes, and in the picture of all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image
from structlog.testing import capture_logs

from daemon.inspector import Inspected
from daemon.note_texts import how_to_text
from daemon.settings import Settings, ShareSettings, WatchSettings
from daemon.share import Share, open_share
from daemon.style_telling import StyleTelling
from daemon.styles import see_styles
from tests.daemon.standins import Clock
from tests.daemon.test_run import CONFIG, Program, grey, prepared

TORN = "The file is empty. Copy it again from where it came from."


class Room:
    """A share's styles, an inspector that answers when it is told to, and a sheet that listens."""

    def __init__(self, share: Share) -> None:
        self.share, self.clock = share, Clock()
        self.asked: list[tuple[str, str]] = []
        self.drawn: list[dict[str, bool]] = []
        self.is_closed = False
        settings = Settings(watch=WatchSettings(settle_seconds=5))
        self.subject = StyleTelling(share, settings, self, self.clock, self)  # type: ignore[arg-type]

    def submit(self, key: str, content: Path, *styles: Path, beside: object = None) -> None:
        assert not styles
        assert not beside
        self.asked.append((key, content.name))

    def update(self, styles: Mapping[Path, bool]) -> None:
        self.drawn.append({path.name: whole for path, whole in styles.items()})

    def close(self) -> None:
        self.is_closed = True

    def look(self, now: float) -> None:
        self.clock.now = now
        self.subject.look(see_styles(self.share.styles))

    def answer(self, why: str = "") -> bool:
        key = self.asked[-1][0]
        return self.subject.answer(Inspected(key, not why, why, "content" if why else ""))

    def there(self) -> list[str]:
        return sorted(path.name for path in self.share.styles.iterdir())


@pytest.fixture
def room(share: Share) -> Room:
    for name in ("Dots.jpg", "Waves.jpg"):
        (share.styles / name).write_bytes(b"picture")
    return Room(share)


def test_the_note_comes_with_the_answer_and_the_sheet_when_all_is_known(room: Room) -> None:
    room.look(0)
    room.look(5)
    assert room.subject.faults == {}
    assert room.answer(TORN)
    assert room.there() == ["Dots.jpg", "Dots.jpg - why.txt", "Waves.jpg"]
    assert room.subject.faults == {room.share.styles / "Dots.jpg": TORN}
    assert room.drawn == []
    assert room.answer()
    assert room.drawn == [{"Dots.jpg": False, "Waves.jpg": True}]
    room.look(6)
    assert room.drawn[1:] == room.drawn[:1]


def test_answers_to_others_are_left_to_them(room: Room) -> None:
    assert not room.subject.answer(Inspected("7", ok=True, message="", blame=""))
    assert room.drawn == []


def test_the_note_goes_when_the_picture_is_replaced_by_a_good_one(room: Room) -> None:
    room.look(0)
    room.look(5)
    room.answer(TORN)
    room.answer()
    (room.share.styles / "Dots.jpg").write_bytes(b"another picture")
    room.look(6)
    assert "Dots.jpg - why.txt" in room.there()  # nobody knows yet
    assert len(room.drawn) == 1
    room.look(11)
    room.answer()
    assert room.there() == ["Dots.jpg", "Waves.jpg"]
    assert room.drawn[-1] == {"Dots.jpg": True, "Waves.jpg": True}


def test_the_note_goes_with_the_picture(room: Room) -> None:
    room.look(0)
    room.look(5)
    room.answer(TORN)
    (room.share.styles / "Dots.jpg").unlink()
    room.look(6)
    assert room.there() == ["Waves.jpg"]
    assert room.subject.faults == {}


def test_there_is_a_note_while_photos_wait_for_the_style(room: Room) -> None:
    folder = room.share.inbox / "Dots"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"photo")
    room.look(0)
    room.look(5)
    room.answer(TORN)
    text = (room.share.styles / "Dots.jpg - why.txt").read_text()
    assert "Inbox > Dots" in text


def test_what_marks_the_regions_of_a_style_is_looked_at_and_not_drawn(room: Room) -> None:
    (room.share.styles / "Dots.regions.png").write_bytes(b"picture")
    room.look(0)
    room.look(5)
    assert room.answer()
    assert room.answer()
    assert room.asked[-1][1] == "Dots.regions.png"
    assert room.answer(TORN)
    assert room.drawn == [{"Dots.jpg": True, "Waves.jpg": True}]
    text = (room.share.styles / "Dots.regions.png - why.txt").read_text()
    assert "cannot be used to mark regions" in text
    assert "Inbox > Dots\n" in text
    (room.share.styles / "Dots.regions.png").write_bytes(b"another picture")
    room.look(6)
    room.look(11)
    room.answer()
    assert room.there() == ["Dots.jpg", "Dots.regions.png", "Waves.jpg"]


def test_without_styles_the_sheet_is_told_so(room: Room) -> None:
    for path in room.share.styles.iterdir():
        path.unlink()
    room.look(0)
    assert room.drawn == [{}]


def test_the_sheet_is_closed_with_it(room: Room) -> None:
    room.subject.close()
    assert room.is_closed


def test_other_settings_count_from_now_on(room: Room) -> None:
    room.look(0)
    room.subject.use(Settings(watch=WatchSettings(settle_seconds=100)))
    room.look(50)
    assert room.asked == []
    room.look(100)
    assert len(room.asked) == 1


def test_what_was_asked_while_the_share_was_away_counts_for_nothing(room: Room) -> None:
    room.look(0)
    room.look(5)
    room.subject.drop()
    assert not room.answer(TORN)
    assert room.there() == ["Dots.jpg", "Waves.jpg"]


@pytest.mark.parametrize("error", [ZeroDivisionError(), OSError(5, "Input/output error")])
def test_what_stands_in_the_way_keeps_nobody_from_work_and_is_said_once(
    room: Room, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_arguments: object) -> None:
        raise error

    room.look(0)
    room.look(5)
    with capture_logs() as logs:
        with monkeypatch.context() as patch:
            patch.setattr("daemon.style_notes.StyleNotes.update", refuse)
            assert room.answer(TORN)  # it was ours, and nobody else may take it for theirs
            room.look(6)
            room.look(7)
        room.look(8)
    told = [one["event"] for one in logs if one["event"].startswith("styles.")]
    assert told == ["styles.untold", "styles.told_again"]
    assert "Dots.jpg - why.txt" in room.there()


def test_styles_are_shown_in_one_picture_and_bad_ones_have_a_note(tmp_path: Path) -> None:
    with prepared(tmp_path) as program:
        _tell(program)


def _tell(program: Program) -> None:
    config = CONFIG.replace("contact_sheet = false", "language = 'zh'")
    (program.folder / "config.toml").write_text(config)
    english = how_to_text(open_share(ShareSettings(root=program.share)))
    program.style("Waves")
    (program.share / "Styles" / "Torn.jpg").write_bytes(b"dear diary")
    (program.share / "Read me first.txt").write_bytes(english.encode())
    sheet, note = program.share / "All styles.jpg", program.share / "Styles" / "Torn.jpg - why.txt"
    program.start()
    program.wait(lambda: sheet.exists() and note.exists())
    (program.share / "Inbox/Torn/a.png").write_bytes(grey(100))
    failed = program.share / "Failed/Torn/a.png - why.txt"
    program.wait(failed.exists)
    assert "风格图片「Torn.jpg」不能使用。" in failed.read_text()
    assert "照片拖回文件夹「Inbox > Torn」" in failed.read_text()
    assert note.exists()
    assert "「Torn.jpg」不能用作风格。" in note.read_text()
    assert "这个文件不是这里能读取的图片" in note.read_text()
    assert "怎样让一张照片变成画" in (program.share / "Read me first.txt").read_text()
    with Image.open(sheet) as image:
        image.load()
    before = sheet.read_bytes()
    (program.share / "Styles" / "Torn.jpg").write_bytes(grey(90))
    program.wait(lambda: not note.exists() and sheet.read_bytes() != before)
    assert program.files("Inbox") == []


def test_regions_of_a_style_that_is_not_there_have_a_note_until_it_comes(room: Room) -> None:
    regions = room.share.styles / "Lake.regions.png"
    regions.write_bytes(b"x")
    note = room.share.styles / "Lake.regions.png - why.txt"
    room.look(0)
    assert not note.exists()  # the style may be on its way
    room.look(5)
    assert "is not beside it" in note.read_text("utf-8")
    assert regions not in room.subject.faults  # no style is of no use for it
    (room.share.styles / "lake.jpg").write_bytes(b"picture")
    room.look(6)
    for _ in range(4):  # all that is there is looked at
        room.look(20)
        if room.asked:
            room.answer()
    assert not note.exists()
