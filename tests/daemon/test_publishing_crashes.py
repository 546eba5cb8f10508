"""Killed at each step on the disk, in turn: no photo is lost, and the next try ends as the first.

A child process does the work and dies, without any clean-up, right before its n-th change to a
folder; for every n until it gets through.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest

from daemon import claims, publishing
from daemon.names import is_junk
from daemon.pairing import pair
from daemon.scanner import look
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share
from daemon.workplace import JOBS

ROOT = Path(__file__).resolve().parents[2]
KILLED = 86
MOST_STEPS = 60
PHOTO, STYLE, NOTE = "Waves/a.jpg", "Waves/a.style.jpg", "Waves/a.jpg - why.txt"
CHANGES = "os.rename", "os.mkdir", "os.remove", "os.rmdir"

PROGRAM = f"""
import os, sys
from pathlib import Path, PurePath
from daemon import claims, files, publishing
from daemon.claim_folders import claim_folder
from daemon.pairing import pair
from daemon.scanner import look
from daemon.settings import ShareSettings
from daemon.share import open_share

root, action, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
share = open_share(ShareSettings(root=root))
armed = False

def step(event, arguments):
    global left
    if armed and event in {CHANGES!r}:
        left -= 1
        if left < 0:
            os._exit({KILLED})

def by_kernel(source, target):
    step("os.rename", ())
    real(source, target)

sys.addaudithook(step)
real, *others = files.RENAMES
files.RENAMES = (by_kernel, *others)
relative = PurePath({PHOTO!r})
if action == "take":
    (candidate,) = pair(look(share.inbox), {{}}, None).candidates
    armed = True
    claims.take(candidate, share, "job")
else:
    folder = claim_folder(share, "job")
    claim = claims.Claim("job", folder, folder / "a.jpg", folder / "a.style.jpg", None)
    armed = True
    if action == "keep":
        publishing.keep_original(share, claim, relative)
    elif action == "fail":
        publishing.fail(share, claim, relative, "torn")
    else:
        publishing.publish_result(share, relative, "Waves", bytes(1000), ".jpg")
"""


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return open_share(ShareSettings(root=tmp_path / "share"))


def dropped(share: Share) -> None:
    make_share(share)
    (share.work / JOBS).mkdir(mode=0o700, exist_ok=True)
    (share.inbox / "Waves").mkdir(exist_ok=True)
    (share.inbox / PHOTO).write_bytes(b"photo")
    (share.inbox / STYLE).write_bytes(b"style")


def taken(share: Share) -> claims.Claim:
    dropped(share)
    (candidate,) = pair(look(share.inbox), {}, None).candidates
    return claims.take(candidate, share, "job")


def killed_at_each_step(share: Share, action: str) -> Iterator[int]:
    """Run the action again and again; the caller makes its start and its recovery in between."""
    for number in range(MOST_STEPS):
        yield number
        command = [sys.executable, "-c", PROGRAM, str(share.root), action, str(number)]
        ended = subprocess.run(command, cwd=ROOT, check=False).returncode
        assert ended in {0, KILLED}
        yield -1
        if ended == 0:
            assert number > 0, "nothing was killed"
            return
    pytest.fail("it never got through")


def tree(folder: Path) -> dict[str, bytes]:
    paths = (Path(here, name) for here, _, names in os.walk(folder) for name in names)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def emptied(folder: Path) -> None:
    for here, folders, names in os.walk(folder, topdown=False):
        for name in names:
            Path(here, name).unlink()
        for name in folders:
            Path(here, name).rmdir()


def test_take_can_be_undone(share: Share) -> None:
    dropped(share)
    for number in killed_at_each_step(share, "take"):
        if number < 0:
            publishing.sweep_leftovers(share)
            for job_id in claims.find_claims(share):
                claims.put_back(share, job_id)
            assert tree(share.root) == {f"Inbox/{PHOTO}": b"photo", f"Inbox/{STYLE}": b"style"}
            assert claims.find_claims(share) == []


@pytest.mark.parametrize(
    ("action", "names"), [("keep", {PHOTO, STYLE}), ("fail", {PHOTO, STYLE, NOTE})]
)
def test_the_way_out_can_be_gone_again(share: Share, action: str, names: set[str]) -> None:
    out = share.originals if action == "keep" else share.failed
    claim = None
    for number in killed_at_each_step(share, action):
        if number >= 0:
            claim = taken(share)
            emptied(out)
            continue
        assert claim is not None
        publishing.sweep_leftovers(share)
        again = (share, claim, PurePath(PHOTO))
        if action == "keep":
            publishing.keep_original(*again)
        else:
            publishing.fail(*again, "torn")
        found = tree(out)
        assert found.keys() == names
        assert (found[PHOTO], found[STYLE]) == (b"photo", b"style")
        assert claims.find_claims(share) == []
        assert tree(share.inbox) == {}


def test_a_result_is_there_whole_or_not_at_all(share: Share) -> None:
    make_share(share)
    for number in killed_at_each_step(share, "publish"):
        if number < 0:
            found = tree(share.outbox)
            seen = {name: data for name, data in found.items() if not is_junk(Path(name).name)}
            assert seen in ({}, {PHOTO: bytes(1000)})
            publishing.sweep_leftovers(share)
            assert tree(share.outbox) == seen
            emptied(share.outbox)
