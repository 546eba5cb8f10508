"""What is told about a finished painting."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engine import Painting
from engine.room import peak


def report_on(painting: Painting) -> dict[str, Any]:
    """What is told about a painting, JSON-ready: the keys are those of `Painted.report`.

    What was measured is rounded: the digits after that are chance. The losses are calculated.
    """
    height, width = painting.picture.shape[:2]
    pace = painting.seconds_per_iteration
    return {
        "width": width,
        "height": height,
        "iterations": painting.iterations,
        "seconds": _rounded(painting.seconds),
        "seconds_per_iteration": _rounded(pace),
        "device": painting.device.name,
        "precision": painting.device.precision,
        "normalization": painting.normalization,
        "loss": asdict(painting.loss),
        "steps_per_second": _rounded(1 / pace) if pace else None,
        "tiles": painting.tiles,
        "refined": painting.refined,
        "predicted_memory_mb": _rounded(painting.predicted_memory_mb),
        "peak_memory_mb": _rounded(peak() / 2**20),
        "weights_sha256": painting.weights_sha256,
    }


def _rounded(number: float) -> float:
    """A number of which four digits are worth telling."""
    return float(f"{number:.4g}")
