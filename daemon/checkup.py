"""Examine this machine and these settings: what works, and what to do about what does not.

Nothing is changed by it. What needs MXNet or reads large files happens in child processes: they may
crash, and then that is the finding.
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from daemon.checkup_cluster import check_cluster
from daemon.checkup_places import check_places
from daemon.companions import regions_of
from daemon.configuration import state_folder
from daemon.errors import ShareError
from daemon.findings import FIRST, Finding, tried
from daemon.keeper import keeping
from daemon.looking import limits_of, what_is_wrong
from daemon.mounts import silent_file_system
from daemon.names import printable
from daemon.oneshot import in_child
from daemon.settings import EngineSettings, Settings, WatchSettings
from daemon.share import Share, make_share, open_share
from daemon.styles import see_styles

if TYPE_CHECKING:  # the engine's package needs numpy, whose lack is one of the findings
    from engine.progress import DeviceReport

OLDEST: Final = (3, 10)
NEWEST: Final = (3, 13)
"""Pythons that there are locked requirements for."""

_UNTOLD: Final = "a self-check tells it, once the trained weights are there"


@dataclass(frozen=True)
class Arrays:
    """The libraries of arrays that were loaded: versions, and the name of MXNet's build."""

    numpy: str
    mxnet: str
    build: str


@dataclass(frozen=True)
class Placed:
    """A device that was chosen, and how many physical cores there are for it."""

    device: DeviceReport
    cores: int


def examine(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Examine everything, one thing after the other.

    Args:
        settings: what the daemon would be started with.
        environ: the environment that it would be started in.

    Yields:
        A finding as soon as there is one; the topics and their order depend on the settings alone.
    """
    yield check_python(sys.version_info[:3], f"{platform.system()} {platform.machine()}")
    yield from check_engine(settings.engine)
    yield from check_places(settings.engine)
    yield check_weights(settings.engine.weights)
    yield from check_cluster(settings)
    yield from check_folders(settings, environ)


def check_python(version: tuple[int, ...], machine: str) -> Finding:
    """Say whether MXNet's wheels and the locked requirements are for this Python and machine.

    Args:
        version: of Python, at least major and minor.
        machine: system and processor as `platform` names them.
    """
    shown = f"{'.'.join(map(str, version))} on {machine}"
    low, high = (".".join(map(str, each)) for each in (OLDEST, NEWEST))
    if not OLDEST <= version[:2] <= NEWEST:
        return Finding("Python", False, f"{shown}. Install one of Python {low} to {high}.")
    if machine != "Linux x86_64":
        return Finding("Python", False, f"{shown}. MXNet is there for Linux on x86-64 alone.")
    return Finding("Python", True, shown)


def check_engine(settings: EngineSettings) -> Iterator[Finding]:
    """Load the libraries and choose a device, each in a child process.

    Args:
        settings: device, precision and threads that are asked for, and where the weights lie.

    Yields:
        Findings on numpy, MXNet, the device, precision and threads.
    """
    numpy, version = tried("numpy", lambda: in_child(numpy_version))
    yield numpy or Finding("numpy", True, str(version))
    mxnet, arrays = tried("MXNet", lambda: in_child(load_arrays))
    yield mxnet or Finding("MXNet", True, f"{arrays.mxnet} ({arrays.build})")
    if mxnet is not None:
        topics = ("device", "precision", "threads")
        yield from (Finding(topic, False, FIRST.format("MXNet")) for topic in topics)
        return
    device, placed = tried("device", lambda: in_child(choose_device, settings))
    yield device or Finding("device", True, f"{placed.device.name}: {placed.device.reason}")
    for topic, shown in (("precision", _precision), ("threads", _threads)):
        well = device is None
        yield Finding(topic, well, shown(placed) if well else FIRST.format("the device"))


def check_weights(folder: Path) -> Finding:
    """Check the hash and the content of the trained weights, in a child process.

    Args:
        folder: where they live.
    """
    where = folder.absolute()  # a command that is shown is to work wherever it is typed
    fault, found = tried("weights", lambda: in_child(verify_weights, where))
    return fault or Finding("weights", True, found)


def check_folders(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """See whether the share's folders and the state folder are there and can be written to.

    Args:
        settings: of the share.
        environ: tells where state folders lie.

    Yields:
        Findings on the folders, the styles and the state folder.
    """
    fault, share = tried("folders", lambda: open_share(settings.share))
    if fault is not None:
        yield fault
        for topic in ("styles", "state folder"):
            yield Finding(topic, False, FIRST.format("the share"))
        return
    fault, text = tried("folders", lambda: _look_at(share))
    yield fault or Finding("folders", True, text)
    yield check_styles(share.styles, settings.watch)
    fault, text = tried("state folder", lambda: _look_at_state(settings, share, environ))
    yield fault or Finding("state folder", True, text)


def check_styles(folder: Path, settings: WatchSettings) -> Finding:
    """Read all style pictures, in a child process.

    Args:
        folder: where they lie.
        settings: say how large one may be.
    """
    if not folder.is_dir():
        return Finding("styles", False, FIRST.format("the share"))
    fault, found = tried("styles", lambda: in_child(read_styles, folder, settings))
    if fault is not None:
        return fault
    faults = [f"{name} cannot be used. {why}" for name, why in found.items() if why]
    if faults:
        where = f"Mend or replace it in {printable(folder)}, or take it away."
        return Finding("styles", False, " ".join([*faults, where]))
    number = sum(regions_of(name) is None for name in found)
    return Finding("styles", True, f"{number} in {printable(folder)}, all can be read")


def numpy_version() -> str:
    """Import numpy; in a child process."""
    import numpy as np  # noqa: PLC0415 - whether it can be imported is the question

    return np.__version__


def load_arrays() -> Arrays:
    """Load MXNet and let it compute a little on the CPU; in a child process.

    Raises:
        DeviceError: it cannot be loaded, two builds of it are installed, or it computes nonsense.
    """
    from engine.builds import explain, installed_builds  # noqa: PLC0415 - in the child alone
    from engine.device import try_out  # noqa: PLC0415 - the same: it imports MXNet
    from engine.errors import DeviceError  # noqa: PLC0415
    from engine.mx import mx  # noqa: PLC0415

    builds = installed_builds()
    if len(builds) > 1:
        raise DeviceError(explain(ImportError("overwritten"), builds))
    fault = try_out(mx.cpu())
    if fault:
        raise DeviceError(f"MXNet does not compute on this processor: {fault}.")
    return Arrays(numpy_version(), mx.__version__, "".join(builds))


def choose_device(settings: EngineSettings) -> Placed:
    """Choose device and precision as the engine does; in a child process.

    Without the trained weights the precision cannot be told: that takes the self-check.

    Raises:
        DeviceError: what is asked for cannot be used.
    """
    if settings.threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(settings.threads)  # read once, as MXNet is loaded
    from engine.cores import usable_cores  # noqa: PLC0415 - in the child alone
    from engine.device import choose  # noqa: PLC0415 - the same: it imports MXNet
    from engine.errors import WeightsError  # noqa: PLC0415
    from engine.placing import place  # noqa: PLC0415
    from engine.weights import load  # noqa: PLC0415

    try:
        trained = load(settings.weights)
    except WeightsError:
        report = replace(choose(settings.device).report, precision=_UNTOLD)
    else:
        report = place(trained, settings.device, settings.precision).report
    return Placed(report, usable_cores())


def verify_weights(folder: Path) -> str:
    """Check the weights in place and describe them; in a child process.

    Raises:
        WeightsError: they are missing or not the right ones.
    """
    from engine.weights import beside, verify  # noqa: PLC0415 - in the child alone

    manifest = verify(folder)
    order = manifest.convention.order
    about = f"{folder}: {manifest.source}, {order}, sha256 {manifest.sha256[:12]}..."
    return " ".join([about, *beside.remarks(folder, manifest)])


def read_styles(folder: Path, settings: WatchSettings) -> dict[str, str]:
    """Read the styles whole, and say by file name what is wrong; in a child process."""
    limits = limits_of(settings)
    seen = see_styles(folder)
    pictures = (*seen.styles.values(), *seen.regions.values())
    return {path.name: what_is_wrong(path, limits) for path in pictures}


def _look_at(share: Share) -> str:
    missing = [name for name, folder in share.folders() if not folder.is_dir()]
    if missing:
        raise ShareError(
            f"Not there: {', '.join(missing)} in {share.root}. Run `atelierd init "
            f"{shlex.quote(str(share.root))}`."
        )
    make_share(share)  # makes nothing now, but tries to write into each
    kind = silent_file_system(share.inbox)
    return f"{share.root}: all there, can be written to{f', on {kind}: polled' if kind else ''}"


def _look_at_state(settings: Settings, share: Share, environ: Mapping[str, str]) -> str:
    folder = state_folder(settings, share, environ)
    kind = silent_file_system(folder)
    if kind:
        raise ShareError(
            f"{folder} lies on a network or shared file system ({kind}), where the journal can be "
            "damaged. Set state_dir to a folder on a local disk."
        )
    # A daemon that keeps the share with another journal would keep out one with these settings.
    if remark := keeping(share, folder).remark:
        raise ShareError(remark)
    there = folder
    try:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise ShareError(
            f"{folder} cannot be written to ({error.strerror}). Let this user write to {there}, "
            "or set state_dir to another folder."
        ) from error
    return f"{folder}{'' if there == folder else ' (will be made)'}"


def _precision(placed: Placed) -> str:
    return placed.device.precision


def _threads(placed: Placed) -> str:
    threads, cores = placed.device.threads, placed.cores
    hint = ", more than there are: that is slower" if threads > cores else ""
    return f"{threads} (physical cores for this process: {cores}{hint})"
