"""Packets are read from strangers, and written so that they are found and read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.formats import xmp
from daemon.formats.xmp import Found

RDF = b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
DC = b'xmlns:dc="http://purl.org/dc/elements/1.1/"'


def packet(inside: bytes, before: bytes = b"", attributes: bytes = b"") -> bytes:
    return (
        before + b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF " + RDF + b"><rdf:Description " + DC
        + b" " + attributes + b">" + inside + b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    )  # fmt: skip


def test_what_is_written_is_read_again() -> None:
    found = Found(["Ada & <Bob>", 'C"d'], "all ]]> mine", '{"a": "<&>"}')
    data = b"picture" + xmp.packet(found, "tool 1") + b"picture"
    assert xmp.record_in(data) == found.record
    assert xmp.read(data.removeprefix(b"picture").removesuffix(b"picture")) == found


def as_xml_holds_it(text: str) -> str:
    """Without what is no character there, and with one kind of end of line."""
    kept = (c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))
    return "".join(kept).replace("\r\n", "\n").replace("\r", "\n").strip()


@given(
    st.lists(st.text(min_size=1).filter(lambda text: text.strip() == text), max_size=8), st.text()
)
def test_any_names_make_a_packet_that_can_be_read(creators: list[str], rights: str) -> None:
    found = xmp.read(xmp.packet(Found(creators, rights, "{}"), "tool"))
    assert found.record == "{}"
    assert found.creators == [name for name in map(as_xml_holds_it, creators) if name]
    assert found.rights == as_xml_holds_it(rights)


def test_the_words_of_other_programs_are_read() -> None:
    inside = (
        b"<dc:creator><rdf:Seq><rdf:li> Ada </rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>"
        b"<dc:subject><rdf:Bag><rdf:li>cat</rdf:li></rdf:Bag></dc:subject>"
        b"<dc:rights><rdf:Alt><rdf:li xml:lang='x-default'>mine</rdf:li>"
        b"<rdf:li xml:lang='de'>meins</rdf:li></rdf:Alt></dc:rights>"
    )
    assert xmp.read(packet(inside)) == Found(["Ada", "Bob"], "mine", "")
    begin = "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>".encode()
    assert xmp.read(packet(inside, begin) + b" " * 2000 + b"<?xpacket end='w'?>\0").rights == "mine"
    assert xmp.read(packet(inside).decode().encode("utf-16")).creators == ["Ada", "Bob"]


def test_a_record_is_read_as_an_attribute_too() -> None:
    ours = f'xmlns:a="{xmp.OURS}" a:Record="{{}}"'.encode()
    assert xmp.read(packet(b"", attributes=ours)).record == "{}"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<",
        b"no xml",
        packet(b"<dc:creator>"),
        packet(b"&lol;", b'<!DOCTYPE x [<!ENTITY lol "lol">]>'),
        packet(b"", b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'>"),
        packet(b"<dc:creator>" * 500),
        packet(b"x" * xmp.MOST_BYTES),
    ],
)
def test_what_is_broken_or_declares_things_is_nothing(data: bytes) -> None:
    assert xmp.read(data) == Found()


@pytest.mark.parametrize("encoding", ["foo", "hex", "rot13", "utf-16", "idna", "cp037"])
def test_an_encoding_that_is_none_or_another_is_nothing(encoding: str) -> None:
    declared = f'<?xml version="1.0" encoding="{encoding}"?>'.encode()
    inside = b"<dc:rights><rdf:li>mine</rdf:li></dc:rights>"
    assert xmp.read(packet(inside, b'<?xml version="1.0" encoding="utf-8"?>')).rights == "mine"
    assert xmp.read(packet(inside, declared)) == Found()


def test_billions_of_letters_are_none() -> None:
    bomb = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + b"".join(
        b"<!ENTITY a%d '%s'>" % (n, b"&a%d;" % (n - 1) * 10 if n else b"&a;") for n in range(12)
    )
    assert (
        xmp.read(packet(b"<dc:rights><rdf:li>&a11;</rdf:li></dc:rights>", bomb + b"]>")) == Found()
    )


def test_names_are_bounded() -> None:
    many = b"<rdf:li>" + b"x" * 5000 + b"</rdf:li>"
    found = xmp.read(packet(b"<dc:creator>" + many * 20 + b"</dc:creator>"))
    assert [len(name) for name in found.creators] == [1000] * 8


def test_the_first_packet_with_a_record_counts_and_few_are_looked_at() -> None:
    plain, ours = xmp.packet(Found(["Ada"]), "tool"), xmp.packet(Found(record="{}"), "tool")
    assert xmp.record_in(plain + ours) == "{}"
    assert xmp.record_in(b"<?xpacket begin=" * 100_000 + ours) == ""
    assert xmp.record_in(plain) == ""
    assert xmp.record_in(ours[:-20]) == ""  # its end is missing


def test_the_namespace_names_no_host() -> None:
    assert xmp.OURS.startswith("urn:uuid:")
