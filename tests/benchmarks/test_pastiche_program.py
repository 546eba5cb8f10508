"""The program that we compare with, played by a few lines of Python: no torch, no hours."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.pastiche_program import PAIRS, Pace, Pair, clocked, find, keep, store, timed

PRINTED = """\
device[0]: cpu (0-29)
seed: 3880987050
size: 256x171
style_sizes[0]: 241x181

step elapsed loss
---- ------- ----
0    6.0     4961944.00
100  57.9    32423.15
200  341.8   17856.42
300  393.8   12345.67
1000 757.8   9876.54
"""
PAIR = Pair("photo", "Waves", 32)
OTHER = Pair("photo-2", "Brush Strokes", 32)


def noted(program: tuple[str, str]) -> list[str]:
    return Path(program[1]).with_suffix(".log").read_text().splitlines()


def test_the_pace_is_read_from_its_table_and_a_halt_of_the_machine_does_not_count() -> None:
    pace, stepping = clocked(PRINTED)
    assert pace == pytest.approx(0.52)
    assert stepping == pytest.approx(757.8 - 6.0)


@pytest.mark.parametrize("printed", ["", PRINTED.split("100 ", maxsplit=1)[0]])
def test_a_table_of_no_steps_is_refused(printed: str) -> None:
    with pytest.raises(ValueError, match="no times of two steps"):
        clocked(printed)


def test_a_whole_process_is_its_start_and_its_steps() -> None:
    assert Pace(start_seconds=5, seconds_per_step=0.5).seconds(1000) == 505


def test_the_pairs_have_their_pictures_and_names_of_their_own() -> None:
    assert all(pair.photo_file.is_file() and pair.style_file.is_file() for pair in PAIRS)
    assert len({str(pair) for pair in PAIRS}) == len(PAIRS)
    assert sorted(pair.size for pair in PAIRS) == [256] * 5 + [512]


def test_a_few_of_its_steps_are_timed(program: tuple[str, str]) -> None:
    assert timed(PAIR, program=program).seconds_per_step == pytest.approx(0.5)
    assert noted(program) == [f"30 32 {PAIR.style_file}"]


@pytest.mark.skipif(
    find_spec("pastiche") is None, reason="pastiche is installed by `make bench` alone"
)
def test_the_program_itself_says_its_times(tmp_path: Path) -> None:
    program = (sys.executable, "-m", "pastiche", "--num-steps=1", "--info-step=1")
    (kept,) = keep([Pair("photo-2", "Woodcut", 64)], tmp_path, program=program)
    assert kept.seconds_per_step >= 0
    with Image.open(kept.picture) as picture:
        assert picture.size == (64, 43)


def test_a_picture_is_kept_at_its_defaults(program: tuple[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    (kept,) = keep([OTHER], folder, program=program)
    assert noted(program) == [f"1000 32 {OTHER.style_file}"]
    assert kept == find(OTHER, folder)
    assert kept.seconds_per_step == pytest.approx(0.5)
    with Image.open(kept.picture) as picture:
        assert picture.size == (32, 32)
    names = {path.name for path in folder.iterdir()}
    assert names == {"photo-2-Brush Strokes-32.png", "photo-2-Brush Strokes-32.json"}


def test_what_is_kept_is_not_painted_again(program: tuple[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    painting = keep([PAIR, OTHER], folder, program=program)
    assert next(painting).pair == PAIR
    painting.close()  # stopped before the second
    assert [kept.pair for kept in keep([PAIR, OTHER], folder, program=program)] == [OTHER]
    assert not list(keep([PAIR, OTHER], folder, program=program))
    assert len(noted(program)) == 2


def test_a_run_that_fails_keeps_nothing(program: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    folder = tmp_path / "kept"
    with pytest.raises(subprocess.CalledProcessError):
        list(keep([PAIR], folder, program=program))
    assert not list(folder.iterdir())


def test_a_picture_without_its_facts_does_not_count(tmp_path: Path) -> None:
    (tmp_path / f"{PAIR}.png").touch()
    assert find(PAIR, tmp_path) is None
    made = tmp_path / "made.png"
    made.touch()
    assert store(PAIR, made, 0.5, tmp_path) == find(PAIR, tmp_path)
