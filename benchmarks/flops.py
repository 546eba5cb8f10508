"""The arithmetic that a step cannot do without: its convolutions, forward and back to the image."""

from __future__ import annotations

from typing import Final

CHANNELS: Final = {
    "conv1_1": (3, 64), "conv1_2": (64, 64),
    "conv2_1": (64, 128), "conv2_2": (128, 128),
    "conv3_1": (128, 256), "conv3_2": (256, 256), "conv3_3": (256, 256), "conv3_4": (256, 256),
    "conv4_1": (256, 512), "conv4_2": (512, 512), "conv4_3": (512, 512), "conv4_4": (512, 512),
    "conv5_1": (512, 512),
}  # fmt: skip
"""Input and output channels of the convolutions that the usual taps need."""


def step_flops(height: int, width: int) -> float:
    """Floating point operations of one step's convolutions, to conv5_1.

    Forward and backward to the input cost the same, two operations a weight and position.
    """
    total = 0.0
    for name, (given, made) in CHANNELS.items():
        level = int(name[4]) - 1
        total += 2 * 9 * given * made * (height >> level) * (width >> level)
    return 2 * total
