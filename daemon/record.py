"""What stands in each result about how it was made, so that it can be made again.

It is one JSON text in the picture's XMP packet (`daemon.formats.xmp`). Whoever reads it reads a
file that anybody may have made: its size is bounded, and so is every value in it.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daemon.errors import RecordError
from daemon.formats import xmp
from daemon.names import printable
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


class Record(_Part):
    """How one result was made."""

    program: Words = Field(description="version of the program")
    recipe: Recipe = Field(description="with its seed")
    size: Literal["working", "original"] = Field("working", description="output.size")
    refine: Annotated[int, Field(ge=0, le=64)] = Field(
        0, description="output.refine; 0 where nothing was refined"
    )
    content: Source = Field(description="the photo")
    style: Source = Field(description="the style picture")
    weights_sha256: Sha256 = Field("", description="of the trained weights")
    device: Words = Field("", description="where it was painted")
    precision: Words = Field("", description="of the network's numbers")


def source(name: str, data: bytes) -> Source:
    """A picture that goes in.

    Args:
        name: of its file.
        data: the file.
    """
    return Source(name=printable(name)[:_LONGEST_NAME], sha256=hashlib.sha256(data).hexdigest())


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
