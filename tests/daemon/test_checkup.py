"""Each finding of the doctor: as it should be, and as it should not."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from daemon import checkup
from daemon.checkup import (
    check_engine,
    check_folders,
    check_python,
    check_styles,
    check_weights,
    examine,
)
from daemon.errors import EngineLostError
from daemon.findings import Finding
from daemon.locking import ShareLock
from daemon.settings import ClusterSettings, EngineSettings, Settings, ShareSettings
from daemon.share import make_share, open_share
from engine.cores import usable_cores
from tests.daemon.standins import picture

TOPICS = [
    "Python", "numpy", "MXNet", "device", "precision", "threads", "weights", "folders",
    "styles", "state folder",
]  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a share that is all there, with no weights."""
    share = ShareSettings(root=tmp_path / "share")
    make_share(open_share(share))
    return Settings(
        share=share,
        state_dir=tmp_path / "state",
        engine=EngineSettings(weights=tmp_path / "param", device="cpu"),
    )


def numpy_is_gone() -> str:
    """Stands for `numpy_version`, in a child."""
    sys.modules["numpy"] = None  # type: ignore[assignment]
    return checkup.numpy_version()


def mxnet_is_gone() -> checkup.Arrays:
    """Stands for `load_arrays`, in a child."""
    sys.modules["mxnet"] = None  # type: ignore[assignment]
    return checkup.load_arrays()


def crashes() -> checkup.Arrays:
    """Stands for `load_arrays`, in a child: a processor that does not know an instruction."""
    os.abort()


@pytest.mark.parametrize("version", [(3, 10, 0), (3, 11, 7), (3, 12, 1), (3, 13, 0)])
def test_a_python_that_will_do(version: tuple[int, ...]) -> None:
    found = check_python(version, "Linux x86_64")
    assert found.well
    assert found.text.startswith(f"{version[0]}.{version[1]}.")


@pytest.mark.parametrize(
    ("version", "machine", "words"),
    [
        ((3, 9, 18), "Linux x86_64", "3.10 to 3.13"),
        ((3, 14, 0), "Linux x86_64", "3.10 to 3.13"),
        ((3, 12, 1), "Linux aarch64", "x86-64"),
        ((3, 12, 1), "Darwin x86_64", "Linux"),
    ],
)
def test_a_python_that_will_not(version: tuple[int, ...], machine: str, words: str) -> None:
    found = check_python(version, machine)
    assert not found.well
    assert words in found.text


def test_the_engine_s_libraries_device_precision_and_threads() -> None:
    asked = EngineSettings(device="cpu", precision="float32", threads=1)
    found = {each.topic: each for each in check_engine(asked)}
    assert list(found) == TOPICS[1:6]
    assert all(each.well for each in found.values())
    assert found["MXNet"].text.startswith("1.9.1 (mxnet")
    assert found["device"].text == "cpu: the settings ask for the CPU"
    assert found["precision"].text == "float32"
    assert found["threads"].text.startswith(f"1 (physical cores for this process: {usable_cores()}")


def test_without_weights_the_precision_is_not_told(tmp_path: Path) -> None:
    found = {each.topic: each for each in check_engine(EngineSettings(weights=tmp_path))}
    assert found["precision"].well
    assert "once the trained weights are there" in found["precision"].text


def test_more_threads_than_cores_are_remarked() -> None:
    threads = usable_cores() + 3
    asked = EngineSettings(device="cpu", precision="float32", threads=threads)  # no self-check
    *_, found = check_engine(asked)
    assert found.well
    assert found.text.startswith(f"{threads} ")
    assert "slower" in found.text


def test_without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "numpy_version", numpy_is_gone)
    monkeypatch.setattr(checkup, "load_arrays", mxnet_is_gone)
    numpy, mxnet, *rest = check_engine(EngineSettings())
    assert (numpy.topic, numpy.well, mxnet.topic, mxnet.well) == ("numpy", False, "MXNet", False)
    assert "Install atelierd again" in numpy.text
    assert "cannot be loaded" in mxnet.text
    assert [each.topic for each in rest] == TOPICS[3:6]
    assert not any(each.well for each in rest)
    assert all("MXNet has to be put right first" in each.text for each in rest)


def test_a_crash_of_mxnet_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "load_arrays", crashes)
    mxnet = list(check_engine(EngineSettings()))[1]
    assert not mxnet.well
    assert "SIGABRT" in mxnet.text


def test_a_device_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "in_child", refuse_device)
    found = {each.topic: each for each in check_engine(EngineSettings(device="gpu"))}
    assert [topic for topic in found if not found[topic].well] == ["device", "precision", "threads"]
    assert found["device"].text == "the card is too new"


def refuse_device(function: object, *_: object) -> object:
    """Stands for `in_child`: all goes well but the choice of a device."""
    if function is checkup.choose_device:
        raise EngineLostError("the card is too new")
    if function is checkup.read_styles:
        return {}
    return checkup.Arrays("1.26.4", "1.9.1", "mxnet")


@pytest.mark.weights
def test_the_weights_in_place(weights: Path) -> None:
    found = check_weights(weights.parent)
    assert found.well
    assert "sha256" in found.text


@pytest.mark.weights
def test_a_file_beside_the_weights_is_remarked(weights: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(weights.parent, tmp_path / "param")
    (folder / "mine.h5").write_bytes(b"never imported")
    found = check_weights(folder)
    assert found.well
    assert f"{folder}/mine.h5 is not used: it cannot be. mine.h5 is not a file of" in found.text


def test_no_weights_at_all(tmp_path: Path) -> None:
    found = check_weights(tmp_path / "param")
    assert (found.topic, found.well) == ("weights", False)
    assert "atelierd weights fetch" in found.text


@pytest.mark.weights
def test_weights_that_wait_for_their_import(weights: Path, tmp_path: Path) -> None:
    shutil.copy(weights, tmp_path / "my vgg19.params")
    found = check_weights(tmp_path)
    assert not found.well
    assert f"atelierd weights import '{tmp_path}/my vgg19.params'" in found.text


def test_a_file_that_is_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "param").mkdir()
    (tmp_path / "param/notes.txt").write_text("dear diary")
    monkeypatch.chdir(tmp_path)
    found = check_weights(Path("param"))
    assert not found.well
    assert f"no trained weights in {tmp_path}/param that can be used. notes.txt is" in found.text


@pytest.mark.weights
def test_damaged_weights(weights: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(weights.parent, tmp_path / "param")
    with (folder / weights.name).open("r+b") as file:
        file.seek(50_000_000)
        file.write(b"damage")
    found = check_weights(folder)
    assert not found.well
    assert "changed or damaged" in found.text


def test_folders_as_they_should_be(settings: Settings, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    folders, styles, state = check_folders(settings, {})
    assert folders.well
    assert str(tmp_path / "share") in folders.text
    assert styles.text == f"0 in {tmp_path}/share/Styles, all can be read"
    assert state.well
    assert "will be made" in state.text
    assert sorted(tmp_path.rglob("*")) == before


def test_styles_that_cannot_be_read_are_named(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "share/Styles"
    for name, content in {"good.jpg": picture(), "page.jpg": b"<html>", "half.png": b""}.items():
        (folder / name).write_bytes(content)
    found = check_styles(folder, settings.watch)
    assert not found.well
    assert "page.jpg cannot be used. The file is not a picture" in found.text
    assert "half.png cannot be used. The file is empty" in found.text
    assert "good.jpg" not in found.text
    assert f"replace it in {folder}" in found.text
    (folder / "page.jpg").unlink()
    (folder / "half.png").write_bytes(picture(kind="PNG"))
    found = check_styles(folder, settings.watch)
    assert (found.well, found.text) == (True, f"2 in {folder}, all can be read")


def test_a_state_folder_that_is_there(settings: Settings) -> None:
    state = settings.state_dir
    assert state is not None
    state.mkdir()
    *_, before = check_folders(settings, {})
    Path(before.text.removesuffix(" (will be made)")).mkdir()
    *_, after = check_folders(settings, {})
    assert after.well
    assert after.text + " (will be made)" == before.text


def test_a_service_whose_journal_is_elsewhere(settings: Settings, tmp_path: Path) -> None:
    with ShareLock(tmp_path / "other/share-1", open_share(settings.share).work):
        folders, _, state = check_folders(settings, {})
    assert folders.well
    assert not state.well
    assert f"Set state_dir to {tmp_path}/other," in state.text
    assert all(found.well for found in check_folders(settings, {}))


def test_missing_folders_are_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "share/Styles").rmdir()
    folders, styles, state = check_folders(settings, {})
    assert not folders.well
    assert "Not there: styles" in folders.text
    assert "the share has to be put right first" in styles.text
    assert f"atelierd init {tmp_path}/share" in folders.text
    assert state.well
    assert not (tmp_path / "share/Styles").exists()


def test_folders_inside_one_another(settings: Settings) -> None:
    nested = settings.share.model_copy(update={"outbox": Path("Inbox/Outbox")})
    folders, styles, state = check_folders(settings.model_copy(update={"share": nested}), {})
    assert not folders.well
    assert not styles.well
    assert "inside share.inbox" in folders.text
    assert not state.well
    assert "the share has to be put right first" in state.text


def test_a_folder_that_is_a_file(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    folders, _, state = check_folders(settings, {})
    assert folders.well
    assert not state.well
    assert "state_dir" in state.text


def test_a_state_folder_on_a_network_file_system(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "silent_file_system", lambda _: "nfs4")
    folders, _, state = check_folders(settings, {})
    assert folders.well
    assert "nfs4" in folders.text
    assert not state.well
    assert "local disk" in state.text


def test_a_state_folder_that_may_not_be_written(settings: Settings) -> None:
    # In /proc nobody can make a file, not even root.
    locked = settings.model_copy(update={"state_dir": Path("/proc/atelierd")})
    *_, state = check_folders(locked, {})
    assert not state.well
    assert "cannot be written to" in state.text
    assert "state_dir" in state.text


def test_everything_is_examined_in_order(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "in_child", refuse_device)
    found = list(examine(settings, {}))
    assert [each.topic for each in found] == TOPICS
    assert all(isinstance(each, Finding) and each.text for each in found)


def test_several_engines_and_a_cluster_are_examined_where_they_are_asked_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "in_child", refuse_device)
    engine = settings.engine.model_copy(update={"workers": 2})
    cluster = ClusterSettings(scheduler="tcp://painters.invalid:8786")
    more = {"runner": "dask", "engine": engine, "cluster": cluster}
    found = [each.topic for each in examine(settings.model_copy(update=more), {})]
    assert found == [*TOPICS[:6], "engines", "weights", "cluster", "painters", *TOPICS[7:]]
