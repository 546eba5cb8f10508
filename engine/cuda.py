"""CUDA as MXNet's wheels need it: its libraries from PyPI, and what the driver says of cards."""

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
_NO_DEVICE: Final = 100  # CUDA_ERROR_NO_DEVICE


@dataclass(frozen=True)
class Card:
    """One GPU, as the driver describes it.

    Attributes:
        index: by which MXNet knows it too: both leave the order to the driver.
        name: as sold.
        capability: compute capability, major and minor.
    """

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


@dataclass(frozen=True)
class Found:
    """What the driver says.

    Attributes:
        cards: all GPUs that this process may see.
        remark: why there are none; empty if there are some.
    """

    cards: tuple[Card, ...] = ()
    remark: str = ""


class _DriverError(Exception):
    """A call of the driver failed."""


def find_libraries(folders: Iterable[Path]) -> list[Path]:
    """Look for the CUDA 11 libraries that pip has installed, where the loader does not look.

    Args:
        folders: of the `nvidia` name space package; the first that has a library wins.

    Returns:
        Those that are there, in the order in which they have to be loaded.
    """
    places = list(folders)
    found = []
    for package, library in LIBRARIES:
        files = (place / package / "lib" / library for place in places)
        found += [file for file in files if file.is_file()][:1]
    return found


def preload_installed() -> list[Path]:
    """Load them, for this Python, so that `libmxnet.so` finds them by their names.

    Returns:
        The files that were loaded.

    Raises:
        OSError: the loader refuses one.
    """
    spec = importlib.util.find_spec("nvidia")
    places = spec.submodule_search_locations if spec else None
    found = find_libraries(Path(place) for place in places or ())
    for path in found:
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    return found


def ask_driver(load: Callable[[str], Any] = ctypes.CDLL) -> Found:
    """Ask NVIDIA's driver which GPUs there are. No card is used for it, so none can be upset.

    Args:
        load: loads a shared library by its name, or raises OSError; tests pass a stand-in.
    """
    try:
        driver = load("libcuda.so.1")
    except OSError:
        return Found(remark="there is no NVIDIA driver (libcuda.so.1) on this machine")
    try:
        return _ask(driver)
    except _DriverError as error:
        return Found(remark=f"NVIDIA's driver is here but does not work: {error}")


def _ask(driver: Any) -> Found:
    started = driver.cuInit(0)
    count = ctypes.c_int()
    if started != _NO_DEVICE:
        _check(driver, started)
        _check(driver, driver.cuDeviceGetCount(ctypes.byref(count)))
    if not count.value:
        return Found(remark="NVIDIA's driver is here but shows this process no GPU")
    return Found(tuple(_card(driver, index) for index in range(count.value)))


def _card(driver: Any, index: int) -> Card:
    device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
    _check(driver, driver.cuDeviceGet(ctypes.byref(device), index))
    _check(driver, driver.cuDeviceGetName(name, len(name), device))
    major, minor = (_attribute(driver, number, device) for number in (_MAJOR, _MINOR))
    return Card(index, name.value.decode(errors="replace"), (major, minor))


def _attribute(driver: Any, number: int, device: ctypes.c_int) -> int:
    value = ctypes.c_int()
    _check(driver, driver.cuDeviceGetAttribute(ctypes.byref(value), number, device))
    return value.value


def _check(driver: Any, status: int) -> None:
    if status:
        text = ctypes.c_char_p()
        driver.cuGetErrorString(status, ctypes.byref(text))
        said = (text.value or b"").decode(errors="replace") or "it does not say why"
        raise _DriverError(f"{said} (CUDA error {status})")
