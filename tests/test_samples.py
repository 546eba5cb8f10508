"""The sample photos and the starter styles: they are there, and the script draws them."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.draw_samples import SAMPLES, STARTER, draw, main

SMALL = 60


@pytest.fixture(scope="module")
def drawn() -> dict[str, Image.Image]:
    """Every sample, drawn small."""
    return {name: draw(name, SMALL) for name in SAMPLES}


def values(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"), np.float64)


def shrunk(name: str, size: tuple[int, int]) -> np.ndarray:
    with Image.open(STARTER / SAMPLES[name].path) as image:
        return values(image.resize(size, Image.Resampling.BOX))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_committed_picture_is_whole(name: str) -> None:
    sample = SAMPLES[name]
    path = STARTER / sample.path
    with Image.open(path) as image:
        assert image.format == "JPEG"
        assert image.mode == "RGB"
        assert image.size == (sample.width, sample.height)
        assert values(image).std() > 30
    assert path.stat().st_size < 300_000


def test_nothing_else_lies_in_the_starter_folder() -> None:
    there = {str(path.relative_to(STARTER)) for path in STARTER.rglob("*.jpg")}
    assert there == {sample.path for sample in SAMPLES.values()}
    assert len([path for path in there if path.startswith("styles/")]) == 5


@pytest.mark.parametrize("name", SAMPLES)
def test_the_script_draws_the_committed_picture(name: str, drawn: dict[str, Image.Image]) -> None:
    small = values(drawn[name])
    committed = shrunk(name, drawn[name].size)
    assert np.corrcoef(small.ravel(), committed.ravel())[0, 1] > 0.7
    assert np.abs(small.mean(axis=(0, 1)) - committed.mean(axis=(0, 1))).max() < 20


@pytest.mark.parametrize("name", SAMPLES)
def test_a_second_drawing_is_the_same(name: str, drawn: dict[str, Image.Image]) -> None:
    assert np.array_equal(values(draw(name, SMALL)), values(drawn[name]))


def test_the_pictures_differ_from_one_another() -> None:
    small = {name: shrunk(name, (48, 36)) for name in SAMPLES}
    for first, second in combinations(SAMPLES, 2):
        assert np.abs(small[first] - small[second]).mean() > 20, (first, second)


def test_the_command_line_draws_what_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--only", "mosaic", "--height", "30", "--into", str(tmp_path)])
    with Image.open(tmp_path / "styles" / "Mosaic.jpg") as image:
        assert image.size == (40, 30)
    assert "mosaic" in capsys.readouterr().out
