"""Where a claim lies, and that nothing is done in a folder that somebody put in its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.claim_folders import claim_folder, guard, jobs_folder
from daemon.errors import ClaimError
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    claim_folder(share, "job1").mkdir(parents=True)
    return share


@pytest.mark.parametrize("job_id", ["", ".", "..", "a/b", "\0"])
def test_an_id_that_is_no_name_is_refused(share: Share, job_id: str) -> None:
    with pytest.raises(ClaimError, match="cannot be the name"):
        claim_folder(share, job_id)


def test_our_own_is_trusted_and_one_that_is_not_there_is_no_danger(share: Share) -> None:
    guard(claim_folder(share, "job1"))
    guard(claim_folder(share, "job2"))


@pytest.mark.parametrize("swapped", ["jobs", "jobs/job1"])
def test_a_link_is_refused(share: Share, swapped: str) -> None:
    place = share.work / swapped
    place.rename(share.root / "away")
    place.symlink_to(share.root / "away")
    with pytest.raises(ClaimError, match="is a link"):
        guard(claim_folder(share, "job1"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to give a folder away")
@pytest.mark.parametrize("swapped", ["jobs", "jobs/job1"])
def test_a_folder_of_somebody_else_is_refused(share: Share, swapped: str) -> None:
    os.chown(share.work / swapped, 65534, -1)
    with pytest.raises(ClaimError, match="belongs to somebody else"):
        guard(jobs_folder(share) / "job1")
