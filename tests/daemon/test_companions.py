"""Which pictures go along with a photo: by example, and for any names that they stay together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.companions import (
    Beside,
    belonging,
    beside,
    in_a_job,
    is_companion,
    job_role,
    marked,
    plain_stem,
)
from daemon.departure import names_together
from daemon.names import canonical, split

STEMS = st.text(st.sampled_from("aAäß. (2)B-"), min_size=1, max_size=6).filter(
    lambda stem: not stem.startswith(".") and not is_companion(f"{stem}.png")
)
MARKS = ("style", "mask", "regions", "start", "style.regions")
PHOTO = st.tuples(STEMS, st.sampled_from([".jpg", ".heic", ".PNG"])).map("".join)


@pytest.mark.parametrize(
    ("name", "stem", "mark"),
    [
        ("a.mask.png", "a", "mask"), ("a.b.Start.TIFF", "a.b", "start"),
        ("e\u0301.regions.jpg", "é", "regions"), ("a.style.jpg", "a", "style"),
        ("a.style.regions.png", "a.style", "regions"), ("a .mask.png", "a ", "mask"),
    ],
)  # fmt: skip
def test_names_that_say_whose_they_are(name: str, stem: str, mark: str) -> None:
    assert marked(name) == (stem, mark)
    assert is_companion(name) == (mark != "style")


@pytest.mark.parametrize(
    "name",
    ["mask.png", ".mask.png", "a.mask.txt", "a.mask", "a.masks.png", "a. mask.png", "mask", ""],
)
def test_names_that_say_nothing(name: str) -> None:
    assert marked(name) is None
    assert not is_companion(name)


@pytest.mark.parametrize(
    ("name", "role", "stem"),
    [
        ("a.mask.png", "mask", "a"), ("a.regions.png", "regions", "a"),
        ("a.start.png", "start", "a"), ("a.Style.regions.png", "style_regions", "a.Style"),
        ("my style.regions.png", "regions", "my style"), ("mask.png", "mask", "content"),
        ("content.start.png", "start", "content"), ("style.regions.png", "style_regions", "style"),
    ],
)  # fmt: skip
def test_what_a_picture_belongs_to(name: str, role: str, stem: str) -> None:
    assert belonging(name) == (role, stem)


@pytest.mark.parametrize("name", ["a.jpg", "a.style.png", "mask.txt", "content.jpg"])
def test_what_belongs_to_nothing(name: str) -> None:
    assert belonging(name) is None


def test_what_goes_along_with_nothing_is_left_out() -> None:
    assert beside(["a.jpg", "b.mask.png", "b.txt", "c.style.png"]) == {}
    assert beside(["a.mask.png", "a.mask.mask.png"]) == {}


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["Beach.JPG", "beach.mask.png"], {"Beach.JPG": ["beach.mask.png"]}),
        (["Beach.jpg", "beach.jpg", "beach.mask.png"], {"beach.jpg": ["beach.mask.png"]}),
        (["BEACH.MASK.png", "Beach.jpg", "beach.jpg"], {"Beach.jpg": ["BEACH.MASK.png"]}),
        (["BEACH.mask.png", "Beach.jpg", "Beach.mask.png"], {"Beach.jpg": ["Beach.mask.png"]}),
        (["A.Style.Regions.png", "a.jpg", "a.STYLE.jpg", "A.style.style.jpg"],
         {"a.jpg": ["a.STYLE.jpg", "A.Style.Regions.png"]}),
        (["A.style.jpg", "a.jpg", "a.style.jpg"], {"a.jpg": ["a.style.jpg"]}),
        (["A.style.jpg", "A.style.mask.png", "a.jpg"], {"a.jpg": ["A.style.jpg"]}),
    ],
)  # fmt: skip
def test_large_and_small_letters_are_the_same_where_one_photo_alone_can_be_meant(
    names: list[str], groups: dict[str, list[str]]
) -> None:
    found = beside(names)
    assert {photo: list(group.names) for photo, group in found.items()} == groups


@given(PHOTO, st.sets(st.sampled_from(MARKS)), st.lists(PHOTO, max_size=3), st.integers(1, 12))
def test_what_goes_along_still_does_under_numbered_names(
    photo: str, marks: set[str], others: list[str], number: int
) -> None:
    marks -= set() if "style" in marks else {"style.regions"}
    stem = split(photo)[0]
    mine = [photo, *sorted(f"{stem}.{mark}.png" for mark in marks)]
    numbered = names_together(mine, number)
    taken = {canonical(split(other)[0]) for other in others}
    if canonical(split(numbered[0])[0]) in taken or taken & {f"{stem}.style"}:
        return
    groups = beside(sorted([*numbered, *others]))
    found = groups.get(numbered[0], Beside(None, {}))
    assert sorted(found.names) == sorted(numbered[1:])
    roles = {mark.replace(".", "_") for mark in marks - {"style"}}
    assert set(found.roles) == roles
    assert plain_stem(split(numbered[-1])[0]) == plain_stem(split(numbered[0])[0])


@given(st.lists(st.tuples(STEMS, st.sampled_from(["", *(f".{mark}" for mark in MARKS)]))))
def test_nothing_goes_along_with_two(parts: list[tuple[str, str]]) -> None:
    names = sorted({f"{stem}{mark}.png" for stem, mark in parts})
    groups = beside(names)
    along = [name for group in groups.values() for name in group.names]
    assert len(along) == len(set(along))
    assert not groups.keys() & set(along)
    assert not any(map(is_companion, groups))


def test_in_a_job_what_names_neither_is_the_photos() -> None:
    assert in_a_job(["Mask.png", "content.REGIONS.jpg", "style.regions.png"]) == {
        "mask": "Mask.png", "regions": "content.REGIONS.jpg", "style_regions": "style.regions.png",
    }  # fmt: skip
    assert in_a_job([]) == {}
    assert in_a_job(["mask.png", "content.mask.png"]) is None
    assert in_a_job(["mask.png", "x.png"]) is None
    assert [job_role(name) for name in ("style.mask.png", "mask.txt", "start.gif")] == [
        None, None, "start",
    ]  # fmt: skip
