"""Said once, and once more when it comes back."""

from __future__ import annotations

from daemon.errors import PublishError
from daemon.once import Once, reason_of


def test_each_thing_is_new_once_until_all_is_over() -> None:
    once = Once()
    assert not once
    assert not once.is_over()
    assert [once.is_new(what) for what in "abab"] == [True, True, False, False]
    assert once
    assert once.is_over()
    assert not once
    assert once.is_new("a")


def test_the_reason_is_that_of_the_disk_whatever_the_file() -> None:
    told = []
    for name in "ab":
        error = PublishError(f"{name} could not be moved.")
        error.__cause__ = OSError(28, "No space left on device", name)
        told.append(reason_of(error))
    assert told == ["No space left on device"] * 2
    assert reason_of(PublishError("No.")) == "No."
    assert reason_of(OSError("odd")) == "odd"
