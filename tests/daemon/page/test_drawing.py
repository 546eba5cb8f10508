from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from daemon.names import printable
from daemon.obstacles import Aside, Obstacle
from daemon.page.board import Asking, BadStyle, Board, FailureKind, Lonely, Places
from daemon.page.drawing import SCRIPT, STYLE, Drawing, draw
from daemon.words import LANGUAGES, Language, words
from tests.daemon.page.boards import (
    MADE,
    PLACES,
    a_failure,
    a_painting,
    a_point,
    a_result,
    a_wait,
    asking,
    empty,
    every_state,
    full,
)

STATES = every_state()
VOID = {"meta", "link", "img", "input", "path"}
PLACE = re.compile(r"\{(\w+)\}")


class Page(HTMLParser):
    """What a page is made of: elements with their attributes, and texts."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(page.decode())
        self.close()
        assert not self._open, "all that was opened is closed"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        assert len(dict(attrs)) == len(attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self._open[-1] if self._open else "", data))

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for each, attributes in self.elements if each == tag]

    def inside(self, tag: str) -> list[str]:
        return [text for each, text in self.texts if each == tag]

    def values(self, attribute: str) -> list[str]:
        return [each[attribute] for _, each in self.elements if attribute in each]


def texts_of(page: Page) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(page.inside("script")[0])
    return found


def hash_of(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.mark.parametrize("state", STATES)
def test_the_page_admits_its_own_style_and_script_alone(state: str) -> None:
    page = Page(draw(STATES[state]))
    (policy,) = [each["content"] for each in page.of("meta") if "http-equiv" in each][:1]
    (style,) = page.inside("style")
    _, script = page.inside("script")
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src '{hash_of(style)}'",
        f"script-src '{hash_of(script)}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_taken_from_elsewhere(state: str) -> None:
    raw = draw(STATES[state])
    page = Page(raw)
    assert all(source.startswith("data:image/") for source in page.values("src"))
    (icon,) = page.of("link")
    assert icon["href"].startswith("data:image/")
    for link in page.of("a"):
        assert re.fullmatch(r"(Outbox|Originals)/\w+\.\w+|Failed/\w+(\.\w+)?", link["href"])
        assert link["rel"] == "noopener"
    assert not {"base", "iframe", "object", "embed", "form"} & {tag for tag, _ in page.elements}
    assert not any(name.startswith("on") for _, each in page.elements for name in each)
    assert not page.values("style")
    (style,) = page.inside("style")
    assert all(address.startswith('"data:') for address in re.findall(r"url\(([^)]*)", style))
    assert "@import" not in style
    assert b"://" not in raw.replace(b"http://www.w3.org/2000/svg", b"")


def test_the_files_beside_cannot_end_their_own_element() -> None:
    for name in (STYLE, SCRIPT):
        assert "</" not in resources.files("daemon.page").joinpath(name).read_text()


@pytest.mark.parametrize("state", STATES)
def test_ids_are_single_and_what_is_pointed_to_is_there(state: str) -> None:
    page = Page(draw(STATES[state]))
    ids = Counter(page.values("id"))
    assert max(ids.values()) == 1
    for attribute in ("aria-labelledby", "aria-describedby"):
        assert set(page.values(attribute)) <= set(ids)


@pytest.mark.parametrize("state", STATES)
def test_all_that_can_be_used_has_a_name_and_an_id(state: str) -> None:
    page = Page(draw(STATES[state]))
    for tag, each in page.elements:
        if tag in {"button", "input", "a", "summary"}:
            assert "id" in each, "what is focused is found again by its id"
        if tag in {"input", "progress", "section", "svg"} and each.get("aria-hidden") != "true":
            assert each["aria-labelledby"]
    assert all(each["alt"] == "" for each in page.of("img")), "the text beside them says it"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_speaks_its_language_throughout(state: str, language: Language) -> None:
    page = Page(draw(STATES[state], language))
    assert page.of("html") == [{"lang": language}]
    known = texts_of(page)
    assert set(known) == set(LANGUAGES)
    for key in page.values("data-say"):
        assert key in known[language], key
    shown = "".join(text for tag, text in page.texts if tag not in {"script", "style"})
    for part in PLACE.split(known[language]["styles.title"])[::2]:
        assert part in shown


def test_the_languages_have_the_same_texts_with_the_same_places() -> None:
    english, *others = [texts_of(Page(draw(full())))[each] for each in LANGUAGES]
    for other in others:
        assert set(english) == set(other)
        for key, text in english.items():
            places = PLACE.findall(text)
            assert sorted(places) == sorted(PLACE.findall(other[key])), key
            assert len(set(places)) == len(places), f"{key}: an element cannot be in two places"
            assert other[key].strip()


def test_each_text_is_used() -> None:
    pages = [draw(board).decode() for board in STATES.values()]
    used = {key for page in pages for key in re.findall(r'data-say="([\w.]+)"', page)}
    script = resources.files("daemon.page").joinpath(SCRIPT).read_text()
    ours = {key.removeprefix("page.") for key in words("en").texts if key.startswith("page.")}
    left = {key for key in ours - used if f'"{key}"' not in script}
    # The last are put together, or said in languages of their own.
    assert {key for key in left if not key.endswith((".one", ".other", "language.name"))} == set()


def test_what_the_program_says_is_there_in_each_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "daemon.words.Words.seen",
        lambda self, text, _place, other="": f"{self.language}{other}: {text}",
    )
    board = replace(
        empty(),
        failures=(a_failure(reason="No {room}.\nGo."),),
        bad_styles=(BadStyle("Dots.jpg", "Torn."),),
        trouble=(Obstacle("Full", "weights"), Obstacle("Shut.")),
    )
    page = Page(draw(board, "zh"))
    known = texts_of(page)
    assert {each: known[each]["reason.0"] for each in LANGUAGES} == {
        "en": "en: No {room}.\nGo.",
        "zh": "zh: No {room}.\nGo.",
    }
    assert known["zh"]["trouble"] == "zhseen.other.weights: Full。\nzhseen.other.service: Shut."
    assert known["zh"]["fault.0"] == "zh: Torn."
    assert "zh: Torn." in page.inside("span")
    assert "zh: No {room}.\nGo." in page.inside("p")


GAP = "a part of it, or of its style, holds nothing. It is taken if it stays so for some minutes"


def named(name: str) -> Board:
    return Board(
        Places(name, name, name, name, name),
        MADE,
        styles=(name,),
        now=(replace(a_painting(name, name), job=name),),
        waiting=(a_wait(1, name, name),),
        waiting_in_all=1,
        results=(replace(a_result(name, name, name), link="a.png", original="b.png"),),
        failures=(replace(a_failure(name, name, name), link="c.png", back_to=name),),
        trouble=(Obstacle(f"{name} may still be being copied: {GAP}"),),
        homeless=Asking((name, name), 3),
        halves=Asking((name,), 1),
        lonely=(Lonely(name, "mask", name),),
        lonely_in_all=1,
        closed=Asking((name,), 1),
        bad_styles=(BadStyle(name, name),),
        bad_styles_in_all=1,
    )


HOSTILE = [
    "<script>alert(1)</script>.jpg",
    '"><img src=x onerror=alert(1)>.jpg',
    "' onmouseover='alert(1)",
    "</script><script>alert(1)</script>",
    "</style></title><svg onload=alert(1)>",
    "<!--",
    "]]>{{ 7 * 7 }}{% raw %}",
    "{name}{0}{__class__}",
    "photo\u202egpj.exe",
    "two\nlines\r\x00.jpg",
    "\udcff\udcfe.jpg",
    "ü" * 127 + "x",
    "javascript:alert(1)",
    "&lt;b&gt;&amp;",
]
SHAPE = [tag for tag, _ in Page(draw(named("plain"))).elements]


def assert_it_is_a_name(name: str) -> None:
    page = Page(draw(named(name)))
    assert [tag for tag, _ in page.elements] == SHAPE
    assert len(page.of("script")) == 2
    assert not any(each.startswith("on") for _, one in page.elements for each in one)
    if len(printable(name)) <= 64:
        assert printable(name) in "".join(page.inside("bdi"))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_stay_names(name: str) -> None:
    assert_it_is_a_name(name)


@given(some.text(some.characters(), min_size=1, max_size=255))
@settings(max_examples=30)
def test_whatever_is_in_a_name_it_stays_one(name: str) -> None:
    assert_it_is_a_name(name)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "java\tscript:alert(1)",
        "//host/share/x.png",
        "/etc/passwd",
        "\\\\host\\share",
        "file:///etc/passwd",
        "data:text/html,x",
        'Outbox/"x.png',
        "Outbox/x.png\n",
        "",
    ],
)
def test_addresses_that_lead_elsewhere_are_no_links(link: str) -> None:
    failed = replace(a_failure(), link=link)
    result = replace(a_result(), link=link, original=link)
    page = Page(draw(replace(empty(), results=(result,), failures=(failed,))))
    assert page.of("a") == []


def test_links_lead_to_the_picture_the_photo_and_what_failed() -> None:
    result = replace(a_result(), link="Outbox/Br%C3%BCcke%201.png", original="../Originals/x.jpg")
    page = Page(draw(replace(empty(), results=(result,), failures=(a_failure(),))))
    assert sorted(each["href"] for each in page.of("a")) == [
        "../Originals/x.jpg",
        "Failed/f0.jpg",
        "Outbox/Br%C3%BCcke%201.png",
    ]


def said_of(page: Page, name: str) -> list[str]:
    """The keys of the texts that begin so."""
    return [key for key in page.values("data-say") if key.startswith(name)]


@pytest.mark.parametrize(
    ("kind", "what"), [("photo", "photo"), ("pair", "photo"), ("folder", "folder")]
)
def test_of_each_kind_of_failure_is_said_what_it_is_and_what_to_do(
    kind: FailureKind, what: str
) -> None:
    page = Page(draw(replace(empty(), failures=(a_failure(kind=kind),), failed_in_all=1)))
    assert said_of(page, "failures.again") == [f"failures.again.{kind}"]
    assert said_of(page, "failures.open.") == [f"failures.open.{what}"]
    assert said_of(page, "failures.open_name") == [f"failures.open_name.{what}"]
    assert "Inbox > Waves" in page.inside("bdi")


def test_a_photo_s_own_style_is_not_called_by_its_file() -> None:
    board = replace(
        empty(),
        now=(replace(a_painting(), style=None),),
        waiting=(replace(a_wait(), style=None),),
        waiting_in_all=1,
        results=(replace(a_result(), style=None),),
        painted_in_all=1,
        failures=(replace(a_failure(), style=None),),
        failed_in_all=1,
    )
    page = Page(draw(board))
    assert said_of(page, "own_style") == 3 * ["own_style"]
    assert said_of(page, "now.own_style") == ["now.own_style"]
    assert said_of(page, "now.style") == []


@pytest.mark.parametrize("many", [1, 2, 7, 30])
def test_painters_that_are_set_aside_are_named_and_are_no_hold_up(many: int) -> None:
    aside = tuple(Aside(f"painter {number}", "It died") for number in range(many))
    page = Page(draw(replace(empty(), aside=aside)))
    assert said_of(page, "aside.title") == [f"aside.title.{'one' if many == 1 else 'other'}"]
    assert len([key for key in said_of(page, "aside.") if key[-1].isdigit()]) == min(many, 6)
    assert len(said_of(page, "asks.rest")) == (many > 6)
    assert not said_of(page, "trouble")
    assert not said_of(page, "lead.held")


def test_a_style_that_nobody_can_tell_is_not_called_the_photo_s_own() -> None:
    board = replace(empty(), failures=(replace(a_failure(), style=""),), failed_in_all=1)
    page = Page(draw(board))
    assert said_of(page, "own_style") == []
    assert said_of(page, "unknown_style") == ["unknown_style"]


def test_an_easel_that_is_free_while_people_are_asked_says_so() -> None:
    idle = STATES["idle"]
    assert said_of(Page(draw(idle)), "lead.") == ["lead.free", "lead.free_rest"]
    assert said_of(Page(draw(asking(idle))), "lead.") == ["lead.free", "lead.free_asked"]


@pytest.mark.parametrize("kind", ["file", "no_picture"])
def test_what_is_no_picture_is_not_opened_from_here(kind: FailureKind) -> None:
    bill = replace(a_failure(name="bill.html", kind=kind), link="Failed/Waves/bill.html")
    page = Page(draw(replace(empty(), failures=(bill,), failed_in_all=1)))
    assert page.of("a") == []
    assert said_of(page, "failures.open") == []
    assert said_of(page, "failures.again") == [f"failures.again.{kind}"]
    assert {"Inbox > Waves", "Failed"} <= set(page.inside("bdi")), "where it lies is said"


def test_what_waits_for_people_is_said_with_what_to_do() -> None:
    page = Page(draw(asking(empty())))
    assert said_of(page, "asks.")[:4] == [
        "asks.title", "asks.homeless", "asks.rest.other", "asks.homeless_ways",
    ]  # fmt: skip
    assert [key for key in said_of(page, "asks.") if key.endswith("_ways")] == [
        "asks.homeless_ways", "asks.halves_ways", "asks.lonely_ways", "asks.closed_ways",
        "asks.styles_ways",
    ]  # fmt: skip
    assert page.values("data-number")[:3] == ["194", "8", "7"]
    names = page.inside("bdi")
    for name in ("IMG_0.jpg", "IMG_5.jpg", "Party/content.jpg", "Private", "Dots.jpg", "Wavs"):
        assert name in names
    assert b"Did you mean" in draw(asking(empty()))


def test_masks_and_the_like_say_what_each_waits_for() -> None:
    page = Page(draw(asking(empty())))
    assert [key for key in said_of(page, "asks.lonely_") if not key.endswith("_ways")] == [
        "asks.lonely_mask", "asks.lonely_regions", "asks.lonely_start",
        "asks.lonely_style_regions",
    ]  # fmt: skip
    assert {"beach", "beach.style"} <= set(page.inside("bdi"))


def test_where_there_is_no_style_it_is_said_how_to_get_one() -> None:
    page = Page(draw(replace(empty(), styles=(), homeless=Asking(("a.jpg",), 1))))
    assert said_of(page, "asks.") == ["asks.title", "asks.homeless", "asks.homeless_none"]


def test_where_nothing_waits_for_people_nothing_is_said_of_it() -> None:
    assert said_of(Page(draw(full())), "asks.") == []


@pytest.mark.parametrize(("scales", "key"), [((1, 1), "plot.text"), ((1, 2), "plot.text_anew")])
def test_the_plot_has_a_sentence_and_its_figures_for_who_does_not_see_it(
    scales: tuple[int, int], key: str
) -> None:
    points = tuple(a_point(n, 9.0 / n, scale) for n, scale in enumerate(scales, 1))
    page = Page(draw(replace(empty(), now=(replace(a_painting(), points=points),))))
    (shown,) = [each for each in page.of("svg") if each.get("role") == "img"]
    assert (shown["aria-labelledby"], shown["aria-describedby"]) == ("plot-now-0", "falls-now-0")
    assert said_of(page, "plot.") == [key, *(["plot.fall"] * len(set(scales)))]


def test_progress_and_sliders_tell_their_values() -> None:
    page = Page(draw(full()))
    known, unknown, _ = page.of("progress")
    assert (known["value"], known["max"]) == ("40", "80")
    assert "value" not in unknown
    sliders = [each["id"] for each in page.of("input")]
    assert sliders == ["wipe-now-n1", "wipe-now-n3", *(f"wipe-r{n}" for n in range(10))]


def test_steps_beyond_the_recipe_are_no_more_than_all() -> None:
    page = Page(draw(replace(empty(), now=(replace(a_painting(), step=99),))))
    assert page.of("progress")[0]["value"] == "80"
    assert "100 %" in page.inside("span")


def test_the_first_waiting_are_seen_and_the_others_counted() -> None:
    page = draw(full()).decode()
    seen, folded = page.split('<details id="waiting">')
    assert seen.count('class="place"') == 8
    assert folded.count('class="place"') == 22
    assert '<span data-number="14">14</span></span> more photos after these' in folded


@pytest.mark.parametrize(
    ("state", "key"),
    [
        ("empty", "lead.first"),
        ("idle", "lead.free"),
        ("loading", "lead.loading"),
        ("next", "lead.next"),
        ("held", "lead.held"),
        ("one set aside", "lead.free"),
        ("ended", "lead.ended"),
    ],
)
def test_each_state_has_its_word(state: str, key: str) -> None:
    said = Page(draw(STATES[state])).values("data-say")
    assert [each for each in said if each in {key, f"{key}_rest"}] == [key, f"{key}_rest"]
    assert ("ended.title" in said) == state.startswith("ended")
    assert ("trouble.title" in said) == (state == "held")


def test_how_it_works_is_open_for_who_is_new() -> None:
    assert not Page(draw(empty())).of("details")
    assert {"id": "guide"} in Page(draw(STATES["idle"])).of("details")
    assert "guide.drop" in Page(draw(empty())).values("data-say")
    first = replace(empty(), now=(a_painting(),))
    assert Page(draw(first)).of("details") == [{"id": "guide", "open": ""}]


def test_without_scripts_the_page_still_renews_itself() -> None:
    page = draw(full()).decode()
    assert re.search(r'<noscript><meta http-equiv="refresh" content="\d+"></noscript>', page)


def test_many_styles_are_counted() -> None:
    page = draw(replace(empty(), styles=tuple(f"S{n}" for n in range(75)))).decode()
    assert "<bdi>S59</bdi>" in page
    assert "<bdi>S60</bdi>" not in page
    assert 'and <span data-slot="count"><span data-number="15">' in page


def test_a_full_page_is_smaller_than_a_megabyte() -> None:
    picture = bytes(25_000)
    results = tuple(
        replace(a_result(f"r{n}"), before=picture, after=picture, name="x" * 255) for n in range(12)
    )
    board = replace(full(), results=results)
    assert 24 * 25_000 * 4 / 3 < len(draw(board)) < 1_000_000


def test_the_same_board_makes_the_same_page_whoever_draws() -> None:
    assert Drawing().draw(full()) == draw(full()) == draw(full())


def test_proportions_are_bounded() -> None:
    board = replace(
        empty(),
        results=(
            replace(a_result("r0"), width=10_000, height=10),
            replace(a_result("r1"), width=1, height=900),
            replace(a_result("r2"), width=300, height=200),
            replace(a_result("r3"), width=0, height=0),
        ),
    )
    (style,) = Page(draw(board)).inside("style")
    assert re.findall(r"\.result-(\d)\{--ratio:([\d.]+)\}", style) == [
        ("0", "2.2000"),
        ("1", "0.6000"),
        ("2", "1.5000"),
    ]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """As the Web Content Accessibility Guidelines define it, 1 to 21."""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_all_texts_can_be_read_in_both_themes() -> None:
    style = resources.files("daemon.page").joinpath(STYLE).read_text()
    themes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
        for block in re.findall(r":root \{(.*?)\n *\}", style, re.DOTALL)
    ]
    assert len(themes) == 2
    for theme in themes:
        for ground in ("wall", "sheet", "care-wall"):
            for ink in ("ink", "soft", "mark", "bad", "care"):
                if (ink, ground) != ("bad", "care-wall"):
                    assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)


def test_the_contrast_is_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_places_outside_are_named_whole() -> None:
    board = replace(empty(), places=replace(PLACES, outbox="/srv/pictures & more"))
    assert "/srv/pictures & more" in Page(draw(board)).inside("bdi")
