"""A look at a scheduler and the painters who are there, for the doctor: nobody is given anything.

A painter is asked what it is in the same way as by the service, and judged by the same words.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import socket
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from distributed import Client, Security

from daemon.cluster import quiet, task
from daemon.cluster.identity import Comparing, own, weights_in
from daemon.cluster.messages import Credentials
from daemon.cluster.roster import Roster
from daemon.cluster.security import security
from daemon.settings import Settings

Refusal = Callable[[Credentials, Credentials | None], str]

_SECONDS: Final = 5.0
_CLOSE_SECONDS: Final = 2.0
_AWAY: Final = (
    "The scheduler at {} cannot be reached: {}. Start it there (docs/cluster.md says how), or set "
    "cluster.scheduler to where it is."
)
_NO_SUCH_NAME: Final = "no machine of this name is known here"
_NO_ADDRESS: Final = "there can be no such address"
_NOBODY: Final = "nothing listens there"
_SILENT: Final = "nobody answers ({}), and a firewall may be in the way"
_STRANGER: Final = (
    "Somebody answers at {}, but not as a scheduler that these settings speak to: it may have "
    "certificates (tls://), or other ones than these, be no scheduler, or hang. Its log says more."
)
_NO_ANSWER: Final = "It did not answer within {:.0f} seconds: it may hang, or be out of reach."
_CANNOT_SAY: Final = (
    "It cannot say what it is ({}): it may be no `atelierd worker`, or one of another version."
)


@dataclass(frozen=True)
class Seen:
    """One painter.

    Attributes:
        name: for people.
        places: how many photos it paints at once.
        engines: how each is called, and where it computes; none while they load.
        why: it would be given no photos; empty if it would.
    """

    name: str
    places: int
    engines: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Visit:
    """What was seen.

    Attributes:
        why: nothing else was, in plain words; empty if the scheduler was there.
        is_exposed: whether other machines reach it, by whatever means.
        painters: those who are there.
        others: how many workers are no painters.
    """

    why: str = ""
    is_exposed: bool = False
    painters: tuple[Seen, ...] = ()
    others: int = 0


def visit(settings: Settings, seconds: float = _SECONDS) -> Visit:
    """Look at the scheduler that the settings name; for a process of its own.

    Args:
        settings: of the cluster; and of the engine, for the weights of this side.
        seconds: in which it has to answer, and then each painter.

    Raises:
        SettingsError: the settings of the cluster contradict one another.
    """
    warnings.simplefilter("ignore")  # of Dask's, on versions: it judges without our settings
    quiet.keep_to_ourselves()
    secure, address = security(settings.cluster), settings.cluster.scheduler or ""
    try:
        peer = _peer(address, seconds)
    except socket.gaierror:
        return Visit(_AWAY.format(address, _NO_SUCH_NAME))
    except ValueError:  # a port that there is not, a name that can be none
        return Visit(_AWAY.format(address, _NO_ADDRESS))
    except ConnectionRefusedError:
        return Visit(_AWAY.format(address, _NOBODY))
    except OSError as error:
        return Visit(_AWAY.format(address, _SILENT.format(error.strerror or error)))
    refusal = Comparing(lambda: own(weights_in(settings.engine.weights)))
    return asyncio.run(_look(address, secure, peer, refusal, seconds))


def _peer(address: str, seconds: float) -> str:
    """Connect, without a word, and say to what address of the network.

    Raises:
        OSError: nobody is there.
        ValueError: there can be nobody.
    """
    where = urlsplit(address)
    with socket.create_connection((where.hostname or "", where.port or 0), seconds) as connection:
        return str(connection.getpeername()[0])


async def _look(
    address: str,
    secure: Security | None,
    peer: str,
    refusal: Refusal,
    seconds: float,
) -> Visit:
    client = Client(
        address, asynchronous=True, set_as_default=False, timeout=seconds, security=secure
    )
    try:
        try:
            await asyncio.wait_for(client, seconds)  # its own bound is looser
            scheduler = cast("Any", client.scheduler)  # there is one, once it is connected
            told = await asyncio.wait_for(scheduler.identity(n_workers=-1), seconds)
        except (OSError, asyncio.TimeoutError):
            return Visit(_STRANGER.format(address))
        painters = await _painters(client, told["workers"], refusal, seconds)
        is_exposed = not (_is_loopback(peer) and _is_loopback(_host(told["address"])))
        return Visit("", is_exposed, painters, len(told["workers"]) - len(painters))
    finally:
        await asyncio.wait({asyncio.ensure_future(client.close())}, timeout=_CLOSE_SECONDS)


async def _painters(
    client: Client,
    workers: Mapping[str, Mapping[str, Any]],
    refusal: Refusal,
    seconds: float,
) -> tuple[Seen, ...]:
    roster = Roster(lambda _: None)
    roster.look(workers, math.inf)
    seats = roster.new
    asked = (asyncio.wait_for(_credentials(client, one.address), seconds) for one in seats)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    seen, accepted = list[Seen](), None
    for seat, answer in zip(seats, answers, strict=True):
        if isinstance(answer, Credentials):
            engines, why = answer.engines, refusal(answer, accepted)
            accepted = accepted if why else answer
        else:
            engines, why = (), _no_answer(answer, seconds)
        seen.append(Seen(seat.name, seat.places, engines, why))
    return tuple(seen)


async def _credentials(client: Client, address: str) -> object:
    return (await client.run(task.credentials, workers=[address])).get(address)


def _no_answer(answer: object, seconds: float) -> str:
    """Why a painter would be given no photos that has not said what it is."""
    if answer is None:  # its engines load
        return ""
    if isinstance(answer, (OSError, asyncio.TimeoutError)):
        return _NO_ANSWER.format(seconds)
    return _CANNOT_SAY.format(" ".join(f"{type(answer).__name__}: {answer}".split()))


def _host(address: str) -> str:
    return urlsplit(address).hostname or ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"
