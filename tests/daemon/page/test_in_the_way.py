"""What stands in the way is told to people who have never seen the server."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.cluster.identity import mismatch
from daemon.cluster.messages import Credentials
from daemon.obstacles import Aside, Obstacle, Of
from daemon.page.board import BadStyle
from daemon.page.drawing import draw
from daemon.page.whereabouts import Whereabouts
from daemon.runners import pool
from daemon.settings import ShareSettings
from daemon.share import open_share
from daemon.words import LANGUAGES, words
from tests.daemon.page.boards import a_failure, empty
from tests.daemon.page.test_drawing import GAP, Page, texts_of
from tests.daemon.test_words import CHINESE, ENGLISH, ROOT, said, to_say
from tests.daemon.test_words import texts_of as texts_in

SHARE = Path("/srv/My pictures")
WHEREABOUTS = Whereabouts.of(
    open_share(ShareSettings(root=SHARE, outbox=Path("/mnt/big disk/Out")))
)
COPIED = f"may still be being copied: {GAP}"
SHUT = "cannot be read ({}). Check that it is there and that the drive it lies on is connected."
OF_THE_SERVER = re.compile(r"`|\bengine\.\w|\batelierd |/srv|/mnt|/var|/tank|/x")
GENERAL = {
    language: {words(language).texts[f"seen.other.{of}"] for of in get_args(Of)}
    for language in LANGUAGES
}


def on_page(*obstacles: Obstacle) -> dict[str, str]:
    """What the page says, in each language."""
    board = replace(empty(), trouble=obstacles, whereabouts=WHEREABOUTS)
    known = texts_of(Page(draw(board)))
    return {language: known[language]["trouble"] for language in LANGUAGES}


def seen(text: str, of: Of = "service") -> dict[str, str]:
    return on_page(Obstacle(text.rstrip("."), of))


@pytest.mark.parametrize(
    "name", ["Trip (2)/photo.jpg", "Waves!/x", "Photos 😀/a.jpg", "a'/b/c.jpg"]
)
def test_peoples_own_names_stay_whole(name: str) -> None:
    assert seen(f"{name} {COPIED}")["en"] == f"{name} {COPIED}."
    assert seen(f"{name} {COPIED}")["zh"].startswith(f"「{name}」可能还在复制")


@given(some.text(some.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=60))
def test_any_name_stays_whole(name: str) -> None:
    told = words("en").seen(f"a{name}b {COPIED}", WHEREABOUTS.seen, "seen.other.service")
    assert told == f"a{name}b {COPIED}"


@pytest.mark.parametrize(
    ("folder", "shown"),
    [
        ("/srv/My pictures/Inbox/Trip (2)/x", "Inbox/Trip (2)/x"),
        ("/srv/My pictures/Inbox/Photos. Of; us", "Inbox/Photos. Of; us"),
        ("/srv/My pictures", "My pictures"),
        ("/mnt/big disk/Out/Waves!", "Out/Waves!"),
        ("/tank/My Photos (old)/x", "the server's disk"),
        ("/mnt/big disk/Outer", "the server's disk"),
        ("Inbox/a /b", "Inbox/a /b"),
    ],
)
def test_each_place_is_told_as_a_whole(folder: str, shown: str) -> None:
    text = f"The folder {folder} {SHUT.format('Permission denied')}"
    told = seen(text)
    assert told["en"] == f"The folder {shown} {SHUT.format('Permission denied')}"
    there = "服务器的磁盘" if shown == "the server's disk" else shown
    assert told["zh"].startswith(f"文件夹「{there}」无法读取（没有权限）。")
    within = seen(f"3 cannot be put where they belong yet: {text}")
    assert within["en"] == f"3 cannot be put where they belong yet: {told['en']}"


def test_a_why_that_nobody_knows_is_in_the_log() -> None:
    told = seen(f"The folder /srv/My pictures/Inbox {SHUT.format('see /tank/x, `do it`')}")
    assert told["en"] == f"The folder Inbox {SHUT.format('the log says why')}"
    assert told["zh"].startswith("文件夹「Inbox」无法读取（原因在日志里）。")


TROUBLES = [key for key in said() if key.startswith("said.trouble.")]


@pytest.mark.parametrize("key", TROUBLES)
def test_no_path_of_the_server_is_told_in_any_language(key: str) -> None:
    values = {
        "folder": f"{SHARE}/Inbox/Waves", "place": "/mnt/disk", "file": "/var/lib/x/journal.sqlite",
        "command": "atelierd init /srv/share", "why": "Permission denied", "words": "bad /x/y",
        "number": "3", "how": "it ended with status 3", "what": "1 photo stays", "name": "Dots.jpg",
        "size": "512", "room": "3", "style": "Waves",
    }  # fmt: skip
    told = seen(words("en").texts[key].format(**values))
    for language in LANGUAGES:
        assert not OF_THE_SERVER.search(told[language])
        assert told[language] not in GENERAL[language], "it is known"
    assert not CHINESE.search(told["en"])
    assert CHINESE.search(told["zh"])
    assert not ENGLISH.search(told["zh"])
    assert told["en"].endswith(".")
    assert told["zh"].endswith("。")


DAMAGED = (
    "/var/lib/w/vgg19.params is not the file that vgg19.json describes: it was changed or damaged. "
    "Run `atelierd weights fetch` to get them again. Or, if you put it there yourself, run "
    "`atelierd weights import /var/lib/w/vgg19.params`."
)


@pytest.mark.parametrize("of", get_args(Of))
def test_what_is_not_known_is_said_in_general(of: Of) -> None:
    for text in (DAMAGED, "x" * 601, f"The file is empty. {DAMAGED}", "Who knows"):
        for language, told in seen(text, of).items():
            assert told == words(language).texts[f"seen.other.{of}"]


def raised() -> list[str]:
    """Whatever the engine, and what keeps it, may say; each value a path."""
    files = [*ROOT.glob("engine/**/*.py"), *ROOT.glob("daemon/runners/*.py")]
    texts = {text for one in files for text in texts_in(one.read_text("utf-8")) if " " in text}
    return sorted("/x/y z".join(text.split("{}")) for text in texts)


@pytest.mark.parametrize("of", ["weights", "engine"])
def test_no_command_nor_setting_nor_path_of_the_engines_texts_is_on_the_page(of: Of) -> None:
    texts = raised()
    assert len([text for text in texts if OF_THE_SERVER.search(text)]) > 20, "there are such"
    for told in on_page(*(Obstacle(" ".join(text.split()), of) for text in texts)).values():
        assert len(told.splitlines()) == len(texts)
        assert not [line for line in told.splitlines() if OF_THE_SERVER.search(line)]


@pytest.mark.parametrize("text", to_say())
def test_no_command_nor_setting_is_told_of_a_photo(text: str) -> None:
    reason = "7".join(text.split("{}")).strip()
    board = replace(
        empty(),
        failures=(a_failure(reason=reason),),
        bad_styles=(BadStyle("Dots.jpg", reason),),
        whereabouts=WHEREABOUTS,
    )
    known = texts_of(Page(draw(board)))
    for language in LANGUAGES:
        for key in ("reason.0", "fault.0"):
            assert not OF_THE_SERVER.search(known[language][key])


def test_a_chinese_page_says_nothing_in_english() -> None:
    stuck = f"The folder /tank/x {SHUT.format('No such thing')}"
    trouble = tuple(map(Obstacle, (stuck, DAMAGED)))
    page = Page(draw(replace(empty(), trouble=trouble, whereabouts=WHEREABOUTS), "zh"))
    shown = [text for text in page.inside("p") if "磁盘" in text]
    assert len(shown) == 1
    assert not ENGLISH.search(shown[0])


def test_of_painters_that_are_set_aside_it_is_said_which_and_why() -> None:
    accepted = Credentials("1.2", "a" * 64, "b" * 64, ())
    whys = (
        mismatch(accepted, replace(accepted, program="1.3+x")),
        mismatch(accepted, replace(accepted, recipe="c" * 64)),
        mismatch(accepted, replace(accepted, weights_sha256="c" * 64)),
        mismatch(
            accepted, replace(accepted, weights_sha256="c" * 64), "the painters that came first"
        ),
        pool._DIES.format(3),
    )
    for why in whys:
        board = replace(empty(), aside=(Aside.of("anna", f"anna: {why}"),), whereabouts=WHEREABOUTS)
        known = texts_of(Page(draw(board)))
        for language in LANGUAGES:
            told = known[language]["aside.0"]
            assert told != words(language).texts["seen.other.aside"], "it is known"
            assert not OF_THE_SERVER.search(told)
            assert not told.startswith("anna")
        assert not ENGLISH.search(known["zh"]["aside.0"])


def test_why_one_is_set_aside_that_nobody_knows_is_in_the_log() -> None:
    board = replace(empty(), aside=(Aside("anna", DAMAGED.rstrip(".")),), whereabouts=WHEREABOUTS)
    known = texts_of(Page(draw(board)))
    for language in LANGUAGES:
        assert known[language]["aside.0"] == words(language).texts["seen.other.aside"]


def test_several_stand_in_lines_of_their_own() -> None:
    stays = "1 photo stays in the inbox, which cannot be moved"
    told = on_page(Obstacle(DAMAGED, "weights"), Obstacle(stays))
    assert told["en"].splitlines() == [words("en").texts["seen.other.weights"], f"{stays}."]
    assert told["zh"].splitlines()[1] == "收件文件夹里有 1 张照片无法移走。"


def test_what_the_system_says_is_kept() -> None:
    text = f"The folder /srv/My pictures/Outbox {SHUT.format(os.strerror(13))}"
    assert "(Permission denied)" in seen(text)["en"]


@pytest.mark.parametrize(
    "key", [key for key in words("en").texts if key.startswith(("seen.trouble", "seen.paint"))]
)
def test_other_words_are_of_something_that_is_said(key: str) -> None:
    assert key.replace("seen.", "said.", 1) in words("en").texts
