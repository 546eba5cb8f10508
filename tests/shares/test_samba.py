"""The whole program behind a real Samba share, set up as docs/install.md says.

What people do is done by Samba's own client, in a process that can be killed; the service is
another user than they are, where the test may become others.
"""

from __future__ import annotations

import os
import subprocess
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.child_stand_ins import SLOW
from tests.daemon.test_run import grey
from tests.shares.house import House, Users, alone, apart, built, needed
from tests.shares.smb_share import Samba, documented, serving

LARGE = (400, 300)
ENOUGH = 100_000  # bytes; the client sends none before it has read more than its first piece
NAMES = [
    "Straße am Fluß - Übergröße.png",
    unicodedata.normalize("NFC", "Café.png"),
    unicodedata.normalize("NFD", "Café.png"),
    "Neues Bild (2).PNG",
    "IMG_0001 - Kopie.png",
    "Urlaub & Meer, 100% #1 [neu] {a} $b 'c' `d`.png",
    " vorne und hinten .png",
    "Ohne Endung",
    "viele.punkte.im.namen.jpg.png",
    "日本語 \U0001f600.png",
    "con.png",
    "x" * 200 + ".png",
]
JUNK = [
    "Thumbs.db",
    "desktop.ini",
    "~$Brief.png",
    "._photo.png",
    ".DS_Store",
    "half.png.crdownload",
]


def begun(house: House, samba: Samba, photo: bytes, name: str) -> subprocess.Popen[bytes]:
    """An upload of which some has arrived, and which waits for the rest."""
    client = samba.start(f'put - "{name}"')
    assert client.stdin is not None
    assert len(photo) // 2 > ENOUGH
    client.stdin.write(photo[: len(photo) // 2])
    client.stdin.flush()
    place = house.share / name
    house.wait(lambda: place.exists() and place.stat().st_size > 0)
    return client


def test_samba_understands_the_documented_share(samba: Samba) -> None:
    (testparm,) = needed("testparm")
    done = subprocess.run(
        [testparm, "-s", f"{samba.folder}/smb.conf"], capture_output=True, text=True, check=True
    )
    for said in ("Unknown parameter", "Ignoring", "WARNING", "ERROR"):
        assert said not in done.stderr
    assert f"path = {samba.folder.parent}/share" in done.stdout
    assert documented(Path("/x"), "y").count("\n   path = /x\n") == 1


@pytest.mark.parametrize("users", [apart, alone] if os.geteuid() == 0 else [alone])
def test_a_photo_goes_in_and_its_result_comes_out(users: Callable[[], Users]) -> None:
    with built(users()) as house, serving(house) as samba:
        house.open()
        samba.run(f'put "{samba.local(grey(200))}" Styles/Waves.png')
        house.wait((house.share / "Inbox/Waves").is_dir)
        photo, again = house.new(), house.new()
        samba.put(photo, "Inbox/Waves/a.png")
        results = house.ends("Waves", [photo])
        got = samba.folder / "local" / "got"
        samba.run(f"get Outbox/Waves/a.png {got}")
        assert got.read_bytes() == results["Outbox/Waves/a.png"]
        samba.run("rename Outbox/Waves/a.png Outbox/mine.png", "del Outbox/mine.png")
        samba.run("rename Originals/Waves/a.png Inbox/Waves/again.png")
        samba.put(again, "Inbox/Waves/b.png")
        house.ends("Waves", [photo, again])
        # For a moment the page's next version lies beside it under such a name.
        house.wait(lambda: ".atelierd" not in samba.run("ls"))
        samba.run("cd .atelierd", refused=True)
        samba.run(f"put {got} .atelierd/x.png", refused=True)
        house.close()


@pytest.mark.weights
def test_the_real_engine_paints_what_came_over_the_network(weights: Path) -> None:
    with built(apart()) as house, serving(house) as samba:
        store = house.folder / "param"
        store.mkdir()
        for file in weights.parent.glob("vgg19.*"):
            (store / file.name).symlink_to(file.resolve())
        house.users.own(store)
        house.open("--engine.weights", str(store), program=["-m", "daemon", "run"])
        samba.put(grey(200), "Styles/Waves.png")
        house.wait((house.share / "Inbox/Waves").is_dir)
        photo = house.new(size=LARGE)
        samba.put(photo, "Inbox/Waves/a.png")
        house.wait(lambda: house.places(photo) == ["Originals/Waves/a.png"])
        assert house.files("Outbox") == ["Waves/a.png"]
        samba.run(f"get Outbox/Waves/a.png {samba.folder}/local/got")
        house.close()


def test_an_upload_that_was_broken_off_is_done_again(house: House, samba: Samba) -> None:
    lane, photo = house.lane(), house.new(size=LARGE)
    client = begun(house, samba, photo, f"Inbox/{lane}/a.png")
    client.kill()
    client.wait()
    samba.put(photo, f"Inbox/{lane}/a.png")
    house.ends(lane, [photo])


def test_what_stays_broken_off_fails_with_a_reason(hasty: House, hasty_samba: Samba) -> None:
    house, samba = hasty, hasty_samba
    lane, whole, photo = house.lane(), house.new(size=LARGE), house.new()
    client = begun(house, samba, whole, f"Inbox/{lane}/half.png")
    client.kill()
    client.wait()
    preset = whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2)
    samba.put(preset, f"Inbox/{lane}/zeros.png")
    samba.put(b"", f"Inbox/{lane}/empty.png")
    samba.put(photo, f"Inbox/{lane}/whole.png")
    failed = house.share / f"Failed/{lane}/half.png"
    house.wait(failed.exists)
    half = failed.read_bytes()
    assert half
    assert half == whole[: len(half)] != whole
    house.ends(lane, [photo], [half, preset, b""])
    assert house.files(f"Failed/{lane}") == [
        name + end for name in ("empty.png", "half.png", "zeros.png") for end in ("", " - why.txt")
    ]
    note = house.folder / "note"
    samba.run(f'get "Failed/{lane}/half.png - why.txt" {note}')
    assert "incomplete" in note.read_text()


def test_a_failed_photo_is_dragged_back_once_it_is_whole(hasty: House, hasty_samba: Samba) -> None:
    house, samba = hasty, hasty_samba
    lane, photo = house.lane(), house.new(size=LARGE)
    half = photo[: len(photo) // 2]
    samba.put(half, f"Inbox/{lane}/a.png")
    house.ends(lane, [], [half])
    samba.put(photo, f"Failed/{lane}/a.png")
    samba.run(f'rename "Failed/{lane}/a.png" "Inbox/{lane}/a.png"')
    house.ends(lane, [photo])


def test_a_style_that_is_deleted_while_photos_are_queued(hasty: House, hasty_samba: Samba) -> None:
    house, samba = hasty, hasty_samba
    slow = house.lane(SLOW, name="Slow")
    first, second = house.new(), house.new()
    # All at one go, and one call in the end: the first is painted for two seconds alone.
    samba.run(
        f'put "{samba.local(first)}" "Inbox/{slow}/a.png"',
        f'put "{samba.local(second)}" "Inbox/{slow}/b.png"',
    )

    def said(event: str) -> list[str]:
        return [line["photo"] for line in house.said(event) if line["photo"].startswith(slow)]

    house.wait(lambda: said("job.started") == [f"{slow}/a.png"] and len(said("job.queued")) == 2)
    samba.run(f'del "Inbox/{slow}/b.png"', f'del "Styles/{slow}.png"', refused=True)
    assert not (house.share / f"Styles/{slow}.png").exists()
    house.wait(lambda: house.places(second) == [f"Failed/{slow}/b.png"])
    house.wait(lambda: house.places(first) == [f"Originals/{slow}/a.png"])
    house.wait((house.share / f"Failed/{slow}/b.png - why.txt").exists)
    assert house.files(f"Outbox/{slow}") == ["a.png"]
    house.wait(lambda: not (house.share / "Inbox" / slow).exists())


def test_a_photo_that_is_deleted_in_the_inbox_is_forgotten(house: House, samba: Samba) -> None:
    lane, photo, other = house.lane(), house.new(size=LARGE), house.new()
    half = photo[: len(photo) // 2]  # else the service might be quicker
    samba.put(half, f"Inbox/{lane}/a.png")
    samba.run(f'del "Inbox/{lane}/a.png"')
    client = begun(house, samba, photo, f"Inbox/{lane}/b.png")
    client.kill()
    samba.run(f'del "Inbox/{lane}/b.png"')
    samba.put(other, f"Inbox/{lane}/c.png")
    house.ends(lane, [other])
    assert house.places(half) == []


def test_a_photo_is_renamed_once_it_has_arrived(house: House, samba: Samba) -> None:
    """As clients do that upload under another name first; one renames over an older file."""
    lane, photo, half = house.lane(), house.new(size=LARGE), house.new(size=LARGE)
    begun(house, samba, half, f"Inbox/{lane}/b.png").kill()
    client = begun(house, samba, photo, f"Inbox/{lane}/a.png.part")
    assert client.stdin is not None
    client.stdin.write(photo[len(photo) // 2 :])
    client.stdin.close()
    assert client.wait(60) == 0
    samba.run(f'rename "Inbox/{lane}/a.png.part" "Inbox/{lane}/b.png" -f')
    results = house.ends(lane, [photo])
    assert list(results) == [f"Outbox/{lane}/b.png"]


def test_a_slow_upload_is_painted_whole(house: House, samba: Samba) -> None:
    lane, photo = house.lane(), house.new("JPEG", (1600, 1200))
    client = begun(house, samba, photo, f"Inbox/{lane}/a.jpg")
    assert client.stdin is not None
    # Nobody may rename it meanwhile: the client that writes it does not allow that.
    samba.run(f'rename "Inbox/{lane}/a.jpg" "Inbox/{lane}/b.jpg"', refused=True)
    step = len(photo) // 8
    for start in range(len(photo) // 2, len(photo), step):
        client.stdin.write(photo[start : start + step])
        client.stdin.flush()
        time.sleep(0.5)  # longer than a file needs to count as settled
    client.stdin.close()
    assert client.wait(60) == 0
    house.ends(lane, [photo])


def test_a_photo_that_is_replaced(house: House, samba: Samba) -> None:
    lane = house.lane()
    old, new, newest = house.new(size=LARGE), house.new(), house.new()
    samba.put(old[: len(old) // 2], f"Inbox/{lane}/a.png")
    samba.put(new, f"Inbox/{lane}/a.png")
    house.ends(lane, [new])
    samba.put(newest, f"Inbox/{lane}/a.png")
    results = house.ends(lane, [new, newest])
    assert results.keys() == {f"Outbox/{lane}/a (2).png", f"Outbox/{lane}/a.png"}


def test_a_hundred_photos_from_several_people_at_once(house: House, samba: Samba) -> None:
    lane, folder = house.lane(), samba.folder / "local"
    photos = [house.new() for _ in range(100)]
    clients = []
    for number in range(4):
        mine = [samba.local(photo) for photo in photos[number::4]]
        puts = [f'put {path} "{path.name} of {number}.png"' for path in mine]
        clients.append(samba.start(f'cd "Inbox/{lane}"', *puts))
    assert [client.wait(120) for client in clients] == [0] * 4
    assert len(list(folder.iterdir())) >= len(photos)
    house.ends(lane, photos)


def test_names_as_people_make_them(house: House, samba: Samba) -> None:
    lane = house.lane(name="Große Wellen")
    photos = {name: house.new() for name in NAMES}
    for name, photo in photos.items():
        samba.put(photo, f"Inbox/{lane}/{name}")
    for name in JUNK:
        samba.put(b"junk", f"Inbox/{lane}/{name}")
    for name in JUNK:
        samba.run(f'del "Inbox/{lane}/{name}"')
    results = house.ends(lane, photos.values())
    stems = {Path(name).stem for name in results}
    assert {unicodedata.normalize("NFC", stem) for stem in stems} >= {
        "Straße am Fluß - Übergröße", "Café", "Neues Bild (2)", "日本語 \U0001f600", "con"
    }  # fmt: skip
    for name in results:
        samba.run(f'get "{name}" {samba.folder}/local/got')


def test_folders_are_moved_whole(house: House, samba: Samba) -> None:
    lane = house.lane()
    party, inner, deep = house.new(), house.new(), house.new()
    samba.run('mkdir "Originals/My party"', f'mkdir "Originals/To {lane}"')
    samba.run(f'mkdir "Originals/To {lane}/in"')
    samba.put(party, "Originals/My party/content.png")
    samba.put(grey(200), "Originals/My party/style.png")
    samba.put(b"iterations = 3", "Originals/My party/job.toml")
    samba.put(inner, f"Originals/To {lane}/a.png")
    samba.put(deep, f"Originals/To {lane}/in/b.png")
    samba.run(f'rename "Originals/To {lane}" "Inbox/{lane}/trip"')
    samba.run(f'rename "Inbox/{lane}/trip/in" "Inbox/{lane}/in"')
    samba.run('rename "Originals/My party" "Inbox/My party"')
    house.ends(lane, [inner, deep])
    results = house.ends("My party", [party])
    assert list(results) == ["Outbox/My party.png"]
    # What is left of a folder that was emptied can be removed by those who made it.
    samba.run(f'deltree "Inbox/{lane}"')


def test_a_photo_that_may_only_be_read(house: House, samba: Samba) -> None:
    lane, photo = house.lane(), house.new()
    samba.put(photo, f"Inbox/{lane}/a.png.part")
    samba.run(f'setmode "Inbox/{lane}/a.png.part" +r')
    samba.run(f'rename "Inbox/{lane}/a.png.part" "Inbox/{lane}/a.png"')
    house.ends(lane, [photo])
