"""Processes of this machine that take their time over a photo, beside the whole program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.shares.house import House
from tests.shares.slow_writer import PIECES

LARGE = (200, 150)
SETTLE = 0.3  # what the house waits for, seconds
WAYS = ("growing", "preset", "backwards", "twice")
SCRIPT = Path(__file__).with_name("slow_writer.py")


def writing(path: Path, photo: bytes, way: str, pause: float) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, SCRIPT, path, way, str(pause)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, umask=0o002,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(photo)
    process.stdin.close()
    return process


def longest_pause(process: subprocess.Popen[bytes]) -> float:
    assert process.stdout is not None
    with process.stdout as said:
        pause = float(said.read())
    assert process.wait() == 0
    return pause


def test_slow_writers_of_formats_whose_end_can_be_told(house: House) -> None:
    """Between two pieces a file counts as settled, and is looked at."""
    lane = house.lane()
    inbox = house.share / "Inbox" / lane
    photos, writers = [], []
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        for way in ("growing", "twice") if kind == "TIFF" else WAYS:
            photos.append(house.new(kind, LARGE))
            place = inbox / f"{way} {kind}.{kind.lower()}"
            writers.append(writing(place, photos[-1], way, 2 * SETTLE))
    for writer in writers:
        longest_pause(writer)
    house.ends(lane, photos)


@pytest.mark.parametrize("kind", ["BMP", "PPM", "TIFF"])
def test_slow_writers_of_formats_without_an_end(house: House, kind: str) -> None:
    """They can be decoded before they are whole; what is not written yet is zeros."""
    lane = house.lane()
    photos, writers = [], []
    for way in ("growing", "preset", "zeroed", "backwards"):
        photos.append(house.new(kind, LARGE))
        place = house.share / "Inbox" / lane / f"{way}.{kind.lower()}"
        writers.append(writing(place, photos[-1], way, 2 * SETTLE))
    for writer in writers:
        longest_pause(writer)
    house.ends(lane, photos)


def test_writers_that_are_killed(hasty: House) -> None:
    lane, half = hasty.lane(), []
    for kind in ("PNG", "JPEG"):
        for way in ("growing", "preset"):
            photo = hasty.new(kind, LARGE)
            place = hasty.share / "Inbox" / lane / f"{way} {kind}.{kind.lower()}"
            writer = writing(place, photo, way, 60)
            step = len(photo) // PIECES + 1
            half.append(photo[:step] + bytes(len(photo) - step if way == "preset" else 0))
            # Wherever that is: the service waits for a second alone.
            hasty.wait(lambda: hasty.places(half[-1]))
            writer.kill()
            writer.wait()
            assert writer.stdout is not None
            writer.stdout.close()
            assert half[-1] != photo
    hasty.ends(lane, [], half)
