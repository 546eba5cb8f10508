"""Failed photos that would fail again are told from those whose cause may have gone."""

from __future__ import annotations

from contextlib import closing
from io import BytesIO
from itertools import count
from pathlib import Path, PurePath

import pytest
from PIL import Image

from daemon.cancelling import CANCELLED
from daemon.jobs import NewJob
from daemon.journal import JOURNAL, Journal
from daemon.note_texts import NO_PICTURE
from daemon.prospects import cancelled, verdicts
from daemon.retrying import find_failed
from daemon.settings import WatchSettings
from daemon.share import Share


def picture(side: int = 48) -> bytes:
    file = BytesIO()
    Image.effect_noise((side, side), 50).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def looked(share: Share, settings: WatchSettings | None = None) -> dict[str, str]:
    parcels = find_failed(share)
    found = list(verdicts(parcels, share, settings or WatchSettings()))
    assert [parcel for parcel, _ in found] == parcels
    return {str(parcel.place): why for parcel, why in found if why}


def test_what_can_be_read_has_its_chance_and_what_cannot_has_none(share: Share) -> None:
    put(share.styles / "Waves.jpg", picture())
    put(share.failed / "Waves/good.jpg", picture())
    put(share.failed / "Waves/torn.jpg", picture()[:500])
    put(share.failed / "Waves/text.doc", b"Dear Sir or Madam")
    put(share.failed / "Waves/photo without a suffix", picture())
    put(share.failed / "nowhere.jpg", picture())
    told = looked(share)
    assert sorted(told) == ["Waves/text.doc", "Waves/torn.jpg"]
    assert told["Waves/text.doc"] == NO_PICTURE


def test_a_style_that_is_of_no_use_still_is_counted_in(share: Share) -> None:
    put(share.styles / "Waves.jpg", b"no picture")
    put(share.failed / "Waves/a.jpg", picture())
    put(share.failed / "Waves/b.jpg", picture())
    put(share.failed / "Waves/b.style.jpg", picture())
    put(share.failed / "Dots/c.jpg", picture())
    put(share.failed / "Dots/c.style.jpg", picture()[:500])
    told = looked(share)
    assert sorted(told) == ["Dots/c.jpg", "Waves/a.jpg"]
    assert "The style picture Waves.jpg cannot be used." in told["Waves/a.jpg"]
    put(share.styles / "Waves.jpg", picture())
    assert sorted(looked(share)) == ["Dots/c.jpg"]


@pytest.mark.parametrize(
    ("wishes", "is_hopeless"), [("size = 64", False), ("sise = 64", True), ("size = ", True)]
)
def test_the_wishes_of_a_folder_are_read(share: Share, wishes: str, *, is_hopeless: bool) -> None:
    put(share.failed / "Party/content.jpg", picture())
    put(share.failed / "Party/style.jpg", picture())
    put(share.failed / "Party/job.toml", wishes.encode())
    told = looked(share)
    assert sorted(told) == ["Party"] * is_hopeless
    assert all("job.toml" in why for why in told.values())


def test_what_was_too_large_for_settings_of_before_has_its_chance(share: Share) -> None:
    put(share.failed / "a.jpg", picture(1200))
    assert "a.jpg" in looked(share, WatchSettings(max_megapixels=1))
    assert looked(share) == {}


def test_nothing_is_asked_about_nothing(share: Share) -> None:
    assert looked(share) == {}


def test_of_photos_at_one_place_the_last_one_counts(share: Share, tmp_path: Path) -> None:
    moments, ids = count(), iter("abcde")

    def fail(name: str, error: str, kept: Path | None) -> None:
        job, photo = next(ids), PurePath(name)
        claim = share.work / "jobs" / job / photo.name
        journal.add(NewJob(job, "Waves", "Waves", photo, claim, claim, None, "{}"))
        journal.fail(job, error, kept)

    with closing(Journal(tmp_path / JOURNAL, lambda: float(next(moments)))) as journal:
        fail("a.jpg", CANCELLED, share.failed / "a.jpg")
        fail("b.jpg", CANCELLED, share.failed / "b.jpg")
        fail("b.jpg", "It is torn.", share.failed / "b.jpg")
        fail("c.jpg", "It is torn.", share.failed / "c.jpg")
        fail("d.jpg", CANCELLED, None)
        assert cancelled(journal) == {share.failed / "a.jpg"}
