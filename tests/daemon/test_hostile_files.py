"""Files that were named, linked or swapped to do harm: each ends as promised, none leads out."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import stat
import sys
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.errors import ExitCode
from daemon.names import printable
from tests.daemon.hostile import Program, program_in
from tests.daemon.test_run import LONG, ROOT, grey

SYSTEM = ("/proc/", "/sys/", "/dev/", "/usr/", "/lib", "/etc/", f"{ROOT}/", "/opt/")
UNSAFE = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")

NAMES = [
    "new\nline.png",
    "level=error event=fake.png",
    "tab\t.png",
    "\x1b[31mred\x1b[0m.png",
    "bell\x07.png",
    "\u202egnp.exe.png",
    "\u2066isolated\u2069.png",
    "zero\u200bwidth.png",
    "line\u2028separator.png",
    'double".png',
    "single'.png",
    "`backticks`.png",
    "<script>alert(1)<\\script>.png",
    "back\\slash.png",
    "$(reboot).png",
    "; rm -rf ~.png",
    "--help.png",
    "-rf.png",
    "*.png",
    "%s%n%(x)s.png",
    "{0}{name}.png",
    "CON.png",
    "NUL.jpg",
    "aux",
    "COM1.jpg",
    "trailing dot.png.",
    "trailing space.png ",
    " leading.png",
    "colon:stream.png",
    "q?estion.png",
    "pi|pe.png",
    "a" * 251 + ".png",
    "é" * 125 + ".png",
    "n" * 255,
    "Case.png",
    "CASE.png",
    "case.png",
    unicodedata.normalize("NFC", "Café.png"),
    unicodedata.normalize("NFD", "Café.png"),
    "photo.png.exe",
    os.fsdecode(b"\xff\xfe\x80.png"),
    os.fsdecode(b"half \xc3.png"),
    "emoji \U0001f600.png",
]
"""All of them regular files that nobody hides: each is painted, whatever it is called."""

STAY = [".hidden.png", "..png", "Thumbs.db", "half.part", "old~", "a.png - why.txt", "job.toml"]
"""What is nobody's photo: junk, notes, and a job.toml beside ordinary photos."""

FOLDERS = ["new\nfolder", "\u202eredlof", "dots. . .", "CON", os.fsdecode(b"\xff\xfe"), "é" * 127]

WISHES = {
    "escape": 'style = "../../etc/passwd"',
    "absolute": 'style = "/etc/passwd"',
    "nul": 'preset = "draft\\u0000"',
    "lines": 'preset = "a\\nlevel=error"',
    "turned": '"\\u202esize" = 64',
    "dotted": "paint.size = 64\nshare.root = '/'",
    "bytes": "\udcff",
    "brackets": "a = " + "[" * 5_000,
    "fine": "iterations = 3",
}
"""A job.toml for each of these folders; only the last one asks for what it may."""


class Photos:
    """Photos of which no two are the same, so that each can be found again by its bytes."""

    def __init__(self) -> None:
        self.all: list[bytes] = []

    def new(self, value: int = 100) -> bytes:
        data = grey(value) + f"photo {len(self.all)}".encode()
        self.all.append(data)
        return data


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if stat.S_ISREG(path.lstat().st_mode))
    return {os.fspath(path.relative_to(folder)): path.read_bytes() for path in files}


def looks(folder: Path) -> dict[Path, tuple[int, ...]]:
    paths = [folder, *folder.rglob("*")]
    stats = [(path, path.lstat()) for path in paths]
    return {path: (s.st_ino, s.st_mode, s.st_size, s.st_mtime_ns, s.st_nlink) for path, s in stats}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that no setting names; all hostile links lead there."""
    folder = tmp_path / "outside"
    (folder / "sub").mkdir(parents=True)
    for name in ("secret.png", "content.png", "style.png", "sub/secret.png"):
        (folder / name).write_bytes(grey(77) + b"canary")
    (folder / "job.toml").write_bytes(b"iterations = 3")
    (folder / "desktop.ini").write_bytes(b"canary")
    return folder


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with program_in(tmp_path) as one:
        yield one


@pytest.fixture
def watched(program: Program, monkeypatch: pytest.MonkeyPatch) -> Path:
    record = program.folder / "watched"
    monkeypatch.setenv("WATCHED_PATHS", str(record))
    return record


def watched_program() -> list[str]:
    return [sys.executable, "-m", "tests.daemon.run_watched", "stand_in_worker"]


def led_astray(record: Path, program: Program) -> set[tuple[str, str]]:
    """What was done outside of the folders of the settings, or through a handle and a link."""
    own = ("share", "state", "weights", "config.toml")
    mine = tuple(f"{program.folder}/{name}" for name in own)
    prefixes = (*SYSTEM, *mine, sys.prefix, sys.base_prefix, sys.exec_prefix, "BY HANDLE ")
    lines: list[dict[str, Any]] = [json.loads(line) for line in record.read_text().splitlines()]
    assert {"open", "os.rename", "os.scandir", "os.mkdir"} <= {line["event"] for line in lines}
    # What watchdog looks for by path, to have it watched, wakes the service and tells it nothing.
    ours = (line for line in lines if not (line["watchdog"] and line["event"] == "os.scandir"))
    seen = {(line["event"], line["path"]) for line in ours}
    forbidden = ("/etc/passwd", "BY HANDLE THROUGH LINKS ")
    return {one for one in seen if one[1].startswith(forbidden) or not one[1].startswith(prefixes)}


def check_ends(program: Program, photos: list[bytes], *, left: int = 0) -> None:
    """Each photo is in exactly one place: kept beside a result, or failed beside a note."""
    kept, failed = tree(program.share / "Originals"), tree(program.share / "Failed")
    notes = {name for name in failed if name.endswith("why.txt")}
    there = [data for data in (*kept.values(), *failed.values()) if data in photos]
    inbox = [data for data in tree(program.share / "Inbox").values() if data in photos]
    assert sorted([*there, *inbox]) == sorted(photos)
    assert len(inbox) == left
    assert len([data for data in failed.values() if data in photos]) >= len(notes)
    assert not tree(program.share / ".atelierd/jobs")


def check_texts(program: Program) -> None:
    """No name has put a line, an escape or a turned direction into the log or a note."""
    for line in program.text().splitlines():
        json.loads(line)
        assert not UNSAFE.search(line)
        assert not UNSAFE.search("".join(map(str, json.loads(line).values())))
    for name, data in tree(program.share / "Failed").items():
        if name.endswith("why.txt"):
            text = data.decode()
            assert not UNSAFE.search(text), name
            assert "level=error" not in [line.strip() for line in text.split("\r\n")]


def test_each_name_ends_as_promised_and_nothing_outside_is_touched(
    program: Program, outside: Path, watched: Path
) -> None:
    photos, folder = Photos(), program.style("Waves")
    for name in NAMES:
        (folder / name).write_bytes(photos.new())
    for name in FOLDERS:
        (folder / name).mkdir()
        (folder / name / "photo.png").write_bytes(photos.new())
    broken = os.fsdecode(b"\xffbroken\n\xe2\x80\xae.png")
    (folder / broken).write_bytes(photos.new()[:60])
    photos.all[-1] = photos.all[-1][:60]
    stay = [photos.new() for _ in STAY]
    for name, data in zip(STAY, stay, strict=True):
        (folder / name).write_bytes(data)
    before = tree(outside), looks(outside)
    assert program.once(program=watched_program()) == ExitCode.FAILED, program.text()
    check_ends(program, photos.all, left=len(STAY))
    check_texts(program)
    results = tree(program.share / "Outbox")
    assert len(results) == len(NAMES) + len(FOLDERS)
    failed = tree(program.share / "Failed")
    assert len(failed) == 2
    assert {printable(name) for name in failed} == {
        "Waves/\\xffbroken\\x0a\\u202e.png", "Waves/\\xffbroken\\x0a\\u202e.png - why.txt"
    }  # fmt: skip
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == sorted(STAY)
    assert (tree(outside), looks(outside)) == before
    assert led_astray(watched, program) == set()


def test_links_pipes_and_devices_stay_and_wishes_lead_nowhere(
    program: Program, outside: Path, watched: Path
) -> None:
    photos, inbox, folder = Photos(), program.share / "Inbox", program.style("Waves")
    links = {
        folder / "link.png": outside / "secret.png",
        folder / "gone.png": outside / "gone.png",
        folder / "loop.png": folder / "loop.png",
        folder / "relative.png": Path("../../../outside/secret.png"),
        folder / "folder": outside,
        inbox / "party": outside,
        inbox / "linked.png": Path("/etc/passwd"),
        program.share / "Styles/Leak.png": outside / "secret.png",
        program.share / "Styles/Passwd.png": Path("/etc/passwd"),
        program.share / "Outbox/Waves": outside,
        program.share / "Originals/Waves": outside,
        program.share / "Failed/Waves": outside,
    }
    for place, target in links.items():
        place.symlink_to(target)
    os.mkfifo(folder / "pipe.png")
    os.mkfifo(folder / "gone.png - why.txt")
    os.mkfifo(program.share / "Styles/Pipe.png")
    with contextlib.suppress(PermissionError):  # only the superuser can
        os.mknod(folder / "device.png", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    with socket.socket(socket.AF_UNIX) as ear:
        handle = os.open(folder, os.O_RDONLY)
        ear.bind(f"/proc/self/fd/{handle}/socket.png")
        os.close(handle)
    (folder / "plain.png").write_bytes(photos.new())
    (folder / "broken.png").write_bytes(photos.new()[:60])
    photos.all[-1] = photos.all[-1][:60]
    hard = outside / "hard.png"
    hard.write_bytes(photos.new())
    (folder / "hard.png").hardlink_to(hard)
    for name, wish in WISHES.items():
        (inbox / name).mkdir()
        (inbox / name / "content.png").write_bytes(photos.new())
        (inbox / name / "style.png").write_bytes(grey(200))
        (inbox / name / "job.toml").write_bytes(os.fsencode(wish))
    for name, make in {"linked wish": "link", "piped wish": "pipe"}.items():
        (inbox / name).mkdir()
        (inbox / name / "content.png").write_bytes(photos.new())
        (inbox / name / "style.png").write_bytes(grey(200))
        if make == "link":
            (inbox / name / "job.toml").symlink_to(outside / "job.toml")
        else:
            os.mkfifo(inbox / name / "job.toml")
    (inbox / "linked half").mkdir()
    (inbox / "linked half/content.png").write_bytes(photos.new())
    (inbox / "linked half/style.png").symlink_to(outside / "style.png")
    before = tree(outside), looks(outside)
    stays = {path: path.lstat().st_ino for path in folder.iterdir()}
    assert program.once(program=watched_program()) == ExitCode.FAILED, program.text()
    check_ends(program, photos.all, left=1)  # the half that waits for the other one
    check_texts(program)
    asked = {name for name in WISHES if name != "fine"}
    failed = tree(program.share / "Failed")
    assert {name.partition("/")[0] for name in failed if name.endswith("content.png")} == asked
    assert {f"{name} - why.txt" for name in asked} <= failed.keys()
    taken = {"plain.png", "broken.png", "hard.png"}
    assert {path: path.lstat().st_ino for path in folder.iterdir()} == {
        path: inode for path, inode in stays.items() if path.name not in taken
    }
    assert not (inbox / "Leak").exists()
    assert "Waves (2)/plain.jpg" in tree(program.share / "Outbox")
    assert (tree(outside), looks(outside)) == before
    assert led_astray(watched, program) == set()


def test_folders_that_are_swapped_for_links_all_the_time_lead_nowhere(
    program: Program, outside: Path, watched: Path
) -> None:
    photos, folder = Photos(), program.style("Waves")
    places = [program.share / name / "Waves/sub" for name in ("Inbox", "Outbox", "Failed")]
    places.append(program.share / "Originals/Waves/sub")
    for place in places:
        place.mkdir(parents=True)
    before = tree(outside), looks(outside)
    program.start(program=watched_program())
    program.wait(lambda: program.said("engine.ready"))
    for turn in range(60):
        if turn % 5 == 0:
            with contextlib.suppress(OSError):
                (folder / "sub" / f"secret{turn}.png").write_bytes(photos.new())
            places.append(folder_job(program, photos, turn))
        for place in places:
            swap(place, outside)
        time.sleep(0.02)
        for place in places:
            restore(place)
        time.sleep(0.02)
    with contextlib.suppress(OSError):  # if something was put back while there was no folder
        (folder / ".sub").rename(folder / "rest")
    program.wait(lambda: not program.files("Inbox") and is_at_rest(program))
    program.processes[-1].terminate()
    assert program.processes[-1].wait(LONG) == 0
    assert (tree(outside), looks(outside)) == before
    everywhere = [*tree(program.share).values()]
    assert not [data for data in everywhere if data.endswith(b"canary")]
    assert [everywhere.count(data) for data in photos.all] == [1] * len(photos.all)
    assert led_astray(watched, program) == set()


def folder_job(program: Program, photos: Photos, turn: int) -> Path:
    """Give a folder job, and which folder in it is to be swapped."""
    job = program.share / f"Inbox/party{turn}"
    (job / "sub").mkdir(parents=True)
    (job / "sub/.secret.png").write_bytes(photos.new())  # with one to be seen it were no job
    (job / "style.png").write_bytes(grey(200))
    (job / "content.png").write_bytes(photos.new())
    return job / "sub"


def swap(place: Path, outside: Path) -> None:
    with contextlib.suppress(OSError):
        place.rename(place.with_name(".sub"))
        place.symlink_to(outside / "sub")


def restore(place: Path) -> None:
    with contextlib.suppress(OSError):
        if place.is_symlink():
            place.unlink()
        place.with_name(".sub").rename(place)


def is_at_rest(program: Program) -> bool:
    return set(program.jobs()) <= {"done", "failed"}
