"""TIFF files with numbers of 16 bits and more, as scanners and digital darkrooms write them.

Pillow opens some of these, and keeps the upper eight bits; others it refuses (floats, 32 bits, grey
with alpha) or gets wrong (16 bits, one colour after the other, not compressed; grey whose zero is
white). Plain grey is left to it. It can unpack the
bytes of them all, though, if they are described to it as a grey picture of as many bytes. So that
is done here, and what these bytes mean is this module's business.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from daemon.errors import PictureUnreadableError
from daemon.formats import ifd
from daemon.formats.colour import DAMAGED

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _ORIENTATION, _SAMPLES, _ROWS, _STRIP_SIZES, _PLANAR = 273, 274, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_SIZES = 317, 322, 323, 324, 325
_EXTRA, _SAMPLE_FORMAT, _XMP, _PROFILE = 338, 339, 700, 34675
_TAGS: Final = frozenset(
    [
        *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _STRIPS, _ORIENTATION, _SAMPLES),
        *(_ROWS, _STRIP_SIZES, _PLANAR, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILES),
        *(_TILE_SIZES, _EXTRA, _SAMPLE_FORMAT, _XMP, _PROFILE),
    ]
)
_LOSSLESS: Final = frozenset({1, 5, 8, 32773, 32946, 34925, 50000})
_UNSIGNED, _FLOAT = 1, 3
_KINDS: Final = {
    (_UNSIGNED, 16): "u2",
    (_UNSIGNED, 32): "u4",
    (_FLOAT, 16): "f2",
    (_FLOAT, 32): "f4",
}
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_BY_DIFFERENCES, _OF_FLOATS = 2, 3
_PREMULTIPLIED, _SEPARATE_ALPHA = 1, 2
_MOST_SAMPLES: Final = 8
_MOST_VALUE: Final = 16 << 20  # bytes of a list of strips, or of a profile
_WIDEST: Final = 1 << 16  # pixels of a tile
_HIGHLIGHTS: Final = 16.0  # floats up to here are meant as 0 to 1, with lights beyond
_EIGHT_BITS: Final = 255.0


@dataclass(frozen=True)
class DeepTiff:
    """The description of such a file.

    Attributes:
        size: width and height, as they are stored.
        entries: of its first directory.
        order: byte order.
        samples: numbers a pixel.
        kind: of these numbers, as numpy calls it.
    """

    size: tuple[int, int]
    entries: dict[int, ifd.Entry]
    order: str
    samples: int
    kind: str

    def number(self, tag: int, usual: int) -> int:
        """The first number of a tag."""
        found = self.numbers(tag)
        return found[0] if found else usual

    def numbers(self, tag: int) -> tuple[int, ...]:
        """All numbers of a tag; none if it is not there."""
        entry = self.entries.get(tag)
        return () if entry is None else entry.numbers(self.order)

    @property
    def colours(self) -> int:
        """How many of the samples are colours."""
        return 3 if self.number(_PHOTOMETRIC, _RGB) == _RGB else 1

    @property
    def has_alpha(self) -> bool:
        """Whether the sample behind the colours is an alpha channel."""
        alphas = {_PREMULTIPLIED, _SEPARATE_ALPHA}
        return self.samples > self.colours and self.number(_EXTRA, 0) in alphas

    @property
    def tiled(self) -> bool:
        """Whether it is cut in tiles, not in strips."""
        return _TILES in self.entries

    @property
    def tile_width(self) -> int:
        """Of its tiles, where it is tiled."""
        return self.number(_TILE_WIDTH, 0)


def described(data: bytes) -> DeepTiff | None:
    """What a file says of itself; None if it is none of these.

    Args:
        data: the whole file.
    """
    began = ifd.start(data)
    if began is None:
        return None
    order, place = began
    entries = ifd.read(data, order, place, _TAGS, _MOST_VALUE)
    bare = DeepTiff((0, 0), entries, order, 0, "")
    bits, kinds = set(bare.numbers(_BITS)), set(bare.numbers(_SAMPLE_FORMAT)) or {_UNSIGNED}
    samples, size = bare.number(_SAMPLES, 1), (bare.number(_WIDTH, 0), bare.number(_HEIGHT, 0))
    kind = _KINDS.get((min(kinds), min(bits))) if len(bits) == len(kinds) == 1 else None
    found = DeepTiff(size, entries, order, samples, kind or "")
    return found if kind is not None and _is_ours(found) else None


def _is_ours(found: DeepTiff) -> bool:
    known = found.number(_PHOTOMETRIC, -1) in {_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB}
    unpackable = found.number(_COMPRESSION, 1) in _LOSSLESS
    enough = min(found.size) > 0 and found.colours <= found.samples <= _MOST_SAMPLES
    cut = not found.tiled or 0 < found.tile_width <= _WIDEST
    return known and unpackable and enough and cut and not _is_plain_grey(found)


def _is_plain_grey(found: DeepTiff) -> bool:
    plain = found.number(_PHOTOMETRIC, -1) == _BLACK_IS_ZERO and found.kind != "f2"
    return found.samples == 1 and plain


def read(data: bytes, found: DeepTiff) -> Image.Image:
    """Read one; its pixels have been counted.

    Args:
        data: the whole file.
        found: what it says of itself.

    Returns:
        A picture of eight bits, with alpha if it has that, and with its profile, orientation and
        XMP packet.

    Raises:
        PictureUnreadableError: it holds what is no number.
        Exception: whatever Pillow raises over damaged data.
    """
    values = _values(data, found)
    full = _full(values)
    alpha = _share(values[:, :, -1], full) if found.has_alpha else None
    made = np.empty(values.shape, np.uint8)
    for place in range(values.shape[2]):
        share = _share(values[:, :, place], full)
        share = _meant(share, alpha, found) if place < found.colours else share
        made[:, :, place] = np.rint(np.clip(share, 0, 1) * _EIGHT_BITS)
    return _labelled(Image.fromarray(made[:, :, 0] if made.shape[2] == 1 else made), found)


def _values(data: bytes, found: DeepTiff) -> NDArray[Any]:
    """The colours, and alpha behind them; what else there is is left out."""
    planes = list(_planes(data, found))
    values = planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)
    return values[:, :, : found.colours + found.has_alpha]


def _meant(
    share: NDArray[np.float32], alpha: NDArray[np.float32] | None, found: DeepTiff
) -> NDArray[np.float32]:
    """One colour as it is meant: alpha may be multiplied in, and white be zero."""
    if alpha is not None and found.number(_EXTRA, 0) == _PREMULTIPLIED:
        share = np.divide(share, alpha, out=np.zeros_like(share), where=alpha > 0)
    return 1 - share if found.number(_PHOTOMETRIC, _RGB) == _WHITE_IS_ZERO else share


def _full(values: NDArray[Any]) -> float:
    """Which value is white."""
    if values.dtype.kind == "u":
        return float(np.iinfo(values.dtype).max)
    if not np.isfinite(values).all():
        raise PictureUnreadableError(DAMAGED)
    largest = float(values.max())
    return 1.0 if largest <= _HIGHLIGHTS else max(_EIGHT_BITS, largest)


def _share(plane: NDArray[Any], full: float) -> NDArray[np.float32]:
    return np.asarray(plane.astype(np.float32) / np.float32(full))


def _labelled(image: Image.Image, found: DeepTiff) -> Image.Image:
    for tag, name in ((_PROFILE, "icc_profile"), (_XMP, "xmp")):
        if tag in found.entries:
            image.info[name] = found.entries[tag].value
    image.getexif()[ExifTags.Base.Orientation] = found.number(_ORIENTATION, 1)
    return image


def _planes(data: bytes, found: DeepTiff) -> Iterator[NDArray[Any]]:
    """The numbers: (H, W, all of them) at once, or one after the other, as they are stored."""
    apart = found.number(_PLANAR, 1) == 2  # noqa: PLR2004 - TIFF 6.0
    together = 1 if apart else found.samples
    kind = np.dtype(found.order + found.kind)
    for number in range(found.samples if apart else 1):
        rows = _unpacked(data, found, together * kind.itemsize, number)
        parts = [
            _predicted(part, found, together, kind)
            for part in _columns(rows, found, kind, together)
        ]
        yield np.concatenate(parts, axis=1)[:, : found.size[0]]


def _unpacked(data: bytes, found: DeepTiff, step: int, number: int) -> NDArray[np.uint8]:
    """The bytes of one plane, (H, W * step), as Pillow unpacks them; whole tiles of them."""
    (width, height), order = found.size, found.order
    if found.tiled:
        width = -(-width // found.tile_width) * found.tile_width
    places, sizes = (_TILES, _TILE_SIZES) if found.tiled else (_STRIPS, _STRIP_SIZES)
    begins, lengths = found.numbers(places), found.numbers(sizes)
    each = len(begins) if step != np.dtype(found.kind).itemsize else len(begins) // found.samples
    part = slice(number * each, (number + 1) * each)
    entries = [
        ifd.long(_WIDTH, order, width * step),
        ifd.long(_HEIGHT, order, height),
        ifd.short(_BITS, order, 8),
        ifd.short(_COMPRESSION, order, found.number(_COMPRESSION, 1)),
        ifd.short(_PHOTOMETRIC, order, _BLACK_IS_ZERO),
        ifd.short(_SAMPLES, order, 1),
        ifd.long(places, order, *begins[part]),
        ifd.long(sizes, order, *lengths[part]),
    ]
    if found.tiled:
        entries.append(ifd.long(_TILE_WIDTH, order, found.tile_width * step))
        entries.append(ifd.long(_TILE_HEIGHT, order, found.number(_TILE_HEIGHT, 0)))
    else:
        entries.append(ifd.long(_ROWS, order, min(found.number(_ROWS, height), height)))
    place = len(data) + len(data) % 2
    head = ifd.header(order, place)
    whole = b"".join(
        [head, data[len(head) :], bytes(len(data) % 2), ifd.written(order, place, entries)]
    )
    with Image.open(io.BytesIO(whole), formats=["TIFF"]) as grey:
        return np.asarray(grey)


def _columns(
    rows: NDArray[np.uint8], found: DeepTiff, kind: np.dtype[Any], together: int
) -> Iterator[NDArray[np.uint8]]:
    """Predictors begin anew in each tile."""
    wide = found.tile_width * together * kind.itemsize if found.tiled else rows.shape[1]
    for left in range(0, rows.shape[1], wide):
        yield np.ascontiguousarray(rows[:, left : left + wide])


def _predicted(
    part: NDArray[np.uint8], found: DeepTiff, together: int, kind: np.dtype[Any]
) -> NDArray[Any]:
    """The numbers that some bytes stand for."""
    predictor, size = found.number(_PREDICTOR, 1), kind.itemsize
    if predictor == _OF_FLOATS:  # the highest bytes of all numbers first, and differences of those
        steps = part.reshape(len(part), -1, together)
        summed = np.cumsum(steps, axis=1, dtype=np.uint8).reshape(len(part), size, -1)
        part, kind = np.ascontiguousarray(summed.transpose(0, 2, 1)), kind.newbyteorder(">")
        return part.view(kind).reshape(len(part), -1, together)
    values = part.view(f"{found.order}u{size}").reshape(len(part), -1, together)
    if predictor == _BY_DIFFERENCES:
        values = np.cumsum(values, axis=1, dtype=f"u{size}")
        kind = kind.newbyteorder("=")
    return values.view(kind)
