"""`atelierd stylize --like RESULT` paints as the result was painted, and says what differs."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from daemon import record
from daemon.cli import main, stylize
from daemon.formats import xmp
from daemon.runners.local import LocalRunner
from tests.daemon import child_stand_ins as stand_ins
from tests.daemon.cli.residents import Residents

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.linear_gradient("L").resize((96, 72)).convert("RGB").save("photo.jpg")
    Image.new("RGB", (64, 48), (200,) * 3).save("style.png")
    Image.new("RGB", (64, 48), (201,) * 3).save("other.png")


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], residents: Residents
) -> Run:
    """Run the command in this process, with a stand-in in a child that stays."""
    lend = functools.partial(residents.lend, worker=stand_ins.stand_in_worker)
    monkeypatch.setattr(stylize, "LocalRunner", lend)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["stylize", *arguments])
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture
def result(run: Run) -> str:
    """A picture painted with wishes of its own."""
    wishes = ("--size", "80", "--iterations", "5", "--seed", "9", "--paint.style_weight", "3")
    assert run("photo.jpg", "style.png", "-o", "first.png", "--force", *wishes)[0] == 0
    return "first.png"


@pytest.mark.parametrize("name", ["again.png", "again.jpg", "again.webp", "again.tif"])
def test_a_result_is_painted_again_with_its_recipe(run: Run, result: str, name: str) -> None:
    code, _, err = run("photo.jpg", "style.png", "-o", name, "--like", result)
    assert (code, err) == (0, "")
    first = record.record_of(Path(result).read_bytes(), result)
    assert first.recipe.seed == 9
    assert record.record_of(Path(name).read_bytes(), name) == first
    if name.endswith("png"):
        assert Path(name).read_bytes() == Path(result).read_bytes()


def test_files_of_settings_have_no_say_and_what_is_typed_has(run: Run, result: str) -> None:
    Path("config.toml").write_text("[paint]\nsize = 64\nseed = 3\npreset = 'draft'\n")
    typed = ("--paint.content_weight", "0.5", "--iterations", "7")
    assert run("photo.jpg", "style.png", "-o", "b.png", "--like", result, *typed)[0] == 0
    first = record.record_of(Path(result).read_bytes(), "").recipe
    second = record.record_of(Path("b.png").read_bytes(), "").recipe
    assert (second.size, second.seed, second.style_weight) == (80, 9, 3)
    assert (second.content_weight, second.total_iterations) == (0.5, 7)
    same = {"content_weight", "iterations", "scales"}
    assert first.model_dump(exclude=same) == second.model_dump(exclude=same)


def test_another_size_has_scales_of_its_own(run: Run, result: str) -> None:
    assert run("photo.jpg", "style.png", "-o", "b.png", "--like", result, "--size", "128")[0] == 0
    assert record.record_of(Path("b.png").read_bytes(), "").recipe.size == 128


def test_the_size_of_the_file_is_repeated_too(run: Run) -> None:
    pictures = ("photo.jpg", "style.png", "--size", "64", "--iterations", "2")
    assert run(*pictures, "-o", "a.png", "--output.size", "original")[0] == 0
    assert run("photo.jpg", "style.png", "-o", "b.png", "--like", "a.png")[0] == 0
    with Image.open("b.png") as image:
        assert image.size == (96, 72)
    again = ("-o", "c.png", "--like", "a.png", "--output.size", "working")
    assert run("photo.jpg", "style.png", *again)[0] == 0
    with Image.open("c.png") as image:
        assert image.size == (64, 48)


def test_it_is_refined_as_the_result_was(run: Run) -> None:
    def refined(name: str, *typed: str) -> int:
        assert run("photo.jpg", "style.png", "-o", name, *typed)[0] == 0
        return record.record_of(Path(name).read_bytes(), name).refine

    Path("config.toml").write_text("[output]\nrefine = 7\n")
    original = ("--size", "64", "--iterations", "2", "--output.size", "original")
    assert refined("a.png", *original, "--output.refine", "3") == 3
    assert refined("b.png", "--like", "a.png") == 3
    assert refined("c.png", "--like", "a.png", "--output.refine", "5") == 5
    assert refined("d.png", *original, "--output.refine", "0") == 0
    assert refined("e.png", "--like", "d.png") == 0
    # Nothing is refined in the size that is painted; so its record says nothing of another one.
    assert refined("f.png", "--size", "64", "--iterations", "2") == 0
    assert refined("g.png", "--like", "f.png", "--output.size", "original") == 7


def test_alone_it_says_what_it_was_made_from(run: Run, result: str) -> None:
    code, out, err = run("--like", result)
    assert (code, out) == (2, "")
    assert 'from the photo "photo.jpg" (SHA-256 ' in err
    assert 'in the style "style.png" (SHA-256 ' in err
    assert f"such as  atelierd stylize PHOTO STYLE -o FILE --like {result} ." in err
    assert err.count("\n") == 1


@pytest.fixture
def blend(run: Run) -> str:
    """A picture painted in two styles, from a picture to start from."""
    wishes = ("--size", "80", "--iterations", "5", "--init", "begun.png")
    Image.new("RGB", (64, 48), (30,) * 3).save("begun.png")
    styles = ("style.png:70", "--style", "other.png:30")
    assert run("photo.jpg", *styles, "-o", "first.png", "--force", *wishes)[0] == 0
    return "first.png"


def test_a_blend_is_painted_again_with_its_weights(run: Run, blend: str) -> None:
    first = record.record_of(Path(blend).read_bytes(), blend)
    assert [(one.name, one.weight) for one in first.styles] == [
        ("style.png", 70),
        ("other.png", 30),
    ]
    assert first.start is not None
    assert first.start.name == "begun.png"
    again = ("--like", blend, "--init", "begun.png", "-o", "again.png")
    code, _, err = run("photo.jpg", "style.png", "--style", "other.png", *again)
    assert (code, err) == (0, "")
    assert Path("again.png").read_bytes() == Path(blend).read_bytes()


def test_weights_that_are_typed_win(run: Run, blend: str) -> None:
    again = ("--like", blend, "--init", "begun.png", "-o", "again.png")
    code, _, err = run("photo.jpg", "style.png", "--style", "other.png:3", *again)
    assert code == 0
    lines = err.splitlines()
    assert lines[0].startswith('The share of the style "style.png" (SHA-256 ')
    assert lines[0].endswith("was 70 % and is 25 %: the picture will differ.")
    assert "was 30 % and is 75 %" in lines[1]
    assert len(lines) == 2
    found = record.record_of(Path("again.png").read_bytes(), "again.png")
    assert [one.weight for one in found.styles] == [1, 3]


def test_a_blend_alone_says_what_it_was_made_from(run: Run, blend: str) -> None:
    code, _, err = run("--like", blend)
    assert code == 2
    assert 'in the styles "style.png" (SHA-256 ' in err
    assert '...) of weight 70 and "other.png" (SHA-256 ' in err
    assert '...) of weight 30, started from the picture "begun.png" (SHA-256 ' in err
    assert "stylize PHOTO STYLE --style STYLE2 --init START -o FILE --like" in err


def test_what_differs_of_a_blend_is_said(run: Run, blend: str, result: str) -> None:
    assert blend == result  # the later one has its name
    shutil.copy(blend, "simple.png")
    _, _, err = run("photo.jpg", "style.png", "--style", "photo.jpg", "-o", "b.png",
                    "--like", "simple.png", "--init", "other.png")  # fmt: skip
    assert err.splitlines() == [
        'The style "photo.jpg" was none of those: the picture will differ.',
        "A picture to start from is named, and there was none: the picture will differ.",
    ]


def test_what_a_blend_lacks_is_said(run: Run, blend: str) -> None:
    _, _, err = run("photo.jpg", "style.png", "-o", "b.png", "--like", blend)
    first, second = err.splitlines()
    assert first.startswith('None of the styles is the file "other.png" (SHA-256 ')
    assert second.startswith('No picture to start from is named; it was "begun.png" (SHA-256 ')
    _, _, err = run("photo.jpg", "style.png", "--style", "other.png", "-o", "c.png",
                    "--like", blend, "--init", "other.png")  # fmt: skip
    assert err.startswith('The picture to start from is another file than "begun.png"')
    assert err.count("\n") == 1


GUIDES = ("--mask", "other.png", "--content-regions", "photo.jpg", "--style-regions", "style.png")


def test_what_guided_it_is_told_and_compared(run: Run) -> None:
    wishes = ("--size", "80", "--iterations", "5")
    assert run("photo.jpg", "style.png", "-o", "first.png", *wishes, *GUIDES)[0] == 0
    code, _, err = run("--like", "first.png")
    assert code == 2
    assert ', with the mask "other.png" (SHA-256 ' in err
    assert ', with the photo\'s regions "photo.jpg" (SHA-256 ' in err
    assert ', with the style\'s regions "style.png" (SHA-256 ' in err
    options = "--mask MASK --content-regions REGIONS --style-regions REGIONS2"
    assert f"atelierd stylize PHOTO STYLE {options} -o FILE --like first.png ." in err
    again = ("photo.jpg", "style.png", "-o", "again.png", "--force", "--like", "first.png")
    code, _, err = run(*again, *GUIDES)
    assert (code, err) == (0, "")
    assert Path("again.png").read_bytes() == Path("first.png").read_bytes()
    _, _, err = run(*again, "--mask", "style.png")
    first, second, third = err.splitlines()
    assert first.startswith('The file named for the mask is another one than "other.png" (SHA')
    assert second.startswith('No file is named for the photo\'s regions; it was "photo.jpg" (')
    assert third.startswith('No file is named for the style\'s regions; it was "style.png" (')


def test_what_did_not_guide_it_is_said(run: Run, result: str) -> None:
    code, _, err = run("photo.jpg", "style.png", "-o", "b.png", "--like", result, *GUIDES)
    assert code == 0
    assert err.splitlines() == [
        f"A file is named for {what}, and there was none: the picture will differ."
        for what in ("the mask", "the photo's regions", "the style's regions")
    ]


def test_what_is_typed_must_have_an_effect(run: Run, result: str) -> None:
    asked = ("--tv-norm", "l2", "--tv-weight", "0")
    code, _, err = run("photo.jpg", "style.png", "-o", "b.png", "--like", result, *asked)
    assert code == 2
    assert "--tv-norm is about smoothness, but tv_weight is 0" in err


def test_what_differs_is_said(run: Run, result: str) -> None:
    shutil.copy(result, "copy.png")
    data = Path("copy.png").read_bytes()
    Path("copy.png").write_bytes(data.replace(b"float32", b"floatXX"))
    code, _, err = run("photo.jpg", "other.png", "-o", "b.png", "--like", "copy.png")
    assert code == 0
    assert 'The style is another file than "style.png"' in err
    assert "The precision was floatXX and is float32 now" in err
    assert err.count("\n") == 2


def test_nothing_in_a_record_reaches_the_terminal_raw(run: Run, result: str) -> None:
    first = record.record_of(Path(result).read_bytes(), result)
    fields = first.model_dump(mode="json")
    evil = {"name": "a\u001b[2J", "sha256": "0" * 64}
    fields |= dict.fromkeys(("program", "device", "precision"), "b\u001b[2J\u202e")
    fields |= {"content": evil, "styles": [evil]}
    note = xmp.packet(xmp.Found(record=json.dumps(fields)), "x")
    Image.new("RGB", (40, 40)).save("evil.jpg", xmp=note)
    code, _, err = run("photo.jpg", "style.png", "-o", "b.png", "--like", "evil.jpg")
    assert (code, err.count("\n")) == (0, 5)
    assert (err.count("a\\x1b[2J"), err.count("b\\x1b[2J\\u202e")) == (2, 3)
    _, _, alone = run("--like", "evil.jpg")
    assert alone.count("a\\x1b[2J") == 2
    fields |= {"styles": [evil, {**evil, "sha256": "1" * 64}], "start": evil}
    Image.new("RGB", (40, 40)).save(
        "evil.jpg", xmp=xmp.packet(xmp.Found(record=json.dumps(fields)), "x")
    )
    code, _, err = run("photo.jpg", "style.png", "-o", "c.png", "--like", "evil.jpg")
    assert (code, err.count("\n")) == (0, 8)
    alone += run("--like", "evil.jpg")[2]
    assert all(each.isprintable() for each in (err + alone).replace("\n", ""))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["photo.jpg", "style.png", "-o", "b.png", "--like", "photo.jpg"], 4, "does not say how"),
        (["photo.jpg", "style.png", "-o", "b.png", "--like", "none.png"], 4, "cannot be read"),
        (["photo.jpg", "style.png", "-o", "b.png", "--like", "."], 4, "is a folder"),
        (["photo.jpg", "style.png", "--like", "first.png"], 2, "Name the file to make"),
        (["photo.jpg", "-o", "b.png"], 2, "Name a photo and a style picture"),
        (["-o", "b.png"], 2, "Name a photo and a style picture"),
        (
            ["photo.jpg", "style.png", "-o", "b.png", "--like", "first.png", "--preset", "fine"],
            2,
            "leave one of them out",
        ),
        (
            ["photo.jpg", "style.png", "-o", "b.png", "--like", "evil.jpg"],
            4,
            "evil.jpg says about how it was made cannot be used",
        ),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(
    run: Run, result: str, arguments: list[str], code: int, words: str
) -> None:
    text = json.dumps({"program": "1", "recipe": {"size": 10**9}, "content": {}, "style": {}})
    Image.new("RGB", (40, 40)).save("evil.jpg", xmp=xmp.packet(xmp.Found(record=text), "x"))
    assert result == "first.png"
    got, out, err = run(*arguments)
    assert (got, out) == (code, "")
    assert words in err
    assert err.count("\n") == 1
    assert not Path("b.png").exists()


@pytest.mark.weights
@pytest.mark.parametrize("size", ["working", "original"])
@pytest.mark.parametrize("name", ["first.png", "first.tif"])
def test_the_real_engine_repeats_a_picture_to_the_bit(
    monkeypatch: pytest.MonkeyPatch, residents: Residents, weights: Path, name: str, size: str
) -> None:
    rng = np.random.default_rng(1)
    for file in ("real.png", "strokes.png"):
        coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
        coarse.resize((96, 72), Image.Resampling.BICUBIC).save(file)
    engine = ("--device", "cpu", "--weights", str(weights.parent), "--output.depth", "16")

    def painted(output: str, *more: str, runner: Any = residents.lend) -> bytes:
        monkeypatch.setattr(stylize, "LocalRunner", runner)
        with pytest.raises(SystemExit) as ended:
            main(["stylize", "real.png", "strokes.png", "-o", output, *engine, *more])
        assert ended.value.code == 0
        return Path(output).read_bytes()

    how: tuple[Any, ...] = ("--size", "64", "--iterations", "3", "--init", "noise", "--seed", "5")
    first = painted(name, *how, "--output.size", size)
    refined = record.record_of(first, name).refine
    assert (refined > 0) == (size == "original")
    # Also in a process that has painted nothing yet.
    assert painted(f"again{Path(name).suffix}", "--like", name, runner=LocalRunner) == first
    assert painted(f"third{Path(name).suffix}", "--like", name, "--seed", "6") != first
