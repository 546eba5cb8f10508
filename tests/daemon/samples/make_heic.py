"""Make the HEIC files beside this one. The program itself only reads HEIC, and so do its tests.

Needs pillow-heif, which brings an encoder (x265, under the GPL) and is therefore no dependency, not
even of the tests: install it into an environment of its own, and run this file there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, ImageCms

HERE = Path(__file__).resolve().parent
PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/">'
    b"<dc:creator><rdf:Seq><rdf:li>Ada</rdf:li></rdf:Seq></dc:creator>"
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def scene() -> Image.Image:
    """Four flat quarters: red, green, blue and light grey, as in the tests of other formats."""
    picture = np.empty((48, 64, 3), np.uint8)
    picture[:24, :32] = (200, 30, 30)
    picture[:24, 32:] = (30, 200, 30)
    picture[24:, :32] = (30, 30, 200)
    picture[24:, 32:] = (220, 220, 220)
    return Image.fromarray(picture)


def main() -> None:
    """Write them."""
    pillow_heif.register_heif_opener()
    plain = scene()
    plain.save(HERE / "plain.heic", quality=95, chroma=444)
    exif = Image.Exif()
    exif[0x010F] = "Phone"
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    turned = plain.transpose(Image.Transpose.ROTATE_90)
    turned.save(
        HERE / "phone.heic",
        quality=95,
        chroma=444,
        exif=exif.tobytes(),  # whose orientation becomes the one of HEIC itself
        icc_profile=srgb,
        xmp=PACKET,
    )
    clear = plain.copy()
    clear.paste((255, 0, 0), (0, 0, 32, 24))
    clear.putalpha(255)
    clear.paste((255, 0, 0, 0), (0, 0, 32, 24))
    clear.save(HERE / "alpha.heic", quality=95, chroma=444)
    plain.convert("L").save(HERE / "grey.heic", quality=95)
    deep = np.asarray(plain).astype(np.uint16) * 257
    pillow_heif.from_bytes("RGB;16", (64, 48), deep.tobytes()).save(
        HERE / "deep.heic", quality=95, chroma=444
    )


if __name__ == "__main__":
    main()
