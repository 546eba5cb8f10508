"""How the C library hands out memory to a process that paints: asked for when it is started.

A first step, and each one for which there is not room enough to keep its arrays for the next,
takes and gives back over a gigabyte in pieces of many megabytes, and each page of 4 kB that comes
from the kernel costs a fault. In pages of 2 MB such a step is a tenth faster (docs/performance.md
has the figures, and what else was tried). Other C libraries, and kernels without such pages, are as
they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

VARIABLE: Final = "GLIBC_TUNABLES"
_WANTED: Final = "glibc.malloc.hugetlb=1"


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables to start a process with that will paint.

    Args:
        environ: of the process that starts it; what is set there wins, since it comes last.
    """
    before = environ.get(VARIABLE, "")
    if _WANTED in before:
        return {VARIABLE: before}
    return {VARIABLE: f"{_WANTED}:{before}" if before else _WANTED}
