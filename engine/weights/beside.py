"""Files that people put beside the weights in place: which there are, and what is to be said."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from engine.errors import (
    WeightsConventionError,
    WeightsError,
    WeightsFileError,
    WeightsMissingError,
)
from engine.weights import conventions, readers
from engine.weights.manifest import MANIFEST, OF_FIRST_LOOKS, PARAMS, Manifest, sha256_of

_KEPT: Final = re.compile(rf"original-(\d+-)?{re.escape(PARAMS)}")
"""Names under which an import keeps the file of a person whose name it takes."""


def candidates(folder: Path) -> list[Path]:
    """The files that would be imported if no weights were in place, in the order of names."""
    return [path for path in _files(folder) if _is_named_like_weights(path)]


def unused(folder: Path, found: Manifest) -> list[Path]:
    """The files beside the weights in place that those did not come from, whatever they are.

    Args:
        folder: where the weights live.
        found: the manifest of those in place.
    """
    return _not_among({found.source_sha256}, [*_others(folder), *_misnamed(folder)])


def newcomers(folder: Path, found: Manifest) -> list[Path]:
    """The files that somebody put beside the weights in place after those came there."""
    return _not_among({found.source_sha256, *found.seen}, _others(folder))


def seen(folder: Path, source: Path) -> tuple[str, ...]:
    """SHA-256 of all files that lie in the folder when `source` is put in place."""
    return tuple(sha256_of(path) for path in _others(folder) if path != source)


def remarks(folder: Path, found: Manifest) -> list[str]:
    """Say of each unused file how to use it, or what it is if it cannot be used.

    Args:
        folder: where the weights live.
        found: the manifest of those in place.
    """
    new = newcomers(folder, found)
    return [_remark(file, is_new=file in new) for file in unused(folder, found)]


def instead(folder: Path) -> WeightsError | None:
    """What to say of the files that lie where no weights are in place; None without any."""
    named, misnamed = candidates(folder), _misnamed(folder)
    faults = {file: _fault(file) for file in (*named, *misnamed)}
    usable = [file for file, wrong in faults.items() if wrong is None]
    if usable:
        waits = _waits(usable[0], is_new=usable[0] in named)
        return WeightsMissingError(f"No trained weights are in place yet: {waits}")
    if not faults:
        return None
    worst = first(wrong for wrong in faults.values() if wrong is not None)
    return type(worst)(
        f"There are no trained weights in {folder} that can be used. {worst} `atelierd "
        "weights fetch` gets the original ones."
    )


def first(faults: Iterable[WeightsError]) -> WeightsError:
    """The fault to speak of, where all files have one; it says that the others have too."""
    # A file that only needs a word from a person comes before those that are lost.
    fault, *more = sorted(faults, key=lambda each: not isinstance(each, WeightsConventionError))
    others = " None of the other files there can be used either." if more else ""
    return type(fault)(f"{fault}{others}")


def in_words(file: Path, error: WeightsError) -> WeightsError:
    """The error, with what to type if the file only needs a word from a person."""
    if not isinstance(error, WeightsConventionError):
        return error
    return WeightsConventionError(
        f"{file.name} needs a word from you, `{_import(file)} --convention NAME`. {error}"
    )


def _remark(file: Path, *, is_new: bool) -> str:
    wrong = _fault(file)
    if wrong is not None:
        return f"{file} is not used: it cannot be. {wrong}"
    if is_new:
        return _waits(file, is_new=True)
    return f"{file} is not used: other weights are in place. To use it, run `{_import(file)}`."


def _waits(file: Path, *, is_new: bool) -> str:
    start = ", or start painting, which does it" if is_new else ""
    return f"{file} has not been imported. Run `{_import(file)}`{start}."


def _fault(file: Path) -> WeightsError | None:
    """What an import of the file would raise."""
    try:
        contents = readers.read(file)
        conventions.recognise(contents.layers, None, retrained_names=contents.retrained_names)
    except WeightsError as error:
        return in_words(file, error)
    except OSError as error:
        return WeightsFileError(f"{file.name} cannot be read ({error.strerror}). Check its rights.")
    return None


def _import(file: Path) -> str:
    return f"atelierd weights import {shlex.quote(str(file))}"


def _files(folder: Path) -> list[Path]:
    return [
        path
        for path in (sorted(folder.iterdir()) if folder.is_dir() else [])
        if not path.name.startswith(".") and path.name not in OF_FIRST_LOOKS and path.is_file()
    ]


def _is_named_like_weights(path: Path) -> bool:
    return path.suffix.lower() in readers.SUFFIXES


def _others(folder: Path) -> list[Path]:
    return [
        path
        for path in candidates(folder)
        if path.name != PARAMS and not _KEPT.fullmatch(path.name)
    ]


def _misnamed(folder: Path) -> list[Path]:
    """Files that nobody looks into by themselves; somebody may have meant them for weights."""
    return [
        path
        for path in _files(folder)
        if not _is_named_like_weights(path)
        and path.name != MANIFEST
        and path.stem.upper() != "README"
    ]


def _not_among(hashes: set[str], files: Iterable[Path]) -> list[Path]:
    # Each is read once: these files may be hundreds of megabytes.
    return [path for path in files if sha256_of(path) not in hashes]
