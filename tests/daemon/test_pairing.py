"""Pairing: every form by example, and on any tree that nothing is lost or taken twice."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.names import JOB_FILE, is_note
from daemon.pairing import INBOX_LANE, Candidate, Pairer, Pairing, pair
from daemon.scanner import Look, Sighting

ROOT = Path("/share/Inbox")
STYLES = {name: Path("/share/Styles", f"{name}.jpg") for name in ("Waves", "Starry Night", "Café")}


def look_at(*names: str) -> Look:
    files = [Sighting(ROOT / name, 10, 1, inode) for inode, name in enumerate(sorted(names))]
    folders = {parent for s in files for parent in s.path.parents if ROOT in parent.parents}
    return Look(ROOT, tuple(sorted(files, key=lambda s: s.path.parts)), tuple(sorted(folders)))


def paired(*names: str, default: str | None = None) -> Pairing:
    return pair(look_at(*names), STYLES, default)


def only(pairing: Pairing) -> Candidate:
    (candidate,) = pairing.candidates
    return candidate


def below(paths: tuple[Sighting, ...]) -> list[str]:
    return [sighting.path.relative_to(ROOT).as_posix() for sighting in paths]


def taken(pairing: Pairing) -> list[list[str]]:
    return [below(candidate.sightings) for candidate in pairing.candidates]


class TestStyle:
    def test_a_photo_in_a_styles_folder_is_painted_in_it(self) -> None:
        candidate = only(paired("Starry Night/photo.jpg"))
        assert (candidate.kind, candidate.lane, candidate.style_name) == (
            "style", "Starry Night", "Starry Night",
        )  # fmt: skip
        assert candidate.style == STYLES["Starry Night"]
        assert candidate.relative == PurePath("Starry Night/photo.jpg")
        assert (candidate.style_sighting, candidate.overrides, candidate.folder) == (None,) * 3

    def test_sub_folders_keep_their_path(self) -> None:
        candidate = only(paired("Starry Night/Holiday/Day 1/photo.jpg"))
        assert candidate.lane == "Starry Night"
        assert candidate.relative == PurePath("Starry Night/Holiday/Day 1/photo.jpg")

    def test_only_folders_in_the_inbox_itself_are_styles_folders(self) -> None:
        assert below(paired("Holiday/Waves/photo.jpg").homeless) == ["Holiday/Waves/photo.jpg"]

    def test_unicode_forms_of_a_style_are_the_same(self) -> None:
        candidate = only(paired(unicodedata.normalize("NFD", "Café") + "/photo.jpg"))
        assert candidate.style_name == "Café"
        mapping = {unicodedata.normalize("NFD", "Café"): Path("/x.jpg")}
        assert only(pair(look_at("Café/photo.jpg"), mapping, None)).style == Path("/x.jpg")

    def test_files_of_any_suffix_are_meant_as_photos_there(self) -> None:
        pairing = paired("Waves/letter.docx", "Waves/noname", "Waves/x.zip")
        assert [c.kind for c in pairing.candidates] == ["style"] * 3

    def test_a_style_that_is_not_there_makes_no_candidate(self) -> None:
        assert below(paired("Guernica/photo.jpg").homeless) == ["Guernica/photo.jpg"]


class TestLooks:
    """Folders that ask for several styles, or for more than a style, by their names."""

    def test_a_folder_may_be_that_of_a_blend(self) -> None:
        candidate = only(paired("starry night 70 + Waves/Day 1/photo.jpg"))
        assert (candidate.kind, candidate.lane) == ("style", "starry night 70 + Waves")
        assert candidate.style_name == "Starry Night 70 + Waves 30"
        assert candidate.relative == PurePath("starry night 70 + Waves/Day 1/photo.jpg")
        assert [(part.path, round(part.share, 6)) for part in candidate.styles] == [
            (STYLES["Starry Night"], 0.7),
            (STYLES["Waves"], 0.3),
        ]
        assert candidate.style == STYLES["Starry Night"]
        assert candidate.parts == candidate.styles
        assert candidate.style_files == (STYLES["Starry Night"], STYLES["Waves"])
        assert candidate.wishes == {}

    def test_one_style_is_no_blend(self) -> None:
        candidate = only(paired("Waves, own colours/photo.jpg"))
        assert (candidate.style_name, candidate.styles) == ("Waves", ())
        assert candidate.style_files == (STYLES["Waves"],)
        assert candidate.wishes == {"colors": "luminance"}
        assert candidate.lane == "Waves, own colours"

    def test_what_has_a_style_of_its_own_there_is_asked_for_the_same(self) -> None:
        found = paired(
            "Waves, own colours/a.jpg", "Waves, own colours/a.style.jpg",
            "Waves, own colours/Party/content.jpg", "Waves, own colours/Party/style.jpg",
        ).candidates  # fmt: skip
        assert [(one.kind, one.styles, one.wishes) for one in found] == [
            ("folder", (), {"colors": "luminance"}),
            ("pair", (), {"colors": "luminance"}),
        ]
        assert [one.style.parent.name for one in found] == ["Party", "Waves, own colours"]

    def test_a_blend_may_be_the_default(self) -> None:
        candidate = only(paired("photo.jpg", default="Waves + Café"))
        assert (candidate.kind, candidate.lane) == ("default", INBOX_LANE)
        assert candidate.style_files == (STYLES["Waves"], STYLES["Café"])

    def test_a_folder_that_can_be_read_no_more_is_that_of_no_style(self) -> None:
        pairer, look = Pairer(), look_at("Waves + Café/photo.jpg")
        assert len(pairer.pair(look, STYLES, None).candidates) == 1
        fewer = {name: path for name, path in STYLES.items() if name != "Café"}
        pairing = pairer.pair(look, fewer, None)
        assert (pairing.candidates, below(pairing.homeless)) == ((), ["Waves + Café/photo.jpg"])
        assert len(pairer.pair(look, STYLES, None).candidates) == 1


class TestPair:
    @pytest.mark.parametrize("folder", ["", "Waves/", "Waves/Holiday/", "Nowhere/"])
    def test_a_style_beside_its_photo_is_meant_anywhere(self, folder: str) -> None:
        pairing = paired(f"{folder}photo.jpg", f"{folder}photo.style.png", default="Waves")
        candidate = only(pairing)
        assert candidate.kind == "pair"
        assert below(candidate.sightings) == [f"{folder}photo.jpg", f"{folder}photo.style.png"]
        assert candidate.style == ROOT / f"{folder}photo.style.png"
        assert candidate.style_name == "photo.style"
        assert candidate.lane == (folder.partition("/")[0] or INBOX_LANE)
        assert candidate.relative == PurePath(f"{folder}photo.jpg")
        assert pairing.homeless == ()

    def test_stems_match_exactly(self) -> None:
        names = ("a.jpg", "a.style.jpg", "a (2).jpg", "a (2).style.jpg", "A.jpg", "ab.jpg")
        pairing = paired(*names)
        assert taken(pairing) == [["a (2).jpg", "a (2).style.jpg"], ["a.jpg", "a.style.jpg"]]
        assert below(pairing.homeless) == ["A.jpg", "ab.jpg"]

    def test_the_mark_is_known_in_any_case_and_unicode_form(self) -> None:
        style = unicodedata.normalize("NFD", "é.STYLE.JPG")
        assert taken(paired("é.jpg", style)) == [["é.jpg", style]]

    def test_a_partner_in_another_folder_is_none(self) -> None:
        assert len(paired("a.jpg", "Holiday/a.style.jpg").homeless) == 2

    def test_of_two_photos_the_first_has_the_style(self) -> None:
        pairing = paired("Waves/a.png", "Waves/a.jpg", "Waves/a.style.jpg")
        assert [(c.kind, c.content.path.name) for c in pairing.candidates] == [
            ("pair", "a.jpg"),
            ("style", "a.png"),
        ]

    def test_of_two_styles_the_first_is_meant(self) -> None:
        pairing = paired("a.jpg", "a.style.png", "a.style.jpg", default="Waves")
        assert taken(pairing) == [["a.jpg", "a.style.jpg"]]
        assert below(pairing.homeless) == ["a.style.png"]

    def test_a_text_is_neither_photo_nor_style_of_a_pair(self) -> None:
        assert below(paired("a.txt", "a.style.txt", "a.style.jpg").homeless) == [
            "a.style.jpg", "a.style.txt", "a.txt",
        ]  # fmt: skip

    @pytest.mark.parametrize("photo", ["a.jpg", "a.tif"])  # before and after a.style.jpg in order
    def test_a_style_has_no_style_itself(self, photo: str) -> None:
        pairing = paired(photo, "a.style.jpg", "a.style.style.jpg")
        assert taken(pairing) == [[photo, "a.style.jpg"]]
        assert below(pairing.homeless) == ["a.style.style.jpg"]

    def test_a_lone_style_waits_for_its_photo_unless_it_lies_in_a_styles_folder(self) -> None:
        assert below(paired("a.style.jpg", default="Waves").homeless) == ["a.style.jpg"]
        assert only(paired("Waves/a.style.jpg")).kind == "style"

    def test_a_style_without_a_stem_is_an_ordinary_photo(self) -> None:
        assert only(paired("x/b.jpg", "x/style.jpg", "x/a.jpg", "Waves/c.jpg")).kind == "style"


class TestFolder:
    def test_content_and_style_are_taken_with_all_that_lies_there(self) -> None:
        pairing = paired("job/content.jpg", "job/style.png", "job/job.toml", "job/read me.txt")
        candidate = only(pairing)
        assert candidate.kind == "folder"
        assert candidate.folder == ROOT / "job"
        assert candidate.content.path == ROOT / "job/content.jpg"
        assert candidate.style == ROOT / "job/style.png"
        assert candidate.overrides is not None
        assert candidate.overrides.path == ROOT / "job/job.toml"
        assert below(candidate.others) == ["job/read me.txt"]
        assert len(candidate.sightings) == 4
        assert candidate.relative == PurePath("job/content.jpg")
        assert (candidate.lane, candidate.style_name) == (INBOX_LANE, "style")
        assert (pairing.homeless, pairing.waiting) == ((), ())

    def test_names_are_known_in_any_case(self) -> None:
        candidate = only(paired("job/Content.JPG", "job/STYLE.Jpg", "job/Job.TOML"))
        assert candidate.kind == "folder"
        assert candidate.overrides is not None

    def test_many_such_folders_share_the_lane_of_where_they_lie(self) -> None:
        jobs = [f"{where}/{name}.jpg" for where in ("a", "b", "Waves/c", "Anna/d", "Anna/e")
                for name in ("content", "style")]  # fmt: skip
        lanes = [c.lane for c in paired(*jobs).candidates]
        assert Counter(lanes) == {INBOX_LANE: 2, "Waves": 1, "Anna": 2}

    @pytest.mark.parametrize("half", ["content.jpg", "style.png"])
    def test_one_of_the_two_waits_for_the_other(self, half: str) -> None:
        pairing = paired(f"job/{half}", "job/job.toml", default="Waves")
        assert (pairing.candidates, pairing.homeless) == ((), ())
        assert below(pairing.waiting) == [f"job/{half}"]

    @pytest.mark.parametrize("half", ["content.jpg", "style.png"])
    def test_in_a_styles_folder_one_of_the_two_is_an_ordinary_photo(self, half: str) -> None:
        for folder in ("Waves", "Waves/job"):
            pairing = paired(f"{folder}/{half}")
            assert only(pairing).kind == "style"
            assert pairing.waiting == ()

    @pytest.mark.parametrize("folder", ["", "Waves/"])
    def test_the_inbox_and_a_styles_folder_are_never_taken_whole(self, folder: str) -> None:
        pairing = paired(f"{folder}content.jpg", f"{folder}style.jpg", default="Waves")
        assert {c.kind for c in pairing.candidates} <= {"style", "default"}
        assert len(pairing.candidates) == 2

    def test_a_folder_below_a_styles_folder_is_taken_whole(self) -> None:
        candidate = only(paired("Waves/job/content.jpg", "Waves/job/style.jpg"))
        assert (candidate.kind, candidate.lane) == ("folder", "Waves")

    @pytest.mark.parametrize("other", ["holiday.jpg", "content.png", "style.gif", "more/x.jpg"])
    def test_a_folder_with_other_pictures_is_not_swallowed(self, other: str) -> None:
        pairing = paired("job/content.jpg", "job/style.jpg", f"job/{other}")
        assert len(pairing.homeless) == 3
        assert (pairing.candidates, pairing.waiting) == ((), ())

    def test_of_folders_in_one_another_the_inner_is_taken_first(self) -> None:
        inner = ["a/b/content.jpg", "a/b/style.jpg"]
        pairing = paired("a/content.jpg", "a/style.jpg", *inner)
        assert taken(pairing) == [inner]

    def test_a_note_in_it_is_not_waited_for(self) -> None:
        candidate = only(paired("job/content.jpg", "job/style.jpg", "job/x.jpg - why.txt"))
        assert len(candidate.sightings) == 2


def companions(candidate: Candidate) -> dict[str, str]:
    return {role: one.path.name for role, one in candidate.companions.items()}


class TestCompanions:
    @pytest.mark.parametrize("folder", ["Waves/", "Waves/Holiday/", "", "Nowhere/"])
    def test_they_go_along_with_their_photo_anywhere(self, folder: str) -> None:
        names = ["a.heic", "a.mask.png", "a.regions.png", "a.start.jpg"]
        pairing = paired(*(folder + name for name in names), default="Waves")
        candidate = only(pairing)
        assert candidate.content.path.name == "a.heic"
        assert companions(candidate) == {
            "mask": "a.mask.png", "regions": "a.regions.png", "start": "a.start.jpg",
        }  # fmt: skip
        assert sorted(below(candidate.sightings)) == sorted(folder + name for name in names)
        assert (pairing.homeless, pairing.lonely) == ((), ())

    def test_a_style_beside_its_photo_may_have_regions(self) -> None:
        names = ["a.jpg", "a.style.jpg", "a.regions.png", "a.style.regions.png"]
        candidate = only(paired(*names))
        assert candidate.kind == "pair"
        assert companions(candidate) == {
            "regions": "a.regions.png", "style_regions": "a.style.regions.png",
        }  # fmt: skip
        assert sorted(below(candidate.sightings)) == sorted(names)

    def test_those_of_a_photo_without_a_style_wait_with_it(self) -> None:
        pairing = paired("a.jpg", "a.mask.png")
        assert (below(pairing.homeless), pairing.lonely) == (["a.jpg"], ())
        assert {of.name: below(along) for of, along in pairing.along.items()} == {
            "a.jpg": ["a.mask.png"]
        }

    @pytest.mark.parametrize("mark", ["mask", "regions", "start", "style.regions"])
    @pytest.mark.parametrize("folder", ["Waves/", "Waves/Holiday/", "", "Nowhere/"])
    def test_one_alone_is_never_painted(self, folder: str, mark: str) -> None:
        pairing = paired(f"{folder}a.{mark}.png", f"{folder}b.jpg", default="Waves")
        assert taken(pairing) == [[f"{folder}b.jpg"]]
        assert below(pairing.lonely) == [f"{folder}a.{mark}.png"]
        assert pairing.homeless == ()

    def test_one_in_another_folder_is_alone(self) -> None:
        pairing = paired("Waves/a.jpg", "Waves/Masks/a.mask.png")
        assert (taken(pairing), below(pairing.lonely)) == (
            [["Waves/a.jpg"]], ["Waves/Masks/a.mask.png"],
        )  # fmt: skip

    def test_of_two_the_first_is_meant_and_of_two_photos_too(self) -> None:
        pairing = paired("Waves/a.jpg", "Waves/a.png", "Waves/a.mask.png", "Waves/a.mask.gif")
        assert [companions(candidate) for candidate in pairing.candidates] == [
            {"mask": "a.mask.gif"}, {},
        ]  # fmt: skip
        assert below(pairing.lonely) == ["Waves/a.mask.png"]

    def test_a_mask_has_none_itself(self) -> None:
        pairing = paired("Waves/a.jpg", "Waves/a.mask.png", "Waves/a.mask.regions.png")
        assert companions(only(pairing)) == {"mask": "a.mask.png"}
        assert below(pairing.lonely) == ["Waves/a.mask.regions.png"]

    def test_a_style_that_is_a_photo_where_it_lies_may_have_them(self) -> None:
        candidate = only(paired("Waves/a.style.jpg", "Waves/a.style.mask.png"))
        assert (candidate.kind, companions(candidate)) == ("style", {"mask": "a.style.mask.png"})

    def test_the_mark_is_known_in_any_case_and_unicode_form(self) -> None:
        mask = unicodedata.normalize("NFD", "é.MASK.PNG")
        assert companions(only(paired("Waves/é.jpg", f"Waves/{mask}"))) == {"mask": mask}

    @pytest.mark.parametrize(
        "name", ["a.mask.txt", "a.mask", "mask.png", "amask.png", "a. mask.png"]
    )
    def test_other_names_are_what_they_were(self, name: str) -> None:
        pairing = paired("Waves/a.jpg", f"Waves/{name}")
        assert (len(pairing.candidates), pairing.lonely) == (2, ())

    @pytest.mark.parametrize("first", ["", "content."])
    def test_in_a_folder_that_is_one_job_they_are_the_photos(self, first: str) -> None:
        names = [f"{first}mask.png", f"{first}regions.png", f"{first}start.jpg"]
        pairing = paired(
            *(
                f"job/{name}"
                for name in ("content.jpg", "style.jpg", "Style.Regions.png", "x.txt", *names)
            )
        )
        candidate = only(pairing)
        assert candidate.kind == "folder"
        assert companions(candidate) == dict(
            zip(
                ("mask", "regions", "start", "style_regions"),
                (*names, "Style.Regions.png"),
                strict=True,
            )
        )
        assert below(candidate.others) == ["job/x.txt"]
        assert len(candidate.sightings) == 7

    def test_two_masks_in_such_a_folder_are_told(self) -> None:
        names = ("content.jpg", "style.jpg", "mask.png", "content.mask.png")
        pairing = paired(*(f"job/{name}" for name in names))
        assert pairing.candidates == ()
        assert below(pairing.homeless) == ["job/content.jpg", "job/style.jpg"]
        assert below(pairing.lonely) == ["job/mask.png"]

    def test_below_a_styles_folder_that_one_is_meant(self) -> None:
        candidate = only(paired("Waves/job/content.jpg", "Waves/job/mask.png"))
        assert (candidate.kind, candidate.style) == ("folder", STYLES["Waves"])
        assert (candidate.style_sighting, companions(candidate)) == (None, {"mask": "mask.png"})

    def test_regions_of_a_style_that_is_not_there_make_no_job_of_a_photo(self) -> None:
        pairing = paired("Waves/job/content.jpg", "Waves/job/style.regions.png")
        assert taken(pairing) == [["Waves/job/content.jpg"]]
        assert below(pairing.lonely) == ["Waves/job/style.regions.png"]

    @pytest.mark.parametrize("folder", ["job", "Waves/job"])
    def test_one_that_came_too_late_for_such_a_folder_is_alone(self, folder: str) -> None:
        late = [f"{folder}/mask.png", f"{folder}/style.regions.png"]
        pairing = paired(*late, "Waves/mask.png", "regions.jpg", default="Waves")
        assert below(pairing.lonely) == late
        assert taken(pairing) == [["Waves/mask.png"], ["regions.jpg"]]  # ordinary names there
        beside = paired(f"{folder}/mask.png", f"{folder}/a.jpg", default="Waves")
        assert len(beside.candidates) == 2

    @pytest.mark.parametrize("half", ["content.jpg", "style.png"])
    def test_a_half_waits_with_them(self, half: str) -> None:
        pairing = paired(f"job/{half}", "job/mask.png", "job/content.regions.png", default="Waves")
        assert (pairing.candidates, pairing.homeless, pairing.lonely) == ((), (), ())
        assert below(pairing.waiting) == [f"job/{half}"]
        assert [below(along) for along in pairing.along.values()] == [
            ["job/content.regions.png", "job/mask.png"]
        ]


class TestDefault:
    def test_the_bare_inbox_and_other_folders_take_the_default_style(self) -> None:
        pairing = paired("a.jpg", "Holiday/b.jpg", default="Waves")
        assert [(c.kind, c.style_name, c.lane) for c in pairing.candidates] == [
            ("default", "Waves", "Holiday"),
            ("default", "Waves", INBOX_LANE),
        ]

    @pytest.mark.parametrize("default", [None, "Guernica", ""])
    def test_without_one_photos_are_homeless(self, default: str | None) -> None:
        pairing = paired("a.jpg", "Holiday/b.jpg", default=default)
        assert pairing.candidates == ()
        assert below(pairing.homeless) == ["Holiday/b.jpg", "a.jpg"]

    def test_its_unicode_form_does_not_matter(self) -> None:
        default = unicodedata.normalize("NFD", "Café")
        assert only(paired("a.jpg", default=default)).style_name == "Café"


@pytest.mark.parametrize("folder", ["", "Waves/", "Holiday/"])
@pytest.mark.parametrize("name", [JOB_FILE, "Why photos wait - read me.txt", "a.jpg - why.txt"])
def test_notes_and_lone_wishes_are_left_alone(folder: str, name: str) -> None:
    assert paired(f"{folder}{name}", default="Waves") == Pairing((), (), ())


FOLDERS = st.lists(st.sampled_from(["Waves", "Café", "Cafe\u0301", "job", "x"]), max_size=3)
STEMS = st.sampled_from(
    ["content", "style", "Style", "a", "a.style", "a.style.style", ".style", "é", "e\u0301",
     "é.style", "job", "content.style", "style.style", "a.jpg - why", "a.mask", "e\u0301.MASK",
     "a.style.regions", "mask", "style.regions", "content.start", "regions", "a.start.regions"]
)  # fmt: skip
SUFFIXES = st.sampled_from([".jpg", ".PNG", ".txt", ".toml", ""])
TREES = st.lists(st.tuples(FOLDERS, STEMS, SUFFIXES), max_size=25).map(
    lambda files: {"/".join([*folders, stem + suffix]) for folders, stem, suffix in files}
)
DEFAULTS = st.sampled_from([None, "Waves", "Guernica"])


@given(TREES, DEFAULTS)
def test_no_file_is_in_two_places_and_none_is_lost(tree: set[str], default: str | None) -> None:
    look = look_at(*tree)
    pairing = pair(look, STYLES, default)
    places = Counter(s.path for c in pairing.candidates for s in c.sightings)
    places.update(s.path for s in (*pairing.homeless, *pairing.lonely))
    halves = {half.path for half in pairing.waiting}
    places.update(
        one.path for of, along in pairing.along.items() for one in along if of not in halves
    )
    waiting = {half.path.parent for half in pairing.waiting}
    places.update(s.path for s in look.files if s.path.parent in waiting)
    assert set(places.values()) <= {1}
    lost = {s.path for s in look.files} - set(places)
    assert all(is_note(path.name) or path.name == JOB_FILE for path in lost)


@given(TREES, DEFAULTS)
def test_a_folder_that_is_taken_whole_takes_nothing_unknown(
    tree: set[str], default: str | None
) -> None:
    look = look_at(*tree)
    for candidate in pair(look, STYLES, default).candidates:
        assert candidate.content.path == ROOT / candidate.relative
        folder = candidate.folder
        if folder is None:
            continue
        inside = {s for s in look.files if folder in s.path.parents and not is_note(s.path.name)}
        assert inside == set(candidate.sightings)
        assert folder != ROOT
        assert folder.parent != ROOT or folder.name in {"job", "x"}


@given(TREES, DEFAULTS)
def test_the_result_is_in_order_of_paths(tree: set[str], default: str | None) -> None:
    pairing = pair(look_at(*tree), STYLES, default)
    contents = [candidate.content.path for candidate in pairing.candidates]
    homeless = [sighting.path for sighting in pairing.homeless]
    assert contents == sorted(contents)
    assert homeless == sorted(homeless)
    for group in (pairing.waiting, pairing.lonely):
        paths = [each.path for each in group]
        assert paths == sorted(paths)


@given(st.lists(st.tuples(TREES, DEFAULTS, st.sets(st.sampled_from(sorted(STYLES)))), max_size=4))
def test_what_was_seen_before_changes_no_answer(
    looks: list[tuple[set[str], str | None, set[str]]],
) -> None:
    pairer = Pairer()
    for tree, default, names in looks:
        styles = {name: STYLES[name] for name in names}
        look = look_at(*tree)
        assert pairer.pair(look, styles, default) == pair(look, styles, default)


def test_a_folder_that_has_not_changed_is_not_sorted_again() -> None:
    pairer, look = Pairer(), look_at("Waves/a.jpg", "Starry Night/b.jpg")
    first = pairer.pair(look, STYLES, None)
    fewer = Look(ROOT, look.files[1:], look.folders)
    assert pairer.pair(look, STYLES, None).candidates[1] is first.candidates[1]
    assert pairer.pair(fewer, STYLES, None).candidates == first.candidates[1:]
    assert len(pairer._known) == 1  # what is gone is forgotten
