"""Where photos were lost: all of it until they end, and of no more photos than can be kept."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from daemon.runners.losses import Losses

PHOTOS = st.sampled_from("abcdef")
STEPS = st.lists(st.tuples(PHOTOS, st.sampled_from(["left", "right", "ended"])))


def test_a_photo_is_known_by_all_places_until_it_ends() -> None:
    losses = Losses()
    losses.add("lake", "gpu-0")
    losses.add("lake", "gpu-1")
    losses.add("hill", "gpu-0")
    assert losses.of("lake") == {"gpu-0", "gpu-1"}
    losses.forget("lake")
    losses.forget("lake")
    assert losses.of("lake") == set()
    assert losses.of("hill") == {"gpu-0"}


@given(STEPS, st.integers(1, 4))
def test_those_that_were_lost_last_are_remembered(
    steps: Sequence[tuple[str, str]], most: int
) -> None:
    losses, expected = Losses(most), dict[str, set[str]]()
    for photo, what in steps:
        if what == "ended":
            losses.forget(photo)
            expected.pop(photo, None)
            continue
        losses.add(photo, what)
        expected[photo] = expected.pop(photo, set()) | {what}
        for oldest in list(expected)[:-most]:
            del expected[oldest]
    assert {photo: losses.of(photo) for photo in "abcdef"} == {
        photo: expected.get(photo, set()) for photo in "abcdef"
    }
