"""A look at a scheduler: whoever is there, or is not, is told apart."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Scheduler, Worker

from daemon.cluster.security import security
from daemon.cluster.visit import Visit, visit
from daemon.settings import ClusterSettings, EngineSettings, Settings
from tests.daemon import child_stand_ins as stand_ins
from tests.daemon.cluster.test_joining import PATIENCE, Painter, scheduler
from tests.daemon.cluster.test_security import ADDRESS, certificates, guarded
from tests.daemon.ports import kept_port

QUICK = 0.3
ENOUGH = 60.0


def look(folder: Path, address: str, seconds: float = ENOUGH, **cluster: Any) -> Visit:
    settings = Settings(
        runner="dask",
        engine=EngineSettings(weights=folder / "param"),
        cluster=ClusterSettings(scheduler=address, **cluster),
    )
    return visit(settings, seconds)


async def join(folder: Path, one: Scheduler, *painters: Painter) -> Visit:
    """Have painters join, and look at all of them."""
    stop, staying = asyncio.Event(), []
    try:
        for painter in painters:
            staying.append(asyncio.ensure_future(painter.joining(one.address).stay(stop)))
            await painter.until(joined=True)
        return await asyncio.to_thread(look, folder, one.address)
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*staying), PATIENCE)


@pytest.fixture
def painters(tmp_path: Path) -> Iterator[list[Painter]]:
    """Two, of which the second one has other weights than the first."""
    both = [
        Painter(tmp_path / "a", name="a"),
        Painter(tmp_path / "b", stand_ins.other_weights_worker, name="b"),
    ]
    yield both
    for one in both:
        one.studio.close(20)


def test_a_machine_that_nobody_knows(tmp_path: Path) -> None:
    assert "no machine of this name" in look(tmp_path, "tcp://painters.invalid:8786").why


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:99999", f"tcp://{'a' * 70}.invalid:1"])
def test_what_can_be_no_address(tmp_path: Path, address: str) -> None:
    assert "no such address" in look(tmp_path, address).why


def test_a_port_at_which_nobody_listens(tmp_path: Path) -> None:
    with kept_port() as port:
        why = look(tmp_path, f"tcp://127.0.0.1:{port}").why
    assert why.startswith(
        f"The scheduler at tcp://127.0.0.1:{port} cannot be reached: nothing listens there."
    )


def test_somebody_who_does_not_speak_as_a_scheduler_does(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        assert "Somebody answers" in look(tmp_path, address, QUICK).why


def test_a_scheduler_with_workers_that_are_no_painters(tmp_path: Path) -> None:
    async def life() -> Visit:
        async with (
            scheduler() as one,
            Worker(
                one.address, host="127.0.0.1", dashboard_address=":0",
                local_directory=str(tmp_path),
            ),
        ):  # fmt: skip
            return await asyncio.to_thread(look, tmp_path, one.address)

    assert asyncio.run(life()) == Visit(others=1)


def test_one_that_other_machines_reach_is_exposed(tmp_path: Path) -> None:
    async def life() -> Visit:
        everywhere = Scheduler(
            host="0.0.0.0", port=0, dashboard=False, dashboard_address=":0",  # noqa: S104
        )  # fmt: skip
        async with everywhere as one:
            address = f"tcp://127.0.0.1:{one.address.rpartition(':')[2]}"
            return await asyncio.to_thread(look, tmp_path, address)

    assert asyncio.run(life()) == Visit(is_exposed=True)


def test_painters_are_asked_and_judged_as_by_the_service(
    tmp_path: Path, painters: list[Painter]
) -> None:
    async def life() -> Visit:
        async with scheduler() as one:
            return await join(tmp_path, one, *painters)

    # Without weights of this side those of either count: Dask names workers by their ports.
    ready, refused = sorted(asyncio.run(life()).painters, key=lambda one: one.why)
    assert {ready.name, refused.name} == {"a", "b"}
    assert (ready.why, ready.places, len(ready.engines)) == ("", 1, 1)
    assert "other trained weights" in refused.why
    assert "the painters that came first" in refused.why


def test_a_painter_without_an_engine_cannot_say_what_it_is(tmp_path: Path) -> None:
    async def life() -> Visit:
        async with (
            scheduler() as one,
            Worker(
                one.address, name="empty", resources={"PAINTER": 2}, host="127.0.0.1",
                dashboard_address=":0", local_directory=str(tmp_path),
            ),
        ):  # fmt: skip
            return await asyncio.to_thread(look, tmp_path, one.address)

    (seen,) = asyncio.run(life()).painters
    assert (seen.name, seen.places, seen.engines) == ("empty", 2, ())
    assert "cannot say what it is (LookupError" in seen.why


def test_with_certificates_it_answers_those_who_have_them(tmp_path: Path) -> None:
    files = certificates(tmp_path)
    secure = security(ClusterSettings(scheduler=ADDRESS, **files))
    assert secure is not None

    async def life() -> tuple[Visit, Visit]:
        async with guarded(secure) as one:
            plain = one.address.replace("tls://", "tcp://")
            return (
                await asyncio.to_thread(look, tmp_path, one.address, **files),
                await asyncio.to_thread(look, tmp_path, plain, QUICK),
            )

    let_in, kept_out = asyncio.run(life())
    assert let_in == Visit()
    assert "certificates" in kept_out.why
