"""What stands in each result about how it was made, so that it can be made again.

It is one JSON text in the picture's XMP packet (`daemon.formats.xmp`). Whoever reads it reads a
file that anybody may have made: its size is bounded, and so is every value in it.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from daemon.errors import RecordError
from daemon.formats import xmp
from daemon.names import printable
from daemon.runners.request import MOST_STYLES
from engine import Recipe

_MOST: Final = 32 * 1024  # characters of the JSON
_LONGEST_NAME: Final = 255
_NONE: Final = (
    "{} does not say how it was made. Only pictures that this program has painted do, and those "
    "that other programs have saved since may not."
)
_BROKEN: Final = (
    "What {} says about how it was made cannot be used: it is damaged, or was written by another "
    "version of the program."
)

Sha256 = Annotated[str, Field(pattern=r"^(?:[0-9a-f]{64})?$")]
Words = Annotated[str, Field(max_length=_LONGEST_NAME)]


class _Part(BaseModel):
    # What a later version adds is passed over.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Source(_Part):
    """A picture that went in."""

    name: Words = Field("", description="of its file")
    sha256: Sha256 = Field("", description="of its file, in hexadecimal")


class StyleSource(Source):
    """A style picture that went in."""

    weight: Annotated[float, Field(gt=0, le=1e6)] = Field(
        1.0, description="its share in the blend; the shares need not add up to anything"
    )
    regions: Source | None = Field(None, description="the picture that marks its regions, if any")


class Record(_Part):
    """How one result was made."""

    program: Words = Field(description="version of the program")
    recipe: Recipe = Field(description="with its seed")
    size: Literal["working", "original"] = Field("working", description="output.size")
    refine: Annotated[int, Field(ge=0, le=64)] = Field(
        0, description="output.refine; 0 where nothing came of it"
    )
    content: Source = Field(description="the photo")
    styles: tuple[StyleSource, ...] = Field(
        min_length=1, max_length=MOST_STYLES, description="the style pictures"
    )
    start: Source | None = Field(None, description="the picture that it was started from, if any")
    mask: Source | None = Field(None, description="what says what of the photo is painted, if any")
    regions: Source | None = Field(
        None, description="the picture that marks the photo's regions, if any"
    )
    weights_sha256: Sha256 = Field("", description="of the trained weights")
    device: Words = Field("", description="where it was painted")
    precision: Words = Field("", description="of the network's numbers")

    @model_validator(mode="before")
    @classmethod
    def _of_one_style(cls, fields: Any) -> Any:
        """Older results name one `style`."""
        if isinstance(fields, dict) and "style" in fields and "styles" not in fields:
            return {**fields, "styles": [fields["style"]]}
        return fields


def source(name: str, data: bytes) -> Source:
    """A picture that goes in.

    Args:
        name: of its file.
        data: the file.
    """
    return Source(name=printable(name)[:_LONGEST_NAME], sha256=hashlib.sha256(data).hexdigest())


def style(
    name: str, data: bytes, weight: float = 1.0, regions: Source | None = None
) -> StyleSource:
    """A style picture that goes in.

    Args:
        name: of its file.
        data: the file.
        weight: its share in the blend.
        regions: the picture that marks its regions.
    """
    return StyleSource(**source(name, data).model_dump(), weight=weight, regions=regions)


def record_of(data: bytes, name: str) -> Record:
    """Read how a result was made; its picture is not decoded.

    Args:
        data: the file.
        name: of the file, for people.

    Raises:
        RecordError: it does not say, or nothing that can be used.
    """
    text = xmp.record_in(data)
    if not text:
        raise RecordError(_NONE.format(name))
    try:
        if len(text) <= _MOST:
            return Record.model_validate_json(text)
    except (ValidationError, RecursionError) as error:
        raise RecordError(_BROKEN.format(name)) from error
    raise RecordError(_BROKEN.format(name))
