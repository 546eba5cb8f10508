"""Where a path lies for people who have never seen the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.page.whereabouts import NOWHERE, Whereabouts
from daemon.settings import ShareSettings
from daemon.share import open_share

ROOT = Path("/srv/My pictures")
SHARE = open_share(ShareSettings(root=ROOT, outbox=Path("/mnt/big disk/Out")))
OURS = Whereabouts.of(SHARE)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/My pictures/Inbox", "Inbox"),
        ("/srv/My pictures/Inbox/A b.c", "Inbox/A b.c"),
        ("/srv/My pictures/Inbox/Trip (2)/x", "Inbox/Trip (2)/x"),
        ("/srv/My pictures", "My pictures"),
        ("/srv/My pictures/.atelierd/jobs/7", ".atelierd/jobs/7"),
        ("/mnt/big disk/Out", "Out"),
        ("/mnt/big disk/Out/Waves", "Out/Waves"),
        ("/mnt/big disk/Outer", None),
        ("/srv/My pictures.old/x", None),
        ("/tank/My Photos (old)/x", None),
        ("/", None),
    ],
)
def test_a_path_in_the_share_is_as_seen_there(path: str, expected: str | None) -> None:
    assert OURS.seen(path) == expected
    assert NOWHERE.seen(path) is None


def test_a_share_that_is_the_whole_disk_does_no_harm() -> None:
    everywhere = Whereabouts.of(open_share(ShareSettings(root=Path("/"))))
    assert everywhere.seen("/Inbox") is None


def test_names_that_are_no_utf_8_are_found_as_they_are_told() -> None:
    share = Whereabouts.of(open_share(ShareSettings(root=Path("/srv/caf\udce9"))))
    assert share.seen(r"/srv/caf\xe9/Inbox") == "Inbox"
    assert share.seen("/srv/caf\udce9/Inbox") == "Inbox"


def test_those_of_the_same_share_are_equal() -> None:
    assert Whereabouts.of(SHARE) == OURS
    assert hash(OURS.seen) == hash(OURS.seen)  # by which what was said once is kept
    assert Whereabouts.of(SHARE) != NOWHERE


@given(some.text(min_size=1))
def test_what_lies_in_it_is_called_as_there(name: str) -> None:
    assert OURS.seen(f"{ROOT}/Inbox/{name}") == f"Inbox/{name}"
