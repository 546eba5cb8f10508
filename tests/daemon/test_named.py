"""The styles that a job.toml names: which they are, and in which words others are refused."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import job_files
from daemon.errors import OverridesError
from daemon.job_files import JobFiles
from daemon.looks import Book, Looks
from daemon.named import BOTH, Said, looks_of, read_named
from daemon.note_texts import inbox_text
from daemon.overrides import read_job_file
from daemon.pairing import Candidate, Pairer, Pairing, pair
from daemon.scanner import look
from daemon.settings import ShareSettings
from daemon.share import open_share
from daemon.words import words

NAMES = ("Starry Night", "Great Wave", "Café", "A + B")
STYLES = {name: Path("/share/Styles", f"{name}.jpg") for name in NAMES}


def named(text: str, styles: dict[str, Path] = STYLES) -> Looks:
    said = read_job_file(f"styles = {text}".encode()).named
    assert said is not None
    return looks_of(said, Book(styles))


@pytest.mark.parametrize(
    ("text", "name", "shares"),
    [
        ('"Great Wave"', "Great Wave", [1.0]),
        ('["starry night"]', "Starry Night", [1.0]),
        ('["Starry Night", "Great Wave"]', "Starry Night + Great Wave", [0.5, 0.5]),
        ('["Starry Night 70", "Great Wave"]', "Starry Night 70 + Great Wave 30", [0.7, 0.3]),
        ('"Starry Night 70 + Great Wave 30"', "Starry Night 70 + Great Wave 30", [0.7, 0.3]),
        ('{ "Starry Night" = 7, "A + B" = 3.0 }', "Starry Night 70 + A + B 30", [0.7, 0.3]),
        ('["Cafe\u0301", "A + B"]', "Café + A + B", [0.5, 0.5]),
    ],
)
def test_styles_are_named_in_several_ways(text: str, name: str, shares: list[float]) -> None:
    looks = named(text)
    assert looks.name == name
    assert [part.share for part in looks.parts] == pytest.approx(shares)


def test_a_text_may_wish_as_a_folder_does() -> None:
    assert named('"Great Wave, own colours"').wishes == {"colors": "luminance"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('"Starry Nigth"', 'no style "Starry Nigth". Did you mean "Starry Night"?'),
        ('["Great Wave", "Dots"]', 'there is no style "Dots".'),
        ('{ "../Great Wave" = 1 }', 'there is no style "../Great Wave".'),
        ('["/etc/passwd"]', 'there is no style "/etc/passwd".'),
        ('["Great Wave", "great wave"]', 'names the style "Great Wave" twice.'),
        ('{ "Great Wave" = 1, "GREAT WAVE" = 2 }', 'names the style "Great Wave" twice.'),
        ('["Great Wave 100", "Café"]', "leave nothing for those that have none."),
        ('"Great Wave + Great Wave"', "cannot be read as styles that there are"),
        ('["' + 9000 * " " + '"]', "there is no style"),
        ("[" + 17 * '"Café",' + "]", "names 17 styles; 16 are the most"),
        ("[]", "must be names of styles"),
        ('""', "must be names of styles"),
        ("7", "must be names of styles"),
        ('[["Café", 3]]', "must be names of styles"),
        ("{ Café = 3 }", "cannot be read"),
        ('{ "Café" = -1 }', 'the share of the style "Café" must be'),
        ('{ "Café" = nan }', "must be a number of percents"),
        ('{ "Café" = "3" }', "must be a number of percents"),
    ],
)
def test_others_are_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(OverridesError) as caught:
        named(text)
    assert why in str(caught.value)
    assert words("zh").translated(str(caught.value)) != str(caught.value)


@given(st.recursive(st.text() | st.integers() | st.floats(), st.lists))
def test_whatever_is_named_is_a_style_or_refused(value: object) -> None:
    try:
        looks = looks_of(read_named(value), Book(STYLES))
    except OverridesError:
        return
    assert {part.path for part in looks.parts} <= set(STYLES.values())


def seen(root: Path, text: str, *names: str) -> Pairing:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / name).write_bytes(b"x")
    ((root / names[0]).parent / "job.toml").write_text(text, "utf-8")
    return pair(look(root), STYLES, None, JobFiles(root))


def only(pairing: Pairing) -> Candidate:
    (candidate,) = pairing.candidates
    return candidate


def test_a_folder_need_have_no_style_picture(tmp_path: Path) -> None:
    pairing = seen(tmp_path, 'styles = ["Café", "Great Wave"]', "job/content.jpg", "job/mask.png")
    candidate = only(pairing)
    assert (candidate.kind, candidate.fault) == ("folder", "")
    assert [part.path for part in candidate.styles] == [STYLES["Café"], STYLES["Great Wave"]]
    assert len(candidate.sightings) == 3
    assert candidate.overrides is not None


@pytest.mark.parametrize("text", ["", "size = 800"])
def test_without_names_it_waits(tmp_path: Path, text: str) -> None:
    pairing = seen(tmp_path, text, "job/content.jpg")
    assert (pairing.candidates, len(pairing.waiting)) == ((), 1)


@pytest.mark.parametrize(
    ("text", "style"), [("size = 800", "Café"), ('styles = ["Great Wave"]', "Great Wave")]
)
def test_below_a_styles_folder_the_file_counts_for_more(
    tmp_path: Path, text: str, style: str
) -> None:
    candidate = only(seen(tmp_path, text, "Café/job/content.jpg"))
    assert (candidate.kind, candidate.style) == ("folder", STYLES[style])
    assert candidate.overrides is not None


@pytest.mark.parametrize("text", ["sise = 3", "what?"])
def test_what_names_no_style_may_still_get_a_picture_of_it(tmp_path: Path, text: str) -> None:
    pairing = seen(tmp_path, text, "job/content.jpg")
    assert not pairing.candidates
    assert [one.path.name for one in pairing.waiting] == ["content.jpg"]


@pytest.mark.parametrize("text", ['styles = ["Dots"]', "styles = 3", "styles = Waves"])
def test_what_cannot_be_painted_is_taken_to_fail(tmp_path: Path, text: str) -> None:
    candidate = only(seen(tmp_path, text, "job/content.jpg"))
    assert "job.toml" in candidate.fault
    assert (candidate.style.name, candidate.overrides) == ("job.toml", None)
    assert len(candidate.sightings) == 2


def test_regions_of_a_style_say_one_too(tmp_path: Path) -> None:
    names = ("job/content.jpg", "job/style.regions.png")
    assert only(seen(tmp_path, 'styles = "Café"', *names)).fault == BOTH


def test_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.toml").write_text('styles = "Café"')
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "job.toml").symlink_to(tmp_path / "secret.toml")
    (tmp_path / "a" / "content.jpg").write_bytes(b"x")
    assert pair(look(tmp_path), STYLES, None, JobFiles(tmp_path)).candidates == ()


def test_each_version_is_read_once_and_within_a_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "job.toml").write_text('styles = "Café"')
    one, two = look(tmp_path).files
    ticks = iter(range(100))
    subject = JobFiles(tmp_path, 1.0, lambda: next(ticks))
    subject.begin()
    assert subject.said(one) == Said("Café")
    assert subject.said(two) is None  # the time is over
    subject.begin()
    (tmp_path / "a" / "job.toml").unlink()
    assert (subject.said(one), subject.said(two)) == (Said("Café"), Said("Café"))
    for _ in range(2):
        subject.begin()
    assert subject.said(one) is None  # forgotten, and gone


class Slow:
    """A clock by which one file takes all the time that a look has."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_whoever_writes_new_ones_all_the_time_keeps_nobody_from_being_read(tmp_path: Path) -> None:
    names = ("a", "b", "c", "z")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "content.jpg").write_bytes(b"x")
        (tmp_path / name / "job.toml").write_text('styles = "Café"')
    subject = Pairer(job_files=JobFiles(tmp_path, 1.0, Slow()))
    seen: list[tuple[int, list[str]]] = []
    for turn in range(4):
        pairing = subject.pair(look(tmp_path), STYLES, None)
        assert pairing.waiting == ()  # nobody says that a second picture is missing
        found = [one.content.path.parent.name for one in pairing.candidates]
        seen.append((len(pairing.unread), found))
        for name in names[:3]:
            (tmp_path / name / "job.toml").write_text('styles = "Café"' + "\n" * (turn + 1))
    # One a look: those of which the version read lasts no longer than a look come again, later.
    assert seen == [(3, ["a"]), (3, ["b"]), (3, ["c"]), (3, ["z"])]
    assert [one.path.parent.name for one in pairing.unread] == ["a", "b", "c"]


def test_of_one_that_is_not_read_yet_the_note_says_so(tmp_path: Path) -> None:
    share = open_share(ShareSettings(root=tmp_path))
    text = inbox_text(share, [], [], unread=[PurePath("Party/content.jpg")])
    assert "These folders wait until their job.toml is read" in text
    assert "- Party\r\n" in text
    assert "second picture" not in text


def test_one_that_is_closed_says_nothing_until_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job.toml").write_text('styles = "Café"')
    (file,) = look(tmp_path).files
    subject = JobFiles(tmp_path)

    def closed(*_: object) -> NoReturn:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(job_files, "asked_in", closed)
        subject.begin()
        assert subject.said(file) == Said()
    assert subject.said(file) == Said("Café")
