"""Places are told in the words of people who have never seen the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.page.whereabouts import SERVER, Whereabouts
from daemon.settings import ShareSettings
from daemon.share import Share, open_share
from daemon.words import LANGUAGES, words
from tests.daemon.test_words import CHINESE, said

ROOT = Path("/srv/My pictures")
SHARE = open_share(ShareSettings(root=ROOT, outbox=Path("/mnt/big disk/Out")))


def told(text: str, share: Share = SHARE) -> str:
    return Whereabouts(share).told(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The folder /srv/My pictures/Inbox is full.", "The folder Inbox is full."),
        ("The folder /srv/My pictures/Inbox/A b.c.", "The folder Inbox/A b.c."),
        ("The folder /srv/My pictures is away", "The folder My pictures is away"),
        ("It is in /srv/My pictures/.atelierd/jobs/7;", "It is in .atelierd/jobs/7;"),
        ("(/srv/My pictures)", "(My pictures)"),
        ("Full: '/srv/My pictures/Inbox/x'", "Full: 'Inbox/x'"),
        ("/mnt/big disk/Out is full", "Out is full"),
        ("/mnt/big disk/Out/Waves is full", "Out/Waves is full"),
        ("/mnt/big disk/Outer is full", f"{SERVER} disk/Outer is full"),
        ("Look at /srv/My pictures.old/x.", f"Look at {SERVER} pictures.old/x."),
        ("The journal /var/lib/x/journal.sqlite is damaged", f"The journal {SERVER} is damaged"),
        ("See '/var/lib/an x/y' (/dev/sdb1).", f"See {SERVER} ({SERVER})."),
        ("In /var/lib/weights. Go.", f"In {SERVER}. Go."),
        ("[Errno 5] Input/output error", "[Errno 5] Input/output error"),
        ("this and / or that", "this and / or that"),
        ("", ""),
    ],
)
def test_places_in_the_share_are_as_seen_there_and_others_have_no_path(
    text: str, expected: str
) -> None:
    assert told(text) == expected


def test_a_share_that_is_the_whole_disk_does_no_harm() -> None:
    assert told("The folder /Inbox is full", open_share(ShareSettings(root=Path("/")))) == (
        f"The folder {SERVER} is full"
    )


def test_names_that_are_no_utf_8_are_found_as_they_are_told() -> None:
    share = open_share(ShareSettings(root=Path("/srv/caf\udce9")))
    assert told(r"The folder /srv/caf\xe9/Inbox is full", share) == "The folder Inbox is full"
    assert told("The folder /srv/caf\udce9/Inbox is full", share) == "The folder Inbox is full"


@given(some.text())
def test_no_path_of_the_root_is_left(text: str) -> None:
    assert f"{ROOT}/" not in told(f"{ROOT}/Inbox {text}")


TROUBLES = [key for key in said() if key.startswith("said.trouble.")]


@pytest.mark.parametrize("key", TROUBLES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_path_of_the_server_is_told_in_any_language(key: str, language: str) -> None:
    english = words("en").texts[key]
    places = {
        "folder": f"{ROOT}/Inbox/Waves", "place": "/mnt/disk", "file": "/var/lib/x/journal.sqlite",
        "command": "atelierd init /srv/share", "why": "Permission denied", "words": "bad /x/y",
        "number": "3", "how": "it ended with status 3", "what": "1 photo stays", "name": "a.jpg",
        "size": "512", "room": "3", "style": "Waves",
    }  # fmt: skip
    shown = words(language).seen(told(english.format(**places).rstrip(".")))  # type: ignore[arg-type]
    for path in ("/srv", "/mnt", "/var", "/x"):
        assert path not in shown
    assert bool(CHINESE.search(shown)) == (language == "zh")
    assert not shown.endswith("."), "it is joined to others"
