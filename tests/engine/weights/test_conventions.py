"""What the input of a network is: recognised, said, or asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import WeightsConventionError
from engine.weights.conventions import CONVENTIONS, Layers, recognise

from .conftest import thin_layers


def turned(layers: Layers) -> Layers:
    kernel, bias = layers["conv1_1"]
    return {**layers, "conv1_1": (np.ascontiguousarray(kernel[:, ::-1]), bias)}


@pytest.mark.parametrize("retrained_names", [True, False])
def test_the_oxford_weights_are_known_by_their_values_whatever_their_names(
    oxford: Layers, *, retrained_names: bool
) -> None:
    for layers, name in ((oxford, "oxford-bgr"), (turned(oxford), "oxford-rgb")):
        assert recognise(layers, None, retrained_names=retrained_names) == (name, "values")
        assert recognise(layers, name, retrained_names=retrained_names) == (name, "values")


def test_rounding_to_eight_bits_does_not_hide_them(oxford: Layers) -> None:
    kernel, bias = oxford["conv1_1"]
    step = float(kernel.max() - kernel.min()) / 255
    rounded = (np.round(kernel / step) * step).astype(np.float32)
    assert not np.array_equal(rounded, kernel)
    rounded[1] = kernel[1] * 1.01
    found = recognise({**oxford, "conv1_1": (rounded, bias)}, None, retrained_names=False)
    assert found.name == "oxford-bgr"


def test_a_person_who_is_wrong_for_sure_is_told_so(oxford: Layers) -> None:
    for wrong in ("oxford-rgb", "torchvision"):
        with pytest.raises(WeightsConventionError, match=r"oxford-bgr.*Leave --convention out"):
            recognise(oxford, wrong, retrained_names=False)


def test_other_weights_are_known_by_their_names_or_asked_for() -> None:
    layers = thin_layers()
    assert recognise(layers, None, retrained_names=True) == ("torchvision", "names")
    with pytest.raises(WeightsConventionError, match=r"--convention oxford-bgr\|oxford-rgb\|torch"):
        recognise(layers, None, retrained_names=False)


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("retrained_names", [True, False])
def test_a_person_is_believed_about_weights_that_nobody_knows(
    name: str, *, retrained_names: bool
) -> None:
    assert recognise(thin_layers(), name, retrained_names=retrained_names) == (name, "person")


def test_a_convention_that_there_is_not_names_those_there_are(oxford: Layers) -> None:
    with pytest.raises(WeightsConventionError, match=r"'caffe'.*oxford-bgr\|"):
        recognise(oxford, "caffe", retrained_names=False)


@given(st.integers(0, 2**32 - 1))
def test_no_random_network_is_taken_for_oxfords(seed: int) -> None:
    with pytest.raises(WeightsConventionError):
        recognise(thin_layers(seed), None, retrained_names=False)


def test_kernels_turned_upside_down_are_not_taken_for_oxfords(oxford: Layers) -> None:
    kernel, bias = oxford["conv1_1"]
    flipped = {**oxford, "conv1_1": (kernel[:, :, ::-1, ::-1], bias)}
    with pytest.raises(WeightsConventionError):
        recognise(flipped, None, retrained_names=False)
