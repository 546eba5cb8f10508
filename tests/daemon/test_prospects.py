"""Failed photos that would fail again are told from those whose cause may have gone."""

from __future__ import annotations

import errno
from io import BytesIO
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from PIL import Image

from daemon import prospects, threads
from daemon.errors import AtelierError
from daemon.inspector import Inspected
from daemon.prospects import verdicts
from daemon.reasons import NO_PICTURE
from daemon.retrying import find_failed
from daemon.settings import PaintSettings, Settings, WatchSettings
from daemon.share import Share
from tests.daemon import child_stand_ins as stand_ins


def picture(side: int = 48) -> bytes:
    file = BytesIO()
    Image.effect_noise((side, side), 50).convert("RGB").save(file, "JPEG")
    return file.getvalue()


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def looked(share: Share, settings: Settings | None = None, **options: Any) -> dict[str, str]:
    settings = settings or Settings()
    parcels = find_failed(share, settings.paint.default_style)
    found = list(verdicts(parcels, share, settings, **options))
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


def test_each_style_of_a_blend_and_the_name_of_its_folder_are_looked_at(share: Share) -> None:
    put(share.styles / "Waves.jpg", picture())
    put(share.styles / "Dots.jpg", b"no picture")
    for folder in ("Waves + Dots", "Waves, as photo"):
        put(share.failed / folder / "a.jpg", picture())
    told = looked(share, Settings(paint=PaintSettings(init="noise")))
    assert sorted(told) == ["Waves + Dots/a.jpg", "Waves, as photo/a.jpg"]
    assert "The style picture Dots.jpg cannot be used." in told["Waves + Dots/a.jpg"]
    assert "What the name of the folder asks for" in told["Waves, as photo/a.jpg"]
    put(share.styles / "Dots.jpg", picture())
    assert looked(share) == {}


def test_what_was_too_large_for_settings_of_before_has_its_chance(share: Share) -> None:
    put(share.failed / "a.jpg", picture(1200))
    assert "a.jpg" in looked(share, Settings(watch=WatchSettings(max_megapixels=1)))
    assert looked(share) == {}


def test_nothing_is_asked_about_nothing(share: Share) -> None:
    assert looked(share) == {}


def test_a_default_style_that_is_of_no_use_is_counted_in(share: Share) -> None:
    settings = Settings(paint=PaintSettings(default_style="Waves"))
    put(share.styles / "Waves.jpg", b"no picture")
    put(share.failed / "a.jpg", picture())
    put(share.failed / "b.jpg", picture())
    put(share.failed / "b.style.jpg", picture())
    assert looked(share) == {}
    told = looked(share, settings)
    assert sorted(told) == ["a.jpg"]
    assert "The style picture Waves.jpg cannot be used." in told["a.jpg"]
    put(share.styles / "Waves.jpg", picture())
    assert looked(share, settings) == {}


def test_wishes_that_contradict_one_another_or_the_settings_are_hopeless(share: Share) -> None:
    for name, wishes in (
        ("None", "content_weight = 0\nstyle_weight = 0"),
        ("Half", "style_weight = 0"),
    ):
        put(share.failed / name / "content.jpg", picture())
        put(share.failed / name / "style.jpg", picture())
        put(share.failed / name / "job.toml", wishes.encode())
    told = looked(share)
    assert sorted(told) == ["None"]
    assert "What job.toml asks for makes no sense" in told["None"]
    settings = Settings(paint=PaintSettings(content_weight=0))
    assert sorted(looked(share, settings)) == ["Half", "None"]


def test_no_wishes_are_read_through_a_folder_that_became_a_link(
    share: Share, tmp_path: Path
) -> None:
    put(share.failed / "Party/content.jpg", picture())
    put(share.failed / "Party/style.jpg", picture())
    put(share.failed / "Party/job.toml", b"size = 64")
    parcels = find_failed(share)
    (share.failed / "Party").rename(tmp_path / "elsewhere")
    put(tmp_path / "elsewhere/job.toml", b"secret = 1")
    (share.failed / "Party").symlink_to(tmp_path / "elsewhere")
    ((_, why),) = verdicts(parcels, share, Settings())
    assert "secret" not in why
    assert "cannot be read" in why


@pytest.mark.parametrize(("passing", "left"), [(True, []), (False, ["a.jpg"])])
def test_what_may_pass_is_no_reason_to_leave_a_photo(
    share: Share, monkeypatch: pytest.MonkeyPatch, *, passing: bool, left: list[str]
) -> None:
    answer = Inspected("0", ok=False, message="No.", blame="content", passing=passing)

    class Told(SimpleQueue[Inspected]):
        def get(self, *_: Any, **__: Any) -> Inspected:
            return answer

    put(share.failed / "a.jpg", picture())
    monkeypatch.setattr(prospects, "SimpleQueue", Told)
    assert sorted(looked(share)) == left


def test_what_was_taken_away_meanwhile_is_not_judged(share: Share) -> None:
    put(share.failed / "a.jpg", picture())
    parcels = find_failed(share)
    (share.failed / "a.jpg").unlink()
    assert [why for _, why in verdicts(parcels, share, Settings())] == [""]


def test_where_no_reader_can_be_started_it_says_so_and_waits_for_none(share: Share) -> None:
    put(share.failed / "a.jpg", picture())
    put(share.failed / "b.jpg", picture())
    with pytest.raises(AtelierError, match="cannot be looked into just now; name those"):
        looked(share, work=stand_ins.reader_that_cannot_start)


def test_where_no_thread_can_be_started_it_says_so(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> None:
        raise OSError(errno.EAGAIN, "no thread can be started")

    put(share.failed / "a.jpg", picture())
    monkeypatch.setattr(threads, "start", none_left)
    with pytest.raises(AtelierError, match="cannot be looked into just now; name those"):
        looked(share)
