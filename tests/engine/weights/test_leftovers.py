"""What an import that was killed has left goes: up to 80 MB each time, which nobody would miss."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.weights import import_file, load
from engine.weights.conventions import Layers

from . import forms
from .conftest import same

IN_PLACE = ["vgg19.json", "vgg19.params"]
THEIRS = [".importing-", ".importing-mine.h5", ".importing-Abcdefgh", "importing-abcdefgh"]


@pytest.fixture
def folder(tmp_path: Path, oxford: Layers) -> Path:
    """A folder with weights in place, and what two killed imports have left in it."""
    forms.numpy_archive(tmp_path / "mine.npz", oxford)
    import_file(tmp_path / "mine.npz", tmp_path / "param")
    for name in ("abcdefgh", "x_1234yz"):
        (tmp_path / f"param/.importing-{name}").mkdir()
        (tmp_path / f"param/.importing-{name}/vgg19.params").write_bytes(b"half")
    return tmp_path / "param"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def importing(folder: Path) -> Iterator[None]:
    """As somebody else's import that goes on meanwhile."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def load_it(folder: Path) -> None:
    load(folder)


def import_anew(folder: Path) -> None:
    import_file(folder.parent / "mine.npz", folder)


@pytest.mark.parametrize("step", [load_it, import_anew])
def test_it_goes_when_an_engine_loads_and_before_the_next_import(
    folder: Path, step: Callable[[Path], None]
) -> None:
    step(folder)
    assert names(folder) == IN_PLACE


def test_that_of_an_import_that_goes_on_stays_and_nobody_waits_for_it(
    folder: Path, oxford: Layers
) -> None:
    before = names(folder)
    with importing(folder):
        assert same(load(folder).layers, oxford)
        assert names(folder) == before
    load(folder)
    assert names(folder) == IN_PLACE


@pytest.mark.parametrize("step", [load_it, import_anew])
def test_where_there_are_no_locks_nobody_can_say_and_it_stays(
    folder: Path, step: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    before = names(folder)
    monkeypatch.setattr(fcntl, "flock", refuse)
    step(folder)
    assert names(folder) == before


def test_what_is_named_otherwise_or_is_no_folder_is_not_ours(folder: Path, tmp_path: Path) -> None:
    for name in THEIRS:
        (folder / name).mkdir()
    (folder / ".importing-afile___").write_bytes(b"mine")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/file").touch()
    (folder / ".importing-alink___").symlink_to(tmp_path / "elsewhere")
    load(folder)
    mine = [*THEIRS, ".importing-afile___", ".importing-alink___"]
    assert names(folder) == sorted([*mine, *IN_PLACE])
    assert (tmp_path / "elsewhere/file").exists()
