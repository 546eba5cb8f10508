"""The chain of layers, by name."""

from __future__ import annotations

from engine.layers import chain_to, deepest, level_of, stride_of


def test_the_chain_ends_with_the_deepest_tap_and_pools_between_blocks():
    assert chain_to("conv1_1") == ["conv1_1"]
    assert chain_to("conv3_1") == [
        *("conv1_1", "conv1_2", "pool1", "conv2_1", "conv2_2", "pool2", "conv3_1"),
    ]
    assert len(chain_to("conv5_4")) == 16 + 4


def test_strides_double_with_each_pooling():
    names = ("conv1_2", "conv2_1", "conv3_4", "conv4_2", "conv5_1")
    assert [level_of(name) for name in names] == [0, 1, 2, 3, 4]
    assert [stride_of(name) for name in names] == [1, 2, 4, 8, 16]


def test_the_deepest_is_the_last_of_the_chain_not_of_the_alphabet():
    assert deepest(["conv4_2", "conv1_1", "conv5_1", "conv3_4"]) == "conv5_1"
