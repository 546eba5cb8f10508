"""`atelierd stylize`: one photo, one style, one picture; no share and no service."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import click

from daemon.cli import bar
from daemon.cli.failures import Debugging
from daemon.cli.like import Wishes, usual, warn_of_engine, warn_of_files, wishes_like
from daemon.cli.options import OF_THE_SERVICE, SHORT_WISHES, OrFile, settings_options
from daemon.cli.origins import files_like, made_from
from daemon.cli.output import FORMATS, NAMES, check_output, written
from daemon.cli.sources import (
    Guides,
    Named,
    expect_partners,
    expect_start,
    read_picture,
    styles_named,
)
from daemon.configuration import Resolved
from daemon.errors import (
    AtelierError,
    EngineLostError,
    NoWeightsError,
    PictureUnreadableError,
    UsageError,
)
from daemon.names import printable
from daemon.record import Record, record_of
from daemon.runners.base import (
    Cancelled,
    EngineReady,
    EngineUnavailable,
    Event,
    Failed,
    NotesTrouble,
    NotRefined,
    Painted,
)
from daemon.runners.local import LocalRunner
from daemon.runners.request import PaintRequest, StyleFile
from daemon.settings import EngineSettings, Settings
from engine.errors import EngineError
from engine.weights import known, source_in_place

_CLOSE_SECONDS: Final = 5.0
_PATH: Final = click.Path(path_type=Path)
_SHORT: Final = {
    **SHORT_WISHES,
    "paint.iterations": "--iterations",
    "paint.strength": "--strength",
    "paint.stroke_size": "--stroke-size",
    "paint.colors": "--colors",
    "paint.style_loss": "--style-loss",
    "paint.tv_weight": "--tv-weight",
    "paint.tv_norm": "--tv-norm",
    "paint.photo": "--photo",
    "paint.realism_weight": "--realism-weight",
    "paint.pooling": "--pooling",
    "paint.normalization": "--normalization",
    "paint.init": "--init",
    "paint.init_noise": "--init-noise",
    "paint.seed": "--seed",
    "engine.device": "--device",
    "engine.weights": "--weights",
}
_START: Final = {"paint.init": OrFile("start", "content", "a picture to start from")}
_OUTPUT: Final = ("quality", "lossless", "depth", "size", "refine", "keep_location")


@click.command()
@click.argument("content", type=_PATH, required=False)
@click.argument("style", type=click.Path(), metavar="[STYLE[:WEIGHT]]", required=False)
@click.option("-o", "--output", type=_PATH, help=f"The file to make: {NAMES}.")
@click.option(
    "--force", "is_forced", is_flag=True, help="Replace the file to make, if it is there already."
)
@click.option(
    "--like",
    type=_PATH,
    metavar="RESULT",
    help="Paint as this result was; CONTENT and STYLE have to be named too. What is typed wins. "
    "Alone it says which pictures the result was made from.",
)
@click.option(
    "--style",
    "more",
    type=click.Path(),
    multiple=True,
    metavar="PICTURE[:WEIGHT]",
    help="One more style, to be blended with the others by their weights (1 if none is given); "
    "may be given several times.",
)
@click.option(
    "--mask",
    type=_PATH,
    metavar="FILE",
    help="A picture that is white where the photo is painted, black where it stays as it is.",
)
@click.option(
    "--content-regions",
    type=_PATH,
    metavar="FILE",
    help="A picture that marks regions of the photo in plain colours; each is painted after the "
    "region of the same colour in the style.",
)
@click.option(
    "--style-regions",
    type=_PATH,
    multiple=True,
    metavar="FILE",
    help="A picture that marks regions of the style in the same colours; with several styles given "
    "once for each, in their order.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object about the picture.")
@settings_options(
    "paint",
    "engine",
    *(f"output.{name}" for name in _OUTPUT),
    "watch.max_file_mb",
    "watch.max_megapixels",
    without=("paint.default_style", *OF_THE_SERVICE),
    short=_SHORT,
    or_file=_START,
)
def command(  # noqa: PLR0913 - a command line's parts
    resolved: Resolved,
    /,
    content: Path | None,
    style: str | None,
    *,
    more: tuple[str, ...],
    start: Path | None,
    mask: Path | None,
    content_regions: Path | None,
    style_regions: tuple[Path, ...],
    output: Path | None,
    is_forced: bool,
    like: Path | None,
    as_json: bool,
) -> None:
    """Paint the photo CONTENT in the style of the picture STYLE, or in a blend of several.

    An existing OUTPUT is refused, or with --force replaced once the picture is done.
    """
    record = _record(like, resolved.settings)
    named, output = _all_named(content, (style, more), start, output, record, like)
    named = replace(named, guides=Guides(mask, content_regions, style_regions))
    expect_partners(named.guides, len(named.styles))
    check_output(output, *named.paths, replace=is_forced)
    _check_start(named, resolved)
    with _saying_when_stopped("Stopped: nothing was written."):
        wishes = usual(resolved) if record is None else wishes_like(record, resolved)
        request = _request(resolved.settings, wishes, named, record, output)
        painted = _paint(request, resolved.settings.engine, named, record)
    late = f"Stopped while {printable(output)} was being written: see whether it is there."
    with _saying_when_stopped(late):
        output = written(output, painted, replace=is_forced)
    report = {"output": str(output), **painted.report}
    click.echo(json.dumps(report) if as_json else _sentence(report))


def _record(like: Path | None, settings: Settings) -> Record | None:
    if like is None:
        return None
    return record_of(read_picture(like, settings.watch.max_file_mb), printable(like))


def _all_named(  # noqa: PLR0913, PLR0917 - a command line's parts
    content: Path | None,
    styles: tuple[str | None, tuple[str, ...]],
    start: Path | None,
    output: Path | None,
    record: Record | None,
    like: Path | None,
) -> tuple[Named, Path]:
    found = styles_named(*styles)
    if content is None or not found:
        if record is not None and like is not None:
            raise UsageError(made_from(record, printable(like)))
        raise UsageError("Name a photo and a style picture: atelierd stylize PHOTO STYLE -o FILE.")
    if output is None:
        raise UsageError("Name the file to make, such as -o painted.jpg.")
    return Named(content, found, start), output


@contextmanager
def _saying_when_stopped(words: str) -> Iterator[None]:
    """After Ctrl-C nobody should have to wonder what became of the picture."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(words, err=True)
        raise


def _check_start(named: Named, resolved: Resolved) -> None:
    if named.start is None:
        return
    expect_start(named.start)
    if resolved.sources["paint.init_noise"].startswith("--"):
        raise UsageError(
            f"{resolved.sources['paint.init_noise']} is the share of random dots where the start "
            "is a blend of photo and dots (--init blend); a picture to start from takes the place "
            "of both. Leave one of them out."
        )


def _request(
    settings: Settings, wishes: Wishes, named: Named, record: Record | None, output: Path
) -> PaintRequest:
    most, start, guides = settings.watch.max_file_mb, named.start, named.guides
    content = read_picture(named.content, most)
    pictures = [read_picture(style.path, most) for style in named.styles]
    styles = files_like(record, named.styles, pictures)
    return PaintRequest(
        job_id="stylize",
        content=content,
        styles=_marked(styles, guides.styles, most),
        recipe=wishes.recipe,
        max_pixels=settings.watch.max_pixels,
        content_name=named.content.name,
        start=_read(start, most),
        start_name="" if start is None else start.name,
        mask=_read(guides.mask, most),
        mask_name="" if guides.mask is None else guides.mask.name,
        regions=_read(guides.content, most),
        regions_name="" if guides.content is None else guides.content.name,
        format=FORMATS[output.suffix.lower()],
        **wishes.output.model_dump(exclude={"format"}),
    )


def _read(path: Path | None, most: int) -> bytes:
    """A file that need not be named."""
    return b"" if path is None else read_picture(path, most)


def _marked(
    styles: Sequence[StyleFile], regions: Sequence[Path], most: int
) -> tuple[StyleFile, ...]:
    """Styles with what marks their regions; the last ones may have none."""
    marked = (
        replace(one, regions=read_picture(path, most), regions_name=path.name)
        for one, path in zip(styles, regions, strict=False)
    )
    return *marked, *styles[len(regions) :]


def _paint(
    request: PaintRequest,
    settings: EngineSettings,
    named: Named,
    record: Record | None,
) -> Painted:
    if record is not None:
        warn_of_files(record, request)
    events: SimpleQueue[Event] = SimpleQueue()
    runner = LocalRunner(settings, events.put)
    before = source_in_place(settings.weights)
    try:
        runner.start()
        runner.submit(request)
        with bar.shown(
            sys.stderr, lambda _: printable(named.content.name), is_idle_shown=True
        ) as show:
            while True:
                event = events.get()
                show(event)
                if isinstance(event, EngineReady):
                    _say_what_was_imported(settings.weights, before)
                    if record is not None:
                        warn_of_engine(record, event)
                if isinstance(event, NotesTrouble):
                    click.echo(printable(event.message), err=True)
                    _show_detail(event.detail)
                if isinstance(event, NotRefined):
                    click.echo(event.message, err=True)
                if isinstance(event, Painted):
                    return event
                _raise_for(event, named)
    finally:
        # Also after Ctrl-C, which the child does not hear: it ends with the runner.
        runner.close(_CLOSE_SECONDS)


def _say_what_was_imported(folder: Path, before: str) -> None:
    with suppress(EngineError):  # it is the engine that needs them
        found = known(folder)
        if found.source_sha256 != before:
            source = printable(found.source)
            click.echo(f"The weights were imported from {source} in {printable(folder)}.", err=True)


def _raise_for(event: Event, named: Named) -> None:
    """Turn the events that end a job badly into errors."""
    if isinstance(event, EngineUnavailable):
        kind = NoWeightsError if event.blame == "weights" else AtelierError
        raise kind(event.message)
    if isinstance(event, Cancelled):
        raise AtelierError("The picture was given up. Try again.")
    if isinstance(event, Failed):
        raise _failure(event, named)


def _failure(event: Failed, named: Named) -> AtelierError:
    _show_detail(event.detail)
    kinds = {
        "recipe": UsageError,
        "lost": EngineLostError,
        **dict.fromkeys(("content", "style", "start", "guide"), PictureUnreadableError),
    }
    path = _blamed(event, named)
    where = "" if path is None else f"{printable(path)}: "
    return kinds.get(event.blame, AtelierError)(f"{where}{event.message}")


def _blamed(event: Failed, named: Named) -> Path | None:
    """The file that is at fault, where the message does not name it itself."""
    if event.blame == "content":
        return named.content
    if event.blame == "style" and len(named.styles) == 1:
        return named.styles[0].path
    return None


def _show_detail(detail: str) -> None:
    """Where in the program something went wrong, for who wants to know."""
    debugging = click.get_current_context().find_object(Debugging)
    if detail and debugging is not None and debugging.on:
        click.echo(detail, err=True)


def _sentence(report: dict[str, Any]) -> str:
    return (
        f"{printable(report['output'])}: {report['width']} x {report['height']} pixels, "
        f"{report['iterations']} steps in {report['seconds']:.1f} s on {report['device']}"
    )
