"""Bytes to arrays and back, in child processes only: decoders of pictures are where crashes live.

A picture is decoded whole or refused (`daemon.formats.ends`). What makes up the single formats is
in `daemon.formats`; this is the door.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from daemon.errors import NoPictureError, PictureUnreadableError
from daemon.formats import colour, deep_tiff, encoding, ends, exif, heif, ifd, raw, scaling, xmp
from daemon.reasons import NOT_READ

FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "AVIF")
"""What is opened at all, besides HEIC: pictures. No documents, no programs that draw (PDF, EPS)."""

SMALLEST_SIDE: Final = 32
"""Pixels; VGG-19 halves four times, and nothing is left of less."""

_PIXELS_TO_SPARE: Final = 4  # so many in a row, at least, make one of a small picture
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # EXIF 2.32, tag Orientation: how to turn the stored picture upright
_SIDEWAYS: Final = frozenset({5, 6, 7, 8})

_T = TypeVar("_T")

_UNFINISHED: Final = (
    "The file is incomplete: its end is missing. Copy it again from where it came from."
)
_RAW: Final = (
    "This is a camera's raw file, which cannot be read here. Open it in the camera's program, or "
    "in another one that knows it, save it as a JPEG or TIFF, and use that instead."
)
_PREVIEW_FIRST: Final = (
    "The first picture in this TIFF file is only a small preview, as in the raw files of cameras. "
    "Open it in a picture program, save it as a JPEG, and use that instead."
)


@dataclass(frozen=True)
class About:
    """What a photo's file says besides its colours.

    Attributes:
        size: width and height of the upright picture.
        alpha: (H, W) uint8, upright; None if nothing is transparent.
        exif: what of its EXIF data is carried over.
        creators: who made it.
        rights: who may do what with it.
    """

    size: tuple[int, int]
    alpha: NDArray[np.uint8] | None = None
    exif: exif.Exif | None = None
    creators: list[str] = field(default_factory=list)
    rights: str = ""


def get_ready() -> None:
    """Load what reads some formats only: no picture's ration is to pay for that."""
    heif.can_read()


def decode(data: bytes, *, max_pixels: int) -> NDArray[np.uint8]:
    """Decode a picture's file whole.

    The first frame is taken, turned upright as its EXIF data says, converted from its embedded ICC
    profile to sRGB (a broken profile is ignored), and laid over middle grey where transparent.

    Args:
        data: the file, in one of `FORMATS`, or HEIC.
        max_pixels: a picture with more is refused before it is decoded.

    Returns:
        (H, W, 3) uint8, sRGB, both sides at least `SMALLEST_SIDE`.

    Raises:
        NoPictureError: nothing says that it is a picture.
        PictureUnreadableError: damaged, incomplete, too large or too small.
    """
    with _in_plain_words(data), _opened(data, max_pixels) as image:
        colours, _ = colour.flattened(_upright(image))
        return np.ascontiguousarray(np.asarray(colours, dtype=np.uint8))


def pixels_of(data: bytes, *, max_pixels: int) -> int:
    """How many pixels a picture has; they are not decoded for that.

    Args:
        data: the file.
        max_pixels: as for `decode`.

    Raises:
        PictureUnreadableError: as for `decode`, as far as it shows before the pixels are looked at.
    """
    with _in_plain_words(data), _opened(data, max_pixels, load=False) as image:
        return image.width * image.height


def about(data: bytes, *, max_pixels: int, location: bool) -> About:
    """What else is in a photo that was decoded; its pixels are looked at only for their alpha.

    Args:
        data: the file.
        max_pixels: as for `decode`.
        location: whether the place where it was taken is to be known.

    Raises:
        PictureUnreadableError: as for `decode`. Notes that are broken are no reason.
    """
    with _in_plain_words(data), _opened(data, max_pixels, load=False) as image:
        # Of a TIFF Pillow tells the upright size at once.
        turned = image.format != "TIFF" and _orientation(image) in _SIDEWAYS
        size = image.size[::-1] if turned else image.size
        noted = _if_sound(lambda: _exif(data, image, location=location))
        credits_ = _if_sound(lambda: _credits(image)) or xmp.Found()
        alpha = None
        if colour.may_be_transparent(image):
            image.load()
            alpha = _shown(colour.flattened(_upright(image))[1])
        return About(size, alpha, noted, credits_.creators, credits_.rights)


def encode(  # noqa: PLR0913 - each decides about the file
    picture: NDArray[np.float32],
    format_: encoding.Format,
    quality: int,
    *,
    size: tuple[int, int] | None = None,
    alpha: NDArray[np.uint8] | None = None,
    depth: int = 8,
    lossless: bool = False,
    notes: encoding.Notes | None = None,
    retouch: scaling.Retouch | None = None,
) -> bytes:
    """Encode a picture, tagged as sRGB.

    Args:
        picture: (H, W, 3), sRGB, 0 to 255; what lies outside is clipped.
        format_: of the file. JPEG keeps full colour resolution (4:4:4).
        quality: of a JPEG, or of a WebP that is not lossless, 1 to 100.
        size: width and height of the result; the picture's own if None.
        alpha: of the photo that it was painted from; left out where the format has no room for it.
        depth: bits a channel; 16 for PNG and TIFF only, others have 8.
        lossless: of WebP.
        notes: what the file says besides.
        retouch: what is done to each plane once it has its size.

    Returns:
        The file; the same picture gives the same bytes.

    Raises:
        ValueError: the picture holds NaN or infinity.
    """
    if not np.isfinite(picture).all():
        raise ValueError("the picture is not finite")
    depth = depth if format_ in encoding.HOLDS_DEPTH else 8
    alpha = alpha if format_ in encoding.HOLDS_ALPHA else None
    height, width = picture.shape[:2]
    channels = scaling.channels(picture, size or (width, height), alpha, depth, retouch)
    return encoding.encoded(
        channels, format_, quality, lossless=lossless, notes=notes or encoding.Notes()
    )


@contextmanager
def _in_plain_words(data: bytes) -> Iterator[None]:
    """Whatever a decoder raises over a file becomes a sentence about that file."""
    if not data:
        raise PictureUnreadableError("The file is empty. Copy it again from where it came from.")
    with _quiet_pillow(), _silent_libraries():
        try:
            yield
        except PictureUnreadableError:
            raise
        except MemoryError as error:
            raise PictureUnreadableError(
                "The picture needs more memory than there is. Save it smaller and try again."
            ) from error
        except UnidentifiedImageError as error:
            raise _unidentified(data) from error
        except Exception as error:  # damaged data makes Pillow's readers raise anything at all
            raise PictureUnreadableError(colour.DAMAGED) from error


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


@contextmanager
def _opened(data: bytes, max_pixels: int, *, load: bool = True) -> Iterator[Image.Image]:
    """The picture in a file, its size and its end looked at."""
    _expect_the_picture_itself(data)
    if (deep := deep_tiff.described(data)) is not None:
        _check_size(deep.size, max_pixels)
        _check_end(data, "TIFF")
        yield deep_tiff.read(data, deep)
        return
    formats = (*FORMATS, heif.FORMAT) if heif.can_read() else FORMATS
    source = heif.harmless(data) if heif.is_heic(data) else data
    with Image.open(io.BytesIO(source), formats=formats) as image:
        _check_size(image.size, max_pixels)
        _check_end(data, image.format or "")
        if load:
            image.load()
            _check_size(image.size, max_pixels)  # some formats know their true size only now
        yield image


def _expect_the_picture_itself(data: bytes) -> None:
    """Refuse a file whose first picture, the one that is read, is a preview of what people mean."""
    if raw.is_raw(data):
        raise PictureUnreadableError(_RAW)
    if raw.begins_with_a_preview(data):
        raise PictureUnreadableError(_PREVIEW_FIRST)


def _check_end(data: bytes, format_: str) -> None:
    if not ends.is_whole(data, format_):
        raise PictureUnreadableError(_UNFINISHED)


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


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - a camera's broken note about itself is no reason to refuse
        return 1


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    return image.copy() if turn is None else image.transpose(turn)


def _shown(alpha: Image.Image | None) -> NDArray[np.uint8] | None:
    if alpha is None:
        return None
    values = np.asarray(alpha, dtype=np.uint8)
    return None if values.min() == np.iinfo(np.uint8).max else values


def _if_sound(read: Callable[[], _T]) -> _T | None:
    """A photo's notes; none where they are broken, in whatever way."""
    try:
        return read()
    except Exception:  # noqa: BLE001 - whoever wrote them, they are no reason to refuse a photo
        return None


def _exif(data: bytes, image: Image.Image, *, location: bool) -> exif.Exif | None:
    noted = image.info.get("exif", b"") if ifd.start(data) is None else data
    return exif.kept(noted, location=location) if isinstance(noted, bytes) else None


def _credits(image: Image.Image) -> xmp.Found:
    """Author and rights, wherever this format's reader has put its XMP packet."""
    for key in ("xmp", encoding.XMP_KEYWORD):
        packet = image.info.get(key, b"")
        packet = packet.encode(errors="replace") if isinstance(packet, str) else packet
        if isinstance(packet, bytes) and packet:
            return xmp.read(packet)
    return xmp.Found()


def _unidentified(data: bytes) -> PictureUnreadableError:
    if heif.is_heic(data):
        if heif.can_read():
            whole = ends.is_whole(data, heif.FORMAT)
            return PictureUnreadableError(colour.DAMAGED if whole else _UNFINISHED)
        return PictureUnreadableError(
            "The photo is in the HEIC format, which cannot be read here. Save it as a JPEG."
        )
    if not data.strip(b"\0"):
        return PictureUnreadableError(_UNFINISHED)
    return NoPictureError(NOT_READ)
