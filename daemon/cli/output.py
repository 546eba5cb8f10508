"""The file that `atelierd stylize` makes: its name, its place, its writing."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from daemon.errors import UsageError
from daemon.files import publish_new, write_atomically
from daemon.names import printable
from daemon.runners.base import Painted
from daemon.runners.request import PictureFormat

FORMATS: Final[dict[str, PictureFormat]] = {
    ".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".webp": "webp", ".tif": "tiff",
    ".tiff": "tiff",
}  # fmt: skip
"""Which format a file gets by the ending of its name."""

NAMES: Final = ".jpg, .png, .webp or .tif"
"""The endings, as people are told them."""


def check_output(output: Path, *inputs: Path, replace: bool) -> None:
    """Refuse, before minutes of work, what could not be written at their end.

    Args:
        output: the file to make.
        inputs: the pictures to read.
        replace: whether it may be there already.

    Raises:
        UsageError: it cannot be made.
    """
    _check_place(output)
    if output.is_dir():
        example = printable(output / "painted.jpg")
        raise UsageError(f"{printable(output)} is a folder: name a file, such as {example}.")
    if output.suffix.lower() not in FORMATS:
        raise UsageError(f"{printable(output)}: name the output {NAMES}.")
    if any(_same(path, output) for path in inputs):
        raise UsageError(f"{printable(output)} is one of the pictures to read: choose another.")
    if not replace and os.path.lexists(output):
        raise UsageError(
            f"{printable(output)} is there already: choose another name, or add --force to "
            "replace it."
        )


def _check_place(output: Path) -> None:
    try:
        with suppress(FileNotFoundError):
            output.lstat()  # fails for a name that is too long
        # Asking for the rights is not enough: only writing tells.
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise UsageError(
            f"{printable(output)} cannot be written ({error.strerror}): choose a file in a folder "
            "that is there and that you may write to."
        ) from error


def _same(path: Path, output: Path) -> bool:
    try:
        return path.samefile(output)
    except OSError:  # one is not there
        return False


def written(output: Path, painted: Painted, *, replace: bool) -> Path:
    """Write the file; under another name where it would not be what was asked for.

    Args:
        output: the file to make.
        painted: the picture, which may have another format than was asked for.
        replace: whether a file of that name is replaced; one that came meanwhile is not otherwise.

    Returns:
        Where it is.

    Raises:
        OSError: the disk or the permissions do not allow it.
    """
    is_as_asked = FORMATS[output.suffix.lower()] == FORMATS[painted.suffix]
    if is_as_asked and replace:
        write_atomically(output, painted.picture, replace=True)
        return output
    name = output.name if is_as_asked else f"{output.stem}{painted.suffix}"
    path = publish_new(output.parent, name, painted.picture)
    if path != output:
        why = (
            "another file has come there meanwhile"
            if is_as_asked
            else f"the picture is too long for a {output.suffix} file"
        )
        click.echo(
            f"{printable(output)} was not written: {why}. It is {printable(path)}.", err=True
        )
    return path
