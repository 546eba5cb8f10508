"""The chain of layers, by name."""

from __future__ import annotations

import pytest

from engine.layers import chain_to, deepest, is_pooling, level_of, stride_of, work_of


def test_the_chain_ends_with_the_deepest_tap_and_pools_between_blocks():
    assert chain_to("conv1_1") == ["conv1_1"]
    assert chain_to("conv3_1") == [
        *("conv1_1", "conv1_2", "pool1", "conv2_1", "conv2_2", "pool2", "conv3_1"),
    ]
    assert len(chain_to("conv5_4")) == 16 + 4


def test_strides_double_with_each_pooling():
    names = ("conv1_2", "conv2_1", "conv3_4", "pool3", "conv4_2", "conv5_1")
    assert [level_of(name) for name in names] == [0, 1, 2, 3, 3, 4]
    assert [stride_of(name) for name in names] == [1, 2, 4, 8, 8, 16]
    assert [is_pooling(name) for name in names] == [False, False, False, True, False, False]


def test_the_work_is_counted_in_multiplications_a_pixel():
    assert work_of(["conv1_1"]) == 9 * 3 * 64
    assert work_of(["conv1_1", "conv1_2", "pool1"]) == 9 * (3 + 64) * 64
    assert work_of(["conv5_1"]) == 9 * 512 * 512 / 256
    # 224x224 pixels of it up to conv5_4 are known to be 19.5 thousand million.
    assert work_of(chain_to("conv5_4")) * 224**2 == pytest.approx(19.5e9, rel=0.01)


def test_the_deepest_is_the_last_of_the_chain_not_of_the_alphabet():
    assert deepest(["conv4_2", "conv1_1", "conv5_1", "conv3_4"]) == "conv5_1"
