"""The catalogue is whole, and what the program says of photos is in it, in each language."""

from __future__ import annotations

import ast
import errno
import os
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePath
from string import Formatter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import (
    bounded,
    child,
    companions,
    inspector,
    loading,
    looking,
    overrides,
    pictures,
    presence,
    publishing,
    rations,
)
from daemon import words as module
from daemon.dispatch import _CHANGED
from daemon.errors import AtelierError, FaultError
from daemon.last_resort import LastResort
from daemon.reasons import ALL_CANCELLED, NO_PICTURE, NOT_READ
from daemon.runners import decoding, local, worker
from daemon.settings import PaintSettings
from daemon.toml_text import tomllib
from daemon.words import LANGUAGES, words
from engine import PRESETS, masks
from engine.errors import PictureError
from engine.guides import guides_of
from engine.memory import plan_memory
from engine.sources import Sources, Style

ROOT = Path(module.__file__).parents[1]
ZH = words("zh")
PLACE = re.compile(r"\{[^{}]*\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Words of a sentence in English: names of files, settings and formats are none.
ENGLISH = re.compile(
    r"\b(?:the|is|it|a|to|of|and|or|this|that|again|cannot|must|be|not)\b", re.IGNORECASE
)

# Where sentences are made that can become the reason of a failed photo, or of a note.
SAYING = (
    "daemon/pictures.py", "daemon/bounded.py", "daemon/rations.py", "daemon/inspector.py",
    "daemon/looking.py", "daemon/slips.py",
    "daemon/overrides.py", "daemon/named.py", "daemon/contradictions.py", "daemon/wishes.py",
    "daemon/last_resort.py", "daemon/dispatch.py",
    "daemon/formats/deep_tiff.py", "daemon/formats/colour.py", "daemon/cancelling.py",
    "daemon/loading.py", "daemon/presence.py", "daemon/recovery.py", "daemon/reasons.py",
    "daemon/runners/local.py", "daemon/runners/worker.py", "daemon/runners/decoding.py",
    "daemon/cluster/orders.py", "daemon/cluster/session.py", "daemon/cluster/runner.py",
    "engine/pyramid.py", "engine/sources.py", "engine/patchwork.py", "engine/memory.py",
    "engine/retreat.py", "engine/descent.py",
    "engine/guides.py", "engine/labels.py", "engine/masks.py", "engine/regions.py",
    # And what may stand in the way of the whole service.
    "daemon/outlet.py", "daemon/marks.py", "daemon/drives.py", "daemon/workplace.py",
    "daemon/scanner.py", "daemon/styles.py", "daemon/publishing.py", "daemon/endings.py",
    "daemon/claims.py", "daemon/claim_folders.py", "daemon/troubles.py",
)  # fmt: skip
# What is raised with such a sentence. The other errors are of the program's start, or pass.
RAISED = {
    "PictureUnreadableError", "NoPictureError", "OverridesError", "FaultError", "PictureError",
    "DivergedError", "RecipeError", "RefusedError", "GuideError", "Finding", "Fault", "ShareError",
    "ShareAwayError", "PublishError", "ClaimHeldError", "ClaimStuckError",
}  # fmt: skip
# Sentences in these modules that are told in other places: the log, the command line, a file.
ELSEWHERE = ("how the share's folders are known",)


def english(key: str) -> str:
    return words("en").texts[key]


def said() -> list[str]:
    return [key for key in words("en").texts if key.startswith("said.")]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


# The catalogue.


@pytest.mark.parametrize("key", words("en").texts)
def test_a_text_is_there_in_each_language_with_the_same_places(key: str) -> None:
    texts = [words(language).texts[key] for language in LANGUAGES]
    assert all(text.strip() for text in texts)
    # The words of the reader of TOML mean little to people, and are left out.
    assert len({frozenset(places(text) - {"words"}) for text in texts}) == 1


@pytest.mark.parametrize("key", said())
def test_nothing_english_is_left_in_chinese(key: str) -> None:
    text = PLACE.sub("", ZH.texts[key])
    assert CHINESE.search(text)
    assert not ENGLISH.search(text)


def test_places_are_called_by_one_word() -> None:
    for key in said():
        for name in places(english(key)):
            assert name.isidentifier()


# The catalogue against the code.


def template(node: ast.expr) -> str | None:
    """A text of the code, with {} for each value; None if it is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return PLACE.sub("{}", node.value)
    if isinstance(node, ast.JoinedStr):
        parts = (
            one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "{}"
            for one in node.values
        )
        return "".join(parts)
    return None


def texts_of(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.expr) and (text := template(node)):
            yield text


@cache
def all_texts() -> str:
    sources = [*ROOT.glob("daemon/**/*.py"), *ROOT.glob("engine/**/*.py")]
    sources += Path(str(tomllib.__file__)).parent.glob("*.py")  # which says where a file is wrong
    return "\n".join(text for one in sources for text in texts_of(one.read_text("utf-8")))


@pytest.mark.parametrize("key", [key for key in said() if not key.startswith("said.system.")])
def test_what_is_looked_for_is_said_in_the_code(key: str) -> None:
    for part in PLACE.split(english(key)):
        assert part.strip() in all_texts(), part


def test_what_the_system_says_is_looked_for_as_it_says_it() -> None:
    system = {os.strerror(number) for number in errno.errorcode} | {"another program has it open"}
    assert {english(key) for key in said() if key.startswith("said.system.")} <= system


def sentences(path: str) -> Iterator[str]:
    """What a module may say: constants that are sentences, and what errors are made with."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    for node in tree.body:
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        text = template(value) if value is not None else None
        if text and re.match(r"[\sA-Z{].+[.}]$", text, re.DOTALL) and " " in text.strip():
            yield text
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            called = node.func.id if isinstance(node.func, ast.Name) else called
            text = template(node.args[0])
            if called in RAISED and text and " " in text:
                yield text


def to_say() -> list[str]:
    found = {text for path in SAYING for text in sentences(path)}
    return sorted(text for text in found if not any(part in text for part in ELSEWHERE))


@pytest.mark.parametrize("text", to_say())
def test_what_the_code_says_of_photos_is_known(text: str) -> None:
    # What stands at the end may be empty: a hint.
    filled = ["7".join(each.split("{}")).strip() for each in (text, text.removesuffix("{}"))]
    told = [ZH.translated(each) for each in filled]
    assert not all(map(ENGLISH.search, told)), told


def test_that_finds_what_it_is_to_find() -> None:
    found = "\n".join(to_say())
    for part in (
        "HEIC",
        "crashes the reader",
        "became unstable",
        "no longer there",
        "There was not",
    ):
        assert part in found
    assert len(to_say()) > 40


# Each error, met with.


def raised(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises((AtelierError, PictureError)) as caught:
        call(*arguments, **named)
    return str(caught.value)


def told(text: str) -> str:
    """In Chinese; no sentence of it is left in English, nor a part of one."""
    chinese = ZH.translated(text)
    assert chinese != text
    assert CHINESE.search(chinese)
    assert not ENGLISH.search(re.sub("「.*?」", "", chinese)), chinese
    return chinese


def data(size: tuple[int, int] = (64, 64)) -> bytes:
    return pictures.encode(np.zeros((*size, 3), np.float32), "jpeg", 90)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        data()[:-30],
        bytes(1000),
        b"hello, this is a text",
        b"\0\0\0\x18ftypheic" + bytes(10),
        data((8, 64)),
        data((900, 900)),
        b"\x89PNG\r\n\x1a\n" + b"torn" * 50,
    ],
)
def test_of_bad_pictures(bad: bytes) -> None:
    told(raised(pictures.decode, bad, max_pixels=100_000))


def test_of_files(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(2000))
    (tmp_path / "link").symlink_to("large")
    (tmp_path / "folder").mkdir()
    for name in ("large", "link", "folder"):
        told(raised(bounded.read_bounded, tmp_path / name, 1000))


def test_of_what_goes_along_with_a_photo() -> None:
    for text in companions.SAYING.values():
        told(text.format("The photo. 2.mask.png", rations.TOO_LONG))
    told(loading._NO_REGIONS.format("a.regions.png", "Waves.regions.png", "Styles"))
    told(loading._NO_REGIONS_BESIDE.format("a.regions.png", "a.style.regions.png"))
    told(loading._NO_COMPANION.format("a.mask.png"))
    told(loading._CLOSED.format("Waves.regions.png"))


def test_of_what_the_inspector_finds(tmp_path: Path) -> None:
    limits = looking.Limits(1, 1, 10**6, rations.ration_for(10**6, 10**6))
    (tmp_path / "letter.txt").write_bytes(b"dear all")
    assert looking.what_is_wrong(tmp_path / "letter.txt", limits) == NO_PICTURE
    told(NO_PICTURE)
    assert "没有这个文件" in told(looking.what_is_wrong(tmp_path / "gone.jpg", limits))
    for text in (rations.TOO_LONG, inspector._CRASHES, looking._NO_MEMORY):
        told(text)
    told(inspector._BUG.format("KeyError"))
    told(f"The style picture The photo. 2.jpg cannot be used. {rations.TOO_LONG}")


@pytest.mark.parametrize(
    "text",
    [
        b"size = ",
        b"size",
        b"\xff\xfe",
        b"= 3",
        b'size = "large"',
        b"size = 3",
        b"size = 80.5",
        b"[output]\ndepth = 9",
        b"[output]\nlossless = 3",
        b'[output]\nformat = "gif"',
        b"output = 3",
        b"content_weight = -1",
        b"seed = true",
        b'preset = "drafty"',
        b"sise = 800",
        b"colour = 3",
        b"size = " + b"9" * 30,
        b"size = " + b"[" * 40 + b"]" * 40,
        b"[" * 3000,
        b"size = [1,\n2",
        b'style_loss = "oil"',
        b"stroke_size = 5",
        b'colors = "mine"',
        b"size = 1\nsize = 2",
        b"preset = fine",
        b"styles = 3",
        b"styles = []",
        b'styles = ["Waves", 3]',
        b"styles = { Waves = 0 }",
        b"styles = { Waves = true }",
    ],
)
def test_of_a_job_toml(text: bytes) -> None:
    told(raised(overrides.read_job_file, text))


@pytest.mark.parametrize(
    ("wishes", "why"),
    [
        (
            {"content_weight": 0.0, "style_weight": 0.0},
            "content_weight 和 style_weight 不能都是 0",
        ),
        ({"init_noise": 0.5, "init": "noise"}, "而 init 是 noise"),
        ({"strength": 2.0, "style_weight": 0.0}, "strength 说的是风格，而 style_weight 是 0"),
        ({"tv_norm": "l2", "tv_weight": 0.0}, "tv_norm 说的是平滑，而 tv_weight 是 0"),
        ({"realism_weight": 9.0}, "realism_weight 说的是保持照片样子的图片，而 photo 是 false"),
        ({"photo": True, "init": "noise"}, "随机点却不是照片，而 init 是 noise"),
    ],
)
def test_of_wishes_that_make_no_sense(wishes: dict[str, object], why: str) -> None:
    assert why in told(raised(overrides.make_recipe, PaintSettings(), wishes))


def test_of_faults_of_the_program() -> None:
    def fail(what: PurePath | str) -> None:
        with LastResort().over(what):
            raise KeyError("oh")

    assert "KeyError" in told(raised(fail, PurePath("a.jpg")))
    told(raised(fail, "the folders"))
    assert issubclass(FaultError, AtelierError)


@pytest.mark.parametrize("status", [None, 0, 3, -9, -24, -11, -250])
def test_of_an_engine_that_died_often(status: int | None) -> None:
    why = local._LOST.format(child.describe_exit(status))
    chinese = told(f"{why.rstrip('.')}. It was tried 3 times.")
    assert chinese.endswith("已经试了 3 次。")
    told(local._BUG.format("OSError"))


def test_of_painting() -> None:
    told(worker._NO_MEMORY)
    told(worker._failed("1", RuntimeError("x")).message)
    told(worker._failed("1", MemoryError()).message)
    told(f"The style picture cannot be used. {rations.TOO_LONG}")
    told(decoding._STYLE.format(NAME, rations.TOO_LONG))
    told(_CHANGED)
    for text in (*ALL_CANCELLED, NOT_READ):
        told(text)
    told(presence.GONE)
    told(raised(plan_memory, (4000, 4000), PRESETS["fine"], 0, 2 << 20))
    told(raised(plan_memory, (4000, 4000), PRESETS["fine"], 0, 900 << 20))


def test_of_masks_and_regions() -> None:
    rng = np.random.default_rng(0)
    photo, plain, other = (
        rng.integers(0, 256, (48, 64, 3)).astype(np.uint8),
        np.full((48, 64, 3), 250, np.uint8),
        np.full((48, 64, 3), 20, np.uint8),
    )
    assert told(raised(masks.painted, 0 * other)).startswith("蒙版全是黑色")
    for styles, marked, why in (
        ((plain,), photo, "标出照片区域的图片有超过 9 种颜色"),
        ((plain, photo), plain, "标出第 2 张风格图片区域的图片有超过 9 种颜色"),
        ((other,), plain, "标出照片和风格图片区域的图片没有共同的颜色"),
        ((plain, other), plain, "第 2 张风格图片的有 #141414"),
    ):
        given = [Style(photo, regions=each) for each in styles]
        assert why in told(raised(guides_of, Sources(photo, given, regions=marked)))


NAME = "Mr. A. Wave. Cut.jpg"  # as sentences end


def test_of_a_style_with_advice() -> None:
    text = (
        f'The style picture "{NAME}" cannot be used. It is a link. Put the picture itself there. '
        f'Put a picture that can be used in the place of "{NAME}" in the folder Styles, or drag '
        "the photo into the folder of another style."
    )
    assert told(text) == (
        f"风格图片「{NAME}」不能使用。这是一个链接。请把图片本身放在那里。"
        f"请在文件夹「Styles」里换上一张可以使用的图片来代替「{NAME}」，"
        "或者把照片拖到另一种风格的文件夹里。"
    )


@pytest.mark.parametrize(
    ("what", "why", "chinese"),
    [
        ("The photo", "Input/output error", "照片无法读取（读写错误）。"),
        (
            f'The style picture "{NAME}"',
            "Permission denied",
            f"风格图片「{NAME}」无法读取（没有权限）。",
        ),
    ],
)
def test_of_a_disk(what: str, why: str, chinese: str) -> None:
    assert told(loading._UNREADABLE.format(what, why)).startswith(chinese)
    assert told(loading._NOT_NOW.format(what, why))


def test_of_several_troubles_in_one_line() -> None:
    full = publishing_error("photo.jpg")
    short = full.rstrip(".")
    line = (
        f"{short}; 2 photos stay in the inbox, which cannot be moved; "
        f"3 cannot be put where they belong yet: {short}"
    )
    chinese = told(line)
    assert chinese.count("磁盘已满") == 2
    assert "；收件文件夹里有 2 张照片无法移走；有 3 张还不能放到该放的地方：" in chinese
    assert not chinese.endswith("。")
    assert told("1 photo stays in the inbox, which cannot be moved")


def test_a_painting_that_cannot_be_put_away_is_not_called_a_style() -> None:
    def fail() -> None:
        with publishing._plainly(
            "The picture of cat.jpg in the style Waves", Path("/srv/share/Outbox")
        ):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    chinese = told(raised(fail))
    assert chinese.startswith("「cat.jpg」按「Waves」风格画成的画没能放进文件夹")
    assert "风格图片" not in chinese


def test_so_is_one_in_a_style_of_its_own() -> None:
    chinese = told(publishing_error("The picture of cat.jpg in its own style"))
    assert chinese.startswith("「cat.jpg」按自带的风格画成的画没能放进文件夹")


def publishing_error(name: str) -> str:
    def fail() -> None:
        with publishing._plainly(name, Path("/srv/share/Outbox")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return raised(fail)


# What is not known.


def test_what_is_not_known_stays_and_the_rest_is_told() -> None:
    known = "The file is empty. Copy it again from where it came from."
    text = f"{known} Nobody knows this. It was tried 2 times."
    chinese = ZH.translated(text)
    assert chinese == "文件是空的。请从原来的地方重新复制一份。Nobody knows this. 已经试了 2 次。"
    assert ZH.translated("Nobody knows this.") == "Nobody knows this."


def test_english_stays_as_it_is() -> None:
    text = "The file is empty. Copy it again from where it came from. What?  Yes."
    assert words("en").translated(text) == text


@given(st.text(min_size=1, max_size=60))
def test_names_are_not_touched_whatever_they_are(name: str) -> None:
    text = f'The style picture "{name}" is no longer there. Put it back, and try again.'
    assert ZH.translated(text) == f"风格图片「{name}」已经不在了。请把它放回去，然后再试。"


@given(st.text(alphabet='aT. !?{}"()', max_size=300))
def test_any_text_comes_to_an_end(text: str) -> None:
    assert isinstance(ZH.translated(text), str)


def hostile(length: int) -> Iterator[str]:
    """Texts with names that can be read in very many ways."""
    frames = (
        ("", ""),
        ("/", " must be x, but it is y."),
        ("The style ", " cannot be used. x"),
        ("x cannot be taken just now (", "); it x. Close the program that has it open."),
        ("x could not be put into the folder x (", "). x; nothing was lost."),
    )
    fillings = (
        ": ", " must be ", ", but it is ", ": x must be x, but it is x; ", " cannot be used. ",
        "x (at ", " (x from 1 to 2 from 1 to 2; ", ". ; ",
    )  # fmt: skip
    for begin, end in frames:
        for filling in fillings:
            yield begin + (filling * length)[: length - len(begin + end)] + end


@pytest.mark.parametrize("length", [599, 1024, 4096])
def test_hostile_names_take_no_time_to_speak_of(length: int) -> None:
    for text in hostile(length):
        began = time.process_time()
        told = ZH.translated(text)
        assert time.process_time() - began < 2.0, text  # of a busy machine; else a tenth of it
        assert length < 600 or told == text


def test_what_is_nested_in_vain_is_told_as_deep_as_any_text_goes() -> None:
    deep = "x (at " * 90 + "y" + ")" * 40
    assert len(deep) < 600
    assert isinstance(ZH.translated(deep), str)


def test_a_text_is_looked_up_once() -> None:
    text = "The file is empty. Nobody has asked for this before."
    before = module._seen.cache_info()
    assert ZH.translated(text) == ZH.translated(text)
    after = module._seen.cache_info()
    assert (after.misses, after.hits) == (before.misses + 1, before.hits + 1)
    assert after.maxsize is not None
