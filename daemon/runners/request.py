"""What a runner is asked for: a picture to paint, whole as bytes, or that one be given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from engine import Recipe

PictureFormat = Literal["auto", "jpeg", "png", "webp", "tiff"]
ResultSize = Literal["working", "original"]

MOST_STYLES: Final = 16
"""Of one painting: each is looked at in all sizes, which takes as long as for one alone."""


@dataclass(frozen=True)
class StyleFile:
    """One style of a picture to paint.

    Attributes:
        data: the style picture's file.
        name: of that file, for people and for the record in the result.
        weight: its share in a blend, over 0; the shares need not add up to anything.
        regions: the file of a picture that marks its regions in colours; empty for none.
        regions_name: of that file.
    """

    data: bytes
    name: str = ""
    weight: float = 1.0
    regions: bytes = b""
    regions_name: str = ""


@dataclass(frozen=True)
class PaintRequest:
    """One picture to paint.

    Attributes:
        job_id: unique; stands in every event about this job.
        content: the photo's file, as it was found on the share (JPEG, PNG, ...).
        styles: at least one; several are blended.
        recipe: how to paint it.
        format: file format of the result; auto: as the photo and the depth ask for.
        quality: of JPEG and WebP, 1 to 100.
        max_pixels: a picture with more pixels is refused before it is decoded.
        glimpses: whether somebody looks on: then a `Glimpse` comes now and then.
        lossless: WebP keeps every value.
        depth: bits a colour of PNG and TIFF, 8 or 16.
        size: as large as it is painted, or as the photo.
        refine: steps in the photo's own size, once the painting is enlarged to that; a picture that
            stays a photograph takes none, but has the photo's own detail if there are any.
        keep_location: whether the result names the place where the photo was taken.
        content_name: of the photo's file, for the record in the result.
        start: the file of a picture to start from in place of the photo; empty for none.
        start_name: of that file, likewise.
        mask: the file of a picture that says what is painted (white) and what is kept (black);
            empty for none.
        mask_name: of that file.
        regions: the file of a picture that marks the photo's regions in colours, which those of
            one style at least have too; empty for none.
        regions_name: of that file.
        attempt_of: the job that this is an attempt at, where `job_id` is the attempt's own; empty:
            `job_id`.
    """

    job_id: str
    content: bytes
    styles: tuple[StyleFile, ...]
    recipe: Recipe
    format: PictureFormat = "jpeg"
    quality: int = 95
    max_pixels: int = 200_000_000
    glimpses: bool = False
    lossless: bool = False
    depth: int = 8
    size: ResultSize = "working"
    refine: int = 0
    keep_location: bool = False
    content_name: str = ""
    start: bytes = b""
    start_name: str = ""
    mask: bytes = b""
    mask_name: str = ""
    regions: bytes = b""
    regions_name: str = ""
    attempt_of: str = ""

    @property
    def photo_id(self) -> str:
        """The same for all attempts at one photo."""
        return self.attempt_of or self.job_id

    @property
    def refining(self) -> int:
        """Steps in the photo's own size: none if the result is to be as large as it is painted."""
        return self.refine if self.size == "original" else 0


@dataclass(frozen=True)
class CancelRequest:
    """A job that a runner has is to be given up: what its child is sent.

    Attributes:
        job_id: which.
        keep: what is painted of it is saved first.
    """

    job_id: str
    keep: bool = False
