"""How the C library hands out memory to a process that paints: asked for when it is started.

A step takes and gives back over a gigabyte in pieces of many megabytes. As it comes, glibc keeps
some of that in its heap, with holes that nothing fits into, and takes the rest from the kernel in
pages of 4 kB, each of which costs a fault. Here everything above a megabyte comes from the kernel,
in pages of 2 MB where it has them, and goes back at once. That is a tenth faster, and the memory
that a process holds is what it uses (docs/performance.md has the figures). Other C libraries do not
know the variable and are as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

VARIABLE: Final = "GLIBC_TUNABLES"
_WANTED: Final = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1048576"


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables to start a process with that will paint.

    Args:
        environ: of the process that starts it; what is set there wins, since it comes last.
    """
    before = environ.get(VARIABLE, "")
    if _WANTED in before:
        return {VARIABLE: before}
    return {VARIABLE: f"{_WANTED}:{before}" if before else _WANTED}
