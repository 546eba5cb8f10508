"""A real Samba on this machine's loopback, with the share that docs/install.md describes.

All it keeps lies in a folder of the test's own. Without root the server runs as the one user that
there is; that user's name and group take the place of the documentation's.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.daemon.ports import kept_port
from tests.daemon.test_run import ROOT
from tests.shares.house import LONG, House, Users, needed

DOCUMENT: Final = ROOT / "docs" / "install.md"
PASSWORD: Final = "not a secret"  # noqa: S105 - it is none
GLOBAL: Final = """
[global]
   server role = standalone server
   workgroup = TEST
   interfaces = 127.0.0.1
   bind interfaces only = yes
   smb ports = {port}
   disable netbios = yes
   load printers = no
   printcap name = /dev/null
   disable spoolss = yes
   usershare max shares = 0
   # In small pieces: else a client reads eight megabytes before it sends the first.
   smb2 max write = 65536
   log level = 1
   log file = {folder}/log
   private dir = {folder}/private
   state directory = {folder}/state
   cache directory = {folder}/cache
   lock directory = {folder}/lock
   pid directory = {folder}/lock
   ncalrpc dir = {folder}/lock/ncalrpc
"""


def documented(share: Path, group: str) -> str:
    """The share's section as the documentation has it; only the path and the group are others."""
    inside = re.compile(r"^```ini\n(.*?)^```", re.MULTILINE | re.DOTALL)
    blocks: list[str] = inside.findall(DOCUMENT.read_text(encoding="utf-8"))
    (section,) = (block for block in blocks if block.startswith("[atelier]\n"))
    for line, ours in (
        ("path = /srv/atelier\n", f"path = {share}\n"),
        ("valid users = @atelierd\n", f"valid users = @{group}\n"),
        ("force group = atelierd\n", f"force group = {group}\n"),
    ):
        assert section.count(line) == 1, line
        section = section.replace(line, ours)
    assert "/srv" not in section
    return section


@dataclass
class Samba:
    """A server that runs, and its clients."""

    folder: Path
    users: Users
    port: int
    process: subprocess.Popen[bytes]
    clients: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def run(self, *commands: str, refused: bool = False) -> str:
        """Let a client do these things in turn; they have to work, or else to be refused."""
        done = subprocess.run(
            self._client(*commands), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            stdin=subprocess.DEVNULL, timeout=LONG,
        )  # fmt: skip
        said = done.stdout.decode(errors="replace")
        assert ("NT_STATUS_" in said) is refused, said
        return said

    def start(self, *commands: str) -> subprocess.Popen[bytes]:
        """Let a client begin with these things; what it is given at its stdin, ``-`` stands for."""
        client = subprocess.Popen(
            self._client(*commands), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        self.clients.append(client)
        return client

    def put(self, data: bytes, name: str) -> None:
        """Copy a whole photo there."""
        self.run(f'put "{self.local(data)}" "{name}"')

    def local(self, data: bytes) -> Path:
        """A file on the person's own machine."""
        path = self.folder / "local" / str(len(list((self.folder / "local").iterdir())))
        path.write_bytes(data)
        return path

    def _client(self, *commands: str) -> list[str]:
        (client,) = needed("smbclient")
        return [
            client, "//127.0.0.1/atelier", "-s", f"{self.folder}/smb.conf", "-p", str(self.port),
            "-A", f"{self.folder}/login", "-c", "; ".join(commands),
        ]  # fmt: skip


@contextmanager
def serving(house: House) -> Iterator[Samba]:
    """Serve a house's share while the test needs it."""
    needed("smbd", "smbclient", "smbpasswd", "pdbedit", "testparm")
    folder, users = house.folder / "samba", house.users
    for below in ("", "private", "state", "cache", "lock", "local"):
        (folder / below).mkdir()
        if _is_ordinary(users):
            users.own(folder / below)
    (folder / "login").write_text(f"username = {users.person}\npassword = {PASSWORD}\n")
    with kept_port() as port:
        config = GLOBAL.format(port=port, folder=folder) + documented(house.share, users.group)
        (folder / "smb.conf").write_text(config)
        _give_password(folder, users)
        samba = Samba(folder, users, port, _start(folder, users))
        try:
            _wait_for(samba)
            yield samba
        finally:
            for process in (*samba.clients, samba.process):
                _end(process)


def _is_ordinary(users: Users) -> bool:
    """Whether the server is to run as the one user, also where root runs the test."""
    return users.service == users.person


def _before(users: Users) -> list[str]:
    return users.as_person() if _is_ordinary(users) else []


def _give_password(folder: Path, users: Users) -> None:
    smbpasswd, pdbedit = needed("smbpasswd", "pdbedit")
    config = f"{folder}/smb.conf"
    command = [smbpasswd, "-c", config, "-s", "-a", users.person]
    if _is_ordinary(users):  # `smbpasswd -a` is for root alone
        command = [pdbedit, "-s", config, "-a", "-t", "-u", users.person]
    subprocess.run(
        [*_before(users), *command], input=f"{PASSWORD}\n{PASSWORD}\n".encode(), check=True,
        capture_output=True,
    )  # fmt: skip


def _start(folder: Path, users: Users) -> subprocess.Popen[bytes]:
    (smbd,) = needed("smbd")
    options = ["--foreground", "--no-process-group", "--debug-stdout", "-s", f"{folder}/smb.conf"]
    with (folder / "said").open("wb") as said:
        return subprocess.Popen(
            [*_before(users), smbd, *options],
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip


def _wait_for(samba: Samba) -> None:
    end = time.monotonic() + LONG
    while True:
        said = (samba.folder / "said").read_text(errors="replace")
        assert samba.process.poll() is None, said
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", samba.port)).close()
            return
        assert time.monotonic() < end, said
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a client, or the server with the processes that it has started."""
    whole = process.poll() is None and os.getpgid(process.pid) == process.pid
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number) if whole else process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return
