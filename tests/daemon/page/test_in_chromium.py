"""The page as its readers have it: a file, opened in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon.names import printable
from daemon.obstacles import Obstacle
from daemon.page.board import Board
from daemon.page.drawing import draw
from daemon.page.phrases import LONGEST_NAME
from daemon.words import words
from tests.daemon.page.boards import (
    a_failure,
    a_painting,
    a_result,
    a_wait,
    asking,
    empty,
    every_state,
)
from tests.daemon.page.boards import full as everything
from tests.daemon.page.browser import MISSING, Browser, until
from tests.daemon.page.test_drawing import HOSTILE, named

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

RIGHT, END = "\ue014", "\ue010"  # keys, by the standard
SOON = "document.body.dataset.every = '0.2'"
LONG_ENOUGH = 4.0  # seconds; it waits for 2.5 after what its reader does, and looks twice in one
GAP = Obstacle(
    "a.jpg may still be being copied: a part of it, or of its style, holds nothing. It is taken if "
    "it stays so for some minutes"
)
STAYS = Obstacle("1 photo stays in the inbox, which cannot be moved")
HALF = "inset(0px 50% 0px 0px)"
NOW = 1_800_000_000.0  # for tests of what is told of time
SHOWN = "return document.documentElement.classList.contains('ready')"


def young(board: Board) -> Board:
    return replace(board, made=time.time())


def busy() -> Board:
    return young(replace(empty(), now=(a_painting(),), results=(a_result(),), painted_in_all=1))


@pytest.fixture(scope="module")
def english() -> Iterator[Browser]:
    with closing(Browser("en")) as browser:
        yield browser


@pytest.fixture(scope="module")
def chinese() -> Iterator[Browser]:
    with closing(Browser("zh-CN")) as browser:
        yield browser


@pytest.fixture(scope="module")
def without_scripts() -> Iterator[Browser]:
    with closing(Browser("en", "--blink-settings=scriptEnabled=false")) as browser:
        yield browser


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "Status.html"


def still(board: Board) -> bytes:
    """The page, which does not read itself again while a test is at it, but when that says so."""
    drawn, number = re.subn(rb'data-every="[^"]*"', b'data-every="9999"', draw(board))
    assert number == 1
    return drawn


def show(browser: Browser, page: Path, board: Board) -> None:
    page.write_bytes(still(board))
    browser.open(page)
    until(lambda: browser.run(SHOWN))


@contextmanager
def at_the_time(browser: Browser, moment: float) -> Iterator[None]:
    """Let it be that time in pages that are opened, however long anything takes."""
    source = f"Date.now = () => {moment * 1000}"
    made = browser.tools("Page.addScriptToEvaluateOnNewDocument", source=source)
    try:
        yield
    finally:
        browser.tools("Page.removeScriptToEvaluateOnNewDocument", **made)


def renewed(browser: Browser, page: Path, board: Board) -> None:
    """Write the page anew, and wait until it has read itself again."""
    page.with_suffix(".new").write_bytes(still(board))
    page.with_suffix(".new").replace(page)
    browser.run("document.documentElement.dataset.former = 'yes'; " + SOON)
    until(lambda: browser.run(f"{SHOWN} && document.documentElement.dataset.former === undefined"))


def text_at(browser: Browser, selector: str) -> str:
    return str(browser.run("return document.querySelector(arguments[0]).innerText", selector))


def place(browser: Browser, selector: str) -> dict[str, float]:
    """Where an element is in the window, once it has been brought there."""
    found: dict[str, float] = browser.run(
        "const one = document.querySelector(arguments[0]); one.scrollIntoView({block: 'center'});"
        "const {left, top, width, height} = one.getBoundingClientRect();"
        "return {left, top, width, height}",
        selector,
    )
    return found


def shown_of_the_photo(browser: Browser, job: str) -> str:
    """How the photo on top is cut."""
    return str(
        browser.run(
            "const slider = document.getElementById(arguments[0]);"
            "return getComputedStyle(slider.closest('.wipe').querySelector('.photo')).clipPath",
            f"wipe-{job}",
        )
    )


@pytest.mark.parametrize("state", every_state())
def test_the_browser_finds_nothing_to_complain_of(english: Browser, page: Path, state: str) -> None:
    english.complaints()
    show(english, page, young(every_state()[state]))
    assert english.complaints() == []


def test_what_the_page_does_not_bring_is_refused(english: Browser, page: Path) -> None:
    show(english, page, busy())
    english.run(
        "window.refused = [];"
        "document.addEventListener('securitypolicyviolation',"
        " (event) => window.refused.push(event.effectiveDirective));"
        "const script = document.createElement('script'); script.textContent = 'window.evil = 1';"
        "document.body.append(script);"
        "document.body.append(Object.assign(new Image(), {src: 'Outbox/r0.png'}));"
        "document.body.insertAdjacentHTML('beforeend', '<b style=\"color: red\">x</b>');"
        "fetch('Outbox/r0.png').catch(() => {});"
    )
    expected = {"script-src-elem", "img-src", "style-src-attr", "connect-src"}
    until(lambda: expected <= set(english.run("return window.refused")))
    assert english.run("return window.evil") is None


def test_the_slider_moves_by_keys(english: Browser, page: Path) -> None:
    show(english, page, busy())
    assert shown_of_the_photo(english, "r0") == "inset(0px 50% 0px 0px)"
    english.press("#wipe-r0", RIGHT * 5)
    assert shown_of_the_photo(english, "r0") == "inset(0px 45% 0px 0px)"
    slider = "return document.getElementById('wipe-r0').getAttribute('aria-valuetext')"
    assert english.run(slider) == "55% photo, 45% painting"
    english.press("#wipe-r0", END)
    assert shown_of_the_photo(english, "r0") == "inset(0px 0% 0px 0px)"
    assert shown_of_the_photo(english, "now-n1") == "inset(0px 50% 0px 0px)"


@pytest.mark.parametrize("kind", ["mouse", "touch"])
def test_the_slider_is_dragged(english: Browser, page: Path, kind: str) -> None:
    show(english, page, busy())
    at = place(english, "#result-r0 .view")
    middle = at["top"] + at["height"] / 2
    start, end = at["left"] + at["width"] / 2, at["left"] + at["width"] * 0.8
    english.drag((start, middle), (end, middle), kind)
    slider = "return Number(document.getElementById('wipe-r0').value)"
    value = until(lambda: (now := english.run(slider)) > 75 and now)
    assert value < 85
    assert shown_of_the_photo(english, "r0") == f"inset(0px {100 - value}% 0px 0px)"
    assert len(english.windows()) == 1, "who drags does not open the picture"


TAB = "\ue004"
PRESSED = "return document.querySelector(arguments[0]).getAttribute('aria-pressed')"
OPACITY = "return getComputedStyle(document.querySelector(arguments[0])).opacity"


def tap(browser: Browser, selector: str, kind: str, share: float = 0.5) -> None:
    """Touch an element, or click on it, at some share of its width."""
    at = place(browser, selector)
    spot = (at["left"] + at["width"] * share, at["top"] + at["height"] / 2)
    browser.drag(spot, spot, kind)


@pytest.mark.parametrize("kind", ["mouse", "touch"])
@pytest.mark.parametrize("job", ["r0", "now-n1"])
def test_who_cannot_drag_sees_all_of_each(
    english: Browser, page: Path, kind: str, job: str
) -> None:
    show(english, page, busy())
    for which, cut in (("photo", "0%"), ("painting", "100%")):
        for shown, pressed in ((f"inset(0px {cut} 0px 0px)", "true"), (HALF, "false")):
            tap(english, f"#{which}-{job}", kind)
            until(lambda: shown_of_the_photo(english, job) == shown)  # noqa: B023 - asked at once
            assert english.run(PRESSED, f"#{which}-{job}") == pressed
    tap(english, f"#photo-{job}", kind)
    tap(english, f"#painting-{job}", kind)
    until(lambda: shown_of_the_photo(english, job) == "inset(0px 100% 0px 0px)")
    assert english.run(PRESSED, f"#photo-{job}") == "false"
    assert len(english.windows()) == 1, "who presses a button does not open the picture"


@pytest.mark.parametrize("kind", ["mouse", "touch"])
def test_a_tap_on_the_easel_brings_the_line_there(english: Browser, page: Path, kind: str) -> None:
    show(english, page, busy())
    tap(english, ".now .view", kind, 0.8)
    slider = "return Number(document.getElementById('wipe-now-n1').value)"
    until(lambda: 79 <= english.run(slider) <= 81)
    assert shown_of_the_photo(english, "r0") == HALF


def test_the_buttons_are_seen_and_large_enough_where_fingers_are_used(
    english: Browser, page: Path
) -> None:
    narrow = tuple(replace(a_result(f"r{n}"), width=60, height=100) for n in range(6))
    english.look(320)
    english.tools("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        show(english, page, replace(busy(), results=narrow))
        for job in ("r0", "r5", "now-n1"):
            photo, painting = (place(english, f"#{one}-{job}") for one in ("photo", "painting"))
            assert english.run(OPACITY, f"#photo-{job} .tag") == "1"
            for button in (photo, painting):
                assert min(button["width"], button["height"]) >= 44
            assert photo["left"] + photo["width"] <= painting["left"]
    finally:
        english.tools("Emulation.setTouchEmulationEnabled", enabled=False)
        english.look(1200)


def test_the_buttons_are_pressed_by_keys_and_show_the_focus(english: Browser, page: Path) -> None:
    show(english, page, busy())
    english.press("#wipe-r0", TAB)
    assert english.run("return document.activeElement.id") == "photo-r0"
    ring = "return getComputedStyle(document.querySelector('#photo-r0 .tag')).outlineStyle"
    assert english.run(ring) == "solid"
    until(lambda: english.run(OPACITY, "#photo-r0 .tag") == "1")
    english.press("#photo-r0", " ")
    assert shown_of_the_photo(english, "r0") == "inset(0px 0% 0px 0px)"
    renewed(english, page, busy())
    assert english.run(PRESSED, "#photo-r0") == "true", "as it was"
    assert english.run("return document.activeElement.id") == "photo-r0"


def test_screen_readers_are_told_what_the_buttons_show(
    english: Browser, chinese: Browser, page: Path
) -> None:
    names = {"en": "Photo alone: Garden.png", "zh": "只看照片：Garden.png"}
    for browser, language in ((english, "en"), (chinese, "zh")):
        show(browser, page, busy())
        told = [
            one["name"]["value"]
            for role in ("button", "ToggleButton")
            for one in accessible(browser, role)
        ]
        assert names[language] in told
        assert len([one for one in told if "Garden.png" in one]) == 2


def test_what_waits_for_its_reader_is_seen_at_once(english: Browser, page: Path) -> None:
    english.look(1200)
    show(english, page, asking(busy()))
    english.run("scrollTo(0, 0)")
    for selector in (".asks h2", ".few-names", ".faults"):
        bottom = english.run(
            "return document.querySelector(arguments[0]).getBoundingClientRect().bottom", selector
        )
        assert bottom < 900, "of the window's height"
    assert "and 194 more" in text_at(english, ".few-names")
    assert "Move each into one of the folders in Inbox" in text_at(english, ".asks")


def test_the_plot_is_small(english: Browser, page: Path) -> None:
    show(english, page, busy())
    for width in (360, 820, 1440):
        english.look(width)
        plot, easel = place(english, ".plot svg"), place(english, ".now")
        assert plot["width"] * plot["height"] < easel["width"] * easel["height"] / 20
    (shown,) = accessible(english, "image")[-1:] or accessible(english, "img")
    assert shown["name"]["value"].startswith("How far the painting is from its goal")
    assert "Scale 1: down to 10% of where it began." in shown["description"]["value"]


def test_a_click_opens_the_painting(english: Browser, page: Path) -> None:
    show(english, page, busy())
    painting = page.parent / "Outbox" / "r0.png"
    painting.parent.mkdir()
    painting.write_bytes(a_result().after or b"")
    at = place(english, "#result-r0 .view")
    (first,) = english.windows()
    spot = (at["left"] + at["width"] * 0.15, at["top"] + at["height"] / 2)
    english.drag(spot, spot, "mouse")
    (opened,) = until(lambda: [each for each in english.windows() if each != first])
    english.go_to(opened)
    until(lambda: english.address() == painting.as_uri())
    english.close_window()
    english.go_to(first)


def accessible(browser: Browser, role: str) -> list[dict[str, Any]]:
    """What a screen reader is told of the elements of a role."""
    browser.tools("Accessibility.enable")
    nodes = browser.tools("Accessibility.getFullAXTree")["nodes"]
    return [one for one in nodes if one.get("role", {}).get("value") == role]


def test_screen_readers_are_told_what_is_there(english: Browser, page: Path) -> None:
    board = replace(
        busy(), waiting=(a_wait(),), waiting_in_all=1, failures=(a_failure(),), failed_in_all=1
    )
    show(english, page, board)
    names = {
        role: [one["name"]["value"] for one in accessible(english, role)]
        for role in ("slider", "progressbar", "region", "link", "main", "banner", "contentinfo")
    }
    assert names["slider"] == [
        "Compare photo and painting: Harbour.jpg",
        "Compare photo and painting: Garden.png",
    ]
    assert names["progressbar"] == ["Progress"]
    assert names["link"] == [
        "Open the photo Broken.jpg",
        "Open the painting Garden.png",
        "Open the photo of Garden.png",
    ]
    assert names["region"] == [
        "Harbour.jpg",
        "Up next",
        "Could not be painted",
        "Lately painted",
        "Styles",
        "How it works",
    ]
    assert len(names["main"]) == len(names["banner"]) == len(names["contentinfo"]) == 1


def spoken(browser: Browser) -> dict[str, str]:
    """The texts on the page without places, by their keys."""
    found: dict[str, str] = browser.run(
        "return Object.fromEntries([...document.querySelectorAll('[data-say]')]"
        ".filter((one) => !one.children.length).map((one) => [one.dataset.say, one.textContent]))"
    )
    return found


def test_the_page_speaks_its_readers_language(chinese: Browser, page: Path) -> None:
    results = (replace(a_result(), finished=NOW - 7200),)
    with at_the_time(chinese, NOW):
        show(chinese, page, replace(everything(), made=NOW, results=results))
    assert chinese.run("return document.documentElement.lang") == "zh"
    said, known = spoken(chinese), words("zh").texts
    assert len(said) > 25
    for key, text in said.items():
        if not key.startswith(("reason.", "fault.", "trouble")) or key.startswith("trouble."):
            assert text == known[f"page.{key}"]
    shown = text_at(chinese, ".now .left")
    assert shown == "约剩 3 分钟"
    assert text_at(chinese, "#result-r0 time") == "2小时前"
    assert chinese.run("return document.title") == "50% · 风格绘画"


def test_the_reader_may_choose_another_and_it_is_remembered(chinese: Browser, page: Path) -> None:
    show(chinese, page, busy())
    chinese.click("#speak-en")
    assert chinese.run("return document.documentElement.lang") == "en"
    assert spoken(chinese)["results.title"] == "Lately painted"
    chinese.reload()
    until(lambda: chinese.run(SHOWN))
    assert chinese.run("return document.documentElement.lang") == "en"
    pressed = "return document.getElementById('speak-en').getAttribute('aria-pressed')"
    assert chinese.run(pressed) == "true"
    chinese.click("#speak-zh")
    assert spoken(chinese)["results.title"] == "最近完成"


def test_times_are_told_from_now(english: Browser, page: Path) -> None:
    result = replace(a_result(), finished=NOW - 3 * 3600)
    with at_the_time(english, NOW):
        show(english, page, replace(busy(), made=NOW, results=(result,)))
    assert text_at(english, "#result-r0 time") == "3 hours ago"
    assert text_at(english, ".made") == "Updated just now"


def test_reading_itself_again_leaves_all_where_the_reader_had_it(
    english: Browser, page: Path
) -> None:
    english.look(800)
    board = young(replace(everything(), trouble=()))
    show(english, page, board)
    english.press("#wipe-r2", RIGHT * 7)
    english.run("document.getElementById('waiting').open = true")
    english.run("document.getElementById('result-r2').scrollIntoView({block: 'center'})")
    top = "return document.getElementById('result-r2').getBoundingClientRect().top"
    before = english.run(top)
    # What has come above it in the meantime must not push it away.
    renewed(english, page, young(replace(board, trouble=(GAP, STAYS))))
    assert spoken(english)["trouble"] == f"{GAP.text}.\n{STAYS.text}."
    assert english.run("return document.getElementById('wipe-r2').value") == "57"
    assert shown_of_the_photo(english, "r2") == "inset(0px 43% 0px 0px)"
    assert english.run("return document.getElementById('waiting').open") is True
    assert english.run("return document.getElementById('guide').open") is False
    assert english.run("return document.activeElement.id") == "wipe-r2"
    assert english.run(top) == pytest.approx(before, abs=3)


def test_what_its_reader_has_folded_stays_so(english: Browser, page: Path) -> None:
    first = replace(busy(), results=(), painted_in_all=0)
    is_open = "return document.getElementById('guide').open"
    show(english, page, first)
    assert english.run(is_open) is True
    english.click("#how")
    renewed(english, page, young(first))
    assert english.run(is_open) is False
    english.click("#how")
    renewed(english, page, busy())
    assert english.run(is_open) is False, "nobody has opened it, and now it is shut by itself"


def test_it_waits_while_a_slider_is_held_and_when_it_is_told_to(
    english: Browser, page: Path
) -> None:
    show(english, page, busy())
    # In one step, here and below: between two of them it may read itself again.
    english.run(
        "document.documentElement.dataset.former = 'yes';"
        "document.getElementById('pause').click();" + SOON
    )
    assert spoken(english)["refresh.start"] == "Keep up to date"
    time.sleep(LONG_ENOUGH)
    assert english.run("return document.documentElement.dataset.former") == "yes"
    english.run(
        "document.getElementById('wipe-r0').dispatchEvent("
        "new PointerEvent('pointerdown', {bubbles: true}));"
        "document.getElementById('pause').click()"
    )
    time.sleep(LONG_ENOUGH)
    assert english.run("return document.documentElement.dataset.former") == "yes"
    english.run("dispatchEvent(new PointerEvent('pointerup'))")
    until(lambda: english.run("return document.documentElement.dataset.former") is None)


def test_it_waits_while_a_screen_reader_moves_the_focus(english: Browser, page: Path) -> None:
    show(english, page, busy())
    english.run(
        "document.documentElement.dataset.former = 'yes'; let turn = 0;"
        "const move = () => document.getElementById(['wipe-r0', 'open-r0'][turn++ % 2]).focus();"
        "move(); window.reading = setInterval(move, 200);" + SOON
    )
    time.sleep(LONG_ENOUGH)
    assert english.run("return document.documentElement.dataset.former") == "yes"
    english.run("clearInterval(window.reading)")
    until(lambda: english.run("return document.documentElement.dataset.former") is None)


def test_screen_readers_are_told_that_it_reads_itself_again(
    english: Browser, chinese: Browser, page: Path
) -> None:
    for browser, said in ((english, "reads itself again"), (chinese, "自动重新读取")):
        show(browser, page, busy())
        told = [one["name"]["value"] for one in accessible(browser, "StaticText")]
        (before,) = [number for number, text in enumerate(told) if said in text]
        stop = words("en" if browser is english else "zh").texts["page.refresh.stop"]
        assert told[before + 1] == stop, "how to stop that comes next"
        browser.click("#pause")
        assert not [
            one for one in accessible(browser, "StaticText") if said in one["name"]["value"]
        ]
        browser.click("#pause")


def test_progress_is_said_at_each_tenth(english: Browser, page: Path) -> None:
    show(english, page, busy())
    news = "return document.getElementById('news').textContent"
    assert english.run(news) == ""
    renewed(english, page, young(replace(busy(), now=(replace(a_painting(), step=64),))))
    until(lambda: english.run(news) == "Harbour.jpg: 80% done")


@pytest.mark.parametrize(
    ("age", "what", "banner"),
    [
        (5, "painting", ""),
        (600, "painting", "This page may be out of date"),
        (600, "idle", ""),
        (100_000, "idle", "This page may be out of date"),
        (100_000, "ended", ""),
    ],
)
def test_an_old_page_says_so(
    english: Browser, page: Path, age: float, what: str, banner: str
) -> None:
    board = busy() if what == "painting" else replace(busy(), now=(), running=what != "ended")
    with at_the_time(english, NOW):
        show(english, page, replace(board, made=NOW - age))
    assert text_at(english, "#old").partition("\n")[0] == banner


def test_a_page_that_changes_is_not_old_whatever_the_clocks_say(
    english: Browser, page: Path
) -> None:
    show(english, page, replace(busy(), made=time.time() - 7200))
    assert english.run("return document.getElementById('old').hidden") is False
    renewed(english, page, replace(busy(), made=time.time() - 7190))
    assert english.run("return document.getElementById('old').hidden") is True


def test_names_do_nothing(english: Browser, page: Path) -> None:
    count = "return document.querySelectorAll('*').length"
    show(english, page, named("plain"))
    elements = english.run(count)
    for name in HOSTILE:
        show(english, page, named(name))
        assert not english.has_dialog()
        assert english.run(count) == elements
        if len(printable(name)) <= LONGEST_NAME:
            assert text_at(english, ".now h2") == " ".join(printable(name).split())
        english.run("document.getElementById('speak-zh').click()")
        english.run("document.getElementById('speak-en').click()")
        assert english.run(count) == elements
        expected = "\n".join(map(printable, name.splitlines()))
        assert spoken(english)["reason.0"] == expected


def test_a_memory_that_holds_nonsense_does_no_harm(english: Browser, page: Path) -> None:
    show(english, page, replace(busy(), made=NOW))
    strange = '{"sliders": {"old": 3, "guide": 1}, "folds": {"news": 1}, "anchor": 5, "focus": []}'
    for nonsense in ('"constructor"', "{", "17", "null", strange):
        # Last, after the page itself has kept what it keeps.
        english.run(
            "localStorage.setItem('atelierd language', arguments[0]);"
            "addEventListener('pagehide', () =>"
            " sessionStorage.setItem(`atelierd ${location.pathname}`, arguments[0]));",
            nonsense,
        )
        with at_the_time(english, NOW):
            english.open(page)
            until(lambda: english.run(SHOWN))
        assert english.run("return document.documentElement.lang") == "en"
        assert text_at(english, ".made") == "Updated just now"
    english.run("localStorage.clear()")


@pytest.mark.parametrize("state", [*every_state(), "long names"])
def test_nothing_is_wider_than_the_window(english: Browser, page: Path, state: str) -> None:
    states = {**every_state(), "long names": named("W" * 255)}
    show(english, page, young(states[state]))
    wide = (
        "return [...document.querySelectorAll('main *')].filter((one) => one.type !== 'range'"
        " && !one.closest('.hidden') && one.getBoundingClientRect().right > innerWidth + 1).length"
    )
    for width in (320, 360, 820, 1440):
        english.look(width)
        assert english.run("return document.documentElement.scrollWidth") <= width
        assert english.run("return innerWidth") == width
        assert english.run(wide) == 0, width


def test_without_scripts_all_of_it_can_be_read(without_scripts: Browser, page: Path) -> None:
    page.write_bytes(draw(busy()))
    without_scripts.open(page)
    assert without_scripts.run("return document.documentElement.className") == ""
    visible = (
        "return [...document.querySelectorAll('#result-r0 img')].map((one) => {"
        " const {left, right, width} = one.getBoundingClientRect(); return [left, right, width]})"
    )
    painting, photo = without_scripts.run(visible)
    assert painting[2] == photo[2] > 50
    assert photo[1] <= painting[0], "photo and painting hang side by side"
    shown = without_scripts.run("return getComputedStyle(document.body).visibility")
    assert shown == "visible"
    assert "UTC" in text_at(without_scripts, "#result-r0 time")
    slider = "return getComputedStyle(document.getElementById('wipe-r0')).display"
    assert without_scripts.run(slider) == "none"
    for id_ in ("pause", "photo-r0", "painting-r0"):
        shown = f"return getComputedStyle(document.getElementById('{id_}')).display"
        assert without_scripts.run(shown) == "none", "it would do nothing"
    tags = (
        "return [...document.querySelectorAll('#result-r0 .unscripted')]"
        ".map((one) => [one.innerText, getComputedStyle(one).opacity])"
    )
    assert without_scripts.run(tags) == [["Photo", "1"], ["Painting", "1"]]


def test_without_scripts_it_reads_itself_again(without_scripts: Browser, page: Path) -> None:
    page.write_bytes(draw(busy()).replace(b'content="10"', b'content="1"'))
    without_scripts.open(page)
    page.write_bytes(draw(empty()))
    until(lambda: without_scripts.run("return document.querySelector('#lead') !== null"))
