"""What the doctor says of several engines: where they paint, and what is not as was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import checkup_places
from daemon.checkup_places import check_places, try_card
from daemon.findings import Finding
from daemon.runners.places import Machine, Place, allot
from daemon.settings import EngineSettings
from engine.cores import usable_cores
from engine.cuda import Found
from engine.progress import DeviceReport
from tests.daemon.runners.test_places import ADA, machine

Look = Callable[[Machine, EngineSettings], Finding]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Looks at another machine than this one, on which card 7 is of no use."""

    def look(there: Machine, settings: EngineSettings) -> Finding:
        def in_child(function: object, given: Any) -> object:
            if function is try_card:
                is_there = given.name != "graphics card 7"
                name, reason = (
                    ("gpu0", "it is") if is_there else ("cpu", "no GPU can be used: gone")
                )
                return DeviceReport(name, "float32", 1, reason)
            return allot(given, there)

        monkeypatch.setattr(checkup_places, "in_child", in_child)
        (found,) = check_places(settings)
        return found

    return look


def test_of_one_engine_nothing_is_said() -> None:
    assert list(check_places(EngineSettings())) == []
    assert list(check_places(EngineSettings(device="cpu", devices="all"))) == []


def test_on_this_machine_each_is_named_and_the_log_is_told_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    cores = usable_cores()
    with capture_logs() as logs:
        (found,) = check_places(EngineSettings(device="cpu", workers=cores + 1))
    assert (found.topic, found.well, found.but) == ("engines", True, True)
    assert f"Set engine.workers to {cores}," in found.text
    assert (logs, capfd.readouterr()) == ([], ("", ""))


def test_their_processors_threads_and_memory_are_told(look: Look, tmp_path: Path) -> None:
    asked = EngineSettings(device="cpu", workers=3, max_memory=3000)
    found = look(machine(tmp_path, cpus=4), asked)
    assert (found.well, found.but) == (True, False)
    assert found.text == (
        "3 at the same time: engine 1 (processors 0-1, 2 threads, 1000 MB); "
        "engine 2 (processor 2, 1 thread, 1000 MB); engine 3 (processor 3, 1 thread, 1000 MB)"
    )


def test_processors_with_gaps_are_named_as_runs(look: Look, tmp_path: Path) -> None:
    there = Machine(Found, lambda: False, (0, 1, 2, 5, 8, 9), {}, tmp_path)
    found = look(there, EngineSettings(workers=2))
    assert "processors 0-2," in found.text
    assert "processors 5 and 8-9," in found.text


def test_of_many_the_first_are_named(look: Look, tmp_path: Path) -> None:
    found = look(machine(tmp_path, cpus=64), EngineSettings(device="cpu", workers=64))
    assert "engine 8 " in found.text
    assert found.text.endswith(" and 56 more")


def test_a_single_core_has_one_engine(look: Look, tmp_path: Path) -> None:
    found = look(machine(tmp_path, cpus=1), EngineSettings(device="cpu", workers=2))
    assert found.but
    assert (
        "1, on the device above. 2 engines are wanted, and there is 1 core: 1 paints" in found.text
    )


def test_cards_that_are_there(look: Look, tmp_path: Path) -> None:
    found = look(machine(tmp_path, ADA, ADA), EngineSettings(devices="all"))
    assert (found.well, found.but) == (True, False)
    assert found.text == "2 at the same time: graphics card 0; graphics card 1"


def test_a_card_that_is_not_there(look: Look, tmp_path: Path) -> None:
    found = look(machine(tmp_path, ADA), EngineSettings(devices="0, 7"))
    assert not found.well
    assert found.text.startswith(
        "1 of 2 can paint: graphics card 0. Of no use: graphics card 7. No GPU can be used: gone. "
        "Let engine.devices name"
    )


def test_cards_without_any_are_named_together(look: Look, tmp_path: Path) -> None:
    found = look(machine(tmp_path), EngineSettings(device="gpu", devices="7"))
    assert found.text.startswith("0 of 1 can paint. Of no use: graphics card 7. No GPU")


def test_no_card_at_all(look: Look, tmp_path: Path) -> None:
    found = look(machine(tmp_path), EngineSettings(devices="all", workers=2))
    assert (found.well, found.but) == (True, True)
    assert "none can be used (see device): the processor paints" in found.text


def test_workers_beside_a_card_that_paints(look: Look, tmp_path: Path) -> None:
    found = look(machine(tmp_path, ADA), EngineSettings(workers=4))
    assert (found.well, found.but) == (True, True)
    assert "engine.workers asks for 4, but counts only where the processor paints" in found.text


def test_a_card_that_cannot_be_tried_is_of_no_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def in_child(function: object, given: EngineSettings) -> object:
        if function is try_card:
            raise ImportError("no MXNet")
        return allot(given, machine(tmp_path, ADA))

    monkeypatch.setattr(checkup_places, "in_child", in_child)
    (found,) = check_places(EngineSettings(devices="0"))
    assert not found.well
    assert "Of no use: graphics card 0. It cannot be loaded (no MXNet)" in found.text


def test_a_card_is_tried_as_its_engine_would_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    place = Place(EngineSettings(device="gpu"), environment={"CUDA_VISIBLE_DEVICES": "-1"})
    report = checkup_places.in_child(try_card, place)
    assert report.name == "cpu"
    assert report.reason.startswith("no GPU can be used: ")
