"""Ports of this machine that stay a test's own while nobody listens there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"


@contextmanager
def kept_port() -> Iterator[int]:
    """A port that no other process is given meanwhile, whoever comes and goes there.

    One that is only free may be anybody's a moment later, and many tests run at once. Who is to
    listen there has to allow that it is used again, as Dask and Samba do.
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind((LOOPBACK, 0))
        yield keeper.getsockname()[1]
