"""The one import of MXNet.

MXNet 1.9.1 is the last release of a retired project. What it needs from a newer world is put in
place here: numpy's removed names, the number of threads (which it reads once, as it is loaded), the
CUDA libraries, and silence about what its sources do that has since been deprecated.

This is the one module that works at import: `from engine.mx import nd` is meant to read as
`from mxnet import nd` would.
"""

from __future__ import annotations

import os
import warnings
from typing import Any, TypeAlias

from engine.cores import usable_cores
from engine.cuda import preload_installed
from engine.errors import DeviceError
from engine.numpy_names import restored

Array: TypeAlias = Any
"""An `mxnet.nd.NDArray`: MXNet has no types."""


def _imported() -> Any:
    # Unset, MXNet takes half of the processors.
    os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))
    with warnings.catch_warnings(), restored():
        warnings.simplefilter("ignore")
        try:
            preload_installed()
            import mxnet  # noqa: PLC0415 - only after all of the above
        except (ImportError, OSError) as error:
            raise DeviceError(
                f"MXNet cannot be loaded ({error}). Install it with `pip install mxnet==1.9.1`; "
                "the build for GPUs also needs NVIDIA's driver on this machine."
            ) from error
    return mxnet


mx: Any = _imported()
nd: Any = mx.nd
autograd: Any = mx.autograd
