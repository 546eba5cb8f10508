"""What is asked for in vain: wishes that can have no effect beside the others, told by name.

For one picture somebody has said what they want, in a `job.toml` or on a command line. What is in
a file of settings is for all pictures, and may wait there for a wish that gives it a meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine import Recipe

_NO_BLEND: Final = (
    "{} is the share of random dots where the start is a blend of photo and dots, but init is {}"
)
_NO_STYLE: Final = "{} is about the style, but style_weight is 0"
_NO_SMOOTHNESS: Final = "{} is about smoothness, but tv_weight is 0"
_NO_PHOTO: Final = "{} is about pictures that stay photographs, but photo is false"
_OF_STYLE: Final = ("strength", "stroke_size", "style_loss")


def in_vain(asked: Mapping[str, str], recipe: Recipe) -> str:
    """Look for what is asked for and can have no effect.

    Args:
        asked: what is asked for, by its name in `PaintSettings`, and what to call it.
        recipe: what has come of it.

    Returns:
        Why, without a full stop; empty if all of it makes sense.
    """
    if "init_noise" in asked and recipe.init != "blend":
        return _NO_BLEND.format(asked["init_noise"], recipe.init)
    if not recipe.style_weight:
        for name in (*_OF_STYLE, *(["photo"] if recipe.photo else [])):
            if name in asked:
                return _NO_STYLE.format(asked[name])
    if "tv_norm" in asked and not recipe.tv_weight:
        return _NO_SMOOTHNESS.format(asked["tv_norm"])
    if "realism_weight" in asked and not recipe.photo:
        return _NO_PHOTO.format(asked["realism_weight"])
    return ""
