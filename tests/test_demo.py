"""The demo's own safety, and its judgement about what the daemon painted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from scripts.check_demo import check_share
from scripts.demo_screen import Screen

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "daemon" / "starter"


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A share with one photo in its originals and no painting of it yet."""
    for folder in ("Originals/Waves", "Outbox/Waves", "Styles"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(STARTER / "photo.jpg", tmp_path / "Originals" / "Waves" / "lake.jpg")
    shutil.copy(STARTER / "styles" / "Waves.jpg", tmp_path / "Styles")
    return tmp_path


def give(share: Path, picture: Image.Image) -> Path:
    path = share / "Outbox" / "Waves" / "lake.jpg"
    picture.save(path, quality=95)
    return path


def photo(share: Path) -> Image.Image:
    with Image.open(share / "Originals" / "Waves" / "lake.jpg") as image:
        return image.resize((240, 160))


def problems(share: Path) -> str:
    (finding,) = check_share(share)
    return "; ".join(finding.problems)


def test_a_painting_passes(share: Path) -> None:
    values = np.asarray(photo(share), np.float32)
    rng = np.random.default_rng(0)
    strokes = np.kron(rng.normal(0, 30, (40, 60, 3)), np.ones((4, 4, 1)))
    painted = np.clip(values[..., ::-1] * 0.7 + 20 + strokes, 0, 255).astype(np.uint8)
    give(share, Image.fromarray(painted))
    assert problems(share) == ""


def test_the_photo_itself_is_no_painting(share: Path) -> None:
    give(share, photo(share))
    assert "the photo itself" in problems(share)


def test_the_style_itself_is_no_painting(share: Path) -> None:
    with Image.open(share / "Styles" / "Waves.jpg") as style:
        give(share, style.resize((240, 160)))
    assert "the style picture itself" in problems(share)


def test_an_empty_canvas_is_no_painting(share: Path) -> None:
    give(share, Image.new("RGB", (240, 160), "#889966"))
    assert "almost empty" in problems(share)


def test_another_shape_is_no_painting(share: Path) -> None:
    give(share, photo(share).resize((160, 160)))
    assert "shape" in problems(share)


def test_a_missing_painting_is_noticed(share: Path) -> None:
    assert "no painting" in problems(share)


def test_a_damaged_painting_is_noticed(share: Path) -> None:
    path = give(share, photo(share))
    path.write_bytes(path.read_bytes()[:2000])
    assert "cannot be read" in problems(share)


def test_the_check_ends_with_1_when_nothing_was_painted(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, ROOT / "scripts" / "check_demo.py", tmp_path],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert shown.returncode == 1
    assert "No photo" in shown.stderr


def test_the_demo_removes_no_folder_of_others(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    precious = tmp_path / "demo" / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine")
    shown = subprocess.run(
        [sys.executable, tmp_path / "scripts" / "demo.py"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert shown.returncode == 1
    assert "did not make it" in shown.stderr
    assert precious.read_text() == "mine"


def test_the_demo_says_why_it_cannot_begin(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "daemon").mkdir()
    shown = subprocess.run(
        [sys.executable, tmp_path / "scripts" / "demo.py"],
        check=False, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert shown.returncode == 1
    assert "The demo failed" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_plain_lines_are_few(tmp_path: Path) -> None:
    with (tmp_path / "shown.txt").open("w+") as stream:
        screen = Screen(Console(file=stream, force_terminal=False))
        with screen:
            screen.show({"event": "job.queued", "job": "a", "photo": "Waves/[b]lake[/b].jpg"})
            for step in range(1, 101):
                screen.show(json.loads(json.dumps({
                    "event": "job.progress", "job": "a", "iteration": step, "total": 100,
                    "eta_seconds": 100.0 - step,
                })))  # fmt: skip
            screen.show({"event": "job.finished", "job": "a", "seconds": 100.0})
        stream.seek(0)
        lines = stream.read().splitlines()
    assert lines[0] == "Waves/[b]lake[/b].jpg: waiting"
    assert lines[-1].endswith("painted in 100 s")
    assert 5 <= len(lines) <= 8
