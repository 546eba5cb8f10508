"""PyTorch's older file format, read without PyTorch and without running anything that is in it.

Such a file is a row of pickles (a magic number, the protocol, sizes of types, the object, the keys
of its storages) and then the storages, one after the other: their length and their bytes. A pickle
may name any function to be called; this reader knows three names, and refuses all others.
"""

from __future__ import annotations

import io
import os
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAGIC: Final = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
"""How these files begin: pickles of the magic number and of protocol 1001."""

_PICKLES: Final = 1 << 20  # bytes; the names of the sixteen layers take 6000
_MOST_THINGS: Final = 100_000

_STORAGES: Final = MappingProxyType(
    {
        "ByteStorage": np.dtype("u1"),
        "HalfStorage": np.dtype("<f2"),
        "FloatStorage": np.dtype("<f4"),
        "DoubleStorage": np.dtype("<f8"),
    }
)


class _Storage(NamedTuple):
    key: str
    dtype: np.dtype[Any]
    length: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Read a dictionary of tensors.

    Tensors of 8 bits named ``X_q`` beside a table of 256 values ``X_table`` come as ``X``, looked
    up in the table.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged, cut off, or asks for more than tensors.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError("not a file of this format")
        pickles = io.BytesIO(file.read(_PICKLES))
        try:
            _sizes, found, keys = (_unpickled(pickles) for _ in range(3))
            tensors = {name: item for name, item in found.items() if isinstance(item, _Tensor)}
            known = {item.storage.key: item.storage for item in tensors.values()}
            expected = [known[key] for key in keys]
        except Exception as error:  # a damaged pickle can raise anything
            raise ValueError(f"not a row of tensors: {error}") from error
        file.seek(len(MAGIC) + pickles.tell())
        storages = {storage.key: _read_storage(file, storage) for storage in expected}
    return _looked_up({name: _cut(item, storages) for name, item in tensors.items()})


def _unpickled(file: io.BytesIO) -> Any:
    start = file.tell()
    for opcode, argument, _ in pickletools.genops(file):
        # The unpickler makes room for as many things as the highest number says.
        if "PUT" in opcode.name and int(argument or 0) > _MOST_THINGS:
            raise ValueError("too many things")
    file.seek(start)
    return _Unpickler(file).load()


class _Unpickler(pickle.Unpickler):
    """Knows how tensors are put together, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        allowed: dict[tuple[str, str], Callable[..., Any]] = {
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
            ("collections", "OrderedDict"): OrderedDict,
        }
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, _, length, view = pid
        if view is not None:
            raise pickle.UnpicklingError("views of storages are not supported")
        return _Storage(str(key), np.dtype(dtype), int(length))


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_rest: Any
) -> _Tensor:
    expected, step = [], 1
    for size in reversed(shape):
        expected.append(step)
        step *= size
    if tuple(reversed(expected)) != tuple(stride) or offset < 0:
        raise pickle.UnpicklingError("the tensor is not laid out in one piece")
    return _Tensor(storage, offset, tuple(shape))


def _read_storage(file: BinaryIO, storage: _Storage) -> NDArray[Any]:
    length = int.from_bytes(file.read(8), "little")
    if length != storage.length:
        raise ValueError(f"a storage of {length} values where {storage.length} are announced")
    size = length * storage.dtype.itemsize
    if size > os.fstat(file.fileno()).st_size:
        raise ValueError("the file ends too early")
    data = file.read(size)
    return np.frombuffer(data, storage.dtype)


def _cut(tensor: _Tensor, storages: dict[str, NDArray[Any]]) -> NDArray[Any]:
    count = int(np.prod(tensor.shape, dtype=np.int64))
    values = storages[tensor.storage.key][tensor.offset : tensor.offset + count]
    return values.reshape(tensor.shape)


def _looked_up(tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    tables = {name.removesuffix("_table") for name in tensors if name.endswith("_table")}
    arrays = {
        name: array
        for name, array in tensors.items()
        if name.removesuffix("_table").removesuffix("_q") not in tables
    }
    try:
        found = {name: tensors[f"{name}_table"][tensors[f"{name}_q"]] for name in tables}
    except (KeyError, IndexError) as error:
        raise ValueError(f"a table of values does not fit: {error}") from error
    return arrays | found
