"""How many physical cores this process may use: affinity, cgroup quota and hyper-threads counted.

Two hyper-threads share one core's arithmetic units, so a convolution gains nothing from the second.
And a process in a container sees every processor of the machine, but may use fewer of them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, MutableMapping
from pathlib import Path

from engine.cgroups import group_folders, read_text


def settle_threads(environ: MutableMapping[str, str]) -> int:
    """Set OMP_NUM_THREADS to the usable cores, unless somebody has set it to a number of threads.

    Unset, MXNet takes half of the processors, whatever they are; a value that is no number makes
    OpenMP take all.

    Args:
        environ: the environment; MXNet reads it when it is loaded.

    Returns:
        The number of threads that OpenMP will use.
    """
    given = environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()  # more: nested regions
    if given.isdecimal() and int(given) > 0:
        return int(given)
    cores = usable_cores()
    environ["OMP_NUM_THREADS"] = str(cores)
    return cores


def usable_cores(root: Path = Path("/"), cpus: Collection[int] | None = None) -> int:
    """Count the physical cores that this process may use, at least 1.

    Args:
        root: where `/sys` and `/proc` stand.
        cpus: logical processors allowed; unset, this process's affinity.

    Returns:
        Physical cores among `cpus`, limited by the cgroup quota. A quota of 2.5 processors gives
        2: with a third thread the kernel would stop all of them for a part of each period.
    """
    cores = physical_cores(os.sched_getaffinity(0) if cpus is None else cpus, root)
    quota = cgroup_quota(root)
    return max(1, cores if quota is None else min(cores, int(quota)))


def cores_of(cpus: Collection[int], root: Path = Path("/")) -> list[tuple[int, ...]]:
    """The physical cores behind logical processors: of each those hyper-threads that are given.

    Args:
        cpus: numbers of logical processors.
        root: where `/sys` stands.
    """
    found: dict[str, list[int]] = {}
    for cpu in sorted(cpus):
        found.setdefault(_core(root, cpu), []).append(cpu)
    return [tuple(threads) for threads in found.values()]


def physical_cores(cpus: Collection[int], root: Path = Path("/")) -> int:
    """Count the cores behind logical processors; one that tells nothing of its core counts as one.

    Args:
        cpus: numbers of logical processors.
        root: where `/sys` stands.
    """
    return len(cores_of(cpus, root))


def cgroup_quota(root: Path = Path("/")) -> float | None:
    """Return how many processors' worth of time the control groups grant, None without a limit.

    The process's own group and all above it may set one; the least counts. Version 2 says it in
    `cpu.max`, version 1 in `cpu.cfs_quota_us` and `cpu.cfs_period_us`.

    Args:
        root: where `/sys` and `/proc` stand.
    """
    quotas = (_quota(folder) for folder in group_folders("cpu", root))
    return min((quota for quota in quotas if quota is not None), default=None)


def _core(root: Path, cpu: int) -> str:
    """Identify the physical core of a logical processor by the siblings that share it."""
    topology = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
    names = ("core_cpus_list", "thread_siblings_list")  # the first since Linux 5.3
    return next((text for name in names if (text := read_text(topology / name))), str(cpu))


def _quota(folder: Path) -> float | None:
    quota, _, period = read_text(folder / "cpu.max").partition(" ")
    if not quota:
        quota, period = (read_text(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    # `max` in version 2 and -1 in version 1 are no limit.
    limited = quota.isdecimal() and period.isdecimal() and int(period) > 0
    return int(quota) / int(period) if limited else None
