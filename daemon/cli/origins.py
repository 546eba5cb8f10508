"""The pictures that a result was made from: told, weighed again, and compared with others."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from daemon.cli.sources import MOST_WEIGHT, Weighted
from daemon.names import printable
from daemon.record import Record, Source
from daemon.runners.request import PaintRequest, StyleFile

_SHOWN: Final = 12  # digits of a hash that tell two files apart


def files_like(
    record: Record | None, styles: Sequence[Weighted], pictures: Sequence[bytes]
) -> tuple[StyleFile, ...]:
    """The styles with their weights: those of the record, if no weight was typed, else 1.

    Args:
        record: of the result that is to be repeated, if there is one.
        styles: as they were typed.
        pictures: their files.
    """
    usual = _weights_of(record, styles, pictures)
    return tuple(
        StyleFile(
            data, one.path.name, usual.get(_hash(data), 1.0) if one.weight is None else one.weight
        )
        for one, data in zip(styles, pictures, strict=True)
    )


def _weights_of(
    record: Record | None, styles: Sequence[Weighted], pictures: Sequence[bytes]
) -> dict[str, float]:
    """Weights by the files' hashes; none if the files are not those of the record."""
    if record is None or any(one.weight is not None for one in styles):
        return {}
    found = _sums((one.sha256, one.weight) for one in record.styles)
    named = Counter(map(_hash, pictures))
    if found.keys() != named.keys():
        return {}
    return {name: min(weight / named[name], MOST_WEIGHT) for name, weight in found.items()}


def made_from(record: Record, result: str) -> str:
    """Which pictures a result was made from, and what to do with that.

    Args:
        record: of the result.
        result: its name, for people.
    """
    return (
        "--like says how to paint, not what: name the pictures too, such as  atelierd stylize "
        f"PHOTO STYLE{_more_of(record)} -o FILE --like {result} . It was painted from the photo "
        f"{_described(record.content)} in the {_styles_of(record)}{_start_of(record)}"
        f"{_guided_by(record)}."
    )


def _more_of(record: Record) -> str:
    """Options that name pictures beside the photo and its first style, as they are typed."""
    typed = [
        ("--style STYLE2", len(record.styles) > 1),
        ("--init START", record.start is not None),
        ("--mask MASK", record.mask is not None),
        ("--content-regions REGIONS", record.regions is not None),
        ("--style-regions REGIONS2", any(one.regions is not None for one in record.styles)),
    ]
    return "".join(f" {words}" for words, there in typed if there)


def _styles_of(record: Record) -> str:
    if len(record.styles) == 1:
        return f"style {_described(record.styles[0])}"
    *others, last = (f"{_described(one)} of weight {one.weight:g}" for one in record.styles)
    return f"styles {', '.join(others)} and {last}"


def _start_of(record: Record) -> str:
    if record.start is None:
        return ""
    return f", started from the picture {_described(record.start)}"


def _guides_of(record: Record) -> Iterator[tuple[str, Source]]:
    """What it is, and the file, of all that said what is painted where."""
    if record.mask is not None:
        yield "the mask", record.mask
    if record.regions is not None:
        yield "the photo's regions", record.regions
    for number, one in enumerate(record.styles, start=1):
        if one.regions is not None:
            yield _regions_of(number, len(record.styles)), one.regions


def _guided_by(record: Record) -> str:
    return "".join(f", with {what} {_described(one)}" for what, one in _guides_of(record))


def _regions_of(number: int, styles: int) -> str:
    return "the style's regions" if styles == 1 else f"the regions of style {number}"


def _described(source: Source) -> str:
    name = f'"{printable(source.name)}"' if source.name else "without a name"
    return f"{name} (SHA-256 {source.sha256[:_SHOWN]}...)" if source.sha256 else name


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def differences(record: Record, request: PaintRequest) -> Iterator[str]:
    """Which of the pictures are others than the result was made from, each as a clause.

    Args:
        record: of the result.
        request: what is painted now.
    """
    if _hash(request.content) != record.content.sha256:
        yield f"The photo is another file than {_described(record.content)}"
    if len(record.styles) == len(request.styles) == 1:
        if _hash(request.styles[0].data) != record.styles[0].sha256:
            yield f"The style is another file than {_described(record.styles[0])}"
    else:
        yield from _differences_of_styles(record, request.styles)
    if record.start is not None and not request.start:
        yield f"No picture to start from is named; it was {_described(record.start)}"
    elif record.start is not None and _hash(request.start) != record.start.sha256:
        yield f"The picture to start from is another file than {_described(record.start)}"
    elif record.start is None and request.start:
        yield "A picture to start from is named, and there was none"
    yield from _differences_of_guides(record, request)


def _differences_of_guides(record: Record, request: PaintRequest) -> Iterator[str]:
    then = dict(_guides_of(record))
    count = len(request.styles)
    files = {"the mask": request.mask, "the photo's regions": request.regions}
    for number, style in enumerate(request.styles, start=1):
        files[_regions_of(number, count)] = style.regions
    for what in {**files, **then}:
        data, source = files.get(what, b""), then.get(what)
        if source is None:
            if data:
                yield f"A file is named for {what}, and there was none"
        elif not data:
            yield f"No file is named for {what}; it was {_described(source)}"
        elif _hash(data) != source.sha256:
            yield f"The file named for {what} is another one than {_described(source)}"


def _differences_of_styles(record: Record, styles: Sequence[StyleFile]) -> Iterator[str]:
    now = _shares((_hash(one.data), one.weight) for one in styles)
    then = _shares((one.sha256, one.weight) for one in record.styles)
    for source in record.styles:
        share = now.get(source.sha256)
        if share is None:
            yield f"None of the styles is the file {_described(source)}"
        elif now.keys() == then.keys() and not math.isclose(share, then[source.sha256]):
            was, is_ = (f"{100 * each:.3g} %" for each in (then[source.sha256], share))
            yield f"The share of the style {_described(source)} was {was} and is {is_}"
    for one in styles:
        if _hash(one.data) not in then:
            yield f'The style "{printable(one.name)}" was none of those'


def _shares(weights: Iterable[tuple[str, float]]) -> dict[str, float]:
    """How much of a blend each file is, by its hash."""
    sums = _sums(weights)
    whole = sum(sums.values())
    return {name: weight / whole for name, weight in sums.items()}


def _sums(weights: Iterable[tuple[str, float]]) -> dict[str, float]:
    """One that is named twice counts twice."""
    sums: dict[str, float] = {}
    for name, weight in weights:
        sums[name] = sums.get(name, 0.0) + weight
    return sums
