"""Which builds of MXNet are installed beside this package, and what to say if none can be loaded.

`mxnet` (for the CPU) and `mxnet-cu117` (for GPUs) are two distributions that own the same folder:
the one installed last overwrites half of the other. None of this needs MXNet itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata


def installed_builds(distributions: Iterable[metadata.Distribution] | None = None) -> list[str]:
    """Return the names of all installed distributions of MXNet, such as `mxnet-cu117`.

    Args:
        distributions: where to look; by default what this Python has installed.
    """
    found = metadata.distributions() if distributions is None else distributions
    # A folder left over from an interrupted installation has no name.
    names = {
        each.metadata["Name"].lower().replace("_", "-") for each in found if "Name" in each.metadata
    }
    return sorted(name for name in names if name == "mxnet" or is_for_gpus(name))


def is_for_gpus(build: str) -> bool:
    """Whether a distribution is one of MXNet's GPU builds."""
    return build.startswith("mxnet-cu")


def explain(error: Exception, builds: list[str]) -> str:
    """Say in words what keeps MXNet from being loaded, and what to do.

    Args:
        error: what the import raised.
        builds: the installed distributions.
    """
    if not builds:
        return "MXNet is not installed. Install atelierd with its extra `cpu`, or `gpu`."
    if len(builds) > 1:
        return (
            f"Two builds of MXNet overwrite each other here ({' and '.join(builds)}). Make a new "
            "virtual environment with one of the extras `cpu` and `gpu`, not with both."
        )
    for_gpus = is_for_gpus(builds[0])
    if for_gpus and "libcuda.so" in str(error):
        return (
            f"{builds[0]} needs NVIDIA's driver, and this machine has none (no libcuda.so.1). "
            "Install the driver, or atelierd with the extra `cpu` in a new virtual environment."
        )
    if for_gpus and "undefined symbol: cu" in str(error):
        return (
            f"{builds[0]} needs a newer NVIDIA driver than this machine has ({error}). Update the "
            "driver to one for CUDA 11.7 or later."
        )
    extra = "gpu" if for_gpus else "cpu"
    return (
        f"{builds[0]} is installed but cannot be loaded ({error}). Install atelierd with the extra "
        f"`{extra}` in a new virtual environment, with the locked requirements if it can be."
    )
