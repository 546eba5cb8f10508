"""The sheet is made by a child, and one bad picture costs no more than itself."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from daemon.looking import limits_of
from daemon.settings import WatchSettings
from daemon.sheet.maker import FONTS, Made, Maker, Order, Wanted
from tests.daemon.sheet import sheet_stand_ins

LIMITS = limits_of(WatchSettings())
LONG = 120.0


@contextmanager
def making(**options: Any) -> Iterator[Maker]:
    limits = options.pop("limits", LIMITS)
    maker = Maker(limits, FONTS, **options)
    try:
        yield maker
    finally:
        maker.close()


def made(maker: Maker, order: Order) -> Made:
    maker.begin(order)
    return wait_for(maker.take)


def wait_for(what: Callable[[], Made | None]) -> Made:
    end = time.monotonic() + LONG
    while (found := what()) is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str], Wanted]:
    def put(name: str) -> Wanted:
        path = tmp_path / f"{name}.png"
        Image.new("RGB", (64, 48), (10, 200, 30)).save(path)
        return Wanted(name, path)

    return put


def green(data: bytes) -> int:
    """How much of a picture is of the colour of the styles."""
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        red, lime, _ = image.convert("RGB").split()
        pairs = zip(red.tobytes(), lime.tobytes(), strict=True)
        return sum(one < 60 and other > 150 for one, other in pairs)


def test_all_are_in_it(put: Callable[[str], Wanted]) -> None:
    with making() as maker:
        result = made(maker, Order("key", (put("a"), put("b"))))
        assert (result.key, result.missing, result.unwritten) == ("key", (), ())
        both = green(result.data)
        assert green(made(maker, Order("key", (put("a"),))).data) == pytest.approx(
            both / 2, rel=0.1
        )
        assert maker.take() is None


def test_one_that_kills_the_child_is_missing_and_the_others_are_not(
    put: Callable[[str], Wanted],
) -> None:
    order = Order("key", (put("a"), put("dies"), put("b")))
    with making(work=sheet_stand_ins.dying) as maker:
        result = made(maker, order)
    assert result.missing == ("dies",)
    with making() as maker:
        assert green(result.data) == pytest.approx(
            green(made(maker, Order("key", (put("a"), put("b")))).data), rel=0.1
        )


def test_one_that_takes_too_long_is_missing(put: Callable[[str], Wanted]) -> None:
    order = Order("key", (put("hangs"), put("a")))
    with making(work=sheet_stand_ins.dying, limits=replace(LIMITS, seconds=2.0)) as maker:
        result = made(maker, order)
    assert "hangs" in result.missing
    assert result.data


def test_a_child_that_never_lives_makes_nothing(put: Callable[[str], Wanted]) -> None:
    with making(work=sheet_stand_ins.dead) as maker:
        assert made(maker, Order("key", (put("a"),))) == Made("key", b"", ("a",))


def test_unchanged_ones_are_read_once(put: Callable[[str], Wanted]) -> None:
    first, second = put("a"), put("b")
    with making() as maker:
        made(maker, Order("key", (first, second)))
        assert second.path is not None
        before = second.path.stat()
        other = put("c").path
        assert other is not None
        other.replace(second.path)
        known = set(maker._small)
        made(maker, Order("other", (first, second)))
        assert len(maker._small) == 2
        assert len(known & set(maker._small)) == 1
        assert before.st_ino != second.path.stat().st_ino
        made(maker, Order("less", (first,)))
        assert len(maker._small) == 1


def test_nobody_waits_for_it_at_the_end(put: Callable[[str], Wanted]) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    maker = Maker(LIMITS, FONTS, work=sheet_stand_ins.dying)
    maker.begin(Order("key", (put("hangs"),)))
    assert maker.is_busy
    maker.close()
    maker.close()
    assert not maker.is_busy
    # The first child of this process may leave the handle of the resource tracker.
    assert len(set(Path("/proc/self/fd").iterdir()) - before) <= 1
