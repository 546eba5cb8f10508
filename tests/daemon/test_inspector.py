"""Pictures are looked at in a child that may crash or hang: one answer each, and the right one."""

from __future__ import annotations

import errno
import gc
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
import pytest
from PIL import Image
from structlog.testing import capture_logs

from daemon import inspector, looking
from daemon.errors import PictureUnreadableError
from daemon.inspector import Inspected, Inspector
from daemon.looking import Limits, limits_of
from daemon.reasons import NO_PICTURE
from daemon.settings import WatchSettings
from tests.daemon import child_stand_ins as stand_ins

LIMITS = replace(limits_of(WatchSettings()), restart_seconds=0.01)


@contextmanager
def inspecting(
    settings: WatchSettings | None = None, **options: Any
) -> Iterator[tuple[Inspector, SimpleQueue[Inspected]]]:
    answers: SimpleQueue[Inspected] = SimpleQueue()
    subject = Inspector(settings or WatchSettings(), answers.put, **options)
    try:
        yield subject, answers
    finally:
        subject.close()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (64, 48), (10, 200, 30)).save(path)
    return path


def ask(paths: tuple[Path, ...], settings: WatchSettings | None = None) -> Inspected:
    with inspecting(settings) as (subject, answers):
        subject.submit("key", *paths)
        return answers.get(timeout=60)


def test_whole_pictures_are_all_right(photo: Path) -> None:
    good = Inspected("key", ok=True, message="", blame="")
    with inspecting() as (subject, answers):
        subject.submit("key", photo, photo)
        assert answers.get(timeout=60) == good
        subject.submit("key", photo)
        assert answers.get(timeout=60) == good
        assert answers.empty()


def test_of_several_styles_each_is_looked_at(photo: Path) -> None:
    torn, other = photo.with_name("torn.jpg"), photo.with_name("other.jpg")
    other.write_bytes(photo.read_bytes())
    torn.write_bytes(photo.read_bytes()[:-40])
    with inspecting() as (subject, answers):
        subject.submit("key", photo, photo, other)
        assert answers.get(timeout=60).ok
        subject.submit("key", photo, other, torn)
        answer = answers.get(timeout=60)
    assert (answer.ok, answer.blame) == (False, "style")
    assert "The style picture torn.jpg cannot be used." in answer.message


def test_what_marks_regions_of_a_style_is_not_called_a_style(photo: Path) -> None:
    torn = photo.with_name("Waves.regions.jpg")
    torn.write_bytes(photo.read_bytes()[:-40])
    with inspecting() as (subject, answers):
        subject.submit("key", photo, photo, torn)
        answer = answers.get(timeout=60)
    assert answer.blame == "style"
    assert 'The picture that marks regions, "Waves.regions.jpg", cannot be used.' in answer.message


def test_a_style_is_decoded_once_for_all_its_photos(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    look_at = Inspector._look_at

    def watched(self: Inspector, path: Path) -> str:
        decoded.append(path.name)
        return look_at(self, path)

    monkeypatch.setattr(Inspector, "_look_at", watched)
    style = photo.with_name("style.jpg")
    style.write_bytes(photo.read_bytes())
    with inspecting() as (subject, answers):

        def ask_again() -> Inspected:
            decoded.clear()
            subject.submit("key", photo, style)
            return answers.get(timeout=60)

        assert ask_again().ok
        assert decoded == ["photo.jpg", "style.jpg"]
        assert ask_again().ok
        assert decoded == ["photo.jpg"]
        subject.use(WatchSettings(max_megapixels=2))  # what was whole may be too large now
        assert ask_again().ok
        assert decoded == ["photo.jpg", "style.jpg"]
        style.write_bytes(b"no picture")
        assert [ask_again().blame, ask_again().blame] == ["style", "style"]
        assert decoded == ["photo.jpg", "style.jpg"]


@pytest.mark.parametrize("which", ["content", "style"])
def test_the_picture_that_cannot_be_read_is_blamed(photo: Path, which: str) -> None:
    half = photo.with_name("half.jpg")
    half.write_bytes(photo.read_bytes()[:-20])
    answer = ask((half, photo) if which == "content" else (photo, half))
    assert (answer.ok, answer.blame) == (False, which)
    assert "incomplete" in answer.message
    assert ("half.jpg" in answer.message) == (which == "style")


@pytest.mark.parametrize(
    ("name", "words"),
    [("notes.txt", NO_PICTURE), ("notes", NO_PICTURE), ("notes.jpg", "The file is not a picture")],
)
def test_what_is_no_picture_and_not_called_one_is_said_to_be_none(
    photo: Path, name: str, words: str
) -> None:
    text = photo.with_name(name)
    text.write_bytes(b"hello, I am a text" * 100)
    answer = ask((text, photo))
    assert (answer.ok, answer.blame) == (False, "content")
    assert answer.message.startswith(words)


def test_what_goes_along_with_a_photo_is_named_as_what_it_is(photo: Path) -> None:
    mask, half = photo.with_name("photo.mask.png"), photo.with_name("photo.start.jpg")
    Image.new("L", (64, 48), 255).save(mask)
    half.write_bytes(photo.read_bytes()[:-20])
    with inspecting() as (subject, answers):
        subject.submit("good", photo, photo, beside={"mask": mask})
        subject.submit("bad", photo, photo, beside={"mask": mask, "start": half})
        assert answers.get(timeout=60) == Inspected("good", ok=True, message="", blame="")
        answer = answers.get(timeout=60)
    assert (answer.key, answer.ok, answer.blame) == ("bad", False, "beside")
    assert answer.message.startswith(
        'The picture to start from, "photo.start.jpg", cannot be used.'
    )
    assert "incomplete" in answer.message


def test_content_is_looked_at_first(photo: Path) -> None:
    bad = photo.with_name("bad.jpg")
    bad.write_bytes(b"no picture")
    assert ask((bad, bad)).blame == "content"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (str, "there"),
        (lambda path: path.mkdir(), "not a file"),
        (os.mkfifo, "not a file"),
        (lambda path: path.symlink_to("photo.jpg"), "link"),
        (lambda path: path.touch(), "empty"),
    ],
)
def test_what_is_no_file_is_refused(photo: Path, make: Any, words: str) -> None:
    path = photo.with_name("other.jpg")
    make(path)
    answer = ask((path,))
    assert not answer.ok
    assert words in answer.message


def test_no_file_is_read_through_a_folder_that_is_a_link(photo: Path) -> None:
    inbox = photo.parent / "inbox"
    inbox.mkdir()
    (inbox / "album").symlink_to(photo.parent)
    path = inbox / "album" / photo.name
    assert ask((path,)).ok
    with inspecting(limits=replace(LIMITS, tops=(inbox,))) as (subject, answers):
        subject.submit("key", path)
        answer = answers.get(timeout=60)
        assert not answer.ok
        assert "cannot be read" in answer.message
        subject.submit("key", photo)  # it lies below none of the folders
        assert answers.get(timeout=60).ok


def test_it_is_the_first_to_go_when_memory_runs_out(photo: Path) -> None:
    with inspecting() as (subject, answers):
        subject.submit("key", photo)
        assert answers.get(timeout=60).ok
        assert subject._child is not None
        score = Path(f"/proc/{subject._child.pid}/oom_score_adj").read_text()
    assert int(score) == 1000


def test_too_large_files_are_refused_unread(photo: Path) -> None:
    with photo.open("ab") as file:
        file.truncate(1_000_001)
    answer = ask((photo,), WatchSettings(max_file_mb=1))
    assert "larger than 1 MB" in answer.message


def test_too_many_pixels_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("L", (1001, 1000)).save(path)
    answer = ask((path,), WatchSettings(max_megapixels=1))
    assert "1001 x 1000" in answer.message


def test_memory_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.fromarray(np.zeros((12_000, 12_000), np.uint8)).save(path, compress_level=1)
    # What Python and its libraries map varies; three bytes for each of 144 million pixels do not.
    tight = replace(LIMITS, ration=replace(LIMITS.ration, memory_bytes=700 << 20))
    with inspecting(limits=tight) as (subject, answers):
        subject.submit("key", path)
        answer = answers.get(timeout=60)
    assert "memory" in answer.message


@pytest.mark.parametrize(("name", "words"), [("crash.jpg", "crashes"), ("hang.jpg", "too long")])
def test_a_crash_or_a_hang_costs_one_file_its_inspection(
    tmp_path: Path, name: str, words: str
) -> None:
    limits = replace(LIMITS, seconds=1.0)
    with inspecting(limits=limits, work=stand_ins.crashing_reader) as (subject, answers):
        for key, file in (("1", "fine.jpg"), ("2", name), ("3", "fine.jpg")):
            subject.submit(key, tmp_path / file)
        got = [answers.get(timeout=60) for _ in range(3)]
    assert [one.key for one in got] == ["1", "2", "3"]
    assert [one.ok for one in got] == [True, False, True]
    assert words in got[1].message


def test_many_requests_are_answered_in_order(photo: Path) -> None:
    with inspecting() as (subject, answers):
        for number in range(50):
            subject.submit(str(number), photo)
        assert [answers.get(timeout=60).key for _ in range(50)] == [str(n) for n in range(50)]


def test_that_no_child_can_start_is_no_pictures_fault(photo: Path) -> None:
    with inspecting(limits=LIMITS, work=stand_ins.reader_that_cannot_start) as (subject, answers):
        subject.submit("key", photo)
        with pytest.raises(Empty):
            answers.get(timeout=1.0)


def test_whoever_does_not_wait_for_ever_is_told_that_no_child_can_start(photo: Path) -> None:
    limits = replace(LIMITS, most_starts=2)
    with inspecting(limits=limits, work=stand_ins.reader_that_cannot_start) as (subject, answers):
        for key in "ab":
            subject.submit(key, photo, photo)
        got = [answers.get(timeout=120) for _ in "ab"]
    assert got == [Inspected(key, ok=False, message="", blame="", passing=True) for key in "ab"]


def test_it_pauses_between_two_starts_also_while_more_is_asked(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = list[float]()

    def refused(*_: object) -> None:
        starts.append(time.monotonic())
        raise OSError(errno.EAGAIN, "no process can be started")

    monkeypatch.setattr(inspector, "Child", refused)
    limits = replace(LIMITS, restart_seconds=0.3, most_starts=2)
    with inspecting(limits=limits) as (subject, answers):
        for number in range(20):  # each rings the bell
            subject.submit(str(number), photo)
        assert answers.get(timeout=60).passing
    assert starts[1] - starts[0] >= 0.3


@pytest.mark.parametrize(
    ("name", "is_passing"), [("crash.jpg", False), ("hang.jpg", True), ("killed.jpg", True)]
)
def test_what_may_pass_is_told_from_what_a_file_does_to_its_reader(
    tmp_path: Path, name: str, *, is_passing: bool
) -> None:
    limits = replace(LIMITS, seconds=1.0)
    with inspecting(limits=limits, work=stand_ins.crashing_reader) as (subject, answers):
        subject.submit("1", tmp_path / name)
        subject.submit("2", tmp_path / "fine.jpg", tmp_path / name)
        got = [answers.get(timeout=60) for _ in range(2)]
    assert [(one.ok, one.blame) for one in got] == [(False, "content"), (False, "style")]
    assert [one.passing for one in got] == [is_passing] * 2


@pytest.mark.parametrize(
    ("error", "is_passing"),
    [
        (OSError(errno.EIO, "Input/output error"), True),
        (OSError(errno.ESTALE, "Stale file handle"), True),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), True),
        (PermissionError(errno.EACCES, "Permission denied"), False),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory"), False),
        (MemoryError(), True),
        (PictureUnreadableError("It is torn."), False),
    ],
)
def test_what_may_pass_is_told_from_what_is_wrong_with_a_file(
    photo: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, *, is_passing: bool
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(looking, "read_with_holes", fail)
    found = looking.look_into(photo, LIMITS)
    assert found.message
    assert found.passing == is_passing


def test_a_picture_for_which_there_is_no_memory_may_be_read_another_time(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    assert not looking.look_into(photo, LIMITS).message
    monkeypatch.setattr(Image, "open", fail)
    found = looking.look_into(photo, LIMITS)
    assert "memory" in found.message
    assert found.passing


def test_a_bug_costs_one_file_its_inspection(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look, failing = Inspector._look_at, True

    def fail_once(self: Inspector, path: Path) -> str:
        nonlocal failing
        if failing:
            failing = False
            raise ZeroDivisionError("a bug")
        return look(self, path)

    monkeypatch.setattr(Inspector, "_look_at", fail_once)
    with capture_logs() as logs, inspecting() as (subject, answers):
        for key in "ab":
            subject.submit(key, photo)
        got = [answers.get(timeout=60) for _ in "ab"]
        assert answers.empty()
    assert [(one.key, one.ok) for one in got] == [("a", False), ("b", True)]
    assert "ZeroDivisionError" in got[0].message
    assert [one.passing for one in got] == [True, False]
    assert [line["event"] for line in logs] == ["inspector.failed"]


def test_a_bug_that_no_file_is_to_blame_for_is_survived(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = threading.Event()

    def fail_once(_self: Inspector) -> float | None:
        if broken.is_set():
            return None
        broken.set()
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(inspector, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(Inspector, "_idle_seconds", fail_once)
    with capture_logs(), inspecting() as (subject, answers):
        subject.submit("a", photo)
        assert answers.get(timeout=60).ok
        assert broken.wait(60)
        subject.submit("b", photo)
        assert answers.get(timeout=60).ok


def test_the_child_ends_when_idle_and_comes_back(photo: Path) -> None:
    limits: Limits = replace(LIMITS, idle_seconds=0.05)
    with inspecting(limits=limits) as (subject, answers):
        for _ in range(2):
            subject.submit("key", photo)
            assert answers.get(timeout=60).ok
            assert subject._thread is not None
            while subject._child is not None:  # pytest's time limit ends a child that stays
                subject._thread.join(0.01)


def test_close_leaves_nothing_behind(photo: Path) -> None:
    ask((photo,))  # starts what every later child shares
    gc.collect()  # what other tests have left in circles may hold handles, and go at any moment
    before = set(Path("/proc/self/fd").iterdir())
    with inspecting(limits=LIMITS, work=stand_ins.crashing_reader) as (subject, answers):
        subject.submit("key", photo.with_name("hang.jpg"))
        subject.submit("never", photo)
        while subject._child is None:
            pass
        subject.close()
        assert answers.empty()
        with pytest.raises(RuntimeError, match="closed"):
            subject.submit("late", photo)
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_closing_what_never_began_is_quiet() -> None:
    with inspecting() as (subject, _):
        subject.close()


def noise(path: Path) -> Path:
    pixels = np.random.default_rng(1).integers(0, 255, (400, 400, 3), np.uint8)
    Image.fromarray(pixels).save(path, quality=90)
    return path


def test_a_hole_in_the_middle_is_told_of_though_the_picture_can_be_decoded(tmp_path: Path) -> None:
    half, whole = noise(tmp_path / "half.jpg"), noise(tmp_path / "whole.jpg")
    data = bytearray(half.read_bytes())
    assert len(data) > 40_960
    data[16_384:24_576] = bytes(8192)
    half.write_bytes(data)
    assert ask((half, whole)) == Inspected("key", ok=True, message="", blame="", gaps=("content",))
    both = ask((half, half))
    assert (both.ok, both.gaps) == (True, ("content", "style"))
    assert ask((whole, whole)).gaps == ()
    with inspecting() as (subject, answers):
        subject.submit("key", whole, beside={"start": half})
        assert answers.get(timeout=60).gaps == ("beside",)


def test_a_style_with_a_hole_is_looked_at_again_each_time(tmp_path: Path) -> None:
    whole, style = noise(tmp_path / "whole.jpg"), tmp_path / "style.bmp"
    Image.new("RGB", (300, 300)).save(style)
    data = style.read_bytes()
    full = data[:-100_000] + b"x" * 100_000
    with style.open("wb") as file:
        file.write(full[:54])
        file.seek(len(full) - 100_000)
        file.write(full[-100_000:])
        file.flush()
        os.fsync(file.fileno())
        if os.lseek(file.fileno(), 0, os.SEEK_HOLE) == len(full):
            pytest.skip("needs a disk that knows of holes")
    with inspecting() as (subject, answers):
        for _ in range(2):
            subject.submit("key", whole, style)
            answer = answers.get(timeout=60)
            assert (answer.ok, answer.gaps) == (True, ("style",))
        style.write_bytes(full)  # which are the same bytes: black in the middle
        subject.submit("key", whole, style)
        assert answers.get(timeout=60).gaps == ()
