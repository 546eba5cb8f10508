"""The one import of MXNet: `from engine.mx import mx, nd, autograd`.

MXNet 1.9.1 is the last release of a retired project. What it needs from a newer world is put in
place here: numpy's removed names, the number of threads (which it reads once, as it is loaded), the
CUDA libraries, and silence about what its sources do that has since been deprecated.

This is the one module that works at import: `from engine.mx import nd` is meant to read as
`from mxnet import nd` would. What stays changed in the process: OMP_NUM_THREADS, if it was unset,
and `engine.numpy_names.STAYING`. If MXNet cannot be loaded, importing this module raises
`DeviceError`, which says what to install.
"""

from __future__ import annotations

import os
import warnings
from typing import Any, TypeAlias

from engine.builds import explain, installed_builds, is_for_gpus
from engine.cores import usable_cores
from engine.cuda import preload_installed
from engine.errors import DeviceError
from engine.numpy_names import restored

Array: TypeAlias = Any
"""An `mxnet.nd.NDArray`: MXNet has no types."""


def _imported() -> Any:
    # Unset, MXNet takes half of the processors.
    os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))
    builds = installed_builds()
    try:
        if any(is_for_gpus(build) for build in builds):
            preload_installed()
        with warnings.catch_warnings(), restored():
            warnings.simplefilter("ignore")
            import mxnet  # noqa: PLC0415 - only after all of the above
    # AttributeError: the folder is half of one build, or numpy lacks still more names.
    except (ImportError, OSError, AttributeError) as error:
        raise DeviceError(explain(error, builds)) from error
    return mxnet


mx: Any = _imported()
nd: Any = mx.nd
autograd: Any = mx.autograd
