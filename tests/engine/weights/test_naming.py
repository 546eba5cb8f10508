"""Names of arrays: each convolution is found under every name that it has anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.recipe import CONVOLUTIONS
from engine.weights.naming import Place, is_normalisation, place

NAMES = {
    "block3_conv4/block3_conv4_W_1:0": Place("conv3_4", "kernel", retrained=False),
    "block3_conv4/block3_conv4_b_1:0": Place("conv3_4", "bias", retrained=False),
    "block1_conv1/block1_conv1/kernel:0": Place("conv1_1", "kernel", retrained=False),
    "block1_conv1/bias:0": Place("conv1_1", "bias", retrained=False),
    "model_weights/block2_conv2/block2_conv2/kernel": Place("conv2_2", "kernel", retrained=False),
    "layers/block5_conv4/vars/1": Place("conv5_4", "bias", retrained=False),
    "layers/conv2d/vars/0": Place("conv1_1", "kernel", retrained=False),
    "layers/conv2d_15/vars/1": Place("conv5_4", "bias", retrained=False),
    "arg:conv4_2_weight": Place("conv4_2", "kernel", retrained=False),
    "conv4_2_b": Place("conv4_2", "bias", retrained=False),
    "conv4_2.weight": Place("conv4_2", "kernel", retrained=False),
    "features.0.weight": Place("conv1_1", "kernel", retrained=True),
    "module.features.34.bias": Place("conv5_4", "bias", retrained=True),
    "vgg0_conv0_weight": Place("conv1_1", "kernel", retrained=True),
    "arg:vgg12_conv9_bias": Place("conv4_2", "bias", retrained=True),
}
OTHERS = [
    "fc6_weight", "block6_conv1/kernel:0", "block1_conv3/kernel:0", "conv3_5_weight",
    "features.1.weight", "features.37.weight", "classifier.0.weight", "vgg0_conv16_weight",
    "vgg0_dense0_weight", "layers/conv2d_16/vars/0", "layers/dense/vars/0",
    "optimizer_weights/block1_conv1/kernel/m:0", "myconv1_1_weight", "conv1_1_weight_decay", "",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_understood(name: str) -> None:
    assert place(name) == NAMES[name]


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_convolution_of_vgg19_is_left_alone(name: str) -> None:
    assert place(name) is None


@given(st.text() | st.from_regex(r"(features\.|vgg\d_conv|conv|block)\d+[_.]\w+", fullmatch=True))
def test_any_name_is_a_convolution_of_vgg19_or_none(name: str) -> None:
    found = place(name)
    assert found is None or found.layer in CONVOLUTIONS


def test_batch_normalisation_is_noticed() -> None:
    assert is_normalisation("features.1.running_mean")
    assert is_normalisation("vgg0_batchnorm0_gamma")
    assert not any(is_normalisation(name) for name in [*NAMES, *OTHERS])
