"""A photo that stayed is put away whole, with all that belongs to it, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon import claims, departure
from daemon.claims import Claim
from daemon.jobs import JobState
from daemon.pairing import Candidate, pair
from daemon.putting_away import put_away
from daemon.scanner import look
from daemon.share import Share
from daemon.staying import copy_in
from tests.daemon.test_writers import writing

KINDS = {
    "pair": ("a.jpg", "a.style.jpg"),
    "folder": ("Party/content.jpg", "Party/job.toml", "Party/style.jpg"),
}


def names_in(folder: Path) -> list[str]:
    found = (each for each in folder.rglob("*") if each.is_file())
    return sorted(str(path.relative_to(folder)) for path in found)


def taken_again(share: Share, kind: str) -> tuple[Candidate, Claim]:
    """What was painted from a copy, which lies in originals; it can be moved now."""
    for name in KINDS[kind]:
        path = share.inbox / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    (candidate,) = pair(look(share.inbox), {}, None).candidates
    copy = claims.take(candidate, share, "copy", copy_in)
    sources = [copy.taken_folder] if copy.taken_folder else copy.loose_files
    departure.leave(copy.folder, sources, share.originals, share)
    claims.end(copy.folder, share)
    return candidate, claims.take(candidate, share, "again")


@pytest.mark.parametrize(("kind", "name"), [(kind, one) for kind in KINDS for one in KINDS[kind]])
def test_while_somebody_writes_to_a_part_of_it_nothing_of_it_is_removed(
    share: Share, kind: str, name: str
) -> None:
    candidate, claim = taken_again(share, kind)
    with writing(claim.folder / name), pytest.raises(OSError, match="still writing"):
        put_away(claim, candidate, share, JobState.DONE)
    claims.put_back(share, "again")
    assert names_in(share.inbox) == names_in(share.originals) == list(KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_when_nobody_does_all_of_it_is_removed(share: Share, kind: str) -> None:
    candidate, claim = taken_again(share, kind)
    kept = put_away(claim, candidate, share, JobState.DONE)
    assert kept == share.originals / KINDS[kind][0].split("/")[0]
    assert (names_in(share.inbox), names_in(share.originals)) == ([], list(KINDS[kind]))
    assert claims.find_claims(share) == []
