"""Counting cores on file trees like those that real kernels and containers show."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cores import cgroup_quota, physical_cores, settle_threads, usable_cores


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def threads_of_a_core(root: Path, *cpus: int, name: str = "core_cpus_list") -> None:
    for cpu in cpus:
        topology = root / f"sys/devices/system/cpu/cpu{cpu}/topology"
        write(topology / name, ",".join(map(str, cpus)))


@pytest.fixture
def eight_threads(tmp_path: Path) -> Path:
    """A processor with four cores of two hyper-threads each: 0 and 4, 1 and 5, and so on."""
    for core in range(4):
        threads_of_a_core(tmp_path, core, core + 4)
    return tmp_path


def test_hyper_threads_share_a_core(eight_threads: Path) -> None:
    assert usable_cores(eight_threads, range(8)) == 4


@pytest.mark.parametrize(("allowed", "cores"), [({0, 4}, 1), ({0, 1, 4}, 2), ({7}, 1)])
def test_affinity_counts_whole_cores_once(
    eight_threads: Path, allowed: set[int], cores: int
) -> None:
    assert usable_cores(eight_threads, allowed) == cores


def test_old_kernels_call_the_siblings_otherwise(tmp_path: Path) -> None:
    threads_of_a_core(tmp_path, 0, 1, name="thread_siblings_list")
    threads_of_a_core(tmp_path, 2, 3, name="thread_siblings_list")
    assert physical_cores(range(4), tmp_path) == 2


def test_a_processor_that_says_nothing_is_a_core(tmp_path: Path) -> None:
    assert usable_cores(tmp_path, range(6)) == 6


@pytest.mark.parametrize(
    ("limit", "quota", "cores"),
    [
        ("max 100000", None, 4),
        ("400000 100000", 4.0, 4),
        ("250000 100000", 2.5, 2),
        ("100000 100000", 1.0, 1),
        ("50000 100000", 0.5, 1),
        ("99000000 100000", 990.0, 4),
        ("", None, 4),
        ("garbage", None, 4),
        ("100000 0", None, 4),
    ],
)
def test_version_2_quota_of_a_container(
    eight_threads: Path, limit: str, quota: float | None, cores: int
) -> None:
    write(eight_threads / "proc/self/cgroup", "0::/")
    write(eight_threads / "sys/fs/cgroup/cpu.max", limit)
    assert cgroup_quota(eight_threads) == quota
    assert usable_cores(eight_threads, range(8)) == cores


def test_the_tightest_of_all_groups_above_counts(eight_threads: Path) -> None:
    groups = eight_threads / "sys/fs/cgroup"
    write(eight_threads / "proc/self/cgroup", "0::/system.slice/atelierd.service/engine")
    write(groups / "system.slice/cpu.max", "200000 100000")
    write(groups / "system.slice/atelierd.service/cpu.max", "300000 100000")
    write(groups / "system.slice/atelierd.service/engine/cpu.max", "max 100000")
    assert cgroup_quota(eight_threads) == 2.0


def test_another_group_s_quota_is_not_ours(eight_threads: Path) -> None:
    write(eight_threads / "proc/self/cgroup", "0::/user.slice")
    write(eight_threads / "sys/fs/cgroup/system.slice/cpu.max", "100000 100000")
    assert cgroup_quota(eight_threads) is None


def test_a_container_may_name_its_group_as_the_host_sees_it(eight_threads: Path) -> None:
    write(eight_threads / "proc/self/cgroup", "0::/docker/4711")
    write(eight_threads / "sys/fs/cgroup/cpu.max", "150000 100000")
    assert cgroup_quota(eight_threads) == 1.5


@pytest.mark.parametrize("mounted", ["cpu,cpuacct", "cpu"])
@pytest.mark.parametrize(("quota", "expected"), [("-1", None), ("300000", 3.0), ("10000", 0.1)])
def test_version_1_quota(
    eight_threads: Path, mounted: str, quota: str, expected: float | None
) -> None:
    write(
        eight_threads / "proc/self/cgroup",
        "12:memory:/jobs/one\n4:cpu,cpuacct:/jobs/one\n1:name=systemd:/init.scope",
    )
    group = eight_threads / "sys/fs/cgroup" / mounted / "jobs"
    write(group / "cpu.cfs_quota_us", quota)
    write(group / "cpu.cfs_period_us", "100000")
    assert cgroup_quota(eight_threads) == expected


def test_both_versions_at_once(eight_threads: Path) -> None:
    write(eight_threads / "proc/self/cgroup", "3:cpu:/a\n0::/b")
    write(eight_threads / "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "300000")
    write(eight_threads / "sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000")
    write(eight_threads / "sys/fs/cgroup/unified/b/cpu.max", "200000 100000")
    assert cgroup_quota(eight_threads) == 2.0


@given(st.sets(st.integers(0, 63), min_size=1), st.integers(1, 4))
def test_never_less_than_one_nor_more_than_allowed(allowed: set[int], siblings: int) -> None:
    # A tree that does not exist is one where no processor says anything.
    assert 1 <= usable_cores(Path(f"/nowhere/{siblings}"), allowed) <= len(allowed)


def test_this_machine() -> None:
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize("given_value", ["3", " 3", "3,2", "3, 1"])
def test_threads_that_somebody_has_set_stay(given_value: str) -> None:
    environ = {"OMP_NUM_THREADS": given_value}
    assert settle_threads(environ) == 3
    assert environ == {"OMP_NUM_THREADS": given_value}


@pytest.mark.parametrize("given_value", [None, "", "0", "-1", "many", ",2"])
def test_otherwise_the_usable_cores_are_set(given_value: str | None) -> None:
    environ = {} if given_value is None else {"OMP_NUM_THREADS": given_value}
    assert settle_threads(environ) == usable_cores()
    assert environ == {"OMP_NUM_THREADS": str(usable_cores())}
