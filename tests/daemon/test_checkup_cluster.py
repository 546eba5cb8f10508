"""What the doctor says of a cluster: who is there, who would be refused, and what to do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from daemon import checkup_cluster
from daemon.checkup_cluster import check_cluster
from daemon.cluster.visit import Seen, Visit, visit
from daemon.findings import Finding
from daemon.oneshot import in_child
from daemon.settings import ClusterSettings, EngineSettings, Settings
from tests.daemon.cluster.grid import Grid
from tests.daemon.ports import kept_port

FAR = "tcp://painters:8786"
READY = Seen("attic", 1, ("cpu, float32, 2 threads",))
PAIR = Seen("cellar", 2, ("engine 1: cpu", "engine 2: cpu"))


def dask(**cluster: object) -> Settings:
    return Settings(runner="dask", cluster=ClusterSettings.model_validate(cluster))


def found(monkeypatch: pytest.MonkeyPatch, seen: Visit, address: str = FAR) -> list[Finding]:
    """What is said of a cluster that looks so."""
    monkeypatch.setattr(checkup_cluster, "in_child", lambda *_: seen)
    return list(check_cluster(dask(scheduler=address)))


def test_nothing_is_said_where_no_cluster_paints() -> None:
    assert list(check_cluster(Settings(cluster=ClusterSettings(scheduler=FAR)))) == []


def test_without_a_scheduler_painters_are_here() -> None:
    (cluster,) = check_cluster(dask())
    assert (cluster.topic, cluster.well, cluster.but) == ("cluster", True, False)
    assert "no scheduler is named" in cluster.text
    assert "(Dask 20" in cluster.text


def test_certificates_without_a_scheduler_are_refused_as_by_the_service(tmp_path: Path) -> None:
    (cluster,) = check_cluster(dask(tls_ca=tmp_path / "ca.pem"))
    assert not cluster.well
    assert "not set" in cluster.text


def test_without_the_extra_nothing_else_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    (here,) = check_cluster(dask())
    cluster, painters = check_cluster(dask(scheduler=FAR))
    assert here == cluster
    assert "with the extra `cluster`" in cluster.text
    assert (cluster.well, painters.well) == (False, False)
    assert "the cluster has to be put right first" in painters.text


def test_a_scheduler_that_is_not_there() -> None:
    with kept_port() as port:
        cluster, painters = check_cluster(dask(scheduler=f"tcp://127.0.0.1:{port}"))
    assert not cluster.well
    assert f"at tcp://127.0.0.1:{port} cannot be reached: nothing listens there" in cluster.text
    assert "docs/cluster.md" in cluster.text
    assert not painters.well


def test_a_real_scheduler_without_painters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A busy machine has more time than the doctor takes for it.
    monkeypatch.setattr(checkup_cluster, "in_child", lambda _, asked: in_child(visit, asked, 60.0))
    grid = Grid(tmp_path)
    try:
        grid.start_scheduler()
        settings = dask(scheduler=grid.address).model_copy(
            update={"engine": EngineSettings(weights=tmp_path)}
        )
        cluster, painters = check_cluster(settings)
    finally:
        grid.close()
    assert (cluster.well, cluster.but, painters.well) == (True, False, False)
    assert f"`atelierd worker --scheduler {grid.address}`" in painters.text


def test_one_without_protection_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, painters = found(monkeypatch, Visit(is_exposed=True, painters=(READY,)))
    assert (cluster.well, cluster.but) == (True, True)
    assert "docs/cluster.md" in cluster.text
    assert (painters.topic, painters.well, painters.but) == ("painters", True, False)
    assert painters.text == "1 painter: attic (cpu, float32, 2 threads)."


def test_certificates_protect_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Visit(is_exposed=True, painters=(READY, PAIR))
    cluster, painters = found(monkeypatch, seen, "tls://painters:8786")
    assert (cluster.well, cluster.but) == (True, False)
    assert "certificates" in cluster.text
    assert painters.text.startswith("2 painters, 3 photos at once: attic (")
    assert painters.text.endswith("; cellar (2 engines).")


def test_workers_that_are_no_painters_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    _, painters = found(monkeypatch, Visit(others=2))
    assert not painters.well
    assert "2 workers, without the resource PAINTER" in painters.text


def test_those_that_load_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _, painters = found(monkeypatch, Visit(painters=(Seen("slow", 1),)))
    assert (painters.well, painters.but) == (True, True)
    assert painters.text == "Engines still load: slow."


def test_a_reason_is_told_once_with_all_whom_it_keeps_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = [Seen(f"p{at}", 1, ("cpu",), "It is old.") for at in range(10)]
    other = Seen("deaf", 1, (), "It hangs.")
    _, painters = found(monkeypatch, Visit(painters=(READY, *refused, other)))
    assert not painters.well
    assert painters.text == (
        "1 painter: attic (cpu, float32, 2 threads). Given no photos: p0, p1, p2, p3, p4, p5, p6, "
        "p7 and 2 more. It is old. Given no photos: deaf. It hangs."
    )
