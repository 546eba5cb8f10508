"""Whatever is called a picture ends as one, or is refused in plain words; nobody dies over it.

The same few mutations are read each time; with `ATELIERD_MUTATIONS=20000` so many others, of a seed
that pytest's own decides and that each of them is named after.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.child import Bell, Child, describe_exit
from daemon.errors import ExitCode
from daemon.formats import heif
from daemon.rations import TOO_LONG, Ration
from tests.daemon import bad_pictures as corpus
from tests.daemon.hostile import Program, program_in

MUTATIONS = "ATELIERD_MUTATIONS"
SECONDS = 60.0
FEW_PIXELS = replace(corpus.RATION, pixels=2_000_000)
NOT_FOR_PEOPLE = re.compile(
    r"Traceback|cannot identify|_io|0x[0-9a-f]|[<>{}\n]|object at|NoneType|\bNone\b|errno|Pillow"
    r"|PIL|\b\w+(?:Error|Exception|Warning)\b|\b[a-z]+_[a-z]+\b",
)


class Reader:
    """The child that decodes, and what it says about one file after the other."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._child = Child(corpus.decode_for, (), "reader")

    def read(self, data: bytes, ration: Ration = corpus.RATION) -> corpus.Answer:
        self._child.send((data, ration))
        if not self._child.wait(self._bell, SECONDS):
            return "hangs", "", ()
        try:
            answer: corpus.Answer = self._child.receive()
        except EOFError:
            return "died", describe_exit(self.end()), ()
        return answer

    def end(self) -> int | None:
        return self._child.end(0)


@contextmanager
def reading() -> Iterator[Reader]:
    bell = Bell()
    reader = Reader(bell)
    try:
        yield reader
    finally:
        reader.end()
        bell.close()


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with reading() as one:
        yield one


def is_plain(message: str) -> bool:
    """Whether this could be said to somebody who never saw a terminal."""
    whole = message[:1].isupper() and message.endswith(".") and 20 < len(message) < 300
    return whole and NOT_FOR_PEOPLE.search(message) is None


def faults(reader: Reader, files: Iterable[tuple[str, bytes]]) -> dict[str, corpus.Answer]:
    """What became of those files that were neither decoded nor refused as they should be."""
    found = {}
    for name, data in files:
        answer = reader.read(data)
        kind, words, shape = answer
        is_picture = kind == "picture" and words == "uint8" and len(shape) == 3
        if is_picture and shape[2] == 3 and min(shape[:2]) >= 32:
            continue
        if not (kind == "refused" and is_plain(words)):
            found[name] = answer
        if kind in {"hangs", "died"}:
            break
    return found


def test_good_pictures_of_every_kind_are_read(reader: Reader) -> None:
    for name, data in corpus.good().items():
        width, height = corpus.SIZE
        assert reader.read(data) == ("picture", "uint8", (height, width, 3)), name


def test_each_class_of_bad_pictures_is_read_or_refused(reader: Reader) -> None:
    assert faults(reader, corpus.bad().items()) == {}


def test_pictures_that_are_cut_short_are_read_or_refused(reader: Reader) -> None:
    assert faults(reader, corpus.truncated()) == {}


def mutations() -> Iterator[tuple[str, bytes]]:
    if number := os.environ.get(MUTATIONS):
        return corpus.mutated(int(number), random.randrange(2**32))  # noqa: S311 - no secret
    return corpus.mutated(600)


@pytest.mark.timeout(7200)
def test_mutations_are_read_or_refused(reader: Reader) -> None:
    assert faults(reader, mutations()) == {}


def test_each_long_run_reads_other_mutations_and_names_their_seed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(MUTATIONS, "9")
    first, second = dict(mutations()), dict(mutations())
    assert len(first) == len(second) == 9
    assert first.keys().isdisjoint(second)
    name, data = first.popitem()
    turn, seed = map(int, re.findall(r"mutation (\d+) of seed (\d+)", name)[0])
    assert dict(corpus.mutated(turn + 1, seed))[name] == data


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "empty"),
        ("zeros", "incomplete"),
        ("text", "not a picture"),
        ("heic", "damaged" if heif.can_read() else "HEIC"),
        ("1 x 20000 PNG", "1 x 20000"),
        ("jpeg of fill bytes", "incomplete"),
        *((f"huge {kind}", "30000 x 30000") for kind in ("png", "jpeg", "gif", "bmp", "ppm")),
        *((f"huge {kind}", "30000 x 30000") for kind in ("tiff", "jpeg2000")),
    ],
)
def test_it_is_said_what_is_wrong(reader: Reader, name: str, words: str) -> None:
    kind, message, _ = reader.read(corpus.bad()[name])
    assert kind == "refused"
    assert words in message


@pytest.mark.parametrize("name", ["JPEG with exif: loop", "PNG with profile: garbage"])
def test_broken_notes_about_a_picture_do_no_harm(reader: Reader, name: str) -> None:
    assert reader.read(corpus.bad()[name])[0] == "picture"


def test_a_small_file_that_takes_hours_is_given_up(reader: Reader) -> None:
    slow = corpus.many_scans(1400, 2_000)
    hasty = replace(corpus.RATION, seconds=0.3)
    assert reader.read(slow, hasty) == ("refused", TOO_LONG, ())
    assert reader.read(corpus.good()["JPEG"])[0] == "picture"  # and the reader lives on


def test_what_needs_more_memory_than_its_ration_is_given_up() -> None:
    large = corpus.saved(corpus.scene((1400, 1400)), "PNG")
    with reading() as reader:  # one that has read much holds memory that it can use again
        kind, message, _ = reader.read(large, replace(corpus.RATION, memory_bytes=4_000_000))
        assert kind == "refused"
        assert "memory" in message
        assert reader.read(large)[0] == "picture"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with program_in(tmp_path) as one:
        yield one


ENDED = [
    *list(corpus.good())[::3],
    *("nothing", "zeros", "text", "heic", "program", "1 x 1 PNG", "1 x 20000 JPEG", "huge png"),
    *("huge tiff", "png with zTXt", "png with iTXt", "png with iCCP", "png of endless frames"),
    *("gif of many frames", "tiff that leads to itself", "tiff with a vast tile"),
    *("jpeg of fill bytes", "JPEG with exif: loop", "TIFF with profile: half"),
]


def test_all_of_them_end_painted_or_in_failed_with_a_note(program: Program) -> None:
    folder = program.style("Waves")
    # What a file is called says nothing about what is in it.
    suffixes = ("jpg", "png", "tif", "webp")
    known = corpus.good() | corpus.bad()
    files = {
        f"{number} {name.replace(':', '')}.{suffixes[number % 4]}": known[name]
        for number, name in enumerate(ENDED)
    }
    files |= {f"m{turn}.png": data for turn, (_, data) in enumerate(corpus.mutated(8, seed=7))}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    assert program.once() == ExitCode.FAILED, program.text()
    assert program.files("Inbox") == []
    failed, kept = program.files("Failed"), program.files("Originals")
    photos = [name for name in failed if not name.endswith(" - why.txt")]
    assert sorted([*photos, *kept]) == sorted(f"Waves/{name}" for name in files)
    assert sorted(failed) == sorted([*photos, *(f"{name} - why.txt" for name in photos)])
    assert len(program.files("Outbox")) == len(kept) >= len(corpus.good()) // 3
    for name in kept:
        assert (program.share / "Originals" / name).read_bytes() == files[Path(name).name]
    for name in photos:
        text = (program.share / "Failed" / f"{name} - why.txt").read_text()
        why = " ".join(text.split("What happened\n")[1].split("\n\n")[0].split())
        assert is_plain(why), (name, why)
    assert not program.said("engine.lost")
