"""What is measured of one picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One picture.

    Attributes:
        scene: what it shows.
        size: long side, pixels.
        painter: the preset, or the other program.
        seconds: that it took.
        processor_seconds: of all threads together.
        style_distance: see `benchmarks.distances`.
        content_distance: likewise.
        ssim: with the photo.
        edge_f1: with the photo.
        colour_distance: from the style.
        noise: over the style's own.
        colour_noise: over the style's own.
        blot: over the style's own.
        rim: noise of its margin over that of the rest.
        frame: how far its outermost line is from what lies inside, grey levels.
    """

    scene: str
    size: int
    painter: str
    seconds: float
    processor_seconds: float
    style_distance: float
    content_distance: float
    ssim: float
    edge_f1: float
    colour_distance: float
    noise: float
    colour_noise: float
    blot: float
    rim: float
    frame: float
