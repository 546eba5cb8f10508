"""The weights in place: `vgg19.params` in MXNet's own format, and `vgg19.json`, its manifest.

Two files cannot be renamed at once. So the new manifest is laid ready under a third name first
(`NEXT`), then the weights are renamed, then the manifest. The manifest holds the hash of the
weights, and so a reader who comes in between, or after a crash, sees which one belongs to them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import (
    WeightsError,
    WeightsHashError,
    WeightsMissingError,
)
from engine.weights import beside, conventions, manifest, mxnet_file, readers
from engine.weights.conventions import CONVENTIONS, Convention, Layers
from engine.weights.manifest import MANIFEST, PARAMS, Manifest, sha256_of

NEXT: Final = ".vgg19.next.json"

IMPORTING: Final = ".importing-"
"""How the folders begin in which an import works, beside what is in place."""
_SCRATCH: Final = re.compile(re.escape(IMPORTING) + r"[a-z0-9_]{8}")  # as `tempfile` names them
_AGAIN: Final = "Run `atelierd weights fetch` to get them again."


@dataclass(frozen=True)
class Weights:
    """Trained weights, in memory.

    Attributes:
        layers: by convolution, kernel (out, in, 3, 3) and bias (out,), float32; the first kernel's
            input is in the order of `convention`.
        convention: what the network expects at its input.
        sha256: of the file that they came from.
    """

    layers: Layers
    convention: Convention
    sha256: str


def import_file(
    source: Path, folder: Path, convention: str | None = None, origin: str | None = None
) -> Manifest:
    """Convert a file of weights and put it in place; what is there stays if anything is wrong.

    Args:
        source: the file; it is never changed. A `vgg19.params` that somebody put into `folder` is
            kept under another name.
        folder: where the weights live; made if it is missing.
        convention: a name in `CONVENTIONS`; unset, it is recognised.
        origin: what to call the source in the manifest; unset, its file name.

    Raises:
        WeightsError: the file cannot be used; the message says why.
    """
    with _explained(folder):
        layers, note = _understood(source, folder, convention, origin)
        folder.mkdir(parents=True, exist_ok=True)
        _finish(folder)
        with locked(folder) as is_alone:
            if is_alone:
                _sweep(folder)
            return _put_in_place(layers, note, source, folder)


def _understood(
    source: Path, folder: Path, convention: str | None = None, origin: str | None = None
) -> tuple[Layers, Manifest]:
    contents = readers.read(source)
    known = conventions.recognise(
        contents.layers, convention, retrained_names=contents.retrained_names
    )
    note = Manifest(
        source=origin or source.name,
        source_sha256=sha256_of(source),
        sha256="",
        convention=CONVENTIONS[known.name],
        recognised=known.how,
        layers={name: kernel.shape for name, (kernel, _) in contents.layers.items()},
        seen=beside.seen(folder, source),
    )
    return contents.layers, note


def in_place(folder: Path) -> bool:
    """Whether there are weights in place; not whether they are whole."""
    return all((folder / name).exists() for name in (PARAMS, MANIFEST))


def waiting(folder: Path) -> list[Path]:
    """The files that `adopt` would try: put there by somebody, and never imported.

    Raises:
        WeightsError: the folder cannot be read.
    """
    with _explained(folder):
        if not in_place(folder):
            return beside.candidates(folder)
        try:
            found = manifest.read(folder / MANIFEST)
        except WeightsError:  # whoever loads the weights says what is wrong with them
            return []
        return beside.newcomers(folder, found)


def adopt(folder: Path) -> Manifest | None:
    """Import the first usable file that a person put there since weights were last put in place.

    Args:
        folder: where the weights live; the person's file stays in it.

    Returns:
        The manifest of what was imported; None if nothing was.

    Raises:
        WeightsError: no weights are in place, files are there, and none of them can be used; it
            says why of the first. While weights are in place, such files are passed over.
    """
    with _explained(folder):
        _finish(folder)
        _sweep_if_alone(folder)
        if not waiting(folder):
            return None
        # Engines that start together find the same file: who comes second looks again.
        with locked(folder):
            imported = (_imported(file, folder) for file in waiting(folder))
            if not in_place(folder):
                return _first_usable(imported)
            return next((made for made in imported if isinstance(made, Manifest)), None)


def verify(folder: Path) -> Manifest:
    """Check the weights in place: their hash, and that they are a whole VGG-19.

    Returns:
        Their manifest.

    Raises:
        WeightsError: they are missing, not the promised ones, or damaged. Of missing ones it says
            which files lie there instead, and what to do with those.
    """
    with _explained(folder):
        found, data = _present(folder)
        readers.from_mxnet(data, PARAMS)
    return found


def load(folder: Path) -> Weights:
    """Load the weights, their SHA-256 checked (80 MB: a quarter of a second in all).

    A file that somebody put into the folder by hand, and that was never imported, is imported
    first; theirs is kept.

    Raises:
        WeightsError: there are none, or they are damaged.
    """
    adopt(folder)
    with _explained(folder):
        found, data = _present(folder)
    return Weights(readers.from_mxnet(data, PARAMS), found.convention, found.sha256)


def _finish(folder: Path) -> None:
    """Finish an import that a crash cut short after its weights were in place, or forget it."""
    waiting = folder / NEXT
    if not waiting.exists():
        return
    with locked(folder), contextlib.suppress(FileNotFoundError):  # finished while we waited
        if _belongs(waiting, folder / PARAMS):
            waiting.replace(folder / MANIFEST)
        else:
            waiting.unlink()


def _belongs(note: Path, params: Path) -> bool:
    try:
        return params.is_file() and manifest.read(note).sha256 == sha256_of(params)
    except WeightsError:
        return False


def _present(folder: Path) -> tuple[Manifest, bytes]:
    try:
        return _settled(folder)
    except WeightsMissingError as error:
        told = beside.instead(folder)
        if told is None:
            raise
        raise told from error


def _settled(folder: Path) -> tuple[Manifest, bytes]:
    _finish(folder)
    try:
        return _matching(folder)
    except WeightsError:
        if not folder.is_dir():
            raise
    with locked(folder):  # an import may be between its two renames: wait, and look again
        return _matching(folder)


def _matching(folder: Path) -> tuple[Manifest, bytes]:
    found, path = manifest.read(folder / MANIFEST), folder / PARAMS
    if not path.is_file():
        raise WeightsMissingError(f"{path} is missing, though {MANIFEST} is there. {_AGAIN}")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != found.sha256:
        raise WeightsHashError(
            f"{path} is not the file that {MANIFEST} describes: it was changed or damaged. "
            f"{_AGAIN} Or, if you put it there yourself, run `atelierd weights import {path}`."
        )
    return found, data


def _put_in_place(layers: Layers, note: Manifest, source: Path, folder: Path) -> Manifest:
    with tempfile.TemporaryDirectory(dir=folder, prefix=IMPORTING) as scratch:
        params = Path(scratch, PARAMS)
        _write(layers, params)
        ready = Manifest(**{**vars(note), "sha256": sha256_of(params)})
        written = Path(scratch, MANIFEST)
        written.write_text(manifest.to_json(ready), encoding="utf-8")
        if _is_a_persons(folder / PARAMS, source, ready.sha256):
            _keep(folder / PARAMS)
        for made, name in ((written, NEXT), (params, PARAMS)):
            sync(made)
            made.replace(folder / name)
            sync(folder)
    (folder / NEXT).replace(folder / MANIFEST)
    sync(folder)
    return ready


def _write(layers: Layers, path: Path) -> None:
    try:
        mxnet_file.write_pairs(layers, path)
    except ValueError as error:
        raise _unwritable(path.parent.parent, error) from error


def _first_usable(imported: Iterator[Manifest | WeightsError]) -> Manifest | None:
    faults: list[WeightsError] = []
    for made in imported:
        if isinstance(made, Manifest):
            return made
        faults.append(made)
    if faults:
        raise beside.first(faults)
    return None


def _imported(file: Path, folder: Path) -> Manifest | WeightsError:
    """Import it; the lock is held."""
    try:
        with _explained(folder):
            layers, note = _understood(file, folder)
            return _put_in_place(layers, note, file, folder)
    except WeightsError as error:
        return beside.in_words(file, error)


def _is_a_persons(params: Path, source: Path, sha256: str) -> bool:
    """Whether `vgg19.params` is not ours: it is what is being imported, or no manifest is there."""
    if not params.exists() or ((params.parent / MANIFEST).exists() and not params.samefile(source)):
        return False
    return sha256_of(params) != sha256


def _keep(file: Path) -> None:
    """Give a person's file, whose name is about to be taken, a second one."""
    for number in itertools.count(1):
        mark = "original" if number == 1 else f"original-{number}"
        kept = file.with_name(f"{mark}-{file.name}")
        if not kept.exists():
            return _second_name(file, kept)
        if sha256_of(kept) == sha256_of(file):
            return None
    return None


def _second_name(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except OSError:  # a file system without links
        shutil.copy2(file, name)


def _sweep_if_alone(folder: Path) -> None:
    """Remove what a kill has left of an import, while none is at work: nobody waits for that."""
    if _scratches(folder):
        with locked(folder, fcntl.LOCK_NB) as is_alone:
            if is_alone:
                _sweep(folder)


def _sweep(folder: Path) -> None:
    """Remove what imports that were killed have left, up to 80 MB each; the lock is held."""
    for scratch in _scratches(folder):
        shutil.rmtree(scratch, ignore_errors=True)  # where one may only read, all is as it was


def _scratches(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [folder / entry.name for entry in entries if _SCRATCH.fullmatch(entry.name)]
    except OSError:  # it is not there, or may not be listed
        return []


@contextlib.contextmanager
def locked(folder: Path, more: int = 0) -> Iterator[bool]:
    """One import at a time; on file systems without locks the hashes alone tell a mix-up.

    Args:
        folder: where the weights live.
        more: flags of the lock.

    Yields:
        Whether it is locked.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | more)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: object) -> WeightsError:
    return WeightsError(
        f"The weights in {folder} cannot be read or written ({error}). Check that this user may, "
        "and that the disk is not full."
    )


def sync(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
