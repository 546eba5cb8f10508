"""``atelierd worker`` that says soon that it waits for its scheduler: the same process."""

from __future__ import annotations

from functools import partial

from daemon.cli import main
from daemon.cluster import joining

if __name__ == "__main__":
    joining.Pace = partial(joining.Pace, told_seconds=0.5)  # type: ignore[assignment,misc]
    main()
