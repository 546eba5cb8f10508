"""Trained weights: fetched, read from what people have, recognised, converted, verified, loaded."""

from engine.weights.conventions import CONVENTIONS, Convention
from engine.weights.fetching import fetch
from engine.weights.manifest import Manifest
from engine.weights.store import (
    Weights,
    adopt,
    import_file,
    known,
    load,
    source_in_place,
    verify,
    waiting,
)

__all__ = [
    "CONVENTIONS",
    "Convention",
    "Manifest",
    "Weights",
    "adopt",
    "fetch",
    "import_file",
    "known",
    "load",
    "source_in_place",
    "verify",
    "waiting",
]
