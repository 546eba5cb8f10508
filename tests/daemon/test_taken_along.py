"""Masks, regions and starts go along with their photo, wherever that goes, and are handed over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from daemon import adoption, claims, publishing
from daemon.claims import Claim
from daemon.endings import claim_of
from daemon.errors import ClaimLostError, ExitCode
from daemon.jobs import Job, JobState, new_job
from daemon.journal import Journal
from daemon.loading import Fault, Unreachable, load
from daemon.names import INBOX_NOTE
from daemon.pairing import Candidate, pair
from daemon.runners.request import PaintRequest
from daemon.scanner import look
from daemon.settings import PaintSettings, Settings, ShareSettings
from daemon.share import Share, make_share, open_share
from daemon.staying import copy_in, stays_of
from engine import PRESETS
from tests.daemon.standins import picture
from tests.daemon.test_intake import Door
from tests.daemon.test_retrying import failed, send_back
from tests.daemon.test_service import QUICK, House

PHOTO, STYLE, MASK, REGIONS, START, MARKED = (picture((shade, 9, 9)) for shade in range(0, 240, 40))
GROUP = {
    "a.jpg": PHOTO, "a.mask.png": MASK, "a.regions.png": REGIONS, "a.start.png": START,
}  # fmt: skip
PAIR = {**GROUP, "a.style.jpg": STYLE, "a.style.regions.png": MARKED}
FOLDER = {
    "content.jpg": PHOTO, "style.jpg": STYLE, "mask.png": MASK, "regions.png": REGIONS,
    "start.png": START, "style.regions.png": MARKED,
}  # fmt: skip


@pytest.fixture
def share(share: Share) -> Share:
    (share.styles / "Waves.jpg").write_bytes(STYLE)
    return share


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "journal.sqlite", lambda: 1.0)) as opened:
        yield opened


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    (share.styles / "Waves.jpg").write_bytes(STYLE)
    with closing(Journal(tmp_path / "state" / "journal.sqlite", time.time)) as journal:
        yield House(share, journal, Settings(watch=QUICK, paint=PaintSettings(preset="draft")))


def drop(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def found_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def candidate(share: Share) -> Candidate:
    """The only one there is."""
    (found,) = pair(look(share.inbox), {"Waves": share.styles / "Waves.jpg"}, None).candidates
    return found


def take(share: Share, files: dict[str, bytes], folder: str = "Waves") -> tuple[Candidate, Claim]:
    drop(share.inbox / folder, files)
    found = candidate(share)
    return found, claims.take(found, share, "job")


def job_of(found: Candidate, claim: Claim, journal: Journal) -> Job:
    return journal.add(new_job(found, claim, PRESETS["draft"].model_dump_json()))


# Out of the inbox, and to where the photo goes.


@pytest.mark.parametrize("files", [GROUP, PAIR])
def test_all_are_taken_and_put_back(share: Share, files: dict[str, bytes]) -> None:
    _, claim = take(share, files)
    assert found_in(share.inbox / "Waves") == {}
    assert {path.name for path in claim.loose_files} == files.keys()
    assert claim.loose_files[0].name == "a.jpg"
    drop(share.inbox / "Waves", {"a.regions.png": b"somebody else's"})
    back = claims.put_back(share, "job")
    assert back[0].name == "a (2).jpg"
    numbered = {name.replace("a.", "a (2).", 1): data for name, data in files.items()}
    assert found_in(share.inbox / "Waves") == {**numbered, "a.regions.png": b"somebody else's"}
    (share.inbox / "Waves/a.regions.png").unlink()
    assert len(candidate(share).sightings) == len(files)


@pytest.mark.parametrize("ends", ["originals", "failed"])
@pytest.mark.parametrize("files", [GROUP, PAIR])
def test_they_end_where_the_photo_ends(
    share: Share, journal: Journal, files: dict[str, bytes], ends: str
) -> None:
    job = job_of(*take(share, files), journal)
    claim = claim_of(share, journal.get(job.id))  # from the journal alone
    top = getattr(share, ends)
    drop(top / "Waves", {"a.mask.png": b"an older one"})
    if ends == "originals":
        publishing.keep_original(share, claim, job.relative)
    else:
        publishing.fail(share, claim, job.relative, "It blew up.")
    found = found_in(top / "Waves")
    assert found.pop("a.mask.png") == b"an older one"
    note = found.pop("a (2).jpg - why.txt", b"").decode()
    assert all(name.replace("a.", "a (2).", 1) in note for name in files) == (ends == "failed")
    assert found == {name.replace("a.", "a (2).", 1): data for name, data in files.items()}
    assert not claim.folder.exists()


def test_a_mask_that_changes_while_it_is_taken_keeps_all_in_the_inbox(share: Share) -> None:
    drop(share.inbox / "Waves", GROUP)
    found = candidate(share)
    (share.inbox / "Waves/a.mask.png").write_bytes(b"more")
    with pytest.raises(ClaimLostError):
        claims.take(found, share, "job")
    assert found_in(share.inbox / "Waves") == {**GROUP, "a.mask.png": b"more"}


def test_they_are_copied_with_a_photo_that_stays_and_a_new_journal_is_told(
    share: Share, journal: Journal
) -> None:
    drop(share.inbox / "Waves", GROUP)
    found = candidate(share)
    claim = claims.take(found, share, "job", copy_in)
    assert len(stays_of(found, share.inbox)) == len(GROUP)
    known = adoption._recorded(claim.folder, "job")
    assert known is not None
    assert known.companions == claim.companions
    job = journal.adopt(known, None, None)
    publishing.keep_original(share, claim_of(share, job), job.relative)
    assert found_in(share.originals / "Waves") == found_in(share.inbox / "Waves") == GROUP


def test_all_of_a_failed_photo_go_back_with_it(share: Share) -> None:
    (parcel,) = failed(share, *(f"Waves/{name}" for name in PAIR))
    assert parcel.names[-1] == "a.jpg"
    assert set(parcel.names) == PAIR.keys()
    assert {role: path.name for role, path in parcel.beside.items()} == {
        "mask": "a.mask.png", "regions": "a.regions.png", "start": "a.start.png",
        "style_regions": "a.style.regions.png",
    }  # fmt: skip
    send_back(share, parcel)
    assert found_in(share.inbox / "Waves").keys() == PAIR.keys()
    assert found_in(share.failed / "Waves") == {}


def test_so_do_those_of_one_whose_style_is_gone_and_one_without_its_photo(share: Share) -> None:
    (share.styles / "Waves.jpg").unlink()
    alone, whole = failed(share, "Waves/a.jpg", "Waves/a.mask.png", "Waves/Z.mask.png")
    assert (alone.names, whole.names) == (("Z.mask.png",), ("a.mask.png", "a.jpg"))
    send_back(share, whole)
    assert set(found_in(share.inbox / "Waves")) == {"a.jpg", "a.mask.png"}


# In time, and too late.


def test_a_mask_that_is_still_being_written_is_waited_for(share: Share, journal: Journal) -> None:
    door, mask = Door(share, journal), share.inbox / "Waves/a.mask.png"
    drop(share.inbox / "Waves", {"a.jpg": PHOTO})
    door.look()
    for size in range(1, 5):
        mask.write_bytes(MASK[:size])
        door.look()
        assert door.queued() == []
    mask.write_bytes(MASK)
    door.look()
    door.look()
    (job,) = journal.having(JobState.QUEUED)
    assert {role: path.read_bytes() for role, path in job.companions.items()} == {"mask": MASK}


def test_one_that_comes_while_its_photo_is_inspected_goes_along(
    share: Share, journal: Journal
) -> None:
    door = Door(share, journal)
    drop(share.inbox / "Waves", {"a.jpg": PHOTO})
    door.look()
    door.now += 0.1
    door.intake.look()  # asks about the photo
    early, _ = list(door.answers), door.answers.clear()
    assert early
    drop(share.inbox / "Waves", {"a.mask.png": MASK})
    door.intake.look()
    for answer in early:
        door.intake.answer(answer)
    assert door.queued() == []
    door.look()
    door.look()
    (job,) = journal.having(JobState.QUEUED)
    assert job.companions.keys() == {"mask"}


def test_one_that_comes_after_its_photo_was_taken_is_told_and_stays(house: House) -> None:
    folder = house.share.inbox / "Waves"
    drop(folder, {"a.jpg": PHOTO})
    assert house.once() == ExitCode.OK
    drop(folder, {"a.mask.png": MASK})
    assert house.once() == ExitCode.OK
    assert found_in(folder) == {"a.mask.png": MASK}
    assert "Waves/a.mask.png" in (house.share.inbox / INBOX_NOTE).read_text()
    assert [path.name for path in (house.share.outbox / "Waves").iterdir()] == ["a.jpg"]
    (house.share.originals / "Waves/a.jpg").rename(folder / "a.jpg")  # as the note says
    assert house.once() == ExitCode.OK
    assert found_in(house.share.originals / "Waves") == {"a.jpg": PHOTO, "a.mask.png": MASK}
    assert not (house.share.inbox / INBOX_NOTE).exists()
    assert house.runners[-1].requests[-1].mask == MASK


def test_one_that_cannot_be_read_takes_its_photo_to_failed(house: House) -> None:
    drop(house.share.inbox / "Waves", {"a.jpg": PHOTO, "a.mask.png": b"torn"})
    drop(house.share.inbox / "Waves", {"b.jpg": PHOTO})
    assert house.once() == ExitCode.FAILED
    failed = found_in(house.share.failed / "Waves")
    assert failed.keys() == {"a.jpg", "a.mask.png", "a.jpg - why.txt"}
    note = failed["a.jpg - why.txt"].decode()
    assert 'The mask "a.mask.png" cannot be used.' in note
    assert "both pictures together" in note
    assert found_in(house.share.originals / "Waves").keys() == {"b.jpg"}


def test_other_regions_of_a_style_make_it_another_one(share: Share, journal: Journal) -> None:
    door, style = Door(share, journal), share.styles / "Waves.jpg"
    seen = []
    for regions in (b"", b"some", b"others too"):
        if regions:
            (share.styles / "Waves.regions.png").write_bytes(regions)
        door.look()
        seen.append(door.intake.styles[style])
    assert len(set(seen)) == 3
    assert door.intake.regions == {style: share.styles / "Waves.regions.png"}


# To the runner.


def loaded(
    share: Share, journal: Journal, files: dict[str, bytes], folder: str = "Waves"
) -> object:
    return load(job_of(*take(share, files, folder), journal), share, Settings())


@pytest.mark.parametrize(("files", "folder"), [(PAIR, "Waves"), (FOLDER, "Party")])
def test_all_of_them_are_handed_over(
    share: Share, journal: Journal, files: dict[str, bytes], folder: str
) -> None:
    request = loaded(share, journal, files, folder)
    assert isinstance(request, PaintRequest)
    assert (request.mask, request.regions, request.start) == (MASK, REGIONS, START)
    names = (request.mask_name, request.regions_name, request.start_name)
    assert set(names) < files.keys()
    (style,) = request.styles
    assert (style.regions, files[style.regions_name]) == (MARKED, MARKED)


def test_regions_of_a_style_are_for_photos_that_have_some(share: Share, journal: Journal) -> None:
    drop(share.styles, {"Waves.regions.png": MARKED})
    request = loaded(share, journal, {"a.jpg": PHOTO, "a.regions.png": REGIONS})
    assert isinstance(request, PaintRequest)
    assert (request.styles[0].regions, request.styles[0].regions_name) == (
        MARKED, "Waves.regions.png",
    )  # fmt: skip
    plain = replace(journal.get("job"), companions={})
    ordinary = load(plain, share, Settings())
    assert isinstance(ordinary, PaintRequest)
    assert not ordinary.styles[0].regions


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ({}, 'Put a picture "Waves.regions.png" into the folder Styles'),
        ({"a.style.jpg": STYLE}, 'Put a picture "a.style.regions.png" beside the style'),
    ],
)
def test_regions_without_those_of_the_style_are_said_at_once(
    share: Share, journal: Journal, style: dict[str, bytes], said: str
) -> None:
    fault = loaded(share, journal, {"a.jpg": PHOTO, "a.regions.png": REGIONS, **style})
    assert isinstance(fault, Fault)
    assert '"a.regions.png" marks regions of the photo' in fault.message
    assert said in fault.message
    assert not fault.in_styles


@pytest.mark.parametrize("change", ["gone", "large", "link"])
@pytest.mark.parametrize("name", ["a.mask.png", "Waves.regions.png"])
def test_one_that_is_of_no_use_any_more_is_named(
    share: Share, journal: Journal, name: str, change: str
) -> None:
    drop(share.styles, {"Waves.regions.png": MARKED})
    job = job_of(*take(share, GROUP), journal)
    path = next(
        path for path in (*job.companions.values(), share.styles / name) if path.name == name
    )
    path.unlink()
    if change == "large":
        path.write_bytes(bytes(2_000_000))
    elif change == "link":
        path.symlink_to("/etc/passwd")
    settings = Settings.model_validate({"watch": {"max_file_mb": 1}})
    fault = load(job, share, settings)
    assert isinstance(fault, Fault)
    wanted = "marks regions of the photo" if change == "gone" and "Waves" in name else name
    assert wanted in fault.message


def test_one_that_is_out_of_reach_is_waited_for(share: Share, journal: Journal) -> None:
    job = job_of(*take(share, GROUP), journal)
    share.root.rename(share.root.with_name("away"))
    trouble = load(job, share, Settings())
    assert isinstance(trouble, Unreachable)


@pytest.mark.parametrize(("own", "init"), [(False, "content"), (True, "noise")])
def test_a_picture_to_start_from_takes_the_place_of_dots_that_are_usual(
    share: Share,
    journal: Journal,
    own: bool,  # noqa: FBT001 - a parameter
    init: str,
) -> None:
    files = {"a.jpg": PHOTO, "a.start.png": START}
    found, claim = take(share, files)
    recipe = PRESETS["draft"].model_copy(update={"init": "noise"}).model_dump_json()
    job = journal.add(new_job(found, claim, recipe))
    if own:  # somebody has asked for both: the engine says what that is
        wishes = claim.folder / "job.toml"
        wishes.write_text('init = "noise"\n')
        job = replace(job, overrides=wishes)
    request = load(job, share, Settings())
    assert isinstance(request, PaintRequest)
    assert request.recipe.init == init
