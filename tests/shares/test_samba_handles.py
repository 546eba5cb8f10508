"""Photos that a client on the network holds open, in the ways of Windows, while they are taken."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.shares.house import House, needed
from tests.shares.smb_share import PASSWORD, Samba

# Of this machine, and used by nobody else: also not by the same tests in another process.
ADDRESS = f"127.83.{os.getpid() // 250 % 250 + 1}.{os.getpid() % 250 + 1}"
PORT = 445  # Samba's modules for Python know no other
SCRIPT = Path(__file__).with_name("smb_handles.py")
FORWARD = Path(__file__).with_name("forward.py")
SHARED, EXCLUSIVE = 7, 0  # with all others, also to delete; with nobody
LARGE = (400, 300)
PIECE = 65536


class Client:
    """One connection; every call is answered before the next."""

    def __init__(self, python: str, samba: Samba) -> None:
        self.process = subprocess.Popen(
            [python, SCRIPT, ADDRESS, samba.folder / "smb.conf", samba.users.person, PASSWORD],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        samba.clients.append(self.process)

    def do(self, what: str, name: str, **more: Any) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"what": what, "name": name, **more}) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def open(
        self, name: str, share: int = EXCLUSIVE, oplock: str = "none", *, keep: bool = False
    ) -> None:
        assert self.do("open", name, share=share, oplock=oplock, keep=keep) == "ok"

    def write(self, name: str, data: bytes, at: int = 0) -> None:
        for start in range(0, len(data), PIECE):
            piece = base64.b64encode(data[start : start + PIECE]).decode()
            assert self.do("write", name, data=piece, at=at + start) == "ok"


@pytest.fixture
def clients(samba: Samba) -> Iterator[Any]:
    """Make clients whose files can be opened as Windows opens them."""
    (python,) = needed("python3")
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else python
    tried = subprocess.run([python, "-c", "import samba.samba3"], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip("Samba's modules for Python are not installed (package: python3-samba)")
    forward = subprocess.Popen(
        [sys.executable, FORWARD, ADDRESS, str(PORT), str(samba.port)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    samba.clients.append(forward)
    assert forward.stdout is not None
    said = forward.stdout.readline().strip()
    if said != "listening":
        pytest.skip(f"port {PORT} cannot be had: {said}")
    yield lambda: Client(python, samba)
    forward.terminate()
    forward.wait()


@pytest.mark.parametrize(("share", "oplock"), [(EXCLUSIVE, "batch"), (SHARED, "none")])
def test_a_photo_that_is_held_open(
    house: House, samba: Samba, clients: Any, share: int, oplock: str
) -> None:
    lane, photo, client = house.lane(), house.new(), clients()
    name = f"Inbox/{lane}/a.png"
    client.open(name, share, oplock)
    client.write(name, photo)
    results = house.ends(lane, [photo])
    # It goes on writing what it has in its hands, and closes it: the photo ends where it is.
    client.write(name, photo)
    assert client.do("close", name) == "ok"
    again = house.new()
    samba.put(again, name)
    assert results.keys() < house.ends(lane, [photo, again]).keys()


def test_a_photo_that_is_deleted_by_its_handle_when_it_was_taken_already(
    house: House, samba: Samba, clients: Any
) -> None:
    """There is nothing left under its name that the server could delete."""
    lane, photo, next_one = house.lane(), house.new(), house.new()
    name, client = f"Inbox/{lane}/a.png", clients()
    client.open(name, SHARED)
    client.write(name, photo)
    house.ends(lane, [photo])
    assert client.do("delete on close", name) == "ok"
    assert client.do("close", name) != "ok"
    samba.put(next_one, name)
    house.ends(lane, [photo, next_one])


def test_a_photo_that_is_renamed_while_it_is_written(
    house: House, samba: Samba, clients: Any
) -> None:
    lane, photo, client = house.lane(), house.new(size=LARGE), clients()
    half = len(photo) // 2
    name = f"Inbox/{lane}/a.png"
    client.open(name, SHARED)
    client.write(name, photo[:half])
    assert clients().do("rename", name, to=f"Inbox/{lane}/b.png") == "ok"
    client.write(name, photo[half:], half)
    results = house.ends(lane, [photo])
    assert list(results) == [f"Outbox/{lane}/b.png"]
    assert client.do("close", name) == "ok"
    samba.run(f'del "Inbox/{lane}/a.png"', refused=True)


def test_an_upload_that_was_broken_off_is_resumed(house: House, clients: Any) -> None:
    """Not by the `reput` of Samba's client, which writes the rest over the beginning (4.17)."""
    lane, photo, first, second = house.lane(), house.new(size=LARGE), clients(), clients()
    name, half = f"Inbox/{lane}/a.png", len(photo) // 2
    first.open(name, SHARED)
    first.write(name, photo[:half])
    first.process.kill()
    time.sleep(1)  # it comes to rest as it is, and is looked at
    assert (house.share / name).stat().st_size == half
    second.open(name, SHARED, keep=True)
    second.write(name, photo[half:], half)
    assert second.do("close", name) == "ok"
    house.ends(lane, [photo])


def test_a_photo_whose_size_is_set_before_it_is_written(house: House, clients: Any) -> None:
    """As Windows' Explorer does; one client is killed over it, and its photo stays unfinished."""
    lane, photo, first, second = house.lane(), house.new("JPEG", LARGE), clients(), clients()
    name, other = f"Inbox/{lane}/a.jpg", f"Inbox/{lane}/b.jpg"
    first.open(other)
    first.write(other, b"\0", len(photo) - 1)
    first.write(other, photo[: len(photo) // 2])
    first.process.kill()
    second.open(name)
    second.write(name, b"\0", len(photo) - 1)
    assert (house.share / name).stat().st_size == len(photo)
    step = len(photo) // 5 + 1
    for start in range(0, len(photo), step):
        time.sleep(0.5)  # longer than a file needs to count as settled
        second.write(name, photo[start : start + step], start)
    assert second.do("close", name) == "ok"
    house.wait(lambda: not (house.share / name).exists())
    (house.share / other).unlink()
    house.ends(lane, [photo])
