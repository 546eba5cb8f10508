"""The painter's room: arrays and a recipe in, progress and a picture out.

It knows nothing of folders, queues or services. Importing `engine` is cheap and does not import
MXNet: what stands here are the words that both rooms share. The door itself is
`engine.painter.Painter`; only a process that paints opens it.
"""

from engine.errors import EngineError
from engine.presets import PRESETS, at_size
from engine.progress import DeviceReport, LossParts, Painting, Progress
from engine.recipe import CONVOLUTIONS, Recipe

__all__ = [
    "CONVOLUTIONS",
    "PRESETS",
    "DeviceReport",
    "EngineError",
    "LossParts",
    "Painting",
    "Progress",
    "Recipe",
    "at_size",
]
