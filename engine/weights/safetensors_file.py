"""Reader of `.safetensors`, with the one type of numbers that numpy lacks: bfloat16."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsFileError

_BFLOAT16: Final = "BF16"
_NUMPY: Final = frozenset(
    {"F64", "F32", "F16", "BOOL", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64"}
)
"""Types that the library hands over as arrays."""


def read_arrays(path: Path, wanted: Callable[[str], bool]) -> dict[str, NDArray[Any]]:
    """Read the arrays with the wanted names; bfloat16 becomes float32, which loses nothing.

    Args:
        path: the file.
        wanted: is asked for each name.

    Raises:
        WeightsFileError: a wanted array is of a type that cannot be read, such as 8-bit floats.
        Exception: the file is damaged, in whatever words the library has for that.
    """
    from safetensors import safe_open  # noqa: PLC0415 - only who imports weights pays for it

    found: dict[str, NDArray[Any]] = {}
    with safe_open(path, framework="numpy") as file:  # checks that offsets and shapes agree
        for name in filter(wanted, file.keys()):
            kind = str(file.get_slice(name).get_dtype())
            if kind != _BFLOAT16 and kind not in _NUMPY:
                raise WeightsFileError(
                    f"{path.name}: {name} is stored as {kind}, which cannot be read here. Save the "
                    "weights as float32 (F32) or float16 (F16) and import that."
                )
            found[name] = _bfloat16(path, name) if kind == _BFLOAT16 else file.get_tensor(name)
    return found


def _bfloat16(path: Path, name: str) -> NDArray[np.float32]:
    """Read one array by hand: a bfloat16 is the upper half of a float32."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(length))[name]
        begin, end = entry["data_offsets"]
        file.seek(8 + length + begin)
        halves = np.frombuffer(file.read(end - begin), "<u2")
    return (halves.astype(np.uint32) << 16).view(np.float32).reshape(entry["shape"])
