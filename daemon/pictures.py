"""Bytes to arrays and back, in child processes only: decoders of pictures are where crashes live.

A picture is decoded whole or refused. Pillow alone is too forgiving for a folder into which files
are still being copied: it loads a JPEG whose tail is missing, or has not been written yet and is
zeros, without a word. So the containers' own ends are looked for first.

What cannot be told apart from a dark picture is let through: the uncompressed formats (BMP, PPM,
some TIFF) have no end mark. There the watcher waits for quiet, and for longer where what is there
ends in zeros (`daemon.gaps`).
"""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageFile, UnidentifiedImageError

from daemon.errors import NoPictureError, PictureUnreadableError

FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
"""What is opened at all: pictures. No documents, no programs that draw (PDF, EPS, WMF)."""

SMALLEST_SIDE: Final = 32
"""Pixels; VGG-19 halves four times, and nothing is left of less."""

_PIXELS_TO_SPARE: Final = 4  # so many in a row, at least, make one of a small picture
_GROUND: Final = 128  # transparent parts become middle grey: neither black nor white lines vanish
_ZEROS: Final = 256  # so many zeros at the end of compressed data are a tail not written yet
_COMPRESSED: Final = frozenset({"WEBP", "GIF", "JPEG2000", "AVIF"})
# Stuffing and restarts are left out. Not \xff+: whoever writes a million of them has us look at
# each of the million again from each of the million.
_JPEG_MARKER: Final = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_JPEG_START: Final = b"\xff\xd8"
_JPEG_END: Final = 0xD9
_JPEG_SCAN: Final = 0xDA
_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_PNG_END: Final = b"\x00\x00\x00\x00IEND\xaeB`\x82"  # length 0, name, CRC: always the same
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers without a length
_HEIC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # EXIF 2.32, tag Orientation: how to turn the stored picture upright

_UNFINISHED: Final = (
    "The file is incomplete: its end is missing. Copy it again from where it came from."
)
_DAMAGED: Final = (
    "The picture is damaged and cannot be read. Copy it again, or save it anew as a JPEG."
)


def decode(data: bytes, *, max_pixels: int) -> NDArray[np.uint8]:
    """Decode a picture's file whole.

    The first frame is taken, turned upright as its EXIF data says, converted from its embedded ICC
    profile to sRGB (a broken profile is ignored), and laid over middle grey where transparent.

    Args:
        data: the file, in one of `FORMATS`.
        max_pixels: a picture with more is refused before it is decoded.

    Returns:
        (H, W, 3) uint8, sRGB, both sides at least `SMALLEST_SIDE`.

    Raises:
        NoPictureError: nothing says that it is a picture.
        PictureUnreadableError: damaged, incomplete, too large or too small.
    """
    if not data:
        raise PictureUnreadableError("The file is empty. Copy it again from where it came from.")
    with _quiet_pillow(), _silent_libraries():
        try:
            return _decode(data, max_pixels)
        except PictureUnreadableError:
            raise
        except MemoryError as error:
            raise PictureUnreadableError(
                "The picture needs more memory than there is. Save it smaller and try again."
            ) from error
        except UnidentifiedImageError as error:
            raise _unidentified(data) from error
        except Exception as error:  # damaged data makes Pillow's readers raise anything at all
            raise PictureUnreadableError(_DAMAGED) from error


def encode(
    picture: NDArray[np.float32],
    format: Literal["jpeg", "png"],  # noqa: A002 - the field's word
    quality: int,
) -> bytes:
    """Encode a picture, tagged as sRGB.

    Args:
        picture: (H, W, 3), sRGB, 0 to 255; what lies outside is clipped.
        format: of the file. JPEG keeps full colour resolution (4:4:4).
        quality: of a JPEG, 1 to 100.

    Returns:
        The file; the same picture gives the same bytes.

    Raises:
        ValueError: the picture holds NaN or infinity.
    """
    if not np.isfinite(picture).all():
        raise ValueError("the picture is not finite")
    image = Image.fromarray(np.rint(np.clip(picture, 0, 255)).astype(np.uint8), "RGB")
    file = io.BytesIO()
    if format == "jpeg":
        image.save(file, "JPEG", quality=quality, subsampling=0, icc_profile=_srgb_tag())
    else:
        image.save(file, "PNG", icc_profile=_srgb_tag())
    return file.getvalue()


def small(picture: NDArray[Any], size: tuple[int, int], quality: int) -> bytes:
    """Make a small JPEG of a picture, for people to look at.

    Args:
        picture: (H, W, 3), sRGB, 0 to 255; what lies outside is clipped.
        size: height and width of the small one, in pixels; no more than the picture has.
        quality: 1 to 100.
    """
    height, width = size
    # Of a photo of 200 megapixels Pillow would make a copy of 800 MB only to shrink it.
    step = max(1, min(picture.shape[0] // height, picture.shape[1] // width) // _PIXELS_TO_SPARE)
    spared = picture[::step, ::step]
    if spared.dtype != np.uint8:
        spared = np.rint(np.clip(spared, 0, 255)).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(spared))
    file = io.BytesIO()
    image.resize((width, height), Image.Resampling.LANCZOS).save(file, "JPEG", quality=quality)
    return file.getvalue()


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Pillow's limits and warnings are global: set ours, and put the old ones back."""
    pixels, truncated = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    Image.MAX_IMAGE_PIXELS = None  # `_check_size` knows the setting
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = pixels, truncated


@contextmanager
def _silent_libraries() -> Iterator[None]:
    """What C libraries print about a file is a stranger's text: the log has lines of ours alone."""
    stderr = 2
    try:
        kept = os.dup(stderr)
    except OSError:  # closed: they print nowhere
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, stderr)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, stderr)
        os.close(kept)


def _decode(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        _check_size(image.size, max_pixels)
        _check_end(data, image.format or "")
        image.load()
        _check_size(image.size, max_pixels)  # some formats know their true size only now
        upright = _upright(image)
    return np.ascontiguousarray(np.asarray(_to_srgb(upright), dtype=np.uint8))


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PictureUnreadableError(
            f"The picture has {width} x {height} pixels, and no more than "
            f"{max_pixels / 1e6:g} million are allowed. Save it smaller and try again."
        )
    if min(size) < SMALLEST_SIDE:
        raise PictureUnreadableError(
            f"The picture has only {width} x {height} pixels. Each side must have at least "
            f"{SMALLEST_SIDE}: use a larger one."
        )


def _check_end(data: bytes, format_: str) -> None:
    whole = True
    if data.startswith(_JPEG_START):
        whole = _jpeg_is_whole(data)
    elif data.startswith(_PNG_START):
        whole = _png_is_whole(data)
    elif format_ in _COMPRESSED:
        whole = any(data[-_ZEROS:])
    if not whole:
        raise PictureUnreadableError(_UNFINISHED)


def _jpeg_is_whole(data: bytes) -> bool:
    """Whether the picture's own end marker is there, that of an embedded preview not counted.

    Cameras and phones put more after the end (second pictures, short films): it is not looked at.
    """
    place = len(_JPEG_START)
    while marker := _JPEG_MARKER.search(data, place):
        code, place = marker[1][0], marker.end()
        if code == _JPEG_END:
            return True
        if code not in _ALONE:
            # The scan's data follows its header; the search runs over it, as it holds no marker.
            place += int.from_bytes(data[place : place + 2], "big")
    return False


def _png_is_whole(data: bytes) -> bool:
    place = len(_PNG_START)
    while place + 12 <= len(data):
        if data.startswith(_PNG_END, place):
            return True
        place += 12 + int.from_bytes(data[place : place + 4], "big")
    return False


def _upright(image: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - a camera's broken note about itself is no reason to refuse
        turn = None
    return image.copy() if turn is None else image.transpose(turn)


def _to_srgb(image: Image.Image) -> Image.Image:
    image = _eight_bits(image)
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA") if image.mode != "LA" else image
        alpha = image.getchannel("A")
        image = image.convert("RGB" if image.mode == "RGBA" else "L")
    colours = _convert_colours(image)
    if alpha is None:
        return colours
    ground = Image.new("RGB", colours.size, (_GROUND,) * 3)
    return Image.composite(colours, ground, alpha)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale grey pictures of 16 bits and more, which Pillow's own conversion would clip."""
    if image.mode not in {"I", "F"} and not image.mode.startswith("I;16"):
        return image
    grey = np.asarray(image).astype(np.float64)
    if not np.isfinite(grey).all():
        raise PictureUnreadableError(_DAMAGED)
    full = 65535.0
    if image.mode == "F":
        full = 1.0 if grey.max() <= 1 else max(255.0, float(grey.max()))
    elif grey.max() > full:
        full = float(grey.max())
    deep = Image.fromarray(np.rint(np.clip(grey / full, 0, 1) * 255).astype(np.uint8), "L")
    deep.info = {"icc_profile": image.info.get("icc_profile")}
    return deep


def _convert_colours(image: Image.Image) -> Image.Image:
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


def _unidentified(data: bytes) -> PictureUnreadableError:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        return PictureUnreadableError(
            "The photo is in the HEIC format, which cannot be read here. Save it as a JPEG."
        )
    if not data.strip(b"\0"):
        return PictureUnreadableError(_UNFINISHED)
    return NoPictureError(
        "The file is not a picture that can be read here. Use a JPEG, PNG, WebP, TIFF, GIF, BMP "
        "or AVIF file."
    )


def _srgb_tag() -> bytes:
    tag = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # ICC.1:2010 7.2.8: the profile's date, which lcms sets to now; equal pictures, equal files.
    tag[24:36] = b"\x07\xe6\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00"
    return bytes(tag)
