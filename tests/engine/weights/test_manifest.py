"""The manifest: what is written is read again, and anything else is refused with what to do."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import WeightsError, WeightsFileError, WeightsMissingError
from engine.weights import manifest
from engine.weights.conventions import CONVENTIONS
from engine.weights.manifest import Manifest

MANIFEST = Manifest(
    source="vgg19.h5",
    source_sha256="ab" * 32,
    sha256="cd" * 32,
    convention=CONVENTIONS["torchvision"],
    recognised="names",
    layers={"conv1_1": (64, 3, 3, 3), "conv1_2": (64, 64, 3, 3)},
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.json"
    path.write_text(manifest.to_json(MANIFEST), encoding="utf-8")
    assert manifest.read(path) == MANIFEST
    data = json.loads(path.read_text())
    assert data["version"] == 1
    assert (data["channel_order"], data["input_range"]) == ("RGB", 1.0)
    assert data["mean"] == [0.485, 0.456, 0.406]
    assert data["scale"] == [0.229, 0.224, 0.225]
    assert data["layers"]["conv1_2"] == [64, 64, 3, 3]


def test_a_name_that_is_not_utf8_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.json"
    strange = dataclasses.replace(MANIFEST, source="caf\udce9.h5")
    path.write_text(manifest.to_json(strange), encoding="utf-8")
    assert manifest.read(path).source == "caf\\udce9.h5"


def changed(**items: Any) -> str:
    return json.dumps({**json.loads(manifest.to_json(MANIFEST)), **items})


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "{", '{"layers": 3}', "\x00" * 50,
        changed(mean=[1, 2]), changed(mean=[1, 2, "x"]), changed(scale=[1, 0, 1]),
        changed(channel_order="GBR"), changed(input_range=-1), changed(layers=[1]),
        changed(layers={"conv1_1": ["x"]}),
    ],
)  # fmt: skip
def test_a_broken_manifest_says_what_to_do(text: str, tmp_path: Path) -> None:
    path = tmp_path / "vgg19.json"
    path.write_text(text)
    with pytest.raises(WeightsFileError, match=r"cannot be read.*atelierd weights fetch"):
        manifest.read(path)


def test_bytes_that_are_no_text_are_a_broken_manifest(tmp_path: Path) -> None:
    (tmp_path / "vgg19.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WeightsFileError):
        manifest.read(tmp_path / "vgg19.json")


def test_another_version_is_named(tmp_path: Path) -> None:
    (tmp_path / "vgg19.json").write_text(changed(version=2))
    with pytest.raises(WeightsFileError, match="version 2"):
        manifest.read(tmp_path / "vgg19.json")


def test_no_manifest_says_how_to_get_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match=r"atelierd weights fetch.*or put a file"):
        manifest.read(tmp_path / "vgg19.json")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(
    key=st.sampled_from(sorted(json.loads(manifest.to_json(MANIFEST)))),
    value=json_values,
    drop=st.booleans(),
)
def test_any_value_reads_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any, *, drop: bool
) -> None:
    data = json.loads(manifest.to_json(MANIFEST))
    if drop:
        del data[key]
    else:
        data[key] = value
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(data))
    try:
        found = manifest.read(path)
    except WeightsError:
        return
    assert isinstance(found, Manifest)
