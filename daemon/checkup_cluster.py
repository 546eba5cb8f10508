"""The doctor's look at painters of a cluster: are they there, and would they be given photos.

Dask is an extra, and heavy: it is imported in child processes alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Final

from daemon.extras import require_cluster
from daemon.findings import FIRST, Finding, by_reason, named, tried
from daemon.oneshot import in_child
from daemon.settings import ClusterSettings, Settings

if TYPE_CHECKING:  # they need Dask
    from daemon.cluster.visit import Seen, Visit

CLUSTER: Final = "cluster"
PAINTERS: Final = "painters"
_HERE: Final = (
    "no scheduler is named (cluster.scheduler), so painters of this machine paint, in the "
    "service's own process (Dask {})"
)
_EXPOSED: Final = (
    "{} answers, without protection: whoever reaches it over the network can run any code, as the "
    "users of the service and of all painters. Make certificates, or let a firewall keep all "
    "others away (docs/cluster.md)."
)
_ALONE: Final = "{} answers, to this machine alone"
_GUARDED: Final = "{} answers; both sides have certificates"
_NONE: Final = (
    "None has joined. On each machine that is to paint, run `atelierd worker --scheduler {}`."
)
_OTHERS: Final = "What is there is no painter: {}, without the resource PAINTER."


def check_cluster(settings: Settings) -> Iterator[Finding]:
    """Say whether a cluster's scheduler and painters are there, if one is to paint.

    Args:
        settings: all of them.

    Yields:
        Findings on the cluster and, where a scheduler is named, on its painters.
    """
    if settings.runner != "dask":
        return
    if settings.cluster.scheduler is None:
        yield _here(settings.cluster)
        return
    fault, seen = tried(CLUSTER, lambda: _visit(settings))
    cluster = fault or _scheduler(settings.cluster.scheduler, seen)
    yield cluster
    first = Finding(PAINTERS, False, FIRST.format("the cluster"))
    yield _painters(settings.cluster.scheduler, seen) if cluster.well else first


def load_dask(settings: ClusterSettings) -> str:
    """Import Dask, and say its version; in a child process.

    Raises:
        SettingsError: the settings contradict one another.
    """
    from daemon.cluster.security import security  # noqa: PLC0415 - in the child alone

    security(settings)
    return metadata.version("distributed")


def see_cluster(settings: Settings) -> Visit:
    """Look at the scheduler and its painters; in a child process."""
    from daemon.cluster.visit import visit  # noqa: PLC0415 - in the child alone

    return visit(settings)


def _here(settings: ClusterSettings) -> Finding:
    fault, version = tried(CLUSTER, lambda: _load(settings))
    return fault or Finding(CLUSTER, True, _HERE.format(version))


def _load(settings: ClusterSettings) -> str:
    require_cluster()
    return in_child(load_dask, settings)


def _visit(settings: Settings) -> Visit:
    require_cluster()
    return in_child(see_cluster, settings)


def _scheduler(address: str, seen: Visit) -> Finding:
    if seen.why:
        return Finding(CLUSTER, False, seen.why)
    if address.startswith("tls://"):
        return Finding(CLUSTER, True, _GUARDED.format(address))
    if seen.is_exposed:
        return Finding(CLUSTER, True, _EXPOSED.format(address), but=True)
    return Finding(CLUSTER, True, _ALONE.format(address))


def _painters(address: str, seen: Visit) -> Finding:
    if not seen.painters:
        workers = "1 worker" if seen.others == 1 else f"{seen.others} workers"
        others = _OTHERS.format(workers) if seen.others else ""
        return Finding(PAINTERS, False, f"{_NONE.format(address)} {others}".strip())
    refused = by_reason((one.name, one.why) for one in seen.painters if one.why)
    loading = [one.name for one in seen.painters if not one.why and not one.engines]
    ready = [one for one in seen.painters if not one.why and one.engines]
    said = [_ready(ready)] if ready else []
    said += [f"Engines still load: {named(loading)}."] if loading else []
    said += [f"Given no photos: {named(names)}. {why}" for why, names in refused.items()]
    return Finding(PAINTERS, not refused, " ".join(said), but=bool(loading))


def _ready(painters: Sequence[Seen]) -> str:
    number, photos = len(painters), sum(one.places for one in painters)
    so_many = "1 painter" if number == 1 else f"{number} painters"
    at_once = "" if photos == number else f", {photos} photos at once"
    return f"{so_many}{at_once}: {named([_about(one) for one in painters], '; ')}."


def _about(painter: Seen) -> str:
    engines = painter.engines
    return f"{painter.name} ({engines[0] if len(engines) == 1 else f'{len(engines)} engines'})"
