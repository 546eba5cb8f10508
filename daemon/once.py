"""What is said once, and not again before it is over, since a fault is met with all the time."""

from __future__ import annotations


class Once:
    """Remembers what was said."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __bool__(self) -> bool:
        """Whether anything was said that is not over."""
        return bool(self._said)

    def is_new(self, what: str) -> bool:
        """Whether this was not said yet; from now on it was."""
        if what in self._said:
            return False
        self._said.add(what)
        return True

    def is_over(self) -> bool:
        """Forget all of it; whether there was anything."""
        was, self._said = bool(self._said), set()
        return was


def reason_of(error: BaseException) -> str:
    """Why something failed, in words that are the same for each file that it happens to."""
    cause = error if error.__cause__ is None else error.__cause__
    return getattr(cause, "strerror", None) or str(error)
