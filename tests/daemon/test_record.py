"""What a result says of itself is read back whole, and nothing else is believed."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from daemon import record
from daemon.errors import RecordError
from daemon.formats import xmp
from daemon.record import Record, StyleSource, record_of
from daemon.runners.request import MOST_STYLES
from engine import PRESETS, Recipe

MADE = Record(
    program="1.2.3",
    recipe=PRESETS["fine"],
    content=record.source("Holiday.jpg", b"photo"),
    styles=(
        StyleSource(name="Waves.png", sha256="0" * 64),
        record.style("Night.png", b"night", 2.5, record.source("night-regions.png", b"marks")),
    ),
    start=record.source("begun.png", b"begun"),
    mask=record.source("mask.png", b"mask"),
    regions=record.source("regions.png", b"regions"),
    weights_sha256="f" * 64,
    device="cpu",
    precision="float32",
)


def noted(text: str) -> bytes:
    file = io.BytesIO()
    image = Image.new("RGB", (40, 40))
    image.save(file, "JPEG", xmp=xmp.packet(xmp.Found(record=text), "tool"))
    return file.getvalue()


def changed(**fields: Any) -> bytes:
    return noted(json.dumps({**MADE.model_dump(mode="json"), **fields}))


def without(name: str) -> dict[str, Any]:
    return MADE.model_dump(mode="json", exclude={name})


def test_a_record_is_read_back() -> None:
    assert record_of(noted(MADE.model_dump_json()), "a.jpg") == MADE
    assert MADE.content.sha256 == hashlib.sha256(b"photo").hexdigest()
    assert (MADE.styles[0].weight, MADE.styles[1].weight) == (1.0, 2.5)
    assert MADE.styles[1].sha256 == hashlib.sha256(b"night").hexdigest()


def test_a_record_of_one_style_as_it_used_to_be_is_read() -> None:
    fields = MADE.model_dump(mode="json")
    del fields["styles"], fields["start"]
    for name in ("strength", "stroke_size", "colors", "style_loss", "tv_norm"):
        del fields["recipe"][name]
    fields["style"] = {"name": "Waves.png", "sha256": "0" * 64}
    found = record_of(noted(json.dumps(fields)), "a.jpg")
    assert found == MADE.model_copy(update={"styles": MADE.styles[:1], "start": None})


def test_a_record_of_many_styles_with_long_names_fits() -> None:
    marks = record.source('"' * 255, b"marks")
    styles = tuple(record.style('"' * 255, bytes([one]), 0.1, marks) for one in range(MOST_STYLES))
    full = MADE.model_copy(update={"styles": styles})
    assert record_of(noted(full.model_dump_json()), "a.jpg") == full


def test_what_a_later_version_adds_is_passed_over() -> None:
    assert record_of(changed(mood="merry"), "a.jpg") == MADE


@pytest.mark.parametrize("data", [b"", b"no picture", noted("")])
def test_other_files_say_nothing(data: bytes) -> None:
    with pytest.raises(RecordError, match=r"^a\.jpg does not say how it was made"):
        record_of(data, "a.jpg")


@pytest.mark.parametrize(
    "data",
    [
        noted("{}"),
        noted("[" * 20_000),
        noted("x" * 40_000),
        noted(MADE.model_dump_json() + " " * 40_000),
        changed(recipe={**PRESETS["fine"].model_dump(), "size": 10**9}),
        changed(recipe={**PRESETS["fine"].model_dump(), "iterations": [10**9, 1]}),
        changed(recipe={**PRESETS["fine"].model_dump(), "weights": "/etc/passwd"}),
        changed(recipe={"style_layers": {"conv9_9": 1}}),
        changed(content={"name": "x" * 300}),
        changed(content={"sha256": "../../etc"}),
        changed(styles=[]),
        changed(styles=[{}] * (MOST_STYLES + 1)),
        changed(styles=[{"weight": 0}]),
        changed(styles=[{"weight": "nan"}]),
        changed(styles=[{"weight": 1e300}]),
        changed(styles=[{"name": "x" * 300}]),
        changed(start={"sha256": "../../etc"}),
        changed(styles=None, style={"sha256": "../../etc"}),
        noted(json.dumps({**without("styles"), "style": {"sha256": "../../etc"}})),
        noted(json.dumps(without("styles"))),
        changed(weights_sha256="\x1b[2J"),
        changed(size="vast"),
    ],
)
def test_what_is_damaged_or_out_of_bounds_is_refused(data: bytes) -> None:
    with pytest.raises(RecordError, match="cannot be used"):
        record_of(data, "a.jpg")


NAMES = sorted([*Record.model_fields, "style"])


@given(st.dictionaries(st.sampled_from(NAMES), st.text() | st.integers() | st.none()))
def test_any_values_are_refused_or_checked(fields: dict[str, Any]) -> None:
    try:
        found = record_of(changed(**fields), "a.jpg")
    except RecordError:
        return
    assert isinstance(found.recipe, Recipe)


def test_names_are_short_and_printable() -> None:
    assert record.source("a\x1b[2J" + "b" * 500, b"").name.startswith("a\\x1b[2J")
    assert len(record.source("b" * 500, b"").name) == 255
