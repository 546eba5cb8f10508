"""A scheduler that is ready to take another one's place: it begins once somebody says so."""

from __future__ import annotations

import sys

from distributed.cli import dask_scheduler

LOADED = "loaded"
"""What it says when it only waits any more."""

if __name__ == "__main__":
    sys.stdout.write(f"{LOADED}\n")
    sys.stdout.flush()
    sys.stdin.readline()
    dask_scheduler.main()
