"""Two engines that start beside a file that nobody has imported: one of them does it."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from engine.weights import adopt, layers, load, store, verify
from engine.weights.conventions import Layers

from . import forms
from .conftest import same

Shapes = dict[str, tuple[int, ...]]
PATIENCE = 120


def adopt_in_child(folder: Path, shapes: Shapes, pipe: Connection) -> None:
    """Say when the lock is about to be taken, then what was imported."""
    layers.SHAPES = MappingProxyType(shapes)  # type: ignore[misc]
    lock = store.locked

    def told(*where: Any) -> Any:
        pipe.send("at the lock")
        return lock(*where)

    store.locked = told
    made = adopt(folder)
    pipe.send(made.source_sha256 if made else None)


@contextmanager
def engine(folder: Path, shapes: Shapes) -> Iterator[Connection]:
    ours, theirs = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=adopt_in_child, args=(folder, shapes, theirs))
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.join()
        ours.close()


def heard(pipe: Connection) -> Any:
    assert pipe.poll(PATIENCE)
    return pipe.recv()


@pytest.mark.parametrize(
    ("form", "name", "kept"),
    [
        (forms.keras_1, "mine.h5", "mine.h5"),
        (forms.mxnet_classic, "vgg19.params", "original-vgg19.params"),
    ],
)
def test_a_file_that_two_engines_find_at_once_is_imported_once(
    form: Callable[[Path, Layers], None], name: str, kept: str, tmp_path: Path, oxford: Layers
) -> None:
    form(tmp_path / name, oxford)
    given = store.sha256_of(tmp_path / name)
    shapes = dict(layers.SHAPES)
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)  # until both have seen the file, and want to import it
    with engine(tmp_path, shapes) as one, engine(tmp_path, shapes) as other:
        try:
            assert {heard(one), heard(other)} == {"at the lock"}
        finally:
            os.close(handle)
        assert {heard(one), heard(other)} == {given, None}
    assert verify(tmp_path).source_sha256 == given
    assert same(load(tmp_path).layers, oxford)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted([kept, "vgg19.json", "vgg19.params"])
    assert store.sha256_of(tmp_path / kept) == given
