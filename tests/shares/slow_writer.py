"""A process that writes a photo piece by piece: PATH WAY PAUSE, and the photo at its stdin.

It says in the end how many seconds at most lay between two of its writes.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

PIECES = 5


def main(path: Path, way: str, pause: float) -> None:
    """Write it: growing; into a file of its size, or of zeros; the last piece first; or twice."""
    data = sys.stdin.buffer.read()
    step = len(data) // PIECES + 1
    starts = list(range(0, len(data), step))
    if way == "backwards":
        starts.reverse()
    longest, before = 0.0, time.monotonic()
    with path.open("wb", buffering=0) as file:
        if way in {"preset", "backwards"}:
            file.truncate(len(data))
        if way == "zeroed":
            file.write(bytes(len(data)))
        if way == "twice":
            file.write(data[: len(data) // 2])
            time.sleep(pause)
            file.truncate(0)
        for start in starts:
            os.pwrite(file.fileno(), data[start : start + step], start)
            now = time.monotonic()
            longest, before = max(longest, now - before), now
            time.sleep(pause)
    sys.stdout.write(f"{longest}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
