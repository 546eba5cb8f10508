"""The weights in place: `vgg19.params` in MXNet's own format, and `vgg19.json`, its manifest."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.errors import WeightsError, WeightsFileError, WeightsHashError, WeightsMissingError
from engine.recipe import CONVOLUTIONS
from engine.weights import conventions, readers
from engine.weights.conventions import CONVENTIONS, Convention, Layers

PARAMS: Final = "vgg19.params"
MANIFEST: Final = "vgg19.json"
VERSION: Final = 1
_AGAIN: Final = "Run `atelierd weights fetch` to get them again."


@dataclass(frozen=True)
class Manifest:
    """What is known of the weights in place.

    Attributes:
        source: file or package that they came from.
        source_sha256: of that file.
        sha256: of `vgg19.params`.
        convention: the network's input.
        layers: kernel shape of each convolution.
    """

    source: str
    source_sha256: str
    sha256: str
    convention: Convention
    layers: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Weights:
    """Trained weights, in memory."""

    layers: Layers
    convention: Convention
    sha256: str


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def import_file(
    source: Path, folder: Path, convention: str | None = None, origin: str | None = None
) -> Manifest:
    """Convert a file of weights and put it in place; what is there stays if anything is wrong.

    Args:
        source: the file.
        folder: where the weights live.
        convention: a name in `CONVENTIONS`; unset, it is recognised.
        origin: what to call the source in the manifest; unset, its file name.

    Raises:
        WeightsError: the file cannot be used; the message says why.
    """
    layers, retrained = readers.read(source)
    name = convention or conventions.recognised(layers, retrained)
    if name not in CONVENTIONS:
        raise WeightsFileError(f"There is no convention {name}: use {', '.join(CONVENTIONS)}.")
    origin = origin or source.name
    return _put_in_place(layers, CONVENTIONS[name], folder, origin, sha256_of(source))


def _put_in_place(
    layers: Layers, convention: Convention, folder: Path, source: str, source_sha256: str
) -> Manifest:
    """Write both files under temporary names, then rename: the manifest last.

    A crash between the two leaves a file whose hash is not its manifest's; `verify` says so.
    """
    from engine.mx import nd  # noqa: PLC0415 - the formats of other files are read without MXNet

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".importing-") as scratch:
        params = Path(scratch, PARAMS)
        arrays = {
            f"{name}_{part}": nd.array(array)
            for name, pair in layers.items()
            for part, array in zip(("weight", "bias"), pair, strict=True)
        }
        nd.save(str(params), arrays)
        shapes = {name: tuple(kernel.shape) for name, (kernel, _) in layers.items()}
        manifest = Manifest(source, source_sha256, sha256_of(params), convention, shapes)
        note = Path(scratch, MANIFEST)
        note.write_text(json.dumps(_as_json(manifest), indent=2) + "\n", encoding="utf-8")
        for file in (params, note):
            _sync(file)
            file.replace(folder / file.name)
        _sync(folder)
    return manifest


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _as_json(manifest: Manifest) -> dict[str, Any]:
    return {
        "version": VERSION,
        "network": "VGG-19",
        "source": manifest.source,
        "source_sha256": manifest.source_sha256,
        "sha256": manifest.sha256,
        **conventions.as_json(manifest.convention),
        "layers": manifest.layers,
    }


def manifest_in(folder: Path) -> Manifest:
    """Read the manifest.

    Raises:
        WeightsMissingError: there is none.
        WeightsFileError: it cannot be read.
    """
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        layers = {name: tuple(shape) for name, shape in data["layers"].items()}
        convention = conventions.from_json(data)
        return Manifest(data["source"], data["source_sha256"], data["sha256"], convention, layers)
    except FileNotFoundError:
        raise WeightsMissingError(
            f"The trained weights are not in {folder}. Run `atelierd weights fetch`, or put a file "
            "of VGG-19 weights there by hand."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsFileError(f"{path} cannot be read. {_AGAIN}") from error


def verify(folder: Path) -> Manifest:
    """Check the weights in place against their manifest.

    Raises:
        WeightsError: they are missing or not the promised ones.
    """
    manifest = manifest_in(folder)
    path = folder / PARAMS
    if not path.is_file():
        raise WeightsMissingError(f"{path} is missing, though its manifest is there. {_AGAIN}")
    if sha256_of(path) != manifest.sha256:
        raise WeightsHashError(
            f"{path} is not the file that {MANIFEST} describes: it was changed or damaged. {_AGAIN}"
        )
    return manifest


def load(folder: Path) -> Weights:
    """Load the weights, checked; a file put there by hand and never imported is imported first.

    Raises:
        WeightsError: there are none, or they are damaged.
    """
    if not (folder / MANIFEST).exists():
        _adopt(folder)
    manifest = verify(folder)
    layers, _ = readers.read(folder / PARAMS)
    if set(layers) != set(CONVOLUTIONS):
        raise WeightsFileError(f"{folder / PARAMS} is no whole VGG-19. {_AGAIN}")
    return Weights(layers, manifest.convention, manifest.sha256)


def _adopt(folder: Path) -> None:
    """Import the first usable file that somebody put into the folder; theirs is kept."""
    fault: WeightsError | None = None
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    for file in files:
        if file.suffix.lower() not in readers.SUFFIXES or file.name.startswith("."):
            continue
        try:
            import_file(_aside(file) if file.name == PARAMS else file, folder)
        except WeightsError as error:
            fault = error
        else:
            return
    if fault is not None:
        raise fault


def _aside(file: Path) -> Path:
    """Free the name that the converted weights take: a person's file is never overwritten."""
    kept = file.with_name(f"original-{file.name}")
    if not kept.exists():
        os.link(file, kept)
    return kept
