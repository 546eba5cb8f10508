"""Reasons for which a photo was not painted that people are told to do other things about.

They are known by their text, which is what the journal keeps.
"""

from __future__ import annotations

from typing import Final

NO_PICTURE: Final = (
    "This is not a picture. Pictures are files of these kinds: JPEG, PNG, HEIC, WebP, TIFF, GIF, "
    "BMP and AVIF."
)
"""Why a file cannot be painted that is no picture, and is not called one either."""

NOT_READ: Final = (
    "The file is not a picture that can be read here. Use a JPEG, PNG, HEIC, WebP, TIFF, GIF, "
    "BMP or AVIF file."
)
"""Why a file cannot be painted that is called a picture, and is none."""

CANCELLED: Final = "Somebody cancelled it before it was painted."
"""Why a photo that was cancelled failed."""

_CANCELLED_BEFORE: Final = "It was cancelled, as somebody asked for, before it was painted."

ALL_CANCELLED: Final = (CANCELLED, _CANCELLED_BEFORE)
"""That, and how it was put before: so it stands in older journals."""

NO_STYLE: Final = "The picture of the style whose regions it marks is not beside it."
"""Of what is called as if it marked the regions of a style."""
