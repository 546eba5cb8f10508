"""XMP packets: author and rights are read from a photo's, and a result's own is written and found.

A packet is XML from a stranger: it is bounded, and one that declares anything of its own (entities,
from which billions of letters can be made) is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Final
from xml.parsers import expat

MOST_BYTES: Final = 256 * 1024
"""Of a packet that is read."""

OURS: Final = "urn:uuid:6b0f1d52-9c7e-4f43-8a35-d2f0c4a1be97#"
"""The namespace of what the program notes about its pictures: a number drawn once, and no host."""

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC: Final = "http://purl.org/dc/elements/1.1/"
_XMP: Final = "http://ns.adobe.com/xap/1.0/"
_BEGIN: Final = b"<?xpacket begin="
_END: Final = b"<?xpacket end="
_MOST_PACKETS: Final = 16
_MOST_CREATORS: Final = 8
_LONGEST: Final = 1000  # characters of a name
_DEEPEST: Final = 64
_RECORD: Final = "Record"


@dataclass
class Found:
    """What a packet says.

    Attributes:
        creators: who made the picture.
        rights: who may do what with it.
        record: what the program noted about a picture of its own; empty if it is none.
    """

    creators: list[str] = field(default_factory=list)
    rights: str = ""
    record: str = ""


class _RefusedError(Exception):
    """The packet is not to be read any further."""


class _Reader:
    """Listens to the parser; which elements it is in decides what a text is."""

    def __init__(self) -> None:
        self.found: Final = Found()
        self._path: list[str] = []
        self._text: list[str] = []

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        self._text = []
        if len(self._path) > _DEEPEST:
            raise _RefusedError
        self.found.record = attributes.get(OURS + _RECORD, self.found.record)

    def text(self, data: str) -> None:
        self._text.append(data)

    def end(self, name: str) -> None:
        text, self._text = "".join(self._text), []
        if name == OURS + _RECORD:
            self.found.record = text
        elif name == f"{_RDF}li":
            self._item(text.strip()[:_LONGEST])
        self._path.pop()

    def _item(self, text: str) -> None:
        if not text:
            return
        if f"{_DC}creator" in self._path and len(self.found.creators) < _MOST_CREATORS:
            self.found.creators.append(text)
        elif f"{_DC}rights" in self._path and not self.found.rights:
            self.found.rights = text  # the first stands for any language


def read(packet: bytes) -> Found:
    """What a packet says; nothing, if it is none.

    Args:
        packet: from anybody.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator="")
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        if len(packet) <= MOST_BYTES:
            parser.Parse(_trimmed(packet), True)
    # LookupError: of an encoding that there is not, or that makes no letters of bytes (rot13).
    except (expat.ExpatError, _RefusedError, ValueError, LookupError):
        return Found()
    return reader.found


def _trimmed(packet: bytes) -> bytes:
    """A packet without what it is padded with; one of two bytes a letter is left as it is."""
    return packet if b"\0" in packet[:4] else packet.strip(b"\0 \r\n\t")


def _refuse(*_: object) -> None:
    raise _RefusedError


def record_in(data: bytes) -> str:
    """The record in a file of any format; empty if there is none.

    Packets are looked for as XMP asks that programs find them which do not know a file's format:
    by what they begin and end with. So nothing of the picture is decoded.

    Args:
        data: the whole file.
    """
    return next(filter(None, (read(packet).record for packet in _packets(data))), "")


def _packets(data: bytes) -> Iterator[bytes]:
    begin = -1
    for _ in range(_MOST_PACKETS):
        begin = data.find(_BEGIN, begin + 1)
        end = data.find(_END, begin, begin + MOST_BYTES) if begin >= 0 else -1
        if begin < 0:
            return
        if end >= 0:
            yield data[begin:end]


def packet(found: Found, tool: str) -> bytes:
    """Write a packet.

    Args:
        found: what it is to say.
        tool: the program, with its version.

    Returns:
        UTF-8; the same words give the same bytes.
    """
    parts = [f"<xmp:CreatorTool>{_clean(tool)}</xmp:CreatorTool>"]
    if found.creators:
        parts.append(f"<dc:creator>{_several('Seq', found.creators)}</dc:creator>")
    if found.rights:
        rights = f'<rdf:li xml:lang="x-default">{_clean(found.rights)}</rdf:li>'
        parts.append(f"<dc:rights><rdf:Alt>{rights}</rdf:Alt></dc:rights>")
    if found.record:
        parts.append(f"<atelierd:{_RECORD}>{_clean(found.record)}</atelierd:{_RECORD}>")
    body = "\n".join(parts)
    return f"""\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">
<rdf:Description rdf:about="" xmlns:dc="{_DC}" xmlns:xmp="{_XMP}" xmlns:atelierd="{OURS}">
{body}
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>""".encode()


def _several(kind: str, texts: list[str]) -> str:
    items = "".join(f"<rdf:li>{_clean(text)}</rdf:li>" for text in texts)
    return f"<rdf:{kind}>{items}</rdf:{kind}>"


def _clean(text: str) -> str:
    """A text as XML holds it: what is no character in XML is left out."""
    known = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
    return escape(known, quote=False)  # XML's own would load all there is for the network
