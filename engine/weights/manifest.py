"""`vgg19.json`: what is known of the weights that lie beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.errors import WeightsError, WeightsFileError, WeightsMissingError
from engine.weights.conventions import Convention, Triple

PARAMS: Final = "vgg19.params"
"""Name of the file of the weights in place."""

MANIFEST: Final = "vgg19.json"
"""Name of the file that says what is known of them."""

OF_FIRST_LOOKS: Final = ("adain.params", "adain.json", "vgg_normalized.pth", "decoder.pth")
"""Names of files of another network, `engine.weights.adain`'s: in place, what is known of it, and
the two as people have them."""

VERSION: Final = 1
_TRIPLE: Final = 3


@dataclass(frozen=True)
class Manifest:
    """What is known of the weights in place.

    Attributes:
        source: file or package that they came from.
        source_sha256: of that file.
        sha256: of `vgg19.params`.
        convention: the network's input.
        recognised: how the convention was told, see `conventions.Recognised.how`.
        layers: kernel shape (out, in, height, width) of each convolution.
        seen: SHA-256 of the other files that lay beside them when they were put in place: these
            were passed over, and are not newcomers.
    """

    source: str
    source_sha256: str
    sha256: str
    convention: Convention
    recognised: str
    layers: Mapping[str, tuple[int, ...]]
    seen: tuple[str, ...] = ()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def to_json(manifest: Manifest) -> str:
    """The manifest as it stands in its file."""
    convention = manifest.convention
    # Names of files need not be UTF-8; the manifest is.
    source = manifest.source.encode("utf-8", "backslashreplace").decode()
    data = {
        "version": VERSION,
        "network": "VGG-19",
        "source": source,
        "source_sha256": manifest.source_sha256,
        "sha256": manifest.sha256,
        "channel_order": convention.order,
        "input_range": convention.range,
        "mean": convention.mean,
        "scale": convention.scale,
        "recognised": manifest.recognised,
        "seen": list(manifest.seen),
        "layers": dict(manifest.layers),
    }
    return json.dumps(data, indent=2) + "\n"


def known(folder: Path) -> Manifest:
    """What is known of the weights in place; nothing is checked.

    Raises:
        WeightsError: there are none, or the manifest cannot be read.
    """
    return read(folder / MANIFEST)


def source_in_place(folder: Path) -> str:
    """SHA-256 of the file that the weights in place were made from; empty without any."""
    try:
        return known(folder).source_sha256
    except WeightsError:
        return ""


def read(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        WeightsMissingError: there is none.
        WeightsFileError: it cannot be read, or another version of the program wrote it.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data["version"]
        if version == VERSION:
            return _parsed(data)
    except FileNotFoundError:
        raise WeightsMissingError(
            f"There are no trained weights in {path.parent.resolve()}. Run `atelierd weights "
            "fetch`, or put a file of VGG-19 weights there."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsFileError(
            f"{path} cannot be read. Run `atelierd weights fetch` to get the weights again."
        ) from error
    raise WeightsFileError(
        f"{path} is of version {version!r}, which this program does not know. Run `atelierd "
        "weights fetch` to get the weights again."
    )


def _parsed(data: Mapping[str, Any]) -> Manifest:
    order = data["channel_order"]
    if order not in ("BGR", "RGB"):
        raise ValueError(f"channel order {order!r}")
    convention = Convention(
        order, float(data["input_range"]), _triple(data["mean"]), _triple(data["scale"])
    )
    if convention.range <= 0 or min(convention.scale) <= 0:
        raise ValueError("range and scale must be positive")
    return Manifest(
        source=str(data["source"]),
        source_sha256=str(data["source_sha256"]),
        sha256=str(data["sha256"]),
        convention=convention,
        recognised=str(data.get("recognised", "values")),
        layers={str(name): tuple(map(int, shape)) for name, shape in data["layers"].items()},
        seen=tuple(str(sha256) for sha256 in data.get("seen", ())),
    )


def _triple(values: Any) -> Triple:
    numbers = [float(value) for value in values]
    if len(numbers) != _TRIPLE:
        raise ValueError(f"{len(numbers)} values instead of three")
    return numbers[0], numbers[1], numbers[2]
