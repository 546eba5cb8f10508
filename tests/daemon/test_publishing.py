"""Results, originals and failures: where they appear, under which names, and after a crash."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path, PurePath
from typing import Any

import pytest
from structlog.testing import capture_logs

from daemon import claims, files, notes, publishing
from daemon.claims import Claim
from daemon.errors import ClaimError, PublishError, ShareError
from daemon.names import INBOX_NOTE
from daemon.note_texts import signatures
from daemon.pairing import Candidate, pair
from daemon.scanner import look
from daemon.share import Share

LEFTOVER = ".atelierd-0123456789abcdef.tmp"


@pytest.fixture
def share(share: Share) -> Share:
    (share.styles / "Waves.jpg").write_bytes(b"waves")
    (share.inbox / "Waves").mkdir()
    return share


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may grow beyond a few bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def taken(share: Share, job_id: str = "job1", **content: bytes) -> tuple[Claim, Candidate]:
    for name, data in content.items():
        path = share.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (found,) = pair(look(share.inbox), {"Waves": share.styles / "Waves.jpg"}, "Waves").candidates
    return claims.take(found, share, job_id), found


def taken_pair(share: Share, job_id: str = "job1") -> tuple[Claim, Candidate]:
    return taken(share, job_id, **{"Waves/a.jpg": b"photo", "Waves/a.style.png": b"style"})


def taken_folder(share: Share, job_id: str = "job1") -> tuple[Claim, Candidate]:
    content = {"content.jpg": b"photo", "style.jpg": b"style", "job.toml": b"", "mine.txt": b"me"}
    return taken(share, job_id, **{f"Waves/Party/{name}": data for name, data in content.items()})


def refuse_to_read(path: Path, _most: int) -> bytes:
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def make_deep(top: Path) -> None:
    """More folders in one another than Python may call itself; no longer than a path may be."""
    for _ in range(1200):
        top.mkdir()
        top /= "a"


def tree(folder: Path) -> dict[str, bytes]:
    paths = (Path(here, name) for here, _, names in os.walk(folder) for name in names)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


class TestPublishResult:
    @pytest.mark.parametrize(
        ("relative", "expected"),
        [
            ("Waves/a.png", "Waves/a.jpg"),
            ("Waves/Holiday/a.b.jpeg", "Waves/Holiday/a.b.jpg"),
            ("a.jpg", "a.jpg"),
            ("Mr. Smith at sea", "Mr. Smith at sea.jpg"),
        ],
    )
    def test_the_outbox_mirrors_the_inbox(self, share: Share, relative: str, expected: str) -> None:
        path = publishing.publish_result(share, PurePath(relative), "Waves", b"picture", ".jpg")
        assert path == share.outbox / expected
        assert path.read_bytes() == b"picture"

    def test_two_photos_with_one_stem_do_not_meet(self, share: Share) -> None:
        names = ("Waves/a.png", "Waves/a.jpg", "Waves/A.jpg")
        made = [
            publishing.publish_result(share, PurePath(name), "Waves", name.encode(), ".jpg")
            for name in names
        ]
        assert [path.name for path in made] == ["a.jpg", "a (2).jpg", "A (3).jpg"]
        assert [path.read_bytes().decode() for path in made] == list(names)

    def test_a_name_that_the_new_suffix_makes_too_long_is_cut(self, share: Share) -> None:
        name = "ü" * 126 + ".j"
        path = publishing.publish_result(share, PurePath(name), "Waves", b"", ".jpeg")
        assert path.name == "ü" * 125 + ".jpeg"

    def test_a_full_disk_is_said_plainly_and_leaves_nothing(self, share: Share) -> None:
        with full_disk(), pytest.raises(PublishError, match=r"a\.jpg in the style Waves .*room"):
            publishing.publish_result(share, PurePath("a.jpg"), "Waves", bytes(100), ".jpg")
        assert tree(share.outbox) == {}

    def test_never_leads_out_of_the_share(self, share: Share) -> None:
        with pytest.raises(ShareError):
            publishing.publish_result(share, PurePath("../a.jpg"), "Waves", b"", ".jpg")


class TestResultRelative:
    def test_a_folder_jobs_result_is_named_after_its_folder(self, share: Share) -> None:
        claim, candidate = taken_folder(share)
        relative = publishing.result_relative(claim, candidate.relative)
        path = publishing.publish_result(share, relative, "style", b"", ".png")
        assert path == share.outbox / "Waves" / "Party.png"

    def test_dots_in_the_folders_name_stay(self, share: Share) -> None:
        claim, candidate = taken(
            share, **{"Trip.2024/content.jpg": b"photo", "Trip.2024/style.jpg": b"style"}
        )
        relative = publishing.result_relative(claim, candidate.relative)
        path = publishing.publish_result(share, relative, "style", b"", ".jpg")
        assert path == share.outbox / "Trip.2024.jpg"

    def test_others_stay(self, share: Share) -> None:
        claim, candidate = taken_pair(share)
        assert publishing.result_relative(claim, candidate.relative) == candidate.relative


class TestKeepOriginal:
    def test_a_pair_goes_to_the_mirrored_folder_and_the_claim_ends(self, share: Share) -> None:
        claim, candidate = taken_pair(share)
        kept = publishing.keep_original(share, claim, candidate.relative)
        assert kept == share.originals / "Waves" / "a.jpg"
        assert tree(share.originals) == {"Waves/a.jpg": b"photo", "Waves/a.style.png": b"style"}
        assert claims.find_claims(share) == []

    def test_a_style_of_the_styles_folder_stays_there(self, share: Share) -> None:
        claim, candidate = taken(share, **{"Waves/a.jpg": b"photo"})
        publishing.keep_original(share, claim, candidate.relative)
        assert tree(share.styles) == {"Waves.jpg": b"waves"}

    def test_a_folder_stays_together(self, share: Share) -> None:
        for job_id in ("job1", "job2"):
            claim, candidate = taken_folder(share, job_id)
            kept = publishing.keep_original(share, claim, candidate.relative)
        assert kept == share.originals / "Waves" / "Party (2)"
        assert tree(kept) == tree(share.originals / "Waves" / "Party")
        assert tree(kept)["mine.txt"] == b"me"
        assert claims.find_claims(share) == []

    def test_names_that_belong_together_get_one_number(self, share: Share) -> None:
        for job_id in ("job1", "job2"):
            claim, candidate = taken_pair(share, job_id)
            publishing.keep_original(share, claim, candidate.relative)
        assert tree(share.originals / "Waves").keys() == {
            "a.jpg", "a.style.png", "a (2).jpg", "a (2).style.png",
        }  # fmt: skip

    def test_again_after_a_crash_in_the_middle(self, share: Share) -> None:
        claim, candidate = taken_pair(share)
        (share.originals / "Waves").mkdir()
        claim.content.rename(share.originals / "Waves" / "a.jpg")
        for _ in range(2):
            publishing.keep_original(share, claim, candidate.relative)
            assert tree(share.originals) == {
                "Waves/a.jpg": b"photo", "Waves/a.style.png": b"style",
            }  # fmt: skip
            assert claims.find_claims(share) == []

    @pytest.mark.parametrize("out_of_reach", ["a.jpg", "a.style.png"])
    def test_what_is_out_of_reach_does_not_count_as_moved(
        self, share: Share, monkeypatch: pytest.MonkeyPatch, out_of_reach: str
    ) -> None:
        claim, found = taken_pair(share)
        lstat, stat_ = os.lstat, os.stat

        def refuse(path: str | Path) -> None:
            if Path(path).name == out_of_reach:
                raise OSError(errno.EIO, "Input/output error")

        def lstat_or_not(path: str | Path, **kwargs: Any) -> os.stat_result:
            refuse(path)
            return lstat(path, **kwargs)

        def stat_or_not(path: str | Path, **kwargs: Any) -> os.stat_result:
            refuse(path)
            return stat_(path, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(os, "lstat", lstat_or_not)
            patch.setattr(os, "stat", stat_or_not)
            patch.setattr(Path, "lstat", lstat_or_not)
            with pytest.raises(PublishError, match="Input/output"):
                publishing.keep_original(share, claim, found.relative)
        publishing.keep_original(share, claim, found.relative)
        assert tree(share.originals) == {"Waves/a.jpg": b"photo", "Waves/a.style.png": b"style"}
        assert not claim.folder.exists()

    @pytest.mark.parametrize("number", [errno.EBUSY, errno.EACCES])
    def test_who_holds_it_is_to_let_it_go(
        self, share: Share, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        def refuse(source: Path, *_more: object) -> None:
            raise OSError(number, os.strerror(number), str(source))

        claim, found = taken_pair(share)
        monkeypatch.setattr(files, "move_exactly", refuse)
        with pytest.raises(PublishError) as caught:
            publishing.keep_original(share, claim, found.relative)
        told = str(caught.value)
        assert ("Close the program that has it open; nothing was lost." in told) is (
            number == errno.EBUSY
        )
        assert ("Make room there" in told) is (number != errno.EBUSY)

    def test_again_after_all_was_done_says_where_it_is(self, share: Share) -> None:
        claim, candidate = taken_pair(share)
        first = publishing.keep_original(share, claim, candidate.relative)
        assert publishing.keep_original(share, claim, candidate.relative) == first


class TestFail:
    def test_the_note_says_why_and_how_to_try_again(self, share: Share) -> None:
        claim, candidate = taken_pair(share)
        failed = publishing.fail(share, claim, candidate.relative, "The photo\nis torn.")
        assert failed == share.failed / "Waves" / "a.jpg"
        found = tree(share.failed / "Waves")
        note = found.pop("a.jpg - why.txt").decode()
        assert found == {"a.jpg": b"photo", "a.style.png": b"style"}
        for words in ("The photo is torn.", '"a.jpg" and "a.style.png"', "Inbox > Waves"):
            assert words in note
        assert claims.find_claims(share) == []

    def test_a_folders_note_stands_beside_it(self, share: Share) -> None:
        claim, candidate = taken_folder(share)
        failed = publishing.fail(share, claim, candidate.relative, "torn")
        assert failed == share.failed / "Waves" / "Party"
        assert (share.failed / "Waves" / "Party - why.txt").exists()
        assert (failed / "content.jpg").read_bytes() == b"photo"

    def test_dragged_back_it_is_a_job_again_and_the_note_goes(self, share: Share) -> None:
        for relative in (Path("Waves/a.jpg"), Path("Waves/a (2).jpg")):
            for job_id in ("job1", "job2"):
                claim, candidate = taken_pair(share, job_id)
                publishing.fail(share, claim, candidate.relative, "torn")
            for path in (share.failed / "Waves").iterdir():
                if path.name.startswith(relative.stem + "."):
                    path.rename(share.inbox / "Waves" / path.name)
            claim, candidate = taken(share, "again")
            assert candidate.kind == "pair"
            assert candidate.relative == relative
            assert tree(share.inbox) == {}
            publishing.keep_original(share, claim, candidate.relative)
            for path in (share.failed / "Waves").iterdir():
                path.unlink()

    def test_a_second_failure_of_one_name_keeps_both(self, share: Share) -> None:
        for number in (1, 2):
            claim, candidate = taken(share, **{"Waves/a.jpg": b"%d" % number})
            publishing.fail(share, claim, candidate.relative, f"reason {number}")
        found = tree(share.failed / "Waves")
        assert found.keys() == {
            "a.jpg", "a.jpg - why.txt", "a (2).jpg", "a (2).jpg - why.txt",
        }  # fmt: skip
        assert b"reason 2" in found["a (2).jpg - why.txt"]
        assert b"reason 1" in found["a.jpg - why.txt"]

    def test_a_persons_own_text_of_the_notes_name_is_kept(self, share: Share) -> None:
        (share.failed / "Waves").mkdir()
        (share.failed / "Waves" / "a.jpg - why.txt").write_bytes(b"dear diary")
        claim, candidate = taken(share, **{"Waves/a.jpg": b"photo"})
        assert publishing.fail(share, claim, candidate.relative, "torn").name == "a (2).jpg"
        assert tree(share.failed)["Waves/a.jpg - why.txt"] == b"dear diary"

    def test_somebody_who_is_quicker_keeps_the_name(
        self, share: Share, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_why = notes.write_why

        def write_slowly(folder: Path, *arguments: object) -> Path:
            note = write_why(folder, *arguments)
            (folder / "a.jpg").touch()
            return note

        monkeypatch.setattr(notes, "write_why", write_slowly)
        claim, candidate = taken(share, **{"Waves/a.jpg": b"photo"})
        assert publishing.fail(share, claim, candidate.relative, "torn").name == "a (2).jpg"
        assert tree(share.failed / "Waves").keys() == {
            "a.jpg", "a (2).jpg", "a (2).jpg - why.txt",
        }  # fmt: skip

    def test_again_after_a_crash_between_note_and_photo(self, share: Share) -> None:
        claim, candidate = taken(share, **{"Waves/a.jpg": b"photo"})
        (share.failed / "Waves").mkdir()
        notes.write_why(share.failed / "Waves", ["a.jpg"], "torn", PurePath("Inbox"))
        for _ in range(2):
            publishing.fail(share, claim, candidate.relative, "torn")
            assert tree(share.failed / "Waves").keys() == {"a.jpg", "a.jpg - why.txt"}

    def test_a_full_disk_leaves_the_photo_in_its_claim(self, share: Share) -> None:
        claim, candidate = taken(share, **{"Waves/a.jpg": b"photo"})
        with full_disk(), pytest.raises(PublishError, match="nothing was lost"):
            publishing.fail(share, claim, candidate.relative, "torn")
        assert claim.content.read_bytes() == b"photo"
        publishing.fail(share, claim, candidate.relative, "torn")
        assert tree(share.failed / "Waves").keys() == {"a.jpg", "a.jpg - why.txt"}

    @pytest.mark.parametrize("number", [errno.EPERM, errno.ENAMETOOLONG, errno.EILSEQ])
    def test_a_note_that_can_never_be_written_does_not_keep_the_photo(
        self, share: Share, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        claim, candidate = taken(share, **{"Waves/a.jpg": b"photo"})

        write = files.write_atomically

        def refuse(path: Path, data: bytes, **options: bool) -> None:
            if path.name.endswith("why.txt"):
                raise OSError(number, os.strerror(number), str(path))
            write(path, data, **options)

        monkeypatch.setattr(files, "write_atomically", refuse)
        with capture_logs() as logs:
            publishing.fail(share, claim, candidate.relative, "torn")
        assert tree(share.failed) == {"Waves/a.jpg": b"photo"}
        assert [(line["event"], line["why"]) for line in logs] == [
            ("note.failed", os.strerror(number))
        ]

    def test_a_note_that_somebody_closed_to_us_is_left_alone(
        self, share: Share, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (share.failed / "Waves").mkdir()
        notes.write_why(share.failed / "Waves", ["a.jpg"], "old", PurePath("Inbox"))
        claim, candidate = taken(share, **{"Waves/a.jpg": b"photo"})
        read = Path.read_bytes

        def refuse(path: Path) -> bytes:
            return (refuse_to_read if path.is_relative_to(share.failed) else read)(path)

        with monkeypatch.context() as patch:
            patch.setattr(notes, "read_file", refuse_to_read)
            failed = publishing.fail(share, claim, candidate.relative, "torn")
        assert failed.name == "a (2).jpg"
        assert "torn" in (share.failed / "Waves" / "a (2).jpg - why.txt").read_text()


class TestSweeps:
    def test_notes_go_with_their_photos_and_people_s_texts_stay(self, share: Share) -> None:
        for name in ("gone.jpg", "here.jpg", "Party", "long" * 62):
            notes.write_why(share.failed, [name], "torn", PurePath("Inbox"))
        notes.write_why(share.inbox / "Waves", ["gone.jpg"], "torn", PurePath("Inbox"))
        (share.failed / "here.jpg").touch()
        (share.failed / ("long" * 62)).touch()
        (share.failed / "Party").mkdir()
        (share.failed / "diary.jpg - why.txt").write_text("dear diary")
        (share.failed / "link - why.txt").symlink_to("here.jpg - why.txt")
        (share.inbox / INBOX_NOTE).write_text(signatures()[0])
        removed = publishing.sweep_notes(share)
        assert sorted(removed) == [
            share.failed / "gone.jpg - why.txt",
            share.inbox / "Waves" / "gone.jpg - why.txt",
        ]
        assert not any(path.exists() for path in removed)
        assert (share.failed / "link - why.txt").is_symlink()

    def test_leftovers_of_a_kill_go_from_all_folders(self, share: Share) -> None:
        claim, _ = taken(share, **{"Waves/a.jpg": b"photo"})
        names = (share.outbox, share.failed, share.originals, share.inbox / "Waves", claim.folder)
        left = [folder / LEFTOVER for folder in (*names, share.styles, share.root)]
        for path in left[1:]:
            path.touch()
        left[0].mkdir()  # half of a folder that was copied
        (left[0] / LEFTOVER).touch()
        assert sorted(publishing.sweep_leftovers(share)) == sorted(left)
        assert claim.content.read_bytes() == b"photo"

    def test_nothing_else_goes(self, share: Share, tmp_path: Path) -> None:
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / LEFTOVER).touch()
        (share.outbox / "link").symlink_to(tmp_path / "outside")
        (share.failed / LEFTOVER).symlink_to(tmp_path / "outside")
        (share.outbox / ".atelierd-mine.tmp").touch()
        (share.root / "Holiday").mkdir()
        (share.root / "Holiday" / LEFTOVER).touch()  # nobody's folder of ours
        os.mkfifo(share.outbox / LEFTOVER)
        # A link may be half of a copy; what it leads to is none.
        assert publishing.sweep_leftovers(share) == [share.failed / LEFTOVER]
        assert len(list(share.outbox.iterdir())) == 3
        assert (tmp_path / "outside" / LEFTOVER).exists()

    def test_what_cannot_be_removed_holds_up_nothing(
        self, share: Share, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (share.inbox / LEFTOVER).mkdir()
        (share.outbox / LEFTOVER).touch()

        def refuse(path: Path) -> None:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

        monkeypatch.setattr(Path, "rmdir", refuse)
        with capture_logs() as logs:
            assert publishing.sweep_leftovers(share) == [share.outbox / LEFTOVER]
        assert [(line["event"], line["path"], line["why"]) for line in logs] == [
            ("leftover.stays", str(share.inbox / LEFTOVER), "Permission denied")
        ]

    def test_a_very_deep_tree_ends_no_sweep(self, share: Share) -> None:
        make_deep(share.inbox / "deep")
        make_deep(share.inbox / LEFTOVER)
        try:
            assert publishing.sweep_leftovers(share) == [share.inbox / LEFTOVER]
            assert publishing.sweep_notes(share) == []
        finally:  # Python's own way to remove a tree calls itself too
            subprocess.run(["rm", "-rf", share.inbox], check=True)

    def test_it_leaves_off_when_it_is_told_to(self, share: Share) -> None:
        for folder in (share.work, share.failed):
            (folder / LEFTOVER).touch()
        answers = iter([False, True])
        removed = publishing.sweep_leftovers(share, lambda: next(answers))
        assert removed == [share.work / LEFTOVER]
        assert (share.failed / LEFTOVER).exists()

    def test_the_search_for_notes_too_leaves_off_when_it_is_told_to(self, share: Share) -> None:
        (share.failed / "Waves").mkdir()
        for folder in (share.failed, share.failed / "Waves", share.inbox):
            notes.write_why(folder, ["gone.jpg"], "torn", PurePath("Inbox"))
        answers = iter([False, True])
        removed = publishing.sweep_notes(share, lambda: next(answers))
        assert [path.parent for path in removed] == [share.failed, share.failed / "Waves"]
        assert (share.inbox / "gone.jpg - why.txt").exists()


@pytest.mark.parametrize("swapped", ["jobs", "jobs/job1"])
def test_nothing_is_moved_out_of_a_claim_that_was_swapped_for_a_link(
    share: Share, tmp_path: Path, swapped: str
) -> None:
    claim, candidate = taken(share, **{"Waves/a.jpg": b"photo"})
    secret = tmp_path / "outside" / "job1" / "a.jpg"
    secret.parent.mkdir(parents=True)
    secret.write_bytes(b"secret")
    (share.work / swapped).rename(tmp_path / "away")
    (share.work / swapped).symlink_to(secret.parent if "/" in swapped else secret.parents[1])
    with pytest.raises(ClaimError, match="is a link"):
        publishing.keep_original(share, claim, candidate.relative)
    with pytest.raises(ClaimError, match="is a link"):
        publishing.fail(share, claim, candidate.relative, "torn")
    assert secret.read_bytes() == b"secret"
    assert tree(share.failed) == tree(share.originals) == {}


def test_the_folder_that_somebody_closed_to_us_is_named(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, candidate = taken(share, **{"Waves/a.jpg": b"photo"})
    relative = candidate.relative

    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(source), None, str(target))

    def named(folder: Path) -> str:
        return rf"the folder {folder}/Waves \(Permission denied\)"

    monkeypatch.setattr(files, "RENAMES", (refuse,))
    with pytest.raises(PublishError, match=named(share.outbox)):
        publishing.publish_result(share, relative, "Waves", b"x", ".jpg")
    with pytest.raises(PublishError, match=named(share.originals)):
        publishing.keep_original(share, claim, relative)
    with pytest.raises(PublishError, match=named(share.failed)):
        publishing.fail(share, claim, relative, "torn")
    assert claim.content.read_bytes() == b"photo"


@pytest.mark.parametrize(
    ("names", "put"),
    [
        (["folder_below"], []),
        (["publish_new", "move_exactly"], ["away/a.jpg", "away/a.jpg", "away/a.jpg - why.txt"]),
    ],
)
def test_nothing_is_put_through_a_link_that_is_swapped_in(
    share: Share,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    put: list[str],
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    claim, candidate = taken(share, **{"Waves/a.jpg": b"photo"})
    relative = candidate.relative
    tops = [share.outbox, share.originals, share.failed]

    def swap() -> None:
        for place in (top / "Waves" for top in tops):
            if place.is_dir() and not place.is_symlink():
                place.rename(place.with_name("away"))
                place.symlink_to(outside)

    def swapping(function: Callable[..., Any], *, first: bool) -> Callable[..., Any]:
        def swap_around(*arguments: Any, **named: Any) -> Any:
            if first:
                swap()
            result = function(*arguments, **named)
            swap()
            return result

        return swap_around

    for name in names:
        module: Any = publishing if name == "folder_below" else files
        way = swapping(getattr(module, name), first=module is files)
        monkeypatch.setattr(module, name, way)
    refused = pytest.raises(PublishError, match="nothing was lost")
    with refused if put == [] else nullcontext():
        publishing.publish_result(share, relative, "Waves", b"x", ".jpg")
    with refused if put == [] else nullcontext():
        publishing.fail(share, claim, relative, "torn")
    assert tree(outside) == {}
    assert sorted([*tree(share.outbox), *tree(share.failed)]) == put


def test_nothing_is_written_through_a_link_in_the_outbox(share: Share, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (share.outbox / "Waves").symlink_to(tmp_path / "outside")
    path = publishing.publish_result(share, PurePath("Waves/a.jpg"), "Waves", b"", ".jpg")
    assert path == share.outbox / "Waves (2)" / "a.jpg"
    assert tree(tmp_path / "outside") == {}
    assert files.is_free(tmp_path / "outside" / "a.jpg")
