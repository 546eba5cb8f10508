"""Files leave a claim once, under names that belong together, also in several tries."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from daemon import departure, files, presence
from daemon.companions import Beside, beside
from daemon.errors import ShareError, StoppedError
from daemon.settings import ShareSettings
from daemon.share import Share, make_share, open_share


@pytest.fixture
def claim(tmp_path: Path) -> Path:
    folder = tmp_path / "claim"
    folder.mkdir()
    for name in ("a.jpg", "a.style.png", os.fsdecode(b"job\xff.toml")):
        (folder / name).write_bytes(os.fsencode(name))
    return folder


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    return share


@pytest.fixture
def out(share: Share) -> Path:
    return share.originals


def sources(claim: Path) -> list[Path]:
    return [claim / name for name in ("a.jpg", "a.style.png", os.fsdecode(b"job\xff.toml"))]


def names(folder: Path) -> list[bytes]:
    return sorted(os.fsencode(path.name) for path in folder.iterdir())


def stop_after(moves: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, left = files.rename_new, moves

    def stop(source: Path, target: Path) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target)

    monkeypatch.setattr(files, "rename_new", stop)


def test_all_leave_under_one_number(claim: Path, out: Path, share: Share) -> None:
    (out / "a.style.png").write_bytes(b"somebody else's")
    told = list[Sequence[str]]()
    moved = departure.leave(claim, sources(claim), out, share, lambda _, names: told.append(names))
    numbered = ["a (2).jpg", "a (2).style.png", os.fsdecode(b"job\xff (2).toml")]
    assert [path.name for path in moved] == numbered
    assert told == [numbered]
    assert names(claim) == [b".leaving"]
    contents = [path.read_bytes() for path in moved]
    assert contents == [os.fsencode(path.name) for path in sources(claim)]


@pytest.mark.parametrize("moves", range(3))
def test_what_is_left_follows_under_the_same_number_though_the_names_are_free_now(
    claim: Path, out: Path, share: Share, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    (out / "a.jpg").write_bytes(b"somebody else's")
    with monkeypatch.context() as patch:
        stop_after(moves, patch)
        with pytest.raises(OSError, match="Input"):
            departure.leave(claim, sources(claim), out, share)
    (out / "a.jpg").unlink()
    moved = departure.leave(claim, sources(claim), out, share)
    n = b" (2)" if moves else b""
    assert names(out) == [b"a%s.jpg" % n, b"a%s.style.png" % n, b"job\xff%s.toml" % n]
    assert [os.fsencode(path.name) for path in moved] == names(out)
    assert departure.leave(claim, sources(claim), out, share) == moved


def test_two_photos_that_are_alike_both_leave_after_a_try_that_failed(
    claim: Path, out: Path, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has dropped the same photo twice, and the disk was full for a while."""
    twin = shutil.copytree(claim, claim.with_name("twin"))
    for each in (claim, twin):
        with monkeypatch.context() as patch:
            stop_after(0, patch)
            with pytest.raises(OSError, match="Input"):
                departure.leave(each, sources(each)[:1], out, share)
    for each in (claim, twin):
        departure.leave(each, sources(each)[:1], out, share)
    assert names(out) == [b"a (2).jpg", b"a.jpg"]


def test_a_choice_is_written_down_before_it_is_tried(
    claim: Path, out: Path, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else is always quicker, and takes the name as soon as it was seen to be free."""
    rename, seen = files.rename_new, list[str]()

    def look(source: Path, target: Path) -> None:
        if source.name == "a.jpg":
            way = departure.recall(claim, share)
            assert way is not None
            assert (way.folder, way.names["a.jpg"]) == (out, target.name)
            seen.append(target.name)
            if len(seen) < 3:
                target.write_bytes(b"somebody else's")
        rename(source, target)

    monkeypatch.setattr(files, "rename_new", look)
    departure.leave(claim, sources(claim), out, share)
    assert seen == ["a.jpg", "a (2).jpg", "a (3).jpg"]
    assert (out / "a (3).style.png").exists()


def test_a_file_that_was_left_under_both_names_moves_once(
    claim: Path, out: Path, share: Share
) -> None:
    departure._write(
        departure._Way(claim, out, out), {"a.jpg": "a (2).jpg", "a.style.png": "a (2).style.png"}
    )
    os.link(claim / "a.jpg", out / "a (2).jpg")
    assert departure.leave(claim, sources(claim)[:2], out, share)[0].name == "a (2).jpg"
    assert names(out) == [b"a (2).jpg", b"a (2).style.png"]


def test_a_name_that_was_reserved_is_used(claim: Path, out: Path, share: Share) -> None:
    departure._write(departure._Way(claim, out, out), {"a.jpg": "a.jpg"})
    (out / "a.jpg").touch()
    departure.leave(claim, sources(claim)[:1], out, share)
    assert (out / "a.jpg").read_bytes() == b"a.jpg"
    assert names(out) == [b"a.jpg"]


@pytest.mark.parametrize("kept", [b"", b"{}", b"[1]", b'{"folder": 1, "names": 2}', b"\xff"])
def test_a_record_that_a_disk_has_lost_counts_as_none(
    claim: Path, out: Path, share: Share, kept: bytes
) -> None:
    (claim / departure.LEAVING).write_bytes(kept)
    assert departure.recall(claim, share) is None
    departure.leave(claim, sources(claim), out, share)
    assert names(out) == [b"a.jpg", b"a.style.png", b"job\xff.toml"]


def test_a_photo_that_left_without_a_record_is_followed(
    claim: Path, out: Path, share: Share
) -> None:
    """As a program of before may have left it."""
    (claim / "a.jpg").rename(out / "a.jpg")
    departure.leave(claim, sources(claim), out, share)
    assert names(out) == [b"a.jpg", b"a.style.png", b"job\xff.toml"]


def test_a_way_that_leads_elsewhere_is_not_gone(claim: Path, share: Share, tmp_path: Path) -> None:
    """Such as that of a share whose folders were called otherwise."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    departure._write(departure._Way(claim, elsewhere, elsewhere), {"a.jpg": "a.jpg"})
    (elsewhere / "a.jpg").touch()
    assert departure.recall(claim, share) is None
    assert (elsewhere / "a.jpg").exists()
    with pytest.raises(ShareError):
        departure.leave(claim, sources(claim), elsewhere, share)


def test_no_link_is_followed_on_the_way(claim: Path, share: Share, tmp_path: Path) -> None:
    folder = share.originals / "Waves"
    departure._write(departure._Way(claim, folder, folder), {"a.jpg": "a.jpg"})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.jpg").touch()
    folder.symlink_to(tmp_path / "elsewhere")
    assert departure.recall(claim, share) is not None
    with pytest.raises(OSError, match="Not a directory"):
        departure.leave(claim, sources(claim), folder, share)
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["a.jpg"]
    assert (claim / "a.jpg").read_bytes() == b"a.jpg"


def test_a_name_that_many_have_costs_one_look_at_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jpg", *(f"a ({number}).jpg" for number in range(2, 50))):
        (tmp_path / name).touch()
    looks = list[Path]()
    taken = files._taken

    def count_looks(folder: Path) -> set[str]:
        looks.append(folder)
        return taken(folder)

    monkeypatch.setattr(files, "_taken", count_looks)
    free = next(iter(departure.free_together(tmp_path, ["a.jpg", "a.style.jpg"])))
    assert list(free) == ["a (50).jpg", "a (50).style.jpg"]
    assert looks == [tmp_path]


@pytest.mark.parametrize(
    ("name", "together"),
    [("a.mask.png", "a (2).mask.png"), ("a.style.regions.png", "a (2).style.regions.png"),
     ("b.mask.png", "b (2).mask.png"), ("b.style.regions.png", "b (2).style.regions.png"),
     ("ab.jpg", "ab (2).jpg"), ("A.x.y.png", "A (2).x.y.png")],
)  # fmt: skip
def test_whatever_goes_along_with_a_photo_is_numbered_as_it_is(name: str, together: str) -> None:
    assert departure.names_together(["a.jpg", name], 2) == ["a (2).jpg", together]
    assert departure.names_together(["a.jpg", name], 1) == ["a.jpg", name]


@pytest.mark.parametrize("length", [239, 242, 246])
def test_names_that_become_too_long_are_cut_alike(length: int) -> None:
    names = [f"{'x' * length}.jpg", f"{'x' * length}.mask.png"]
    together = departure.names_together(names, 12)
    assert max(map(len, together)) <= 255
    assert beside(together) == {together[0]: Beside(None, {"mask": together[1]})}
    assert len({*together, *names}) == 4


def test_a_mask_that_leaves_by_itself_does_not_become_a_photo(
    claim: Path, out: Path, share: Share
) -> None:
    (claim / "b.mask.png").write_bytes(b"mask")
    (out / "b.mask.png").write_bytes(b"somebody else's")
    (moved,) = departure.leave(claim, [claim / "b.mask.png"], out, share)
    assert moved.name == "b (2).mask.png"


@pytest.mark.parametrize("moves", range(4))
def test_into_the_inbox_a_photo_comes_last_since_it_would_be_painted_alone(
    claim: Path, share: Share, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    (share.inbox / "a.style.png").write_bytes(b"somebody else's")
    with monkeypatch.context() as patch:
        stop_after(moves, patch)
        if moves < 3:
            with pytest.raises(OSError, match="Input"):
                departure.leave(claim, sources(claim), share.inbox, share)
        else:
            departure.leave(claim, sources(claim), share.inbox, share)
    assert (share.inbox / "a (2).jpg").exists() == (moves == 3)
    assert len(names(share.inbox)) == 1 + moves
    moved = departure.leave(claim, sources(claim), share.inbox, share)
    assert [path.name for path in moved[:2]] == ["a (2).jpg", "a (2).style.png"]
    assert all(path.exists() for path in moved)


def test_a_mask_whose_name_was_taken_after_its_photo_left_does_not_become_a_photo(
    claim: Path, out: Path, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    (claim / "a.mask.png").write_bytes(b"mask")
    mine = [claim / "a.jpg", claim / "a.mask.png"]
    with monkeypatch.context() as patch:
        stop_after(1, patch)
        with pytest.raises(OSError, match="Input"):
            departure.leave(claim, mine, out, share)
    (out / "a.mask.png").write_bytes(b"somebody else's")
    moved = departure.leave(claim, mine, out, share)
    assert [path.name for path in moved] == ["a.jpg", "a (2).mask.png"]


def test_a_stop_at_any_moment_of_the_copies_leaves_each_file_once(
    claim: Path, share: Share, elsewhere: Path
) -> None:
    share = replace(share, originals=elsewhere)
    content = {path.name: path.read_bytes() for path in sources(claim)}
    (elsewhere / "a.jpg").write_bytes(b"somebody else's")

    def leave(stops_at: int) -> int:
        """Go on until it is done, though each time somebody wants a stop; how often it ticked."""
        calls = 0

        def tick() -> None:
            nonlocal calls
            calls += 1
            if calls == stops_at:
                raise StoppedError

        try:
            departure.leave(claim, sources(claim), elsewhere, share, tick=tick)
        except StoppedError:
            # Where nothing has left, nothing is remembered of where it would have gone.
            begun = len(names(elsewhere)) > 1
            assert presence.is_there(claim / departure.LEAVING) == begun
            leave(0)
        return calls

    for stops_at in range(leave(0), -1, -1):
        numbered = {
            "a (2).jpg": content["a.jpg"],
            "a (2).style.png": content["a.style.png"],
            os.fsdecode(b"job\xff (2).toml"): content[os.fsdecode(b"job\xff.toml")],
        }
        found = {path.name: path.read_bytes() for path in elsewhere.iterdir()}
        assert found == {"a.jpg": b"somebody else's", **numbered}
        assert names(claim) == [b".leaving"]
        for name in numbered:
            (elsewhere / name).unlink()
        (claim / departure.LEAVING).unlink()
        for name, data in content.items():
            (claim / name).write_bytes(data)
        leave(stops_at)
