"""A photo that cannot be taken out of the inbox is painted once, and moved when it can be."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon import claims, files
from daemon.errors import ExitCode
from daemon.journal import Journal
from daemon.names import INBOX_NOTE
from daemon.runners.base import Failed
from daemon.settings import PaintSettings, Settings, ShareSettings
from daemon.share import make_share, open_share
from tests.daemon.standins import picture
from tests.daemon.test_service import QUICK, House

HELD = [errno.EACCES, errno.EPERM, errno.EBUSY, errno.EROFS]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr("daemon.backoff._FIRST_SECONDS", 0.02)
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    with closing(Journal(tmp_path / "state" / "journal.sqlite", time.time)) as journal:
        yield House(share, journal, Settings(watch=QUICK, paint=PaintSettings(preset="draft")))


@contextmanager
def holding(house: House, number: int = errno.EACCES) -> Iterator[None]:
    """Nothing can be moved out of the inbox."""
    move = files.move_exactly

    def refuse(source: Path, target: Path) -> None:
        if target.is_relative_to(house.share.work):
            raise OSError(number, os.strerror(number), str(source))
        move(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "move_exactly", refuse)
        yield


def painted(house: House) -> int:
    return sum(len(runner.requests) for runner in house.runners)


def remembered(house: House) -> int:
    # SQLite's connections belong to the threads that made them.
    with closing(Journal(house.journal._path, time.time, read_only=True)) as reader:
        return len(reader.staying())


def run_for_a_while(house: House, looks: int = 25) -> None:
    left = looks

    def done() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    house.run_until(done)


@pytest.mark.parametrize("number", HELD)
def test_it_is_painted_once_also_after_a_restart_and_moved_when_that_can_be_done(
    house: House, number: int
) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house, number):
        house.run_until(lambda: house.states() == {"done": 1})
        assert len(house.said("photo.stays")) == 1
        run_for_a_while(house, 5)
        note = (house.share.inbox / INBOX_NOTE).read_text()
        assert "stay here because I cannot move them" in note
        assert str(Path("Waves/photo.jpg")) in note
        for _ in range(2):
            run_for_a_while(house)
        assert photo.read_bytes() == picture()
        assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
        assert house.files(house.share.originals) == ["Waves/photo.jpg"]
        assert (painted(house), house.states()) == (1, {"done": 1})
        assert claims.find_claims(house.share) == []
    house.run_until(lambda: not photo.exists())
    run_for_a_while(house, 5)
    assert not (house.share.inbox / INBOX_NOTE).exists()
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]
    assert (painted(house), house.journal.staying()) == (1, [])
    assert claims.find_claims(house.share) == []


def test_the_copy_that_somebody_removed_is_not_missed(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
    shutil.rmtree(house.share.originals / "Waves")
    house.run_until(lambda: not photo.exists())
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]


def test_one_that_is_changed_is_painted_again_and_one_that_goes_is_forgotten(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 1})
        photo.write_bytes(picture((1, 2, 3)) + b"\0")
        house.run_until(lambda: house.states() == {"done": 2})
        run_for_a_while(house)
        assert painted(house) == 2
        photo.unlink()
        house.run_until(lambda: not remembered(house))
    assert house.files(house.share.outbox) == ["Waves/photo (2).jpg", "Waves/photo.jpg"]


def test_a_failure_is_told_once_beside_the_copy(house: House) -> None:
    house.answer = lambda request: [Failed(request.job_id, "engine", "It blew up.")]
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())
    with holding(house):
        house.run_until(lambda: house.states() == {"failed": 1})
        run_for_a_while(house)
    assert house.files(house.share.failed) == ["Waves/photo.jpg", "Waves/photo.jpg - why.txt"]
    house.run_until(lambda: not photo.exists())
    assert house.files(house.share.failed) == ["Waves/photo.jpg", "Waves/photo.jpg - why.txt"]
    assert (painted(house), house.states()) == (1, {"failed": 1})


def test_a_pair_and_a_folder_stay_whole(house: House) -> None:
    inbox = house.share.inbox
    (inbox / "b.jpg").write_bytes(picture())
    (inbox / "b.style.jpg").write_bytes(picture((9, 9, 9)))
    (inbox / "Party").mkdir()
    for name in ("content", "style"):
        (inbox / f"Party/{name}.jpg").write_bytes(picture())
    (inbox / "Party/job.toml").write_text("size = 64\n")
    mine = ["Party/content.jpg", "Party/job.toml", "Party/style.jpg", "b.jpg", "b.style.jpg"]
    with holding(house):
        house.run_until(lambda: house.states() == {"done": 2})
        run_for_a_while(house)
        assert [name for name in house.files(inbox) if name != INBOX_NOTE] == mine
        assert house.files(house.share.originals) == mine
    house.run_until(lambda: not {*house.files(inbox)} - {INBOX_NOTE})
    assert house.files(house.share.originals) == mine
    assert house.files(house.share.outbox) == ["Party.jpg", "b.jpg"]
    assert painted(house) == 2


def test_a_kill_after_the_copy_leaves_no_second_photo(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())

    class KilledError(BaseException):
        pass

    def die(*_args: Any) -> None:
        raise KilledError

    with holding(house), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "add", die)
        with pytest.raises(KilledError):
            house.service(once=False).run()
    assert len(claims.find_claims(house.share)) == 1
    assert house.once() is ExitCode.OK
    assert house.files(house.share.outbox) == ["Waves/photo.jpg"]
    assert house.files(house.share.originals) == ["Waves/photo.jpg"]
    assert painted(house) == 1


def test_a_work_disk_without_room_for_the_copy_is_no_reason_to_forget_it(house: House) -> None:
    photo = house.style() / "photo.jpg"
    photo.write_bytes(picture())

    def refuse(*_args: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with holding(house):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("daemon.copying.copy_whole", refuse)
            run_for_a_while(house, 40)
        assert house.states() == {}
        assert claims.find_claims(house.share) == []
        house.run_until(lambda: house.states() == {"done": 1})
    assert painted(house) == 1
