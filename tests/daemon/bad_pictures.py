"""A small corpus of pictures that are odd, broken, or made to harm whoever decodes them.

Everything is built here, from nothing but Pillow, zlib and a seed: the same corpus at each run.
"""

from __future__ import annotations

import functools
import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageCms

from daemon import pictures
from daemon.child import settle_in
from daemon.errors import PictureUnreadableError
from daemon.formats import encoding, heif, ifd
from daemon.rations import Ration, ration_for, rationed

SIZE: Final = (64, 48)
SAMPLES: Final = Path(__file__).resolve().parent / "samples"
RATION: Final = ration_for(2_000_000, 10_000_000)
PNG: Final = b"\x89PNG\r\n\x1a\n"
_BOMB: Final = 40_000_000  # zeros; deflated they are a thousandth of that
_HUGE: Final = 30_000
_DEEP: Final[dict[int, int | tuple[int, int, int]]] = {
    258: (3, 2, 16 << 16 | 16), 262: 1, 277: 2, 317: 2,
}  # fmt: skip

Answer = tuple[str, str, tuple[int, ...]]
"""What `decode_for` says: "picture", "refused" or "escaped"; words; the picture's shape."""


def decode_for(connection: Connection) -> None:
    """A child's whole life: files and rations come, what became of them goes back."""
    settle_in()
    pictures.get_ready()
    while True:
        try:
            data, ration = connection.recv()
        except EOFError:
            return
        connection.send(_decoded(data, ration))


def _decoded(data: bytes, ration: Ration) -> Answer:
    try:
        with rationed(ration):
            picture = pictures.decode(data, max_pixels=ration.pixels)
    except PictureUnreadableError as error:
        return "refused", str(error), ()
    except BaseException as error:  # noqa: BLE001 - that is the question
        return "escaped", repr(error), ()
    return "picture", str(picture.dtype), picture.shape


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def scene(size: tuple[int, int] = SIZE) -> Image.Image:
    """Something with edges and slopes."""
    width, height = size
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    picture = np.stack([across, down, (across * 7 + down * 3) % 256], axis=-1)
    return Image.fromarray(picture.astype(np.uint8))


@functools.cache
def good() -> dict[str, bytes]:
    """Whole pictures of every format that is read, and of every kind of pixel."""
    plain, clear = scene(), scene()
    clear.putalpha(Image.linear_gradient("L").resize(SIZE))
    deep = Image.fromarray(np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16))
    real = Image.fromarray(np.linspace(0, 1, 64 * 48).reshape(48, 64).astype(np.float32))
    frames = [plain.rotate(angle) for angle in (90, 180)]
    films: dict[str, Any] = {"save_all": True, "append_images": frames}
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 3
    found = {
        **{kind: saved(plain, kind) for kind in pictures.FORMATS},
        "progressive": saved(plain, "JPEG", progressive=True, icc_profile=srgb, exif=exif),
        "cmyk jpeg": saved(plain.convert("CMYK"), "JPEG"),
        "grey jpeg": saved(plain.convert("L"), "JPEG"),
        "cmyk tiff": saved(plain.convert("CMYK"), "TIFF"),
        "lab tiff": saved(plain.convert("RGB").convert("LAB"), "TIFF"),
        "16 bits png": saved(deep, "PNG"),
        "16 bits tiff": saved(deep, "TIFF"),
        "float tiff": saved(real, "TIFF"),
        "grey png": saved(plain.convert("L"), "PNG"),
        "palette png": saved(plain.quantize(16), "PNG", transparency=0),
        "two colours png": saved(plain.convert("1"), "PNG"),
        "alpha png": saved(clear, "PNG", icc_profile=srgb, exif=exif),
        "grey alpha png": saved(clear.convert("LA"), "PNG"),
        "alpha webp": saved(clear, "WEBP"),
        "lossless webp": saved(clear, "WEBP", lossless=True),
        "alpha gif": saved(clear, "GIF"),
        "rgba tiff": saved(clear, "TIFF", compression="tiff_adobe_deflate"),
        "lzw tiff": saved(plain, "TIFF", compression="tiff_lzw"),
        "jpeg tiff": saved(plain, "TIFF", compression="jpeg"),
        "fax tiff": saved(plain.convert("1"), "TIFF", compression="group4"),
        "pgm": saved(plain.convert("L"), "PPM"),
        "animated gif": saved(plain, "GIF", **films),
        "animated png": saved(plain, "PNG", **films),
        "animated webp": saved(plain, "WEBP", **films),
        "animated avif": saved(plain, "AVIF", **films),
        "many pages tiff": saved(plain, "TIFF", **films),
        "deep png": result(plain, "png", 16),
        "deep tiff": result(plain, "tiff", 16),
        "deep alpha tiff": result(clear, "tiff", 16),
        "alpha avif": saved(clear, "AVIF"),
        **(heic() if heif.can_read() else {}),
    }
    return dict(sorted(found.items()))


def heic() -> dict[str, bytes]:
    """Photos of phones, made before (`samples/make_heic.py`): nothing here writes them."""
    return {f"{path.stem} heic": path.read_bytes() for path in sorted(SAMPLES.glob("*.heic"))}


def result(image: Image.Image, kind: encoding.Format, depth: int) -> bytes:
    """As the program itself saves it."""
    picture, alpha = np.asarray(image.convert("RGB"), np.float32), None
    if "A" in image.getbands():
        alpha = np.asarray(image.getchannel("A"))
    return pictures.encode(picture, kind, 95, alpha=alpha, depth=depth)


@functools.cache
def bad() -> dict[str, bytes]:
    """One file of each class that is to be refused, or survived."""
    return {
        **_no_pictures(), **_odd_sizes(), **_bombs(), **_traps(), **_broken_notes(), **raw_files(),
    }  # fmt: skip


def truncated() -> Iterator[tuple[str, bytes]]:
    """Each good file, cut short in a few places."""
    for name, data in good().items():
        for share in (0.02, 0.3, 0.7, 0.98):
            yield f"{name}, the first {share:.0%}", data[: int(len(data) * share)]


def mutated(number: int, seed: int = 20) -> Iterator[tuple[str, bytes]]:
    """Good files, damaged at random."""
    chance = random.Random(seed)  # noqa: S311 - damage, no secrets
    whole = list(good().items())
    for turn in range(number):
        name, data = whole[turn % len(whole)]
        for _ in range(chance.randint(1, 4)):
            damage = chance.choice(_DAMAGES)
            data = damage(chance, data)
        yield f"{name}, mutation {turn} of seed {seed}", data


def _flip(chance: random.Random, data: bytes) -> bytes:
    spoilt = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        if spoilt:
            spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def _flip_early(chance: random.Random, data: bytes) -> bytes:
    return _flip(chance, data[:200]) + data[200:]


def _extreme_number(chance: random.Random, data: bytes) -> bytes:
    number = chance.choice([0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
    place = chance.randrange(min(len(data), 400) + 1)
    return data[:place] + struct.pack(chance.choice("<>") + "I", number) + data[place + 4 :]


def _part(chance: random.Random, data: bytes) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.randint(1, 64))


def _remove(chance: random.Random, data: bytes) -> bytes:
    start, end = _part(chance, data)
    return data[:start] + data[end:]


def _repeat(chance: random.Random, data: bytes) -> bytes:
    start, end = _part(chance, data)
    return data[:end] + data[start:end] * chance.randint(1, 20) + data[end:]


def _noise(chance: random.Random, data: bytes) -> bytes:
    start, end = _part(chance, data)
    return data[:start] + chance.randbytes(end - start) + data[end:]


_DAMAGES: Final[tuple[Callable[[random.Random, bytes], bytes], ...]] = (
    _flip, _flip_early, _extreme_number, _remove, _repeat, _noise,
)  # fmt: skip


def _no_pictures() -> dict[str, bytes]:
    return {
        "nothing": b"",
        "one byte": b"\xff",
        "zeros": bytes(100_000),
        "text": b"Dear diary, today I was no picture.\n" * 50,
        "page": b"<!DOCTYPE html><script>alert(1)</script>",
        "program": b"MZ" + bytes(500),
        "archive": b"PK\x03\x04" + bytes(500),
        "pdf": b"%PDF-1.7\n1 0 obj\n",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n",
        "heic": b"\0\0\0\x18ftypheic" + bytes(200),
        "only a jpeg's start": b"\xff\xd8\xff\xe0",
        "only a png's start": PNG,
    }


def raw_files() -> dict[str, bytes]:
    """What cameras write, as far as it can be told from pictures: those of TIFF kind, and others.

    In each of TIFF kind a small picture stands first that any reader of TIFF would take.
    """
    found: dict[str, bytes] = {
        "rw2": b"IIU\0" + tiff({})[4:],
        "orf": b"IIRO" + tiff({})[4:],
        "orf of another year": b"IIRS" + tiff({})[4:],
        "orf of the other order": b"MMOR" + bytes(500),
        "raf": b"FUJIFILMCCD-RAW 0201FF389501" + good()["JPEG"],
        "cr3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + good()["JPEG"],
        "crw": b"II\x1a\0\0\0HEAPCCDR" + bytes(500),
        "mrw": b"\0MRM" + bytes(500),
        "x3f": b"FOVb" + bytes(500),
        "cr2": _with_directories("<", b"CR\2\0\0\0\0\0", {}),
        "iiq": _with_directories("<", b"IIII\x52waR", {}),
        "iiq of the other order": _with_directories(">", b"MMMMRawT", {}),
    }
    for order in "<>":
        found |= {
            f"{name}, {order}": _with_directories(order, b"", first, below)
            for name, first, below in (
                ("nef", {254: 1}, {262: 32803}),
                ("arw", {254: 1}, {254: 0, 262: 32803}),
                ("dng", {254: 1, 50706: 1}, {262: 34892}),
                ("dng without a preview", {50706: 1}, {}),
                ("pef", {262: 32803}, {}),
                ("what hides below a whole picture", {254: 0}, {262: 32803}),
            )
        }
    return found


def _with_directories(
    order: str, head: bytes, first: dict[int, int], below: dict[int, int] | None = None
) -> bytes:
    """A TIFF of a grey 64 x 48 picture, with tags changed, and a directory below its own."""
    usual = {256: 64, 257: 48, 258: 8, 259: 1, 262: 1, 273: 400, 277: 1, 278: 48, 279: 64 * 48}
    entries = [_entry(order, tag, value) for tag, value in {**usual, **first}.items()]
    inner = [_entry(order, tag, value) for tag, value in (below or {}).items()]
    place, directories = ifd.tree(order, 8 + len(head), entries, {330: inner})
    data = ifd.header(order, place) + head + directories
    return data.ljust(400, b"\0") + bytes(range(64)) * 48


def _entry(order: str, tag: int, value: int) -> ifd.Entry:
    """As cameras write them: kinds and places are long, versions bytes, all else is short."""
    if tag == 50706:
        return ifd.Entry(tag, 1, 4, bytes([value, 4, 0, 0]))
    return (ifd.long if tag in {254, 273, 279} else ifd.short)(tag, order, value)


def previews_first() -> dict[str, bytes]:
    """TIFF files that say that their first picture is a small one, and are no raw files."""
    return {
        f"{name}, {order}": _with_directories(order, b"", first)
        for order in "<>"
        for name, first in (("reduced", {254: 1}), ("reduced page", {254: 3}), ("old", {255: 2}))
    }


def _odd_sizes() -> dict[str, bytes]:
    thin = [(1, 1), (1, 20_000), (20_000, 1), (31, 500)]
    kinds = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM")
    small = {
        f"{width} x {height} {kind}": saved(Image.new("RGB", (width, height)), kind)
        for width, height in thin
        for kind in kinds
    }
    return {**small, **_huge_headers()}


def _huge_headers() -> dict[str, bytes]:
    """Files of some hundred bytes that say they are 30000 x 30000."""
    start = struct.pack(">IIBBBBB", _HUGE, _HUGE, 8, 2, 0, 0, 0)
    png = PNG + chunk(b"IHDR", start) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    jpeg = good()["JPEG"]
    frame = jpeg.index(b"\xff\xc0") + 5
    side = struct.pack(">H", _HUGE)
    little = struct.pack("<II", _HUGE, _HUGE)
    bmp, gif = good()["BMP"], good()["GIF"]
    j2k = good()["JPEG2000"]
    stated = struct.pack(">II", *reversed(SIZE))
    siz = struct.pack(">II", *SIZE)
    big = struct.pack(">II", _HUGE, _HUGE)
    avif = good()["AVIF"]
    webp = bytearray(good()["alpha webp"])
    webp[24:30] = (_HUGE - 1).to_bytes(3, "little") * 2
    return {
        "huge png": png,
        "huge jpeg": jpeg[:frame] + side * 2 + jpeg[frame + 4 :],
        "huge gif": gif[:6] + struct.pack("<HH", _HUGE, _HUGE) + gif[10:],
        "huge bmp": bmp[:18] + little + bmp[26:],
        "huge ppm": f"P6 {_HUGE} {_HUGE} 255\n".encode() + bytes(500),
        "huge tiff": tiff({256: _HUGE, 257: _HUGE}),
        "huge jpeg2000": j2k.replace(stated, big).replace(siz, big),
        "huge webp": bytes(webp),
        "huge avif": avif.replace(siz, big),
        "huge heic": (SAMPLES / "plain.heic").read_bytes().replace(siz, big),
        "huge deep tiff": tiff({256: _HUGE, 257: _HUGE, **_DEEP}),
        "deep tiff of wide tiles": tiff({322: 60_000, 323: 16, 324: 400, 325: 50, **_DEEP}),
        "deep tiff of endless tiles": tiff({322: 0, 323: 0, 324: 400, 325: 50, **_DEEP}),
        "deep tiff of many numbers": tiff({**_DEEP, 277: 60_000}),
        "deep tiff without strips": tiff({**_DEEP, 273: (4, 0, 0), 279: (4, 0, 0)}),
    }


def _bombs() -> dict[str, bytes]:
    zeros = zlib.compress(bytes(_BOMB), 9)
    inside = {
        "zTXt": chunk(b"zTXt", b"Comment\0\0" + zeros),
        "iTXt": chunk(b"iTXt", b"Comment\0\1\0\0\0" + zeros),
        "iCCP": chunk(b"iCCP", b"profile\0\0" + zeros),
        "many zTXt": chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(900_000), 9)) * 90,
        "many empty chunks": chunk(b"abCd", b"") * 100_000,
        "eXIf": chunk(b"eXIf", bytes(5_000_000)),
    }
    png = good()["PNG"]
    behind = len(PNG) + 25  # IHDR
    found = {f"png with {name}": png[:behind] + it + png[behind:] for name, it in inside.items()}
    header = png[:behind]
    found["png with too much data"] = header + chunk(b"IDAT", zeros) + chunk(b"IEND", b"")
    found["tiff with a strip that inflates"] = tiff({259: 8, 279: len(zeros)}, zeros)
    found["tiff with a vast tile"] = tiff(
        {259: 8, 322: 60_000, 323: 60_000, 324: 400, 325: len(zeros)}, zeros
    )
    return found


def _traps() -> dict[str, bytes]:
    """What loops, or makes work that the size of the picture does not show."""
    apng = good()["animated png"]
    control = apng.index(b"acTL") - 4
    frames = chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    film = good()["animated gif"]
    jpeg = good()["JPEG"]
    scan = jpeg.index(b"\xff\xda")
    data = scan + 2 + int.from_bytes(jpeg[scan + 2 : scan + 4], "big")
    frame = b"," + struct.pack("<4H", 0, 0, *SIZE)
    wide = struct.pack("<4H", 0, 0, 40_000, 40_000)
    return {
        "png of endless frames": apng[:control] + frames + apng[control + 20 :],
        "gif of many frames": film[:-1] + film[film.index(frame) : -1] * 300 + b";",
        "gif with a frame beyond its screen": good()["GIF"].replace(frame, b"," + wide),
        "tiff that leads to itself": tiff({}, following=8),
        "tiff with endless tags": tiff({270: (2, 2**31 - 1, 8)}),
        "heic with an item of no kind": (SAMPLES / "phone.heic")
        .read_bytes()
        .replace(b"\0Exif\0", b"\0\xff\xff\xff\x7f\0"),
        "heic with a packet of no kind": (SAMPLES / "phone.heic")
        .read_bytes()
        .replace(b"application/rdf", b"applic\xff\xff\xff\xffn/rdf"),
        "jpeg of fill bytes": jpeg[:data] + b"\xff" * 3_000_000,
        "jpeg of many scans": many_scans(256, 200),
        "jpeg of comments": jpeg[:2] + b"\xff\xfe\x00\x02" * 500_000 + jpeg[2:],
    }


def many_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each goes over all its pixels."""
    jpeg = saved(scene((side, side)), "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:last] + jpeg[last:-2] * scans + jpeg[-2:]


def _broken_notes() -> dict[str, bytes]:
    """Pictures that are whole, with EXIF data and profiles that are not."""
    plain = scene()
    rgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exifs = {
        "loop": b"Exif\0\0II*\0\x08\0\0\0\0\0\x08\0\0\0",
        "no end": b"Exif\0\0MM\0*\xff\xff\xff\xff",
        "orientation 99": b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x63\0\0\0\0\0\0\0",
        "many": b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\1\2\0\xff\xff\xff\x7f\0\0\0\0" * 50,
    }
    profiles = {
        "garbage": bytes(range(256)) * 4,
        "half": rgb[: len(rgb) // 2],
        "endless tags": rgb[:128] + b"\xff\xff\xff\xff" + rgb[132:],
        "of another kind": rgb[:16] + b"CMYK" + rgb[20:],
    }
    return {
        **{
            f"{kind} with exif: {name}": saved(plain, kind, exif=exif)
            for name, exif in exifs.items()
            for kind in ("JPEG", "PNG", "WEBP")
        },
        **{
            f"{kind} with profile: {name}": saved(plain, kind, icc_profile=profile)
            for name, profile in profiles.items()
            for kind in ("JPEG", "PNG", "TIFF", "WEBP")
        },
        "cmyk with the profile of a screen": saved(plain.convert("CMYK"), "JPEG", icc_profile=rgb),
    }


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def tiff(
    tags: dict[int, int | tuple[int, int, int]], data: bytes = bytes(500), following: int = 0
) -> bytes:
    """A TIFF of one grey 64 x 48 picture, with tags put in or changed.

    Args:
        tags: the value of each, or kind, count and value.
        data: of the picture, from byte 400 on.
        following: where the next picture's tags are.
    """
    usual: dict[int, int | tuple[int, int, int]] = {
        256: SIZE[0], 257: SIZE[1], 258: 8, 259: 1, 262: 1, 273: 400, 277: 1, 278: SIZE[1],
        279: SIZE[0] * SIZE[1],
    }  # fmt: skip
    entries = sorted({**usual, **tags}.items())
    body = struct.pack("<H", len(entries))
    for tag, value in entries:
        kind, count, number = value if isinstance(value, tuple) else (4, 1, value)
        body += struct.pack("<HHII", tag, kind, count, number)
    return (b"II*\0\x08\0\0\0" + body + struct.pack("<I", following)).ljust(400, b"\0") + data
