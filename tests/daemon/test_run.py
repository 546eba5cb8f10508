"""The whole program, from the command line to the pictures: real processes on real folders.

Most of them have a quick stand-in for the engine in the child; the last has the real one.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from daemon.cli import report
from daemon.configuration import load, state_folder
from daemon.errors import ExitCode
from daemon.names import INBOX_NOTE
from daemon.record import record_of, source
from daemon.share import make_share, open_share
from engine import snapshot
from tests.daemon.child_stand_ins import KILLS, SLOW, SLOWER
from tests.daemon.mounting import drive
from tests.daemon.walking import files_below

ROOT = Path(__file__).resolve().parents[2]
LONG = 120.0
LENGTHY = ("--paint.iterations", "3000")


def grey(value: int, size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (value,) * 3).save(file, "PNG")
    return file.getvalue()


@dataclass
class Program:
    """Starts the program on one share, and reads what it logs."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def share(self) -> Path:
        return self.folder / "share"

    def start(
        self, *arguments: str, worker: str = "stand_in_worker", program: Any = None
    ) -> subprocess.Popen[bytes]:
        started = program or [sys.executable, "-m", "tests.daemon.run_with_stand_in", worker]
        number = len(self.processes)
        with (self.folder / f"log-{number}").open("wb") as log:
            process = subprocess.Popen(
                [*started, "--config", self.folder / "config.toml", *arguments],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def once(self, *arguments: str, **more: Any) -> int:
        return self.start("--once", *arguments, **more).wait(LONG)

    def log(self) -> list[dict[str, Any]]:
        """The last process's lines; one that is being written is left out."""
        text = (self.folder / f"log-{len(self.processes) - 1}").read_text()
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def text(self) -> str:
        return (self.folder / f"log-{len(self.processes) - 1}").read_text()

    def said(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.log() if line["event"] == event]

    def wait(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + LONG
        while not what():
            assert time.monotonic() < end, self.text()
            assert self.processes[-1].poll() is None, self.text()
            time.sleep(0.05)

    def style(self, name: str, value: int = 200) -> Path:
        (self.share / "Styles" / f"{name}.png").write_bytes(grey(value))
        folder = self.share / "Inbox" / name
        folder.mkdir(exist_ok=True)
        return folder

    def files(self, folder: str) -> list[str]:
        return files_below(self.share / folder)

    def status(self) -> dict[str, Any]:
        """What the real command says, beside the daemon or after it."""
        command = [sys.executable, "-m", "daemon", "status", "--json"]
        command += ["--config", str(self.folder / "config.toml")]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        answer: dict[str, Any] = json.loads(told.stdout)
        return answer

    def state(self, below: str = "") -> Path:
        """The share's folder beside the journal, or something in it."""
        settings = load(self.folder / "config.toml", {}, {}).settings
        return state_folder(settings, open_share(settings.share), {}) / below

    def jobs(self) -> dict[str, int]:
        """How many jobs there are in each state that has any."""
        share = open_share(load(self.folder / "config.toml", {}, {}).settings.share)
        counts = report.read(share, self.state()).counts
        return {state.value: number for state, number in counts.items() if number}


CONFIG = (
    'state_dir = "state"\n'
    "[share]\nroot = 'share'\ncontact_sheet = false\n"
    "[watch]\nsettle_seconds = 0.2\nsettle_scans = 2\npoll_seconds = 0.1\n"
    "patience_seconds = 0.5\nscan_seconds = 1\n"
    "[paint]\npreset = 'draft'\nsize = 64\niterations = 4\n"
)


@contextmanager
def prepared(tmp_path: Path, config: str = CONFIG) -> Iterator[Program]:
    """A share with settings, and an end to all that was started on it."""
    (tmp_path / "config.toml").write_text(config)
    make_share(open_share(load(tmp_path / "config.toml", {}, {}).settings.share))
    program = Program(tmp_path)
    try:
        yield program
    finally:
        for process in program.processes:
            process.kill()
            process.wait()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with prepared(tmp_path) as program:
        yield program


def test_photos_come_back_painted(program: Program) -> None:
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    (program.style("Dots", 100) / "b.png").write_bytes(grey(40))
    assert program.once() == ExitCode.OK, program.text()
    assert program.files("Outbox") == ["Dots/b.jpg", "Waves/a.jpg"]
    assert program.files("Originals") == ["Dots/b.png", "Waves/a.png"]
    assert program.files("Inbox") == program.files("Failed") == []
    with Image.open(program.share / "Outbox/Waves/a.jpg") as picture:
        assert picture.size == (64, 48)
        assert abs(picture.convert("L").getpixel((9, 9)) - 150) <= 2  # type: ignore[operator]
    assert program.said("service.started")[0]["share"] == str(program.share)
    assert program.said("engine.ready")[0]["device"] == "cpu"
    jobs = {line["job"] for line in program.log() if line["event"].startswith("job.")}
    assert len(jobs) == 2
    told = program.status()
    assert (told["running"], told["jobs"]["done"]) == (False, 2)


def test_folders_that_people_make_are_painted_as_their_names_say(program: Program) -> None:
    program.style("Waves", 200)
    program.style("Dots", 100)
    inbox = program.share / "Inbox"
    names = ("waves 75 + Dots", "Waves, own colours", "Dots，照片效果", "Waves + Gone")
    for name in names:
        (inbox / name).mkdir()
        (inbox / name / "a.png").write_bytes(grey(100))
    assert program.once() == ExitCode.OK, program.text()
    done = [f"{name}/a" for name in sorted(names[:3])]
    assert program.files("Outbox") == [f"{name}.jpg" for name in done]
    assert program.files("Originals") == [f"{name}.png" for name in done]
    assert program.files("Inbox") == ["Waves + Gone/a.png", INBOX_NOTE]
    assert "Waves + Gone/a.png" in (inbox / INBOX_NOTE).read_text("utf-8")
    records = {
        name: record_of((program.share / "Outbox" / name / "a.jpg").read_bytes(), name)
        for name in names[:3]
    }
    told = {
        name: [(style.name, round(style.weight, 6)) for style in record.styles]
        for name, record in records.items()
    }
    assert told == {
        names[0]: [("Waves.png", 0.75), ("Dots.png", 0.25)],
        names[1]: [("Waves.png", 1.0)],
        names[2]: [("Dots.png", 1.0)],
    }
    assert [records[name].recipe.colors for name in names[:3]] == ["style", "luminance", "style"]
    assert [records[name].recipe.photo for name in names[:3]] == [False, False, True]
    with Image.open(program.share / "Outbox" / names[0] / "a.jpg") as picture:
        shown = picture.convert("L").getpixel((9, 9))
    assert abs(shown - (100 + 0.75 * 200 + 0.25 * 100) / 2) <= 2  # type: ignore[operator]
    titles = {line["style"] for line in program.said("job.queued")}
    assert titles == {"Waves 75 + Dots 25", "Waves", "Dots"}


def test_a_photo_on_its_way_in_a_blend_outlives_a_kill_and_the_journal(program: Program) -> None:
    program.style("Waves", SLOW)
    program.style("Dots", 100)
    folder = program.share / "Inbox" / "Waves 60 + Dots"
    folder.mkdir()
    (folder / "a.png").write_bytes(grey(100))
    program.start(*LENGTHY)
    program.wait(lambda: program.said("job.progress"))
    program.processes[-1].kill()
    program.processes[-1].wait(LONG)
    for file in program.state().glob("journal.sqlite*"):
        file.unlink()
    assert program.once() == ExitCode.OK, program.text()
    assert program.files("Outbox") == ["Waves 60 + Dots/a.jpg"]
    made = record_of((program.share / "Outbox/Waves 60 + Dots/a.jpg").read_bytes(), "a.jpg")
    assert [(one.name, round(one.weight, 6)) for one in made.styles] == [
        ("Waves.png", 0.6),
        ("Dots.png", 0.4),
    ]
    assert program.files("Failed") == []


def test_a_photo_takes_its_mask_along_and_one_that_comes_late_is_told(program: Program) -> None:
    folder = program.style("Waves")
    mask, regions = grey(255), grey(0)
    (folder / "a.png").write_bytes(grey(100))
    (folder / "a.mask.png").write_bytes(mask)
    (folder / "a.regions.png").write_bytes(regions)
    (program.share / "Styles/Waves.regions.png").write_bytes(regions)
    (folder / "torn.png").write_bytes(grey(100))
    (folder / "torn.mask.png").write_bytes(mask[:60])
    (folder / "late.mask.png").write_bytes(mask)
    assert program.once() == ExitCode.FAILED, program.text()
    assert program.files("Outbox") == ["Waves/a.jpg"]
    assert program.files("Originals") == ["Waves/a.mask.png", "Waves/a.png", "Waves/a.regions.png"]
    assert program.files("Failed") == [
        "Waves/torn.mask.png", "Waves/torn.png", "Waves/torn.png - why.txt",
    ]  # fmt: skip
    assert 'The mask "torn.mask.png" cannot be used. The file ' in " ".join(
        (program.share / "Failed/Waves/torn.png - why.txt").read_text().split()
    )
    assert program.files("Inbox") == ["Waves/late.mask.png", INBOX_NOTE]
    assert "Waves/late.mask.png" in (program.share / "Inbox" / INBOX_NOTE).read_text()
    assert not (program.share / "Inbox/Waves.regions").exists()
    told = record_of((program.share / "Outbox/Waves/a.jpg").read_bytes(), "a.jpg")
    assert told.mask == source("a.mask.png", mask)
    assert told.regions == source("a.regions.png", regions)
    assert told.styles[0].regions == source("Waves.regions.png", regions)


def test_once_exits_with_1_when_a_job_failed(program: Program) -> None:
    folder = program.style("Waves")
    (folder / "good.png").write_bytes(grey(100))
    (folder / "half.png").write_bytes(grey(100)[:60])
    assert program.once() == ExitCode.FAILED, program.text()
    assert program.files("Outbox") == ["Waves/good.jpg"]
    assert program.files("Failed") == ["Waves/half.png", "Waves/half.png - why.txt"]
    (program.share / "Failed/Waves/half.png").rename(folder / "half.png")
    (folder / "half.png").write_bytes(grey(90))
    assert program.once() == ExitCode.OK, program.text()
    assert program.files("Failed") == []
    assert program.files("Outbox") == ["Waves/good.jpg", "Waves/half.jpg"]


def test_once_exits_with_3_without_weights_and_loses_nothing(program: Program) -> None:
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    assert program.once(worker="no_weights_worker") == ExitCode.WEIGHTS, program.text()
    assert program.files("Failed") == []
    assert program.once() == ExitCode.OK, program.text()
    assert program.files("Outbox") == ["Waves/a.jpg"]


def test_a_killed_engine_fails_its_job_and_not_the_others(program: Program) -> None:
    (program.style("Deadly", KILLS) / "a.png").write_bytes(grey(100))
    (program.style("Waves") / "b.png").write_bytes(grey(100))
    assert program.once("--engine.max_attempts", "2") == ExitCode.FAILED, program.text()
    assert program.files("Outbox") == ["Waves/b.jpg"]
    assert program.files("Failed") == ["Deadly/a.png", "Deadly/a.png - why.txt"]
    assert len(program.said("engine.lost")) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_the_running_job_waits_for_the_next_start(
    program: Program, number: signal.Signals
) -> None:
    (program.style("Slow", SLOW) / "a.png").write_bytes(grey(100))
    daemon = program.start("--paint.iterations", "9000")
    program.wait(lambda: program.said("job.progress"))
    told = program.status()
    assert told["running"]
    assert told["painting"][0]["total"] == 9000
    assert told["painting"][0]["percent"] is not None
    daemon.send_signal(number)
    assert daemon.wait(LONG) == 0
    assert program.said("service.stopping")[0]["why"] == number.name
    assert program.log()[-1]["event"] == "service.stopped"
    assert program.jobs() == {"queued": 1}
    program.style("Slow", 200)
    # The recipe of a queued job stays as it was; the style is no longer a slow one.
    assert program.once() == ExitCode.OK, program.text()
    assert program.files("Outbox") == ["Slow/a.jpg"]


def test_a_photo_on_its_way_goes_on_where_it_was_when_the_service_was_stopped(
    program: Program,
) -> None:
    (program.style("Slow", SLOW) / "a.png").write_bytes(grey(100))
    daemon = program.start("--paint.iterations", "9000")
    program.wait(lambda: program.said("job.progress"))
    told = program.said("job.progress")[-1]["iteration"]
    daemon.terminate()
    assert daemon.wait(LONG) == 0
    program.style("Slow", 200)
    assert program.once() == ExitCode.OK, program.text()
    assert program.said("job.resumed")[0]["iteration"] >= told
    assert program.said("job.started")[0]["attempt"] == 1  # being stopped is no fault of the photo
    assert program.files("Outbox") == ["Slow/a.jpg"]
    assert list(program.state("checkpoints").iterdir()) == []


def test_a_step_that_takes_long_is_waited_for_and_saved(program: Program) -> None:
    (program.style("Large", SLOWER) / "a.png").write_bytes(grey(100))
    daemon = program.start("--paint.iterations", "9000")
    program.wait(lambda: program.said("job.started"))
    time.sleep(2)  # into the step
    daemon.terminate()
    assert daemon.wait(LONG) == 0
    program.style("Large", 200)
    assert program.once() == ExitCode.OK, program.text()
    assert program.said("job.resumed")[0]["iteration"] == 1


def killed_after_it_was_saved(program: Program) -> Path:
    """A photo whose painting was begun and saved; the file. The next attempt is a quick one."""
    (program.style("Slow", SLOW) / "a.png").write_bytes(grey(100))
    saved = program.state("checkpoints")
    daemon = program.start(*LENGTHY, "--engine.checkpoint_seconds", "1")
    program.wait(lambda: list(saved.glob("*.snapshot")))
    daemon.kill()
    daemon.wait()
    program.style("Slow", 200)
    return next(saved.glob("*.snapshot"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What is painted of such a photo in one go."""
    with prepared(tmp_path_factory.mktemp("undisturbed")) as program:
        (program.style("Slow") / "a.png").write_bytes(grey(100))
        assert program.once(*LENGTHY) == ExitCode.OK, program.text()
        return (program.share / "Outbox/Slow/a.jpg").read_bytes()


def test_and_where_it_was_saved_last_after_a_kill(program: Program, undisturbed: bytes) -> None:
    saved = killed_after_it_was_saved(program)
    (saved.parent / "of-a-job-that-is-over.snapshot").touch()
    assert program.once() == ExitCode.OK, program.text()
    assert program.said("job.resumed")
    assert not program.said("job.checkpoint")
    assert program.said("job.started")[0]["attempt"] == 2
    assert list(saved.parent.iterdir()) == []
    assert (program.share / "Outbox/Slow/a.jpg").read_bytes() == undisturbed


def damage(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def write_as_another_version(file: Path) -> None:
    with closing(snapshot.Snapshot(file)) as old, pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot, "VERSION", snapshot.VERSION + 1)
        snapshot.write(file, old.identity, old.state)


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes()


@pytest.mark.parametrize(
    ("spoil", "worker", "why"),
    [
        (damage, "stand_in_worker", "damaged"),
        (write_as_another_version, "stand_in_worker", "version"),
        (lambda _: None, "other_weights_worker", "network"),
    ],
)
def test_what_was_saved_and_cannot_be_gone_on_with_costs_the_steps_alone(
    program: Program, undisturbed: bytes, spoil: Callable[[Path], None], worker: str, why: str
) -> None:
    saved = killed_after_it_was_saved(program)
    spoil(saved)
    assert program.once(worker=worker) == ExitCode.OK, program.text()
    assert not program.said("job.resumed")
    (line,) = program.said("job.checkpoint")
    assert why in line["why"]
    assert line["level"] == "warning"
    assert program.said("job.progress")[0]["iteration"] == 1
    assert program.said("job.started")[0]["attempt"] == 2
    assert list(saved.parent.iterdir()) == []
    # Which weights it was painted with stands in the file: so the pictures are compared.
    assert pixels((program.share / "Outbox/Slow/a.jpg").read_bytes()) == pixels(undisturbed)


@contextmanager
def a_file_in_its_place(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"whatever")
    yield
    assert folder.read_bytes() == b"whatever"


@contextmanager
def a_full_disk(folder: Path) -> Iterator[None]:
    with drive(folder) as disk:
        (folder / "full").mkdir()  # of which no sweep knows what is in it
        disk.fill().rename(folder / "full/up")
        yield
        assert [path.name for path in folder.iterdir()] == ["full"]


@pytest.mark.parametrize("trouble", [a_file_in_its_place, a_full_disk])
def test_a_picture_that_cannot_be_saved_on_its_way_is_painted_all_the_same(
    program: Program, trouble: Callable[[Path], AbstractContextManager[None]]
) -> None:
    (program.style("Slow", SLOW) / "a.png").write_bytes(grey(100))
    often = ("--engine.checkpoint_seconds", "1", "--paint.iterations", "160")  # three times
    with trouble(program.state("checkpoints")):
        assert program.once(*often, "--log.level", "debug") == ExitCode.OK, program.text()
    first, *again = program.said("job.checkpoint")
    assert "could not be saved" in first["why"]
    assert first["level"] == "warning"
    assert {line["level"] for line in again} == {"debug"}  # no more than once where people look
    assert [line["attempt"] for line in program.said("job.started")] == [1]
    assert program.files("Outbox") == ["Slow/a.jpg"]
    assert program.files("Originals") == ["Slow/a.png"]


IN_BETWEEN = """
import os, signal, sys
from tests.daemon import run_with_stand_in as program
usual = program.make_runner
def make_runner(*arguments, **more):  # when all is open, and no service is there yet
    os.kill(os.getpid(), signal.SIGHUP)
    return usual(*arguments, **more)
program.make_runner = make_runner
sys.exit(program.exit_code_of(program.command, sys.argv[2:]))
"""


def test_settings_are_read_again_for_a_signal_of_any_moment(program: Program) -> None:
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    started = [sys.executable, "-c", IN_BETWEEN, "stand_in_worker"]
    assert program.once(program=started) == ExitCode.OK, program.text()
    assert len(program.said("settings.read")) == 1
    assert program.files("Outbox") == ["Waves/a.jpg"]


def test_a_second_signal_ends_it_at_once(program: Program) -> None:
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    daemon = program.start(worker="deaf_worker")
    program.wait(lambda: "running" in program.jobs())
    daemon.send_signal(signal.SIGTERM)
    program.wait(lambda: program.said("service.stopping"))
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(LONG) == 128 + signal.SIGTERM
    assert program.once() == ExitCode.OK, program.text()
    assert program.files("Outbox") == ["Waves/a.jpg"]


IMPATIENT = """
import sys
from daemon import service
from tests.daemon import run_with_stand_in as program
assert 0 < service._CLOSE_SECONDS < 90  # of systemd's
service._CLOSE_SECONDS = 1.0
sys.exit(program.exit_code_of(program.command, sys.argv[2:]))
"""


def test_an_engine_that_does_not_listen_cannot_hold_up_the_end(program: Program) -> None:
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    daemon = program.start(program=[sys.executable, "-c", IMPATIENT, "deaf_worker"])
    program.wait(lambda: "running" in program.jobs())
    daemon.terminate()
    assert daemon.wait(LONG) == 0
    assert program.jobs() == {"queued": 1}


def test_a_kill_in_the_middle_of_a_job_loses_nothing(program: Program) -> None:
    (program.style("Slow", SLOW) / "a.png").write_bytes(grey(100))
    (program.style("Waves") / "b.png").write_bytes(grey(100))
    daemon = program.start("--paint.iterations", "100")
    program.wait(lambda: program.said("job.progress"))
    daemon.kill()
    daemon.wait()
    assert program.once() == ExitCode.OK, program.text()
    assert program.files("Outbox") == ["Slow/a.jpg", "Waves/b.jpg"]
    assert program.files("Originals") == ["Slow/a.png", "Waves/b.png"]
    assert program.files("Inbox") == program.files("Failed") == []


def test_a_second_daemon_is_refused(program: Program) -> None:
    program.start()
    program.wait(lambda: program.said("engine.ready"))
    assert program.once() == ExitCode.USAGE
    assert "keeps this share" in program.text()
    assert "Traceback" not in program.text()


def test_another_machine_is_refused_too_after_the_work_folder_was_made_again(
    program: Program,
) -> None:
    program.start()
    program.wait(lambda: program.said("engine.ready"))
    (program.share / ".atelierd").rename(program.folder / "removed")  # all of it at once
    program.wait(lambda: program.said("work.made_again"))
    program.wait((program.share / ".atelierd/daemon.lock").exists)
    # With its own state folder, as it would have on another machine.
    assert program.once("--state_dir", str(program.folder / "other")) == ExitCode.USAGE
    assert "keeps this share" in program.text()


def test_without_a_share_it_says_what_to_do(program: Program) -> None:
    (program.share / "Inbox").rmdir()
    assert program.once() == ExitCode.USAGE
    assert "atelierd init" in program.text()
    assert not (program.share / "Inbox").exists()


def test_photos_that_come_while_it_runs_and_a_style_that_goes(program: Program) -> None:
    program.start()
    program.wait(lambda: program.said("service.started"))
    (program.share / "Styles/Waves.png").write_bytes(grey(200))
    inbox = program.share / "Inbox"
    program.wait((inbox / "Waves").is_dir)
    (inbox / "Waves/a.png").write_bytes(grey(100))
    (inbox / "lonely.png").write_bytes(grey(100))
    program.wait(lambda: "Waves/a.jpg" in program.files("Outbox"))
    note = inbox / "Why photos wait - read me.txt"
    program.wait(note.exists)
    (inbox / "lonely.style.png").write_bytes(grey(200))
    program.wait(lambda: "lonely.jpg" in program.files("Outbox"))
    program.wait(lambda: not note.exists())
    (program.share / "Styles/Waves.png").unlink()
    program.wait(lambda: not (inbox / "Waves").exists())


@pytest.mark.weights
def test_the_real_engine_paints_a_real_photo(program: Program, weights: Path) -> None:
    starters = ROOT / "daemon" / "starter"
    photo = min(starters.glob("*.jpg"))
    style = min((starters / "styles").glob("*.jpg"))
    (program.share / "Styles/Painting.jpg").write_bytes(style.read_bytes())
    (program.share / "Inbox/Painting").mkdir()
    (program.share / "Inbox/Painting/photo.jpg").write_bytes(photo.read_bytes())
    mask = Image.new("L", (96, 96))
    mask.paste(255, (48, 0, 96, 96))
    mask.save(program.share / "Inbox/Painting/photo.mask.png")
    code = program.once(
        "--paint.size", "96", "--engine.weights", str(weights.parent), "--log.level", "debug",
        program=[sys.executable, "-m", "daemon", "run"],
    )  # fmt: skip
    assert code == ExitCode.OK, program.text()
    painted = Image.open(program.share / "Outbox/Painting/photo.jpg").convert("RGB")
    original = Image.open(io.BytesIO(photo.read_bytes())).convert("RGB").resize(painted.size)
    assert max(painted.size) == 96
    changed = [abs(a - b) for a, b in zip(painted.tobytes(), original.tobytes(), strict=True)]
    assert sum(changed) / len(changed) > 3
    width = painted.width // 2 - 4  # a little less than what is black in the mask
    boxes = (0, 0, width, painted.height), (painted.width - width, 0, *painted.size)
    kept, new = (_apart(painted.crop(box), original.crop(box)) for box in boxes)
    assert kept < 2 < new  # it is a JPEG
    steps = program.said("job.progress")
    assert steps[-1]["loss"] < steps[0]["loss"]


def _apart(one: Image.Image, other: Image.Image) -> float:
    differences = [abs(a - b) for a, b in zip(one.tobytes(), other.tobytes(), strict=True)]
    return sum(differences) / len(differences)


def spoil(journal: Path) -> None:
    with closing(sqlite3.connect(journal, timeout=LONG)) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = 'nonsense' WHERE name = 'jobs'")
        database.execute("PRAGMA schema_version = 999")  # else it goes by what it remembers
        database.commit()


@pytest.mark.parametrize("way", ["damaged", "removed"])
def test_a_journal_that_is_of_no_use_any_more_is_replaced_while_it_runs(
    program: Program, way: str
) -> None:
    (program.style("Slow", SLOW) / "a.png").write_bytes(grey(100))
    (program.style("Waves") / "b.png").write_bytes(grey(100))
    process = program.start("--paint.iterations", "60")
    program.wait(lambda: program.said("job.progress") and len(program.said("job.queued")) == 2)
    path = program.state("journal.sqlite")
    if way == "removed":
        path.rename(path.with_name("by mistake"))
    else:
        spoil(path)
    program.wait(lambda: len(program.files("Originals")) == 2)
    process.terminate()
    assert process.wait(LONG) == 0
    assert program.said("service.begins_again")
    assert program.files("Outbox") == ["Slow/a.jpg", "Waves/b.jpg"]
    assert program.jobs() == {"done": 2}


def test_settings_that_were_read_again_outlive_the_journal(program: Program) -> None:
    process = program.start()
    program.wait(lambda: program.said("engine.ready"))
    config = program.folder / "config.toml"
    config.write_text(CONFIG + "[output]\nformat = 'png'\n[engine]\nthreads = 1\n")
    process.send_signal(signal.SIGHUP)
    program.wait(lambda: program.said("settings.read") and len(program.said("engine.ready")) == 2)
    (program.style("Waves") / "a.png").write_bytes(grey(100))
    program.wait(lambda: program.files("Outbox") == ["Waves/a.png"])
    spoil(program.state("journal.sqlite"))
    (program.share / "Inbox" / "Waves" / "b.png").write_bytes(grey(100))
    program.wait(lambda: len(program.files("Outbox")) == 2)
    process.terminate()
    assert process.wait(LONG) == 0
    assert program.said("service.begins_again")
    assert program.files("Outbox") == ["Waves/a.png", "Waves/b.png"]
