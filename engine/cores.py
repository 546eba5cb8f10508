"""How many physical cores this process may use: affinity, cgroup quota and hyper-threads counted."""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from pathlib import Path


def usable_cores(root: Path = Path("/"), cpus: Collection[int] | None = None) -> int:
    """Count the physical cores that this process may use, at least 1.

    Args:
        root: where `/sys` and `/proc` stand.
        cpus: logical processors allowed; unset, this process's affinity.
    """
    allowed = sorted(os.sched_getaffinity(0) if cpus is None else cpus)
    cores = {_core(root, cpu) for cpu in allowed}
    return max(1, math.ceil(min(len(cores), _quota(root))))


def _core(root: Path, cpu: int) -> str:
    """Identify the physical core of a logical processor by the siblings that share it."""
    topology = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
    for name in ("core_cpus_list", "thread_siblings_list"):
        text = _read(topology / name)
        if text:
            return text
    return str(cpu)


def _quota(root: Path) -> float:
    """Processors' worth of time that the cgroup grants (version 2, then 1); infinite if unbounded."""
    cgroup = root / "sys/fs/cgroup"
    own = _read(root / "proc/self/cgroup").rpartition("::")[2].strip("/")
    shares = [math.inf]
    for folder in (cgroup / own, cgroup):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if quota.isdigit() and period.isdigit():
            shares.append(int(quota) / int(period))
    quota, period = (_read(cgroup / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    if quota.isdigit() and period.isdigit():
        shares.append(int(quota) / int(period))
    return min(shares)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
