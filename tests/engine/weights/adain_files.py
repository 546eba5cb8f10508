"""The two files that people have of the network of first looks, as PyTorch would save them."""

from __future__ import annotations

from pathlib import Path

from engine.weights.adain import DECODER, DECODER_FILE, ENCODER, ENCODER_FILE, ENTRY
from engine.weights.conventions import Layers

from . import forms

_ENCODER = dict(zip((ENTRY, *ENCODER), (0, 2, 5, 9, 12, 16, 19, 22, 25, 29), strict=True))
_DECODER = dict(zip(DECODER, (1, 5, 8, 11, 14, 18, 21, 25, 28), strict=True))


def halves(folder: Path, layers: Layers) -> tuple[Path, Path]:
    """Write both, the first with a layer more than is wanted of it.

    Args:
        folder: where; made.
        layers: those that are there.
    """
    folder.mkdir(parents=True)
    for name, keys in ((ENCODER_FILE, _ENCODER), (DECODER_FILE, _DECODER)):
        arrays: forms.Arrays = {}
        for layer, key in keys.items():
            if layer in layers:
                arrays[f"{key}.weight"], arrays[f"{key}.bias"] = layers[layer]
        if keys is _ENCODER:
            arrays["32.weight"] = layers["conv4_1"][0]
        forms.write_torch(folder / name, arrays)
    return folder / ENCODER_FILE, folder / DECODER_FILE
