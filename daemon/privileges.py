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
_CLEAR_ALL: Final = 4  # PR_CAP_AMBIENT_CLEAR_ALL


def keep_from_children() -> None:
    """Have programs started from now on inherit no privilege; this process keeps what it has.

    It is said of the calling thread, and of those that it starts: so it is to be called before any.
    Nothing happens where there is no such thing (kernels before 4.3, other systems).
    """
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return
    prctl(_AMBIENT, *map(ctypes.c_ulong, (_CLEAR_ALL, 0, 0, 0)))
