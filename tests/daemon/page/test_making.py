"""The page of a real service: there while it runs, alive while it paints, and true at its end."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon import files
from daemon.errors import ExitCode
from daemon.glimpses import FOLDER
from daemon.page.keeping import MARK, MARKED_WITHIN, NAME
from tests.daemon.child_stand_ins import SLOW
from tests.daemon.test_run import CONFIG, LENGTHY, LONG, Program, grey, prepared

QUICK = f"{CONFIG}[page]\nseconds = 1\n"
JPEG = re.compile(rb"data:image/jpeg;base64,([\w+/=]+)")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with prepared(tmp_path, QUICK) as program:
        yield program


def page(program: Program) -> bytes:
    """What it shows now; nothing before it is there."""
    try:
        return (program.share / NAME).read_bytes()
    except FileNotFoundError:
        return b""


def changed(program: Program) -> bytes:
    """Wait until it shows something else."""
    before = page(program)
    program.wait(lambda: page(program) != before)
    return page(program)


def says(what: bytes) -> Callable[[Program], bool]:
    return lambda program: what in page(program)


PAINTING, RESTING = says(b'data-painting="yes"'), says(b'data-painting="no"')
RUNNING, ENDED = says(b'data-running="yes"'), says(b'data-running="no"')


def begun(program: Program, *arguments: str) -> None:
    """Have it paint one that takes long."""
    (program.style("Slow", SLOW) / "sea.png").write_bytes(grey(100))
    program.start(*LENGTHY, *arguments)
    program.wait(lambda: PAINTING(program))
    program.wait(lambda: len(JPEG.findall(page(program))) >= 2)  # the photo, and the painting


def test_it_shows_how_a_photo_is_painted(program: Program) -> None:
    begun(program)
    assert MARK in page(program)[:MARKED_WITHIN]
    assert b"sea.png" in page(program)
    assert len({changed(program) for _ in range(3)}) == 3
    program.processes[-1].send_signal(signal.SIGTERM)
    assert program.processes[-1].wait(LONG) == ExitCode.OK, program.text()
    assert ENDED(program)
    assert RESTING(program)
    assert program.said("page.not_written") == []


def test_after_a_kill_nothing_half_written_is_left(program: Program) -> None:
    begun(program)
    before = page(program)
    program.processes[-1].kill()
    program.processes[-1].wait()
    assert RUNNING(program)  # nobody was there to say otherwise
    for folder in (program.share, program.state(FOLDER)):
        files.temporary_name(folder).write_bytes(before[:5000])
    (program.state(FOLDER) / "of-nobody.photo.jpg").write_bytes(b"")
    program.style("Slow", 200)
    assert program.once("--paint.iterations", "3") == ExitCode.OK, program.text()
    left = [*program.share.rglob("*"), *program.state().rglob("*")]
    assert [path for path in left if files.is_temporary(path.name)] == []
    assert ENDED(program)
    assert b"Outbox/Slow/sea.jpg" in page(program)
    assert b"Originals/Slow/sea.png" in page(program)
    assert len(JPEG.findall(page(program))) == 2
    assert len(list(program.state(FOLDER).iterdir())) == 2


def test_failures_are_shown_until_they_are_put_right(program: Program) -> None:
    (program.style("Waves") / "half.png").write_bytes(grey(100)[:60])
    assert program.once() == ExitCode.FAILED, program.text()
    assert b"Failed/Waves/half.png" in page(program)
    (program.share / "Failed/Waves/half.png").unlink()
    assert program.once() == ExitCode.OK, program.text()
    assert b"Failed/Waves/half.png" not in page(program)


def test_what_waits_for_people_is_shown_as_long_as_it_does(program: Program) -> None:
    program.style("Waves")
    photo, torn = program.share / "Inbox/lost.png", program.share / "Styles/Torn.png"
    photo.write_bytes(grey(100))
    torn.write_bytes(grey(100)[:60])
    program.start()
    program.wait(lambda: says(b"<bdi>lost.png</bdi>")(program))
    program.wait(lambda: says(b"<bdi>Torn.png</bdi>")(program))
    photo.unlink()
    torn.unlink()
    program.wait(lambda: says(b"</html>")(program) and not says(b'class="asks"')(program))


def test_somebody_s_own_page_stays(program: Program) -> None:
    (program.share / NAME).write_text("my own")
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    assert program.once() == ExitCode.OK, program.text()
    assert page(program) == b"my own"
    assert len(program.said("page.not_written")) == 1


def test_it_can_be_done_without(program: Program) -> None:
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    assert program.once("--page.enabled", "false") == ExitCode.OK, program.text()
    assert page(program) == b""
    assert program.files("Outbox") == ["Waves/a.jpg"]
    assert not program.state(FOLDER).exists()


def test_a_service_with_nothing_to_do_leaves_it_alone(program: Program) -> None:
    program.style("Waves")
    program.start()
    program.wait(lambda: program.said("engine.ready") and RUNNING(program))

    def rests() -> bool:
        before, end = (program.share / NAME).stat(), time.monotonic() + 4.0
        while (program.share / NAME).stat().st_mtime_ns == before.st_mtime_ns:
            if time.monotonic() >= end:  # four times as long as it takes to be written anew
                return True
            time.sleep(0.1)
        return False

    program.wait(rests)
