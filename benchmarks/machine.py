"""What machine the figures are from."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from engine.cores import usable_cores
from engine.room import room

_TELLING = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def describe() -> dict[str, Any]:
    """Processor, its extensions that matter, cores, memory and versions; JSON-ready."""
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    facts = {name.strip(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    flags = facts.get("flags", "").split()
    return {
        "processor": facts.get("model name", platform.processor()),
        "family_and_model": f"{facts.get('cpu family', '?')} {facts.get('model', '?')}",
        "extensions": [name for name in _TELLING if name in flags],
        "cores": usable_cores(),
        "memory_mb": room() // 2**20,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("mxnet", "numpy", "torch")},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
