"""What is gone, and what is only out of reach; on real folders."""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path, PurePath

import pytest

from daemon import loading
from daemon.jobs import Job, JobState
from daemon.loading import Fault, Unreachable, advice_on_style, load, parts_now
from daemon.looks import Part
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import EngineSettings, OutputSettings, Settings, ShareSettings, WatchSettings
from daemon.share import Share, make_share, open_share
from engine import PRESETS
from tests.daemon.standins import picture

SETTINGS = Settings()


@pytest.fixture
def share(tmp_path: Path) -> Share:
    share = open_share(ShareSettings(root=tmp_path / "share"))
    make_share(share)
    return share


def make_job(share: Share, *, own_style: bool = False, recipe: str | None = None) -> Job:
    folder = share.work / "jobs" / "a"
    folder.mkdir(parents=True)
    content = folder / "photo.jpg"
    style = folder / "photo.style.jpg" if own_style else share.styles / "Waves.jpg"
    for path in (content, style):
        path.write_bytes(picture())
    recipe = PRESETS["draft"].model_dump_json() if recipe is None else recipe
    rest = (JobState.QUEUED, 0, 1.0, *[None] * 8)
    new = ("a", "Waves", "Waves", PurePath("Waves/photo.jpg"), content, style, None, recipe)
    return Job(*new, *rest)  # type: ignore[arg-type] - a row of the journal


def test_files_that_are_there_are_read(share: Share) -> None:
    request = load(make_job(share), share, SETTINGS)
    assert isinstance(request, PaintRequest)
    assert (request.content, request.styles[0].data) == (picture(), picture())


def with_wishes(job: Job, text: str) -> Job:
    path = job.content.with_name("job.toml")
    path.write_text(text)
    return replace(job, overrides=path)


def test_the_settings_of_the_output_and_the_names_are_handed_over(share: Share) -> None:
    output = OutputSettings(
        format="webp", lossless=True, size="original", keep_location=True, refine=2
    )
    request = load(make_job(share), share, Settings(output=output))
    assert isinstance(request, PaintRequest)
    assert (request.format, request.lossless, request.size) == ("webp", True, "original")
    assert (request.depth, request.quality, request.keep_location) == (8, 95, True)
    assert request.refine == 2
    assert request.content_name == "photo.jpg"
    assert request.styles == (StyleFile(picture(), "Waves.jpg"),)
    assert not request.start


@pytest.mark.parametrize(
    ("attempts", "most", "steps"), [(0, 3, 2), (1, 3, 2), (2, 3, 0), (0, 1, 2), (1, 2, 0)]
)
def test_a_photo_over_which_the_engine_has_died_is_not_refined_at_its_last_try(
    share: Share, attempts: int, most: int, steps: int
) -> None:
    output = OutputSettings(size="original", refine=2)
    settings = Settings(output=output, engine=EngineSettings(max_attempts=most))
    request = load(replace(make_job(share), attempts=attempts), share, settings)
    assert isinstance(request, PaintRequest)
    assert (request.size, request.refine) == ("original", steps)


def test_a_job_toml_has_its_say_about_the_output(share: Share) -> None:
    job = with_wishes(make_job(share), 'size = 64\noutput.format = "tiff"\noutput.depth = 16\n')
    request = load(job, share, Settings(output=OutputSettings(quality=80)))
    assert isinstance(request, PaintRequest)
    assert (request.format, request.depth, request.quality) == ("tiff", 16, 80)


def test_a_job_toml_that_is_gone_has_none(share: Share) -> None:
    job = with_wishes(make_job(share), "output.depth = 16")
    assert job.overrides is not None
    job.overrides.unlink()
    request = load(job, share, SETTINGS)
    assert isinstance(request, PaintRequest)
    assert request.depth == 8


def test_a_job_toml_that_was_swapped_is_read_as_strictly(share: Share) -> None:
    job = with_wishes(make_job(share), "output.depth = 12")
    fault = load(job, share, SETTINGS)
    assert isinstance(fault, Fault)
    assert "output.depth must be" in fault.message
    assert job.overrides is not None
    job.overrides.unlink()
    job.overrides.symlink_to("/etc/passwd")
    fault = load(job, share, SETTINGS)
    assert isinstance(fault, Fault)
    assert "job.toml is a link" in fault.message


@pytest.mark.parametrize("own_style", [True, False])
@pytest.mark.parametrize("which", ["content", "style"])
def test_a_file_that_was_removed_is_gone(share: Share, which: str, *, own_style: bool) -> None:
    job = make_job(share, own_style=own_style)
    getattr(job, which).unlink()
    fault = load(job, share, SETTINGS)
    assert isinstance(fault, Fault)
    assert "no longer" in fault.message
    assert fault.in_styles == (which == "style" and not own_style)


@pytest.mark.parametrize("swapped", ["jobs", "jobs/a"])
def test_nothing_is_read_through_a_link_in_the_work_folder(share: Share, swapped: str) -> None:
    job = make_job(share)
    (share.work / swapped).rename(share.root / "away")
    (share.work / swapped).symlink_to(share.root / "away")
    trouble = load(job, share, SETTINGS)
    assert isinstance(trouble, Unreachable)
    assert "is a link or belongs to somebody else" in trouble.message
    assert not trouble.verdict


@pytest.mark.parametrize("own_style", [True, False])
@pytest.mark.parametrize("which", ["content", "style"])
def test_a_file_whose_folder_is_away_is_out_of_reach(
    share: Share, which: str, *, own_style: bool
) -> None:
    job = make_job(share, own_style=own_style)
    folder: Path = getattr(job, which).parent
    in_claim = share.work in folder.parents
    (share.work if in_claim else folder).rename(share.root / "away")
    trouble = load(job, share, SETTINGS)
    assert isinstance(trouble, Unreachable)
    assert not trouble.alone


def test_a_disk_that_does_not_answer_says_nothing_about_its_files(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(loading, "read_bounded", refuse)
    trouble = load(make_job(share), share, SETTINGS)
    assert isinstance(trouble, Unreachable)
    assert "Input/output" in trouble.message
    assert not trouble.alone


@pytest.mark.parametrize("own_style", [True, False])
def test_a_style_that_is_no_file_is_named(share: Share, *, own_style: bool) -> None:
    job = make_job(share, own_style=own_style)
    job.style.unlink()
    job.style.symlink_to("/etc/hostname")
    fault = load(job, share, SETTINGS)
    assert isinstance(fault, Fault)
    assert job.style.name in fault.message
    assert fault.in_styles != own_style


def test_of_a_claim_that_is_gone_it_is_the_photo_that_is_missed(share: Share) -> None:
    job = make_job(share, own_style=True)
    shutil.rmtree(job.content.parent)
    fault = load(job, share, SETTINGS)
    assert isinstance(fault, Fault)
    assert "The photo is no longer" in fault.message


def refuse_to_read(monkeypatch: pytest.MonkeyPatch, number: int, *files: Path) -> None:
    read = loading.read_bounded

    def read_or_not(path: Path, most: int) -> bytes:
        if path in files:
            raise OSError(number, os.strerror(number), str(path))
        return read(path, most)

    monkeypatch.setattr(loading, "read_bounded", read_or_not)


@pytest.mark.parametrize("which", ["content", "style"])
def test_a_file_of_its_own_is_the_jobs_own_trouble_whatever_else_is_closed(
    share: Share, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    job = make_job(share, own_style=True)
    hidden = share.styles / ".DS_Store"
    hidden.touch()
    refuse_to_read(monkeypatch, errno.EACCES, getattr(job, which), hidden)
    trouble = load(job, share, SETTINGS)
    assert isinstance(trouble, Unreachable)
    assert trouble.alone
    what = 'The style picture "photo.style.jpg"' if which == "style" else "The photo"
    assert trouble.message == f"{what} cannot be read just now (Permission denied)."
    assert trouble.verdict.startswith(f"{what} cannot be read (Permission denied). Let ")


def test_a_style_that_is_closed_to_us_is_at_fault_itself(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(share)
    refuse_to_read(monkeypatch, errno.EACCES, job.style)
    fault = load(job, share, SETTINGS)
    assert isinstance(fault, Fault)
    assert fault.in_styles
    assert '"Waves.jpg" may not be opened' in fault.message


def test_a_style_that_is_replaced_is_found_under_its_new_name(share: Share) -> None:
    job = make_job(share)
    for name in ("Waves.png", "Wavelets.jpg"):
        (share.styles / name).write_bytes(picture())
    assert parts_now(job, share) == job.parts
    job.style.unlink()
    assert parts_now(job, share) == (Part(share.styles / "Waves.png", 1.0),)
    (share.styles / "Waves.png").unlink()
    assert parts_now(job, share) == job.parts
    shutil.rmtree(share.styles)
    with pytest.raises(FileNotFoundError):
        parts_now(job, share)


def test_a_style_that_came_with_its_photo_is_looked_for_nowhere_else(share: Share) -> None:
    job = make_job(share, own_style=True)
    job.style.unlink()
    (share.styles / "Waves.png").write_bytes(picture())
    assert parts_now(job, share) == job.parts


def make_blend(share: Share) -> Job:
    job = make_job(share)
    night = share.styles / "Night.png"
    night.write_bytes(picture((0, 0, 90)))
    return replace(job, styles=(Part(job.style, 0.7), Part(night, 0.3)))


def test_all_styles_of_a_blend_are_handed_over_with_their_shares(share: Share) -> None:
    request = load(make_blend(share), share, SETTINGS)
    assert isinstance(request, PaintRequest)
    assert request.styles == (
        StyleFile(picture(), "Waves.jpg", 0.7),
        StyleFile(picture((0, 0, 90)), "Night.png", 0.3),
    )


def test_a_style_of_a_blend_that_is_replaced_is_found_under_its_new_name(share: Share) -> None:
    job = make_blend(share)
    (share.styles / "Night.png").rename(share.styles / "Night.webp")
    assert parts_now(job, share) == (job.parts[0], Part(share.styles / "Night.webp", 0.3))


@pytest.mark.parametrize("name", ["Waves.jpg", "Night.png"])
def test_a_blend_is_of_no_use_without_each_of_its_styles(share: Share, name: str) -> None:
    job = make_blend(share)
    (share.styles / name).unlink()
    fault = load(job, share, SETTINGS)
    assert isinstance(fault, Fault)
    assert fault.in_styles
    assert f'"{name}" is no longer there' in fault.message
    (share.styles / name).symlink_to("/etc/passwd")
    fault = load(job, share, SETTINGS)
    assert isinstance(fault, Fault)
    assert fault.in_styles
    assert f'"{name}" cannot be used. It is a link.' in fault.message
    assert fault.message.endswith(advice_on_style(job, share))
    assert "in its place in the folder Styles" in fault.message


def test_the_styles_of_a_blend_are_no_larger_than_one_file_may_be(share: Share) -> None:
    job = make_blend(share)
    for name in ("Waves.jpg", "Night.png"):
        (share.styles / name).write_bytes(picture() + bytes(600_000))
    fault = load(job, share, Settings(watch=WatchSettings(max_file_mb=1)))
    assert isinstance(fault, Fault)
    assert fault.in_styles
    assert "more than 1 MB together" in fault.message
    assert isinstance(load(job, share, SETTINGS), PaintRequest)


def test_nor_are_the_pictures_that_mark_their_regions(share: Share) -> None:
    job = make_blend(share)
    marked = job.content.with_name("photo.regions.png")
    marked.write_bytes(picture())
    for name in ("Waves.regions.png", "Night.regions.png"):
        (share.styles / name).write_bytes(picture() + bytes(600_000))
    job = replace(job, companions={"regions": marked})
    fault = load(job, share, Settings(watch=WatchSettings(max_file_mb=1)))
    assert isinstance(fault, Fault)
    assert not fault.in_styles  # photos without regions can be painted in them
    assert "more than 1 MB together" in fault.message
    assert isinstance(load(job, share, SETTINGS), PaintRequest)


def test_a_recipe_of_another_version_is_refused(share: Share) -> None:
    fault = load(make_job(share, recipe='{"no such wish": 1}'), share, SETTINGS)
    assert isinstance(fault, Fault)
    assert "another version" in fault.message
