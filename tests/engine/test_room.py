"""What a process may hold, on machines that are made of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.room import card_room, peak, resident, room

MB = 2**20


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A process that holds 100 MB, on a machine with 4000 MB free."""
    process = tmp_path / "proc" / "self"
    process.mkdir(parents=True)
    (process / "status").write_text("Name:\tpython\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n")
    (tmp_path / "proc" / "meminfo").write_text(
        "MemTotal:       8192000 kB\nMemAvailable:   4096000 kB\n"
    )
    return tmp_path


def group(machine: Path, place: str, **values: str) -> None:
    folder = machine / "sys/fs/cgroup" / place
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (folder / f"memory.{name}").write_text(value + "\n")


def test_what_it_holds_and_a_share_of_what_is_free(machine: Path) -> None:
    assert (resident(machine), peak(machine)) == (100 * MB, 200 * MB)
    assert room(root=machine) == 100 * MB + int(0.85 * 4000 * MB)


def test_a_limit_counts_if_it_is_less(machine: Path) -> None:
    assert room(500 * MB, machine) == 500 * MB
    assert room(10**15, machine) == room(root=machine)


def test_the_tightest_group_counts_without_its_cache(machine: Path) -> None:
    (machine / "proc/self/cgroup").write_text("0::/system.slice/atelierd.service\n")
    group(machine, "system.slice/atelierd.service", max="max", current=str(300 * MB))
    group(machine, "system.slice", max=str(1000 * MB), current=str(700 * MB),
          stat=f"anon 1\ninactive_file {200 * MB}\n")  # fmt: skip
    assert room(root=machine) == 100 * MB + int(0.85 * 500 * MB)


def test_version_1_of_groups_is_known_too(machine: Path) -> None:
    (machine / "proc/self/cgroup").write_text("5:memory:/box\n3:cpu,cpuacct:/other\n")
    group(machine, "memory/box", limit_in_bytes=str(800 * MB), usage_in_bytes=str(600 * MB))
    group(machine, "memory/other", limit_in_bytes="1", usage_in_bytes="1")
    assert room(root=machine) == 100 * MB + int(0.85 * 200 * MB)


def test_where_nobody_says_only_the_limit_counts(tmp_path: Path) -> None:
    assert room(root=tmp_path) > 10**15
    assert room(7, tmp_path) == 7


def test_a_card_has_room_beside_what_is_taken_of_it() -> None:
    taken, most = card_room(8000 * MB, 10_000 * MB)
    assert (taken, most) == (2000 * MB, 2000 * MB + int(0.85 * 8000 * MB))
    assert card_room(8000 * MB, 10_000 * MB, 500 * MB) == (2000 * MB, 2500 * MB)
    assert card_room(100 * MB, 10_000 * MB, 500 * MB) == (9900 * MB, 9985 * MB)


def test_this_very_process_holds_something_and_may_hold_more() -> None:
    assert 10 * MB < resident() <= peak()
    assert resident() < room()
