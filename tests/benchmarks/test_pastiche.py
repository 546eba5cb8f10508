from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import pastiche
from benchmarks.__main__ import table
from benchmarks.distances import Distances
from benchmarks.pastiche_program import PAIRS, Kept, Pace, Pair, store
from engine.mx import mx
from engine.vgg import Vgg
from engine.weights import load

KEPT = Kept(PAIRS[0], Path("photo-Waves-256.png"), 0.6)
PACE = Pace(start_seconds=5, seconds_per_step=0.5)
THEIRS = Distances(style=0.1, content=0.9)


def test_a_pair_is_laid_side_by_side() -> None:
    row = asdict(pastiche.compared(KEPT, 20, PACE, Distances(0.05, 0.8), THEIRS))
    assert list(row)[:8] == [
        "content", "style", "seconds", "peer_seconds", "style_distance", "peer_style_distance",
        "content_distance", "peer_content_distance",
    ]  # fmt: skip
    assert row["peer_seconds"] == 505
    assert (row["peer_seconds_per_step"], row["kept_seconds_per_step"]) == (0.5, 0.6)
    assert "Waves" in table([row])


@pytest.mark.parametrize(
    ("seconds", "own", "won"),
    [
        (25, Distances(0.05, 0.8), True),
        (26, Distances(0.05, 0.8), False),
        (20, Distances(0.1, 0.8), False),
        (20, Distances(0.05, 0.95), False),
    ],
)
def test_a_pair_is_won_if_time_and_both_distances_are(
    seconds: float, own: Distances, *, won: bool
) -> None:
    assert pastiche.compared(KEPT, seconds, PACE, own, THEIRS).won is won


@pytest.mark.weights
def test_both_programs_paint_the_same_pixels(
    weights: Path, tmp_path: Path, program: tuple[str, str]
) -> None:
    pair = Pair("photo-2", "Woodcut", 64)
    made = tmp_path / "made.png"
    with Image.open(pair.photo_file) as photo:
        photo.resize((64, 43)).save(made)
    kept = store(pair, made, 0.5, tmp_path)
    network = Vgg(load(weights.parent), mx.cpu())
    (row,) = pastiche.measure(
        network, weights.parent, [kept], ours=("--iterations=1",), program=program
    )
    assert (row.size, row.peer_seconds_per_step) == (64, 0.5)
    assert min(row.seconds, row.style_distance, row.content_distance) > 0
    assert row.peer_content_distance < row.content_distance  # it is the photo itself, here
