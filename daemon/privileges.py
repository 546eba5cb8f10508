"""Keeps what the service may do beyond other programs from the processes that it starts.

systemd gives the service `CAP_LEASE`, to see who still writes to a photo (`daemon.writers`), in the
one way in which a program without root's rights can have it: one that its child processes inherit.
These decode what strangers made. Whoever takes one over is not to have it: with a lease on a file,
the opens of others are held up.
"""

from __future__ import annotations

import ctypes
from typing import Final

_AMBIENT: Final = 47  # linux/prctl.h: PR_CAP_AMBIENT
_LOWER: Final = 3  # PR_CAP_AMBIENT_LOWER
_LEASE: Final = 28  # linux/capability.h: CAP_LEASE


def keep_from_children() -> None:
    """Have programs started from now on not inherit it; this process keeps it.

    What else somebody has given the service to give on stays as it is: it may be what its own
    program can be read with.

    It is said of the calling thread, and of those that it starts: so it is to be called before any.
    Nothing happens where there is no such thing (kernels before 4.3, other systems).
    """
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return
    prctl(_AMBIENT, *map(ctypes.c_ulong, (_LOWER, _LEASE, 0, 0)))
