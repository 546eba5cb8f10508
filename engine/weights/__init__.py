"""Trained weights: fetched, read from what people have, recognised, converted, verified, loaded.

What is known of the weights in place can be asked without numpy, by a process that never looks into
them; all else is imported when somebody first asks for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from engine.weights.conventions import CONVENTIONS, Convention
from engine.weights.manifest import Manifest, known, source_in_place

if TYPE_CHECKING:
    from engine.weights.fetching import fetch
    from engine.weights.store import Weights, adopt, import_file, load, verify, waiting

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

_FETCHING: Final = "engine.weights.fetching"
_STORE: Final = "engine.weights.store"


def __getattr__(name: str) -> Any:
    """Give what reads or writes arrays."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_FETCHING if name == "fetch" else _STORE), name)
