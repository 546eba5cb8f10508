"""`atelierd stylize`: one picture, or one sentence and the right exit status."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from daemon.cli import main, output, stylize
from daemon.record import record_of
from daemon.runners.local import LocalRunner
from engine import Recipe
from tests.daemon import child_stand_ins as stand_ins
from tests.daemon.cli.residents import Residents

ROOT = Path(__file__).resolve().parents[3]
KEYS = [
    "output", "width", "height", "iterations", "seconds", "seconds_per_iteration", "device",
    "precision", "normalization", "loss", "steps_per_second", "tiles", "refined",
    "predicted_memory_mb", "peak_memory_mb", "weights_sha256",
]  # fmt: skip
SIZES = "a whole number of at least 32 and at most 8192"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, grey in (("photo.jpg", 100), ("style.png", 200), ("kills.png", stand_ins.KILLS)):
        Image.new("RGB", (64, 48), (grey,) * 3).save(name)
    Image.new("RGB", (64, 48), (stand_ins.SLOW,) * 3).save("slow.png")
    Image.new("RGB", (64, 48), (stand_ins.TOO_LARGE,) * 3).save("too large.png")
    for number in stand_ins.ERRORS:
        Image.new("RGB", (64, 48), (number,) * 3).save(f"error{number}.png")
    Path("text.jpg").write_text("hello")


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], residents: Residents
) -> Run:
    """Run the command in this process, with a stand-in in a child, which stays if none is named."""
    stays = functools.partial(residents.lend, worker=stand_ins.stand_in_worker)

    def run(*arguments: str, worker: Any = None) -> tuple[int, str, str]:
        runner = stays if worker is None else functools.partial(LocalRunner, worker=worker)
        monkeypatch.setattr(stylize, "LocalRunner", runner)
        with pytest.raises(SystemExit) as ended:
            main(["stylize", *arguments])
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def size_of(path: str) -> tuple[int, int]:
    with Image.open(path) as image:
        image.load()
        return image.size


@pytest.mark.parametrize(
    "name", ["out.png", "out.jpg", "OUT.JPEG", "out.webp", "out.tif", "out.tiff"]
)
def test_a_picture_is_made_in_the_format_of_its_name(run: Run, name: str) -> None:
    code, out, err = run("photo.jpg", "style.png", "-o", name, "--size", "96", "--iterations", "4")
    assert (code, err) == (0, "")
    assert name in out
    assert "96 x 72" in out
    assert size_of(name) == (96, 72)
    with Image.open(name) as image:
        kinds = {"png": "PNG", "webp": "WEBP", "tif": "TIFF", "tiff": "TIFF"}
        assert image.format == kinds.get(name.rpartition(".")[2], "JPEG")


def test_a_picture_that_is_too_long_for_its_format_is_not_called_so(run: Run) -> None:
    Image.new("RGB", (16_400, 600), (100,) * 3).save("long.jpg")
    Path("out.webp").write_bytes(b"of before")
    Path("out.png").write_bytes(b"somebody's own")
    arguments = ("--output.size", "original", "--size", "512", "--iterations", "4", "--json")
    code, out, err = run("long.jpg", "style.png", "-o", "out.webp", "--force", *arguments)
    assert code == 0
    assert json.loads(out)["output"] == "out (2).png"
    assert err == (
        "out.webp was not written: the picture is too long for a .webp file. It is out (2).png.\n"
    )
    with Image.open("out (2).png") as image:
        assert (image.format, image.size) == ("PNG", (16_400, 600))
    assert Path("out.webp").read_bytes() == b"of before"
    assert Path("out.png").read_bytes() == b"somebody's own"


def test_json_has_exactly_the_promised_keys(run: Run) -> None:
    code, out, err = run(
        "photo.jpg", "style.png", "-o", "out.png", "--size", "96", "--iterations", "7", "--json"
    )
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert list(report) == KEYS
    assert list(report["loss"]) == ["total", "content", "style", "tv", "realism"]
    assert (report["output"], report["width"], report["iterations"]) == ("out.png", 96, 7)


def test_it_is_said_what_was_refined_and_why_it_was_not(run: Run) -> None:
    wishes = ("-o", "out.png", "--force", "--size", "32", "--iterations", "2", "--json")
    refined = ("--output.size", "original", "--output.refine", "3")
    code, out, err = run("photo.jpg", "style.png", *wishes, *refined)
    assert (code, json.loads(out)["refined"], err) == (0, 3, "")
    code, out, err = run("photo.jpg", "too large.png", *wishes, *refined)
    assert (code, json.loads(out)["refined"], err) == (0, 0, "Too large to be refined.\n")
    code, out, err = run("photo.jpg", "too large.png", *wishes)
    assert (code, json.loads(out)["refined"], err) == (0, 0, "")


def test_the_preset_decides_what_is_not_said(run: Run) -> None:
    _, out, _ = run("photo.jpg", "style.png", "-o", "out.png", "--preset", "draft", "--json")
    from engine import PRESETS  # noqa: PLC0415 - beside what it explains

    report = json.loads(out)
    assert report["width"] == PRESETS["draft"].size
    assert report["iterations"] == PRESETS["draft"].total_iterations


def test_settings_stand_behind_the_options(run: Run) -> None:
    Path("config.toml").write_text("[paint]\nsize = 64\niterations = 5\n")
    _, out, _ = run("photo.jpg", "style.png", "-o", "out.png", "--size", "128", "--json")
    report = json.loads(out)
    assert (report["width"], report["iterations"]) == (128, 5)


def test_each_wish_has_one_option_in_the_help(run: Run) -> None:
    shown = run("--help")[1]
    for name in (
        "preset", "size", "iterations", "strength", "stroke-size", "colors", "style-loss",
        "tv-weight", "tv-norm", "pooling", "normalization", "init", "init-noise", "seed",
        "photo", "realism-weight", "weights", "device",
    ):  # fmt: skip
        assert f"  --{name} " in shown
        for section in ("paint", "engine"):
            assert f"--{section}.{name.replace('-', '_')} " not in shown
    assert "--paint.style_weight" in shown  # it has no short one


def recipe_of(name: str) -> Recipe:
    return record_of(Path(name).read_bytes(), name).recipe


def test_the_controls_reach_the_recipe(run: Run) -> None:
    typed = (
        "--strength", "2.5", "--stroke-size", "0.5", "--colors", "match", "--style-loss",
        "gram 70 + histogram 30", "--tv-weight", "0.5", "--tv-norm", "l2", "--pooling", "max",
        "--normalization", "classic", "--init", "blend", "--init-noise", "0.2", "--seed", "4",
    )  # fmt: skip
    assert run("photo.jpg", "style.png", "-o", "out.png", "--iterations", "2", *typed)[0] == 0
    found = recipe_of("out.png")
    assert (found.strength, found.stroke_size, found.colors) == (2.5, 0.5, "match")
    assert found.style_loss == {"gram": 0.7, "histogram": 0.3}
    assert (found.tv_weight, found.tv_norm) == (0.5, "l2")
    assert (found.pooling, found.normalization) == ("max", "classic")
    assert (found.init, found.init_noise, found.seed) == ("blend", 0.2, 4)


def test_photo_needs_no_value_and_can_be_taken_back(run: Run) -> None:
    """A value behind it would be the photo's name."""
    quick = ("-o", "out.png", "--force", "--iterations", "2")
    assert run("--photo", "photo.jpg", "style.png", *quick, "--realism-weight", "500")[0] == 0
    found = recipe_of("out.png")
    assert (found.photo, found.realism_weight) == (True, 500)
    like = ("-o", "again.png", "--like", "out.png")
    assert run("photo.jpg", "style.png", *like, "--paint.photo", "false")[0] == 0
    assert not recipe_of("again.png").photo
    assert run("photo.jpg", "style.png", *quick, "--preset", "photo")[0] == 0
    assert recipe_of("out.png").photo


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (("--photo", "--init", "noise"), "photo keeps the picture a photograph, which random"),
        (("--preset", "photo", "--init", "blend"), "but init is blend"),
        (("--realism-weight", "5"), "--realism-weight is about pictures that stay photographs"),
        (("--photo", "--paint.style_weight", "0"), "--photo is about the style, but style_weight"),
    ],
)
def test_what_goes_not_with_a_photograph_is_refused_by_name(
    run: Run, typed: tuple[str, ...], why: str
) -> None:
    status, _, told = run("photo.jpg", "style.png", "-o", "out.png", *typed)
    assert (status, why in told) == (2, True)
    assert not Path("out.png").exists()


QUICK = ("-o", "out.png", "--size", "96", "--iterations", "2")


def mean_of(name: str) -> float:
    with Image.open(name) as image:
        return float(np.asarray(image.convert("RGB"), float).mean())


@pytest.mark.parametrize(
    ("styles", "grey"),
    [
        (["style.png"], 200),
        (["style.png", "--style", "slow.png"], (200 + stand_ins.SLOW) / 2),
        (["style.png:3", "--style", "slow.png:1"], (3 * 200 + stand_ins.SLOW) / 4),
        (["style.png", "--style", "slow.png:.5"], (2 * 200 + stand_ins.SLOW) / 3),
        (["--style", "style.png", "--style", "slow.png:3"], (200 + 3 * stand_ins.SLOW) / 4),
        (["--style", "style.png:30"], 200),
    ],
)
def test_styles_are_blended_by_their_weights(run: Run, styles: list[str], grey: float) -> None:
    code, _, err = run("photo.jpg", *styles, *QUICK)
    assert (code, err) == (0, "")
    assert mean_of("out.png") == pytest.approx((100 + grey) / 2, abs=0.6)
    named = [one for one in styles if one != "--style"]
    assert len(record_of(Path("out.png").read_bytes(), "out.png").styles) == len(named)


def test_a_picture_whose_name_ends_like_a_weight_is_that_picture(run: Run) -> None:
    shutil.copy("slow.png", "style.png:50")
    code, _, _ = run("photo.jpg", "style.png:50", *QUICK)
    assert code == 0
    (style,) = record_of(Path("out.png").read_bytes(), "out.png").styles
    assert (style.name, style.weight) == ("style.png:50", 1.0)
    assert mean_of("out.png") == pytest.approx((100 + stand_ins.SLOW) / 2, abs=0.6)


def test_painting_starts_from_a_picture(run: Run) -> None:
    Path("config.toml").write_text("[paint]\ninit = 'noise'\n")
    code, _, err = run("photo.jpg", "style.png", *QUICK, "--init", "slow.png")
    assert (code, err) == (0, "")
    assert mean_of("out.png") == pytest.approx((stand_ins.SLOW + 200) / 2, abs=0.6)
    found = record_of(Path("out.png").read_bytes(), "out.png")
    assert found.start is not None
    assert (found.start.name, found.recipe.init) == ("slow.png", "content")


def test_a_file_called_like_a_choice_has_to_be_named_with_its_folder(run: Run) -> None:
    shutil.copy("slow.png", "noise")
    assert run("photo.jpg", "style.png", *QUICK, "--init", "noise")[0] == 0
    assert recipe_of("out.png").init == "noise"
    assert run("photo.jpg", "style.png", *QUICK, "--force", "--init", "./noise")[0] == 0
    assert recipe_of("out.png").init == "content"


def test_the_longer_names_are_heeded_too_and_give_way(run: Run) -> None:
    pictures = ("photo.jpg", "style.png", "-o", "out.png", "--force", "--json")
    long = ("--paint.size", "64", "--paint.iterations", "5")
    report = json.loads(run(*pictures, *long)[1])
    assert (report["width"], report["iterations"]) == (64, 5)
    report = json.loads(run(*pictures, "--size", "96", *long)[1])
    assert (report["width"], report["iterations"]) == (96, 5)


def test_an_existing_output_is_replaced_only_by_a_picture(run: Run) -> None:
    Path("out.png").write_bytes(b"old")
    assert run("text.jpg", "style.png", "-o", "out.png", "--force")[0] == 4
    assert Path("out.png").read_bytes() == b"old"
    assert run("photo.jpg", "style.png", "-o", "out.png", "--iterations", "1", "--force")[0] == 0
    assert size_of("out.png")[0] == 512


def test_an_existing_output_is_refused_before_the_work(run: Run) -> None:
    Path("out.png").write_bytes(b"old")
    Path("link.png").symlink_to("nowhere")
    for name in ("out.png", "link.png"):
        pictures = ("photo.jpg", "style.png", "-o", name)
        code, _, err = run(*pictures, worker=stand_ins.dies_at_start_worker)
        assert code == 2
        assert err.endswith(
            f"{name} is there already: choose another name, or add --force to replace it.\n"
        )
    assert Path("out.png").read_bytes() == b"old"


def test_what_came_while_it_was_painted_stays(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def come(*_: Any, **__: Any) -> None:
        Path("out.png").write_bytes(b"new")

    monkeypatch.setattr(stylize, "check_output", come)
    code, out, err = run("photo.jpg", "style.png", "-o", "out.png", "--iterations", "1", "--json")
    assert (code, json.loads(out)["output"]) == (0, "out (2).png")
    assert err == (
        "out.png was not written: another file has come there meanwhile. It is out (2).png.\n"
    )
    assert Path("out.png").read_bytes() == b"new"
    assert size_of("out (2).png")[0] == 512


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.jpg", "style.png"], 4, "none.jpg cannot be read"),
        (["photo.jpg", "."], 4, ". is a folder, not a picture"),
        (["photo.jpg", "none.png"], 4, "none.png cannot be read"),
        (["a" * 300, "style.png"], 4, "cannot be read (File name too long)"),
        (["text.jpg", "style.png"], 4, "text.jpg: The file is not a picture"),
        (["photo.jpg", "text.jpg"], 4, "text.jpg: The style picture"),
        (["photo.jpg", "error10.png"], 1, "it blew up"),
        (["photo.jpg", "error20.png"], 4, "photo.jpg: too narrow"),
        (["photo.jpg", "error30.png"], 2, "no sense"),
        (["photo.jpg", "error50.png"], 1, "unexpected"),
        (["photo.jpg", "kills.png"], 1, "stopped"),
        (["photo.jpg", "style.png", "--size", "31"], 2, f"--size must be {SIZES}, not 31."),
        (["photo.jpg", "style.png", "--size", "large"], 2, f'--size must be {SIZES}, not "large".'),
        (["photo.jpg", "style.png", "--paint.size", "31"], 2, f"--paint.size must be {SIZES}, not"),
        (["photo.jpg", "style.png", "--iterations", "0"], 2, "--iterations must be a whole number"),
        (
            ["photo.jpg", "style.png", "--preset", "best"],
            2,
            "must be draft, standard, fine, poster, subtle or photo, not",
        ),
        (
            ["photo.jpg", "style.png", "--device", "tpu"],
            2,
            "--device must be auto, cpu or gpu",
        ),
        (
            ["photo.jpg", "style.png", "--seed", "-1"],
            2,
            "--seed must be a whole number of",
        ),
        (["photo.jpg", "style.png", "--init", "nothing"], 2, "--init must be content, noise or"),
        (["photo.jpg", "style.png", "--init", "nothing"], 2, "there is no file nothing"),
        (["photo.jpg", "style.png", "--paint.init", "slow.png"], 2, "must be content, noise or"),
        (["photo.jpg", "style.png", "--init-noise", "2"], 2, "--init-noise must be a number of"),
        (["photo.jpg", "style.png", "--init-noise", "0.5"], 2, "--init-noise is the share of"),
        (
            ["photo.jpg", "style.png", "--init", "slow.png", "--init-noise", "0.5"],
            2,
            "a picture to start from takes the place of both",
        ),
        (["photo.jpg", "style.png", "--init", "text.jpg"], 4, 'start from, "text.jpg", cannot be'),
        (["photo.jpg", "style.png", "--init", "."], 4, ". is a folder, not a picture"),
        (["photo.jpg", "style.png", "--mask", "text.jpg"], 4, 'mask "text.jpg" cannot be used'),
        (["photo.jpg", "style.png", "--mask", "none.png"], 4, "none.png cannot be read"),
        (["photo.jpg", "style.png", "--content-regions", "slow.png"], 2, "goes with --style-regi"),
        (["photo.jpg", "style.png", "--style-regions", "slow.png"], 2, "goes with --content-regi"),
        (
            ["photo.jpg", "style.png", "--content-regions", "text.jpg", "--style-regions", "a.png"],
            4,
            "a.png cannot be read",
        ),
        (
            [
                *["photo.jpg", "style.png", "--content-regions", "text.jpg"],
                *["--style-regions", "slow.png"],
            ],
            4,
            'marks regions, "text.jpg", cannot be used. The file is not a picture',
        ),
        (["photo.jpg", "style.png", "--style", "text.jpg"], 4, 'style picture "text.jpg" cannot'),
        (["photo.jpg", "style.png", "--style", "none.png:3"], 4, "none.png cannot be read"),
        (["photo.jpg", "style.png:0"], 2, "style.png:0: the weight of a style must be a number"),
        (["photo.jpg", "style.png:-1"], 2, "greater than 0 and at most 1000000, not -1."),
        (["photo.jpg", "style.png:1000001"], 2, "at most 1000000, not 1000001."),
        (["photo.jpg", *["--style", "style.png"] * 17], 2, "17 styles are too many: name at most"),
        (["photo.jpg", "style.png", "--strength", "0"], 2, "--strength must be a number of at"),
        (["photo.jpg", "style.png", "--stroke-size", "9"], 2, "at least 0.25 and at most 4, not 9"),
        (["photo.jpg", "style.png", "--colors", "mine"], 2, "must be style, match or luminance"),
        (["photo.jpg", "style.png", "--style-loss", "oil"], 2, "--style-loss must be gram, wasser"),
        (
            ["photo.jpg", "style.png", "--tv-norm", "l2", "--tv-weight", "0"],
            2,
            "--tv-norm is about smoothness, but",
        ),
        (
            ["photo.jpg", "style.png", "--strength", "2", "--paint.style_weight", "0"],
            2,
            "--strength is about the style, but style_weight is 0",
        ),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(
    run: Run, arguments: list[str], code: int, words: str
) -> None:
    got, out, err = run(*arguments, "-o", "out.png")
    assert (got, out) == (code, "")
    assert words in err
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert not Path("out.png").exists()


def test_what_is_missing_from_the_picture_is_said(run: Run) -> None:
    arguments = ("photo.jpg", "style.png", "-o", "out.png", "--force", "--json")
    code, out, err = run(*arguments, worker=stand_ins.forgetful_worker)
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("The photo could not be read again. What it says of itself ")
    assert "as painted. (of the photo)" in err
    assert json.loads(out)["output"] == "out.png"
    assert size_of("out.png")
    _, _, err = run(*arguments, "--debug", worker=stand_ins.forgetful_worker)
    assert "Traceback" in err
    assert "MemoryError: of the photo" in err


def test_debug_shows_where_in_the_engine_it_went_wrong(run: Run) -> None:
    assert (
        "ZeroDivisionError: a bug" in run("photo.jpg", "error50.png", "-o", "out.png", "--debug")[2]
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out.gif", "name the output .jpg, .png, .webp or .tif"),
        ("out", "name the output .jpg, .png, .webp or .tif"),
        ("none/out.png", "choose a file in a folder that is there"),
        ("photo.jpg/out.png", "choose a file in a folder that is there"),
        ("folder.png", "folder.png is a folder: name a file, such as folder.png/painted.jpg"),
        (".", "is a folder: name a file, such as painted.jpg"),
        ("photo.jpg", "is one of the pictures to read"),
        ("/proc/out.png", "cannot be written"),  # where not even root may
        (f"{'a' * 300}.png", "cannot be written (File name too long)"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_the_work(
    run: Run, name: str, words: str
) -> None:
    Path("folder.png").mkdir()
    before = Path("photo.jpg").read_bytes()
    code, _, err = run("photo.jpg", "style.png", "-o", name, worker=stand_ins.dies_at_start_worker)
    assert code == 2
    assert name in err
    assert words in err
    assert err.count("\n") == 1
    assert Path("photo.jpg").read_bytes() == before


@pytest.mark.parametrize(
    ("worker", "code", "words"),
    [
        (stand_ins.no_weights_worker, 3, "run fetch"),
        (stand_ins.no_start_worker, 1, "no library"),
    ],
)
def test_an_engine_that_cannot_start_ends_the_command(
    run: Run, worker: Any, code: int, words: str
) -> None:
    got, _, err = run("photo.jpg", "style.png", "-o", "out.png", worker=worker)
    assert got == code
    assert words in err


def test_missing_weights_are_told_apart_by_the_exit_status(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "daemon", "stylize", "photo.jpg", "style.png", "-o", "out.png",
         "--weights", "."],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "weights fetch" in done.stderr


@pytest.mark.weights
def test_weights_that_are_imported_on_the_way_are_named(
    weights: Path, pictures: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    Path("param").mkdir()
    shutil.copy(weights, "param/mine.params")
    for said in (["The weights were imported from mine.params in param."], []):
        with pytest.raises(SystemExit) as ended:
            main(
                ["stylize", *pictures, "-o", "out.png", "--force", "--size", "64",
                 "--iterations", "1", "--device", "cpu", "--weights", "param"]
            )  # fmt: skip
        assert ended.value.code == 0
        assert capfd.readouterr().err.splitlines() == said


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


PROGRAM = """
import functools, sys
from daemon.cli import main, stylize
from daemon.runners.local import LocalRunner
from tests.daemon.child_stand_ins import stand_in_worker

if __name__ == "__main__":
    stylize.LocalRunner = functools.partial(LocalRunner, worker=stand_in_worker)
    main(["stylize", *sys.argv[1:]])
"""


@pytest.fixture
def on_terminal(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], int]]]:
    """Start the command in a process with a terminal of its own; gives it and the terminal."""
    (tmp_path / "program.py").write_text(PROGRAM)
    terminal, theirs = pty.openpty()

    def start(*arguments: str) -> tuple[subprocess.Popen[bytes], int]:
        process = subprocess.Popen(
            [sys.executable, "program.py", *arguments, "-o", "out.png"],
            cwd=tmp_path, env={**environment(), "TERM": "xterm", "COLUMNS": "110"},
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        return process, terminal

    yield start
    os.close(terminal)
    os.close(theirs)


def read_until(terminal: int, words: bytes, seconds: float = 60) -> bytes:
    seen, until = b"", time.monotonic() + seconds
    while words not in seen and time.monotonic() < until:
        seen += os.read(terminal, 4096)
    assert words in seen
    return seen


def test_a_person_sees_a_bar(on_terminal: Any) -> None:
    process, terminal = on_terminal("photo.jpg", "slow.png", "--iterations", "40")
    seen = read_until(terminal, b"512 x 384 pixels, 40 steps")
    assert process.wait(60) == 0
    assert b"photo.jpg" in seen
    assert b"512x384" in seen
    assert b"100 %" in seen


def test_ctrl_c_ends_it_cleanly(on_terminal: Any, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    process, terminal = on_terminal("photo.jpg", "slow.png", "--iterations", "10000")
    read_until(terminal, b"512x384")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the child too
    assert process.wait(60) == 130
    os.set_blocking(terminal, False)
    said = b""
    with contextlib.suppress(BlockingIOError):
        while True:
            said += os.read(terminal, 4096)
    assert b"Traceback" not in said
    assert said.count(b"Stopped: nothing was written.\r\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_ctrl_c_at_the_last_moment_promises_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(output, "publish_new", interrupted)
    code, out, err = run("photo.jpg", "style.png", "-o", "out.png", "--iterations", "1")
    assert (code, out) == (130, "")
    assert err == "Stopped while out.png was being written: see whether it is there.\n"


@pytest.fixture
def pictures() -> tuple[str, str]:
    """A photo and a style with something to see in them."""
    rng = np.random.default_rng(1)
    for name in ("real.png", "strokes.png"):
        coarse = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
        coarse.resize((96, 72), Image.Resampling.BICUBIC).save(name)
    return "real.png", "strokes.png"


@pytest.fixture
def real_stays(monkeypatch: pytest.MonkeyPatch, residents: Residents) -> None:
    """The real engine, in a child that stays."""
    monkeypatch.setattr(stylize, "LocalRunner", residents.lend)


@pytest.mark.weights
@pytest.mark.parametrize("init", [["--init", "noise"], ["--init", "blend", "--init-noise", "0.3"]])
def test_another_seed_is_another_picture_and_the_same_the_same(
    monkeypatch: pytest.MonkeyPatch,
    residents: Residents,
    weights: Path,
    pictures: tuple[str, str],
    init: list[str],
) -> None:
    def painted(seed: int, runner: Any = residents.lend) -> bytes:
        monkeypatch.setattr(stylize, "LocalRunner", runner)
        with pytest.raises(SystemExit) as ended:
            main(
                ["stylize", *pictures, "-o", "out.png", "--force", "--size", "64",
                 "--iterations", "3", "--device", "cpu", "--weights", str(weights.parent),
                 *init, "--seed", str(seed)]
            )  # fmt: skip
        assert ended.value.code == 0
        with Image.open("out.png") as picture:
            return picture.tobytes()

    first = painted(1)
    assert painted(2) != first
    assert painted(1, LocalRunner) == first  # also in a process of its own


@pytest.mark.weights
@pytest.mark.usefixtures("real_stays")
def test_the_real_engine_heeds_all_that_is_named(weights: Path, pictures: tuple[str, str]) -> None:
    photo, strokes = pictures
    Image.open(strokes).rotate(180).convert("L").convert("RGB").save("grey.png")

    def painted(output: str, *typed: str) -> bytes:
        engine = ("--device", "cpu", "--weights", str(weights.parent))
        with pytest.raises(SystemExit) as ended:
            main(["stylize", photo, "-o", output, *engine, *typed])
        assert ended.value.code == 0
        with Image.open(output) as picture:
            return picture.tobytes()

    short = ("--size", "64", "--iterations", "2")
    usual = painted("usual.png", strokes, *short)
    blend = painted("blend.png", f"{strokes}:1", "--style", "grey.png:3", *short)
    begun = painted("begun.png", strokes, "--init", "grey.png", *short)
    match = painted("match.png", strokes, "--colors", "match", "--stroke-size", "0.5", *short)
    grey = painted("luminance.png", strokes, "--colors", "luminance", *short)
    assert len({usual, blend, begun, match, grey}) == 5
    again = ("--like", "blend.png")
    assert painted("again.png", strokes, "--style", "grey.png", *again) == blend
    assert painted("begun again.png", strokes, "--init", "grey.png", "--like", "begun.png") == begun


@pytest.mark.weights
@pytest.mark.usefixtures("real_stays")
def test_the_real_engine_heeds_masks_and_regions(
    weights: Path, pictures: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    photo, strokes = pictures
    drawn = np.zeros((72, 96, 3), np.uint8)
    drawn[:, 48:] = 255
    Image.fromarray(drawn).save("right.png")
    Image.fromarray(255 - drawn).save("left.png")
    Image.fromarray(drawn * np.array([1, 0, 0], np.uint8)).save("red.png")

    def run(output: str, *typed: str) -> int:
        engine = ("--device", "cpu", "--weights", str(weights.parent))
        with pytest.raises(SystemExit) as ended:
            main(["stylize", photo, strokes, "-o", output, *engine, *typed])
        return int(ended.value.code or 0)

    def painted(output: str, *typed: str) -> np.ndarray[Any, Any]:
        assert run(output, *typed) == 0
        with Image.open(output) as picture:
            return np.asarray(picture.convert("RGB"))

    short = ("--size", "64", "--iterations", "2")
    original = ("--output.size", "original")
    with Image.open(photo) as file:
        whole = np.asarray(file.convert("RGB"))
    for more in ((), ("--output.refine", "0")):
        masked = painted("mask.png", "--force", "--mask", "right.png", *short, *original, *more)
        assert np.array_equal(masked[:, :48], whole[:, :48])
        assert np.abs(masked[:, 52:].astype(float) - whole[:, 52:]).mean() > 2
    regions = ("--content-regions", "right.png", "--style-regions")
    same, crossed = (
        painted(f"by-{each}", *regions, each, *short) for each in ("right.png", "left.png")
    )
    assert not np.array_equal(same, crossed)
    capfd.readouterr()
    assert run("good.png", *regions, "red.png", *short) == 0  # black is there in both
    assert run("bad.png", "--content-regions", photo, "--style-regions", "right.png", *short) == 4
    assert "marks regions of the photo has more than 9 colours" in capfd.readouterr().err
    assert run("bad.png", "--mask", "right.png", "--style-loss", "histogram", *short) == 2
    assert "do not go together with the style loss histogram" in capfd.readouterr().err


@pytest.mark.weights
@pytest.mark.parametrize(
    "how", [["-m", "daemon"], [str(Path(sys.executable).with_name("atelierd"))]]
)
def test_the_real_engine_paints(
    weights: Path, tmp_path: Path, pictures: tuple[str, str], how: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, *how, "stylize", *pictures, "-o", "out.png",
         "--size", "64", "--iterations", "6", "--device", "cpu", "--weights", str(weights.parent),
         "--json"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert list(report) == KEYS
    assert (report["width"], report["height"], report["iterations"]) == (64, 48, 6)
    parts = report["loss"]
    added = parts["content"] + sum(parts["style"].values()) + parts["tv"] + parts["realism"]
    assert parts["total"] == pytest.approx(added, rel=1e-3)
    with Image.open("out.png") as painted, Image.open("real.png") as photo:
        small = np.asarray(photo.resize((64, 48)), float)
        assert np.abs(np.asarray(painted, float) - small).mean() > 2
