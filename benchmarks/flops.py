"""The arithmetic that a step cannot do without: its convolutions, forward and back to the image."""

from __future__ import annotations

from engine.layers import chain_to, work_of


def step_flops(height: int, width: int) -> float:
    """Floating point operations of one step's convolutions, to conv5_1.

    Forward and backward to the input cost the same, two operations a weight and position.

    Args:
        height: of the picture, a multiple of the deepest tap's stride of 16 pixels.
        width: likewise.
    """
    return 2 * 2 * work_of(chain_to("conv5_1")) * height * width
