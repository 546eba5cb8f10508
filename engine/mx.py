"""The one import of MXNet: `from engine.mx import mx, nd, autograd`.

MXNet 1.9.1 is the last release of a retired project. What it needs from a newer world is put in
place here: numpy's removed names, the number of threads (which it reads once, as it is loaded), the
CUDA libraries, and silence about what its sources do that has since been deprecated.

This is the one module that works at import: `from engine.mx import nd` is meant to read as
`from mxnet import nd` would.

What stays changed in the process: OMP_NUM_THREADS, if it was no number; two of MXNet's own
variables, with a GPU build four; and `engine.numpy_names.STAYING`. If MXNet cannot be loaded,
importing this module raises `DeviceError`, which says what to install.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from engine.builds import explain, installed_builds, is_for_gpus
from engine.cores import settle_threads
from engine.cuda import preload_installed
from engine.errors import DeviceError
from engine.numpy_names import restored

Array: TypeAlias = Any
"""An `mxnet.nd.NDArray`: MXNet has no types."""


def _prepare_gpus() -> None:
    # Two runs shall give the same picture, so cuDNN may use none of its algorithms that add up in
    # another order each time. Autotuning then measures and takes the fastest of the others, once
    # for each shape (1: of those whose place to work in is bounded). Which of them wins may differ
    # from start to start, and so may the last digits of a picture; within one process it does not.
    os.environ.setdefault("MXNET_ENFORCE_DETERMINISM", "1")
    os.environ.setdefault("MXNET_CUDNN_AUTOTUNE_DEFAULT", "1")
    preload_installed()


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """Let a package seem not to be installed.

    MXNet takes sparse matrices of SciPy's, by a name that SciPy has given up, each time that it
    makes an array. Nobody here gives it any; without SciPy it does not ask.
    """
    known = sys.modules.get(package)
    sys.modules[package] = None  # type: ignore[assignment] # what an import of it then fails on
    try:
        yield
    finally:
        del sys.modules[package]
        if known is not None:
            sys.modules[package] = known


def _imported() -> Any:
    builds = installed_builds()
    try:
        if any(is_for_gpus(build) for build in builds):
            _prepare_gpus()
        with warnings.catch_warnings(), restored(), _hidden("scipy"):
            warnings.simplefilter("ignore")
            import mxnet  # noqa: PLC0415 - only after all of the above
    # AttributeError: the folder is half of one build, or numpy lacks still more names.
    except (ImportError, OSError, AttributeError) as error:
        raise DeviceError(explain(error, builds)) from error
    return mxnet


# Of the four places to work in that MXNet keeps for operators side by side one is used here, and
# each grows as large as the largest maps.
os.environ.setdefault("MXNET_CPU_TEMP_COPY", "1")
# What oneDNN has prepared for a shape is kept for ever by default: 5 MB more with each picture of
# another shape. One scale of a picture needs 13 of a kind, its tiles some times that; what had to
# give way is made anew in no time that could be measured.
os.environ.setdefault("MXNET_MKLDNN_CACHE_NUM", "64")

threads: Final = settle_threads(os.environ)
"""CPU threads that MXNet computes with; it counts them once, while it is loaded."""

mx: Any = _imported()
nd: Any = mx.nd
autograd: Any = mx.autograd
