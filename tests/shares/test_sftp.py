"""Photos that come through SFTP: the real client and the real server, with no SSH between them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.shares.house import LONG, House, needed

LARGE = (400, 300)
PLACES = ("openssh", "ssh", "sftp-server")
SLOWLY = ("-l", "1600")  # kilobits a second: a photo takes more than one
SLOWER = ("-l", "800")  # nobody waits for its end


class Sftp:
    """Lets a person's client do things."""

    def __init__(self, house: House) -> None:
        (self.client,) = needed("sftp")
        places = [Path("/usr") / lib / name for lib in ("lib", "libexec") for name in PLACES]
        servers = [one / "sftp-server" if one.is_dir() else one for one in places]
        found = [server for server in servers if server.is_file()]
        if not found:
            pytest.skip("not installed: sftp-server (package: openssh-sftp-server)")
        self.server = found[0]
        self.house = house
        self.local = house.folder / "sent"
        self.local.mkdir(exist_ok=True)

    def start(self, *commands: str, options: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        client = subprocess.Popen(
            [*self.house.users.as_person(), self.client, *options, "-b", "-", "-D", self.server],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=self.house.share,
        )  # fmt: skip
        assert client.stdin is not None
        client.stdin.write("".join(f"{command}\n" for command in commands).encode())
        client.stdin.close()
        return client

    def run(self, *commands: str) -> None:
        assert self.start(*commands).wait(LONG) == 0

    def file(self, data: bytes) -> Path:
        path = self.local / str(len(list(self.local.iterdir())))
        path.write_bytes(data)
        return path


@pytest.fixture
def sftp(house: House) -> Sftp:
    return Sftp(house)


def test_photos_and_folders_that_come_whole(house: House, sftp: Sftp) -> None:
    lane, photo, kept, deep = house.lane(name="Blaue Größe"), house.new(), house.new(), house.new()
    sftp.run(
        f'put "{sftp.file(photo)}" "Inbox/{lane}/ä b.png"',
        f'put -p "{sftp.file(kept)}" "Inbox/{lane}/with its times.png"',
        f'mkdir "Originals/To {lane}"',
        f'put "{sftp.file(deep)}" "Originals/To {lane}/a.png"',
        f'rename "Originals/To {lane}" "Inbox/{lane}/trip"',
    )
    results = house.ends(lane, [photo, kept, deep])
    got = sftp.local / "got"
    sftp.local.chmod(0o777)  # the person takes it home
    sftp.run(f'get "Outbox/{lane}/ä b.png" "{got}"', f'rm "Outbox/{lane}/ä b.png"')
    assert got.read_bytes() == results[f"Outbox/{lane}/ä b.png"]


def test_a_transfer_that_was_broken_off_is_resumed(house: House, sftp: Sftp) -> None:
    lane, photo = house.lane(), house.new(size=LARGE)
    place, sent = house.share / f"Inbox/{lane}/a.png", sftp.file(photo)
    client = sftp.start(f'put "{sent}" "Inbox/{lane}/a.png"', options=SLOWER)
    house.wait(lambda: place.exists() and place.stat().st_size > 0)
    client.kill()
    client.wait()
    assert place.stat().st_size < len(photo)
    sftp.run(f'reput "{sent}" "Inbox/{lane}/a.png"')
    house.ends(lane, [photo])


def test_a_slow_transfer_under_another_name(house: House, sftp: Sftp) -> None:
    lane, photo, direct = house.lane(), house.new(size=LARGE), house.new(size=LARGE)
    slow = sftp.start(f'put "{sftp.file(direct)}" "Inbox/{lane}/b.png"', options=SLOWLY)
    sftp.run(
        f'put "{sftp.file(photo)}" "Inbox/{lane}/a.png.filepart"',
        f'rename "Inbox/{lane}/a.png.filepart" "Inbox/{lane}/a.png"',
    )
    assert slow.wait(LONG) == 0
    house.ends(lane, [photo, direct])
