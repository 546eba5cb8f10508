"""CUDA as MXNet's wheels need it: libraries from PyPI, and what the driver says of the cards."""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LIBRARIES: Final = (
    ("cuda_runtime", "libcudart.so.11.0"), ("cuda_nvrtc", "libnvrtc.so.11.2"),
    ("nvtx", "libnvToolsExt.so.1"), ("cublas", "libcublasLt.so.11"), ("cublas", "libcublas.so.11"),
    ("cufft", "libcufft.so.10"), ("curand", "libcurand.so.10"), ("cusparse", "libcusparse.so.11"),
    ("cusolver", "libcusolver.so.11"), ("cudnn", "libcudnn.so.8"), ("nccl", "libnccl.so.2"),
)  # fmt: skip
"""What `libmxnet.so` of mxnet-cu117 links to, in an order in which each finds what it needs."""

OLDEST: Final = (5, 0)
NEWEST: Final = (8, 9)
"""Compute capabilities that the wheels hold machine code for (no PTX, so nothing newer can run)."""

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR


@dataclass(frozen=True)
class Card:
    """One GPU, as the driver describes it."""

    index: int
    name: str
    capability: tuple[int, int]

    @property
    def supported(self) -> bool:
        """Whether MXNet's wheels hold code for it."""
        return OLDEST <= self.capability <= NEWEST

    def __str__(self) -> str:
        """Name and compute capability."""
        return f"{self.name} (compute capability {self.capability[0]}.{self.capability[1]})"


def preload(folders: Iterable[Path], load: Callable[[str], Any]) -> list[str]:
    """Load the CUDA 11 libraries that are installed as Python packages, if there are any.

    Args:
        folders: of the `nvidia` name space package.
        load: loads one library for all to see.

    Returns:
        The files that were loaded.
    """
    found = [
        str(folder / package / "lib" / library)
        for package, library in LIBRARIES
        for folder in folders
        if (folder / package / "lib" / library).exists()
    ]
    for path in found:
        load(path)
    return found


def preload_installed() -> list[str]:
    """`preload` for this Python."""
    spec = importlib.util.find_spec("nvidia")
    places = spec.submodule_search_locations if spec else None
    folders = [Path(place) for place in places or ()]
    return preload(folders, lambda path: ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL))


def cards(load: Callable[[str], Any] = ctypes.CDLL) -> list[Card]:
    """Ask the driver which GPUs there are; none if there is no driver. Touches no card."""
    try:
        driver = load("libcuda.so.1")
    except OSError:
        return []
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return []
    return [_card(driver, index) for index in range(count.value)]


def _card(driver: Any, index: int) -> Card:
    device, name = ctypes.c_int(), ctypes.create_string_buffer(128)
    driver.cuDeviceGet(ctypes.byref(device), index)
    driver.cuDeviceGetName(name, len(name), device)
    numbers = []
    for attribute in (_MAJOR, _MINOR):
        number = ctypes.c_int()
        driver.cuDeviceGetAttribute(ctypes.byref(number), attribute, device)
        numbers.append(number.value)
    return Card(index, name.value.decode(errors="replace"), (numbers[0], numbers[1]))
