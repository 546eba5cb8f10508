"""Where engines paint: cards and cores are given out so that none is in another's way."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from daemon.runners.places import VISIBLE, Machine, Place, are_several, places, shares
from daemon.settings import EngineSettings
from engine.cuda import Card, Found
from tests.engine.test_cores import threads_of_a_core

ADA, HOPPER = (8, 9), (9, 0)


def machine(root: Path, *capabilities: tuple[int, int], cpus: int = 4, **environ: str) -> Machine:
    cards = tuple(Card(at, "a card", capability) for at, capability in enumerate(capabilities))
    return Machine(lambda: Found(cards), lambda: True, range(cpus), environ, root)


def shown(found: tuple[Place, ...]) -> list[tuple[str, str]]:
    return [(place.name, place.environment.get(VISIBLE, "")) for place in found]


def test_one_engine_is_as_it_was(tmp_path: Path) -> None:
    settings = EngineSettings(threads=3, max_memory=900)
    assert places(settings, machine(tmp_path, ADA, ADA)) == (Place(settings),)
    assert not are_several(settings)


def test_each_card_has_an_engine_that_sees_no_other(tmp_path: Path) -> None:
    settings = EngineSettings(devices="all", max_memory=900)
    assert are_several(settings)
    found = places(settings, machine(tmp_path, ADA, HOPPER, ADA))
    assert shown(found) == [("graphics card 0", "0"), ("graphics card 2", "2")]
    assert {(one.settings.device, one.settings.max_memory) for one in found} == {("gpu", 900)}


def test_named_cards_are_tried_whatever_they_are(tmp_path: Path) -> None:
    found = places(EngineSettings(devices="1, 7"), machine(tmp_path, ADA, HOPPER))
    assert shown(found) == [("graphics card 1", "1"), ("graphics card 7", "7")]


def test_of_the_cards_that_we_may_see_each_sees_one(tmp_path: Path) -> None:
    few = machine(tmp_path, ADA, ADA, **{VISIBLE: "3,GPU-5f"})
    assert shown(places(EngineSettings(devices="all"), few)) == [
        ("graphics card 0", "3"), ("graphics card 1", "GPU-5f"),
    ]  # fmt: skip
    assert shown(places(EngineSettings(devices="4"), few)) == [("graphics card 4", "-1")]


def test_without_a_card_that_can_be_used_the_processor_paints(tmp_path: Path) -> None:
    settings = EngineSettings(devices="all", workers=2)
    for there in (machine(tmp_path), machine(tmp_path, HOPPER)):
        found = places(settings, there)
        assert [one.cores for one in found] == [(0, 1), (2, 3)]
        assert [one.settings.threads for one in found] == [2, 2]


def test_or_an_engine_says_why_there_is_none(tmp_path: Path) -> None:
    (one,) = places(EngineSettings(device="gpu", devices="all"), machine(tmp_path))
    assert (one.settings.device, one.name) == ("gpu", "")


def test_the_processor_wins_where_it_is_named(tmp_path: Path) -> None:
    settings = EngineSettings(device="cpu", devices="all", workers=2)
    found = places(settings, machine(tmp_path, ADA))
    assert [one.name for one in found] == ["engine 1", "engine 2"]
    assert {one.settings.device for one in found} == {"cpu"}


def test_where_a_card_paints_the_cores_are_not_divided(tmp_path: Path) -> None:
    (one,) = places(EngineSettings(workers=4), machine(tmp_path, ADA))
    assert one.settings.workers == 1
    assert one.cores == ()


def test_hyper_threads_stay_together_and_count_once(tmp_path: Path) -> None:
    for core in range(3):
        threads_of_a_core(tmp_path, core, core + 3)
    settings = EngineSettings(device="cpu", workers=2)
    found = places(settings, machine(tmp_path, cpus=6))
    assert [one.cores for one in found] == [(0, 1, 3, 4), (2, 5)]
    assert [one.settings.threads for one in found] == [2, 1]


def test_threads_and_memory_are_divided(tmp_path: Path) -> None:
    settings = EngineSettings(device="cpu", workers=2, threads=3, max_memory=3000)
    found = places(settings, machine(tmp_path))
    assert [one.settings.threads for one in found] == [2, 1]
    assert [one.settings.max_memory for one in found] == [1500, 1500]
    settings = EngineSettings(device="cpu", workers=2, max_memory=600)
    assert [one.settings.max_memory for one in places(settings, machine(tmp_path))] == [512, 512]


def test_there_are_no_more_engines_than_cores(tmp_path: Path) -> None:
    with capture_logs() as logs:
        found = places(EngineSettings(device="cpu", workers=9), machine(tmp_path, cpus=3))
    assert [one.cores for one in found] == [(0,), (1,), (2,)]
    assert [(one["event"], one["wanted"], one["cores"]) for one in logs] == [("engine.fewer", 9, 3)]


@given(st.integers(0, 500), st.integers(1, 60))
def test_shares_are_even_and_lose_nothing(number: int, parts: int) -> None:
    found = shares(number, parts)
    assert (len(found), sum(found)) == (parts, number)
    assert max(found) - min(found) <= 1


@given(cpus=st.integers(1, 64), workers=st.integers(2, 64))
def test_each_core_has_one_engine_at_most_and_each_engine_one_at_least(
    cpus: int, workers: int
) -> None:
    settings = EngineSettings(device="cpu", workers=workers)
    found = places(settings, machine(Path("/nowhere"), cpus=cpus))
    given_out = [cpu for one in found for cpu in one.cores]
    if len(found) > 1:
        assert sorted(given_out) == list(range(cpus))
        assert all(one.cores and one.settings.threads for one in found)
