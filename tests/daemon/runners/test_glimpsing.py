"""When a job is shown to whoever looks on, how large, and what that may cost."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from daemon import pictures
from daemon.runners.base import (
    GLIMPSE_SIDE,
    Glimpse,
    GlimpseTrouble,
    Painted,
    Progressed,
    Resumed,
    Started,
)
from daemon.runners.glimpsing import FIRST_SECONDS, OVERTAKEN, SECONDS, SHARE, Glimpsing
from daemon.runners.request import PaintRequest
from engine import Progress, Recipe
from tests.daemon.child_stand_ins import (
    SLOW,
    camera_shy_worker,
    far_sighted_worker,
    short_sighted_worker,
)
from tests.daemon.runners.test_local import request, running
from tests.daemon.standins import Clock

Picture = NDArray[np.uint8]


def flat(height: int, width: int, shade: int = 90) -> Picture:
    return np.full((height, width, 3), shade, np.uint8)


class Painting:
    """Stands for a painting on its way; a look at it may take a while, or fail."""

    def __init__(self, clock: Clock, takes: float = 0.0) -> None:
        self.picture: Picture | None = flat(60, 80)
        self.error: Exception | None = None
        self._clock, self._takes = clock, takes

    def preview(self) -> Picture | None:
        self._clock.now += self._takes
        if self.error is not None:
            raise self.error
        return self.picture


class Room:
    """Somebody who looks on, and what they are shown."""

    def __init__(self, size: int = 512, *, glimpses: bool = True) -> None:
        self.clock = Clock(100.0)
        self.shown: list[tuple[float, Glimpse]] = []
        self.troubles: list[GlimpseTrouble] = []
        recipe = Recipe(size=size, scales=(0.5, 1.0), iterations=(3, 3))
        wanted = PaintRequest("a", b"", (), recipe, glimpses=glimpses)
        self.glimpsing = Glimpsing(wanted, self.hear, self.clock)

    def hear(self, event: Glimpse | GlimpseTrouble) -> None:
        if isinstance(event, Glimpse):
            self.shown.append((self.clock.now, event))
        else:
            self.troubles.append(event)

    def step(self, painting: Painting, iteration: int) -> int:
        """Take one step; how often the painting has been shown."""
        self.clock.now += 0.1
        step = Progress(iteration, 40, 1, 2, 80, 60, 1.0, 1.0)
        self.glimpsing.between_steps(painting, step)
        return [glimpse.of for _, glimpse in self.shown].count("painting")

    def paint(self, painting: Painting, steps: int, seconds: float, scale: int = 1) -> list[float]:
        """Take steps of so many seconds; when the painting was shown, from the first of them on."""
        began, before = self.clock.now, len(self.shown)
        for _ in range(steps):
            self.clock.now += seconds
            step = Progress(1, 9, scale, 2, 80, 60, 1.0, 1.0)
            self.glimpsing.between_steps(painting, step)
        return [when - began for when, _ in self.shown[before:]]

    def sizes(self) -> list[tuple[int, int]]:
        return [size_of(glimpse) for _, glimpse in self.shown]


def size_of(glimpse: Glimpse) -> tuple[int, int]:
    with Image.open(io.BytesIO(glimpse.jpeg)) as image:
        assert image.format == "JPEG"
        assert image.mode == "RGB"
        return image.size


def test_the_photo_is_shown_at_once_and_the_painting_after_its_first_step() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    assert room.paint(Painting(room.clock), 1, 0.1) == [pytest.approx(0.1)]
    assert [glimpse.of for _, glimpse in room.shown] == ["photo", "painting"]
    assert {glimpse.job_id for _, glimpse in room.shown} == {"a"}


def test_looks_become_rarer() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    times = room.paint(Painting(room.clock), 600, 0.1)
    pauses = [b - a for a, b in pairwise(times)]
    assert pauses[0] == pytest.approx(FIRST_SECONDS, abs=0.2)
    assert pauses[-1] == pytest.approx(SECONDS, abs=0.2)
    assert all(later >= sooner - 0.2 for sooner, later in pairwise(pauses))


@pytest.mark.parametrize("takes", [0.0, 0.2, 3.0])
def test_they_take_no_more_than_their_share_of_the_time(takes: float) -> None:
    room, steps = Room(), 2000
    room.glimpsing.photo(flat(300, 400))
    times = room.paint(Painting(room.clock, takes), steps, 1.0)
    assert len(times) >= 2
    # The first of them has no time before it, and the last one none behind it.
    assert takes * (len(times) - 1) <= SHARE * (times[-1] - times[0]) * 1.001


def test_a_scale_that_begins_is_looked_at_at_once() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    painting = Painting(room.clock)
    room.paint(painting, 100, 0.1)
    assert room.paint(painting, 3, 0.1, scale=2) == [pytest.approx(0.1)]


def test_but_not_if_looking_takes_long() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    painting = Painting(room.clock, takes=2.0)
    room.paint(painting, 1, 1.0)
    assert room.paint(painting, 100, 1.0, scale=2) == []
    assert len(room.paint(painting, 101, 1.0, scale=2)) == 1


@pytest.mark.parametrize(
    ("photo", "size", "wanted"),
    [
        ((3000, 4000), 512, (GLIMPSE_SIDE, 360)),
        ((4000, 3000), 512, (360, GLIMPSE_SIDE)),
        ((3000, 4000), 256, (256, 192)),
        ((60, 80), 512, (80, 60)),
        ((33, 1000), 512, (GLIMPSE_SIDE, 16)),
    ],
)
def test_photo_and_result_are_of_one_size(
    photo: tuple[int, int], size: int, wanted: tuple[int, int]
) -> None:
    room = Room(size)
    room.glimpsing.photo(flat(*photo))
    result = np.asarray(flat(*result_size(photo, size)), np.float32)
    room.glimpsing.painted(result + 0.2)
    assert room.sizes() == [wanted, wanted]


def result_size(photo: tuple[int, int], size: int) -> tuple[int, int]:
    height, width = photo
    return max(1, round(height * size / max(photo))), max(1, round(width * size / max(photo)))


def test_a_coarse_scale_is_not_enlarged() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    room.paint(Painting(room.clock), 1, 0.1)
    assert room.sizes() == [(400, 300), (80, 60)]


def test_the_finished_picture_is_shown_whatever_was_shown_a_moment_ago() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    room.paint(Painting(room.clock), 1, 0.1)
    room.glimpsing.painted(np.full((384, 512, 3), 300.0, np.float32))
    assert room.sizes()[-1] == (400, 300)
    with Image.open(io.BytesIO(room.shown[-1][1].jpeg)) as image:
        assert image.getpixel((9, 9)) == (255, 255, 255)


def test_what_shrinks_a_large_photo_keeps_its_colours() -> None:
    picture = flat(2000, 3000)
    picture[:, 1500:] = (250, 10, 10)
    with Image.open(io.BytesIO(pictures.small(picture, (320, 480), 80))) as image:
        assert image.size == (480, 320)
        left, right = image.getpixel((100, 160)), image.getpixel((400, 160))
    assert np.allclose(left, (90, 90, 90), atol=4)  # type: ignore[arg-type]
    assert np.allclose(right, (250, 10, 10), atol=8)  # type: ignore[arg-type]


def test_before_the_first_step_there_is_nothing_to_show() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    painting = Painting(room.clock)
    painting.picture = None
    assert room.paint(painting, 5, 1.0) == []
    assert room.troubles == []


def test_one_that_goes_on_is_shown_before_its_first_step() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    room.glimpsing.gone_on(Painting(room.clock))
    assert [(when, glimpse.of) for when, glimpse in room.shown] == [
        (100.0, "photo"), (100.0, "painting"),
    ]  # fmt: skip
    assert room.paint(Painting(room.clock), 1, 0.1) != [], "nor does its first step wait"


def test_a_first_look_is_shown_until_the_painting_is_as_far() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    room.glimpsing.first_look(lambda: np.full((240, 320, 3), 50.0, np.float32))
    assert [(when, one.of, size_of(one)) for when, one in room.shown] == [
        (100.0, "photo", (400, 300)), (100.0, "painting", (320, 240)),
    ]  # fmt: skip
    painting = Painting(room.clock)
    shown = [room.step(painting, number) for number in range(1, OVERTAKEN + 1)]
    assert shown == [1] * (OVERTAKEN - 1) + [2]


def test_a_first_look_that_takes_long_holds_up_no_other() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))

    def look() -> Picture:
        room.clock.now += 30
        return flat(240, 320)

    room.glimpsing.first_look(look)
    assert room.step(Painting(room.clock), OVERTAKEN) == 2


def test_of_a_painting_of_few_steps_the_last_one_is_shown() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    room.glimpsing.first_look(lambda: flat(240, 320))
    room.glimpsing.between_steps(Painting(room.clock), Progress(2, 2, 1, 1, 80, 60, 1.0, 0.0))
    assert len(room.shown) == 3


def test_without_a_first_look_all_is_as_ever() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    room.glimpsing.first_look(lambda: None)
    assert room.step(Painting(room.clock), 1) == 1
    assert room.troubles == []


def test_a_first_look_that_fails_is_said_and_the_painting_shown_as_ever() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))

    def look() -> Picture:
        raise ValueError("of no  use")

    room.glimpsing.first_look(look)
    assert [one.message for one in room.troubles] == [
        "There is no first look at this picture (ValueError of no use)."
    ]
    painting = Painting(room.clock)
    assert room.step(painting, 1) == 1
    painting.error = MemoryError("no room")
    room.clock.now += 1000
    room.step(painting, 2)
    assert len(room.troubles) == 2, "what stands in the way later is said too"


def test_where_nobody_looks_on_nothing_is_done() -> None:
    room = Room(glimpses=False)
    painting = Painting(room.clock)
    painting.error = AssertionError("looked at")
    room.glimpsing.photo(flat(300, 400))
    room.glimpsing.first_look(painting.preview)
    room.paint(painting, 50, 1.0)
    room.glimpsing.painted(np.zeros((384, 512, 3), np.float32))
    assert (room.shown, room.troubles) == ([], [])


def test_what_stands_in_the_way_is_said_once_and_tried_again() -> None:
    room = Room()
    room.glimpsing.photo(flat(300, 400))
    painting = Painting(room.clock)
    painting.error = MemoryError("no room")
    assert room.paint(painting, 20, 1.0) == []
    assert [one.message for one in room.troubles] == [
        "The picture cannot be shown on its way (MemoryError no room)."
    ]
    painting.error = None
    assert len(room.paint(painting, 20, 1.0)) > 1


# In the engine's process.


def test_the_child_shows_photo_painting_and_result() -> None:
    with running() as (runner, ear):
        runner.submit(replace(request("a", steps=4), glimpses=True))
        ear.end("a")
    heard = ear.heard
    shown = [event for event in heard if isinstance(event, Glimpse)]
    assert [one.of for one in shown][:2] == ["photo", "painting"]
    assert {one.of for one in shown[1:]} == {"painting"}
    kinds = [type(event) for event in heard]
    assert kinds[kinds.index(Started) + 1] is Glimpse
    assert kinds[-2:] == [Glimpse, Painted]
    assert {size_of(one) for one in (shown[0], shown[-1])} == {(64, 48)}  # grey(...) is so small
    with Image.open(io.BytesIO(shown[0].jpeg)) as image:
        assert image.getpixel((5, 5)) == (100, 100, 100)
    with Image.open(io.BytesIO(shown[-1].jpeg)) as image:
        assert image.getpixel((40, 5)) == (150, 150, 150)


def test_a_job_whose_picture_cannot_be_shown_is_painted() -> None:
    with running(camera_shy_worker) as (runner, ear):
        runner.submit(replace(request("a"), glimpses=True))
        assert isinstance(ear.end("a"), Painted)
        (trouble,) = (one for one in ear.heard if isinstance(one, GlimpseTrouble))
        assert "MemoryError" in trouble.message


def test_the_child_shows_a_first_look_before_the_first_step() -> None:
    with running(far_sighted_worker) as (runner, ear):
        runner.submit(replace(request("a", steps=4), glimpses=True))
        ear.end("a")
    kinds = [type(event) for event in ear.heard]
    at = kinds.index(Progressed)
    before = [event for event in ear.heard[:at] if isinstance(event, Glimpse)]
    assert [one.of for one in before] == ["photo", "painting"]
    with Image.open(io.BytesIO(before[1].jpeg)) as image:
        assert image.getpixel((5, 5)) == (200, 200, 200)


def test_one_that_goes_on_is_shown_as_it_is_and_has_no_first_look(tmp_path: Path) -> None:
    worker = partial(far_sighted_worker, checkpoints=tmp_path)
    with running(worker) as (runner, ear):
        runner.submit(replace(request("a", SLOW, steps=5000), glimpses=True))
        ear.next(Progressed)
    with running(worker) as (runner, ear):
        runner.submit(replace(request("a", 200, steps=5000), glimpses=True))
        ear.next(Resumed)
        before = [one.of for one in ear.heard if isinstance(one, Glimpse)]
        shown = ear.next(Glimpse)
    assert before == ["photo"]
    with Image.open(io.BytesIO(shown.jpeg)) as image:
        assert image.getpixel((40, 5)) == (150, 150, 150)


def test_a_job_whose_first_look_fails_is_painted() -> None:
    with running(short_sighted_worker) as (runner, ear):
        runner.submit(replace(request("a"), glimpses=True))
        assert isinstance(ear.end("a"), Painted)
        (trouble,) = (one for one in ear.heard if isinstance(one, GlimpseTrouble))
        assert trouble.message.startswith("There is no first look at this picture (OSError ")


def test_where_nobody_looks_on_the_child_makes_no_first_look() -> None:
    with running(short_sighted_worker) as (runner, ear):
        runner.submit(request("a"))
        assert isinstance(ear.end("a"), Painted)
        assert not any(isinstance(one, GlimpseTrouble) for one in ear.heard)
