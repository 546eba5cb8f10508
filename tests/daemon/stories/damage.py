"""What may become of a journal between two lives of the daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

Damage = Literal["removed", "all gone", "junk", "cut"]
DAMAGES: Final[tuple[Damage, ...]] = ("removed", "all gone", "junk", "cut")


def damage(journal: Path, how: Damage) -> None:
    """Do it.

    Args:
        journal: its file; SQLite's other ones lie beside it.
        how: the file is removed, or all of them are, or something else is written over it, or
            its second half is missing.
    """
    if how == "junk":
        journal.write_bytes(b"something else " * 1000)
    elif how == "cut":
        journal.write_bytes(journal.read_bytes()[: journal.stat().st_size // 2])
    else:
        for path in journal.parent.glob(f"{journal.name}*" if how == "all gone" else journal.name):
            path.unlink()
