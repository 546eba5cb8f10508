"""A painter of a cluster that paints in no time: what is measured is Dask and the network alone.

``python -m benchmarks.scale_painter tcp://127.0.0.1:8786 200`` gives each photo back as the
picture, after 200 pieces of news; with a third number, each of them is a preview of so many bytes.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.load_daemon import AtOnce
from daemon.cluster import quiet
from daemon.cluster.joining import Joining, Where
from daemon.cluster.studio import Studio


def main(scheduler: str, news: int, preview_bytes: int = 0) -> None:
    """Paint until the process is ended."""
    quiet.keep_to_ourselves()
    preview = os.urandom(preview_bytes)
    studio = Studio(lambda deliver: AtOnce(deliver, news=news, preview=preview), None)
    with tempfile.TemporaryDirectory() as folder:
        where = Where(scheduler, None, "", 1, Path(folder), "127.0.0.1")
        asyncio.run(Joining(studio, where, lambda _: None).stay(asyncio.Event()))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
