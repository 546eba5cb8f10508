"""Colours as they are painted: sRGB, eight bits each, and what is transparent apart from them."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from daemon.errors import PictureUnreadableError

GROUND: Final = 128
"""What transparent parts lie on: middle grey, on which neither black nor white lines vanish."""

DAMAGED: Final = (
    "The picture is damaged and cannot be read. Copy it again, or save it anew as a JPEG."
)
_OPAQUE: Final = 255


def flattened(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """A picture in sRGB, laid over the ground, and its alpha channel, if it has one.

    A profile of its own is converted from; a broken one is ignored.

    Args:
        image: decoded; of any mode.

    Returns:
        An RGB picture, and one of mode L or None.

    Raises:
        PictureUnreadableError: it holds what is no number.
    """
    image, alpha = _apart(_eight_bits(image))
    colours = _in_srgb(image)
    if alpha is None:
        return colours, None
    ground = Image.new("RGB", colours.size, (GROUND,) * 3)
    return Image.composite(colours, ground, alpha), alpha


def may_be_transparent(image: Image.Image) -> bool:
    """Whether `flattened` may give an alpha channel, as far as an opened picture's head says."""
    return bool(image.has_transparency_data)


def lifted(plane: NDArray[np.float32], alpha: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Take the ground out of one colour again, where it shines through.

    So a picture with its alpha channel, laid over the ground, is what was painted; and over any
    other ground there is no grey edge. What is wholly transparent stays as it was painted.

    Args:
        plane: (H, W), 0 to 255; it is changed.
        alpha: (H, W), of the same size.
    """
    edge = (alpha > 0) & (alpha < _OPAQUE)
    share = alpha[edge].astype(np.float32) / _OPAQUE
    plane[edge] = (plane[edge] - (1 - share) * GROUND) / share
    return plane


def srgb_tag() -> bytes:
    """An sRGB profile: the same bytes at each call."""
    tag = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # ICC.1:2010 7.2.8: the profile's date, which lcms sets to now; equal pictures, equal files.
    tag[24:36] = b"\x07\xe6\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00"
    return bytes(tag)


def _apart(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    if not image.has_transparency_data:
        return image, None
    image = image.convert("RGBA") if image.mode != "LA" else image
    alpha = image.getchannel("A")
    return image.convert("RGB" if image.mode == "RGBA" else "L"), alpha


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale grey pictures of 16 bits and more, which Pillow's own conversion would clip."""
    if image.mode not in {"I", "F"} and not image.mode.startswith("I;16"):
        return image
    grey = np.asarray(image).astype(np.float64)
    if not np.isfinite(grey).all():
        raise PictureUnreadableError(DAMAGED)
    full = 65535.0
    if image.mode == "F":
        full = 1.0 if grey.max() <= 1 else max(255.0, float(grey.max()))
    elif grey.max() > full:
        full = float(grey.max())
    deep = Image.fromarray(np.rint(np.clip(grey / full, 0, 1) * 255).astype(np.uint8), "L")
    deep.info = {"icc_profile": image.info.get("icc_profile")}
    return deep


def _in_srgb(image: Image.Image) -> Image.Image:
    if image.mode == "P":
        image = image.convert("RGB")
    profile = _profile(image)
    if profile is None:
        return image.convert("RGB")
    try:
        converted = ImageCms.profileToProfile(
            image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, ValueError, OSError):
        # Broken, or of another kind than the picture; viewers show such pictures as sRGB too.
        return image.convert("RGB")
    if converted is None:
        raise AssertionError("profileToProfile returns a picture unless inPlace")
    return converted


def _profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    if image.mode == "LAB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    data = image.info.get("icc_profile")
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(data)) if data else None
    except (ImageCms.PyCMSError, OSError, TypeError):
        return None
