"""`make weights`, and with it `run`, `demo` and `test`: a person's file counts under any name.

And `make soak`: that it asks the long tests to be long.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon import test_bad_pictures, test_exactly_once

ROOT = Path(__file__).resolve().parent.parent
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile among files that look like a finished environment, with this very program."""
    for name in ("scripts", f".venv/py{VERSION}/bin", "requirements", "data/param"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    for kind in ("cpu", "dev"):
        (tmp_path / f"requirements/{kind}-py{VERSION}.txt").touch()
    for kind in ("cpu", "dev"):
        (tmp_path / f".venv/py{VERSION}/{kind}.stamp").touch()
    programs = {
        "scripts/find-python": f'echo "{sys.executable}"',
        f".venv/py{VERSION}/bin/atelierd": f'exec "{sys.executable}" -m daemon "$@"',
    }
    for name, line in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it, with no package registry to be reached."""
    unwanted = ("ATELIERD_", "MAKE", "MFLAGS", "PYTHON", "PIP_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return subprocess.run(
        ["make", *arguments], cwd=checkout,
        env={**kept, "PYTHONPATH": str(ROOT), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("target", ["run", "demo", "test"])
def test_what_needs_the_weights_sees_to_them(checkout: Path, target: str) -> None:
    (checkout / "data/param/my.h5").touch()
    assert "weights fetch" in make(checkout, "-n", target).stdout


@pytest.mark.weights
@pytest.mark.parametrize("name", ["my.params", "vgg19.params"])
def test_a_file_put_there_by_hand_is_imported_and_nothing_fetched(
    checkout: Path, weights: Path, name: str
) -> None:
    shutil.copy(weights, checkout / "data/param" / name)
    done = make(checkout, "weights")
    assert done.returncode == 0, done.stderr
    assert f"VGG-19 from {name}, input BGR" in done.stdout
    assert f"imported {name}" in done.stderr
    assert "fetching" not in done.stderr
    again = make(checkout, "weights")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_without_a_file_they_are_fetched(checkout: Path) -> None:
    done = make(checkout, "weights")
    assert done.returncode != 0
    assert "fetching the VGG-19 weights" in done.stderr
    assert "could not be fetched" in done.stderr


def test_the_network_of_first_looks_is_fetched_only_when_it_is_asked_for(checkout: Path) -> None:
    done = make(checkout, "first-look")
    assert done.returncode != 0
    assert "fetching the network of first looks" in done.stderr
    assert not any("first-look" in make(checkout, "-n", one).stdout for one in ("weights", "test"))
    assert "first-look" in make(checkout, "help").stdout


@pytest.mark.parametrize(
    ("asked", "of"),
    [
        (f"{test_exactly_once.EVERY}=1", "test_exactly_once.py"),
        (f"{test_exactly_once.EVERY}=1", "test_engine_deaths.py"),
        (f"{test_bad_pictures.MUTATIONS}=20000", "test_bad_pictures.py"),
        ("ATELIERD_STORIES=200", "test_stories.py"),
    ],
)
def test_the_soak_asks_each_long_test_for_all_of_it(checkout: Path, asked: str, of: str) -> None:
    lines = make(checkout, "-n", "soak").stdout.replace("\\\n", "").splitlines()
    (line,) = [line for line in lines if f"tests/daemon/{of}" in line]
    assert line.startswith(f"{asked} ")
