"""``atelierd init DIR``: make a share that ``atelierd run`` can then be pointed at."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import click

from daemon import by_systemd, marks
from daemon.cli import settings_options
from daemon.configuration import SEARCHED, Resolved, state_folder
from daemon.drives import expect_drives
from daemon.files import write_atomically
from daemon.names import is_junk, is_picture, printable
from daemon.notes import write_how_to
from daemon.share import Share, make_share, open_share
from daemon.styles import mirror_styles

_MEANINGS: Final = {
    "inbox": "drop photos here, into the folder of a style",
    "outbox": "painted pictures appear here",
    "styles": "put a picture here, and a folder of its name appears in the inbox",
    "originals": "photos go here once they are painted",
    "failed": "photos go here that could not be painted, each with a note that says why",
}


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--no-styles", is_flag=True, help="Leave the styles folder as it is.")
@settings_options("share", without=["share.root", "share.contact_sheet"])
def command(resolved: Resolved, *, folder: Path, no_styles: bool) -> None:
    """Make the folder DIR, with all that people need in it, for `run` to keep.

    Nothing that is there is changed, so it may be done again. The starter styles are put into a
    styles folder that has no picture yet.
    """
    share = open_share(resolved.settings.share.model_copy(update={"root": folder}))
    expect_drives(share)
    make_share(share)
    marks.offer(share, state_folder(resolved.settings, share, os.environ))
    if not no_styles:
        lay_out_styles(share)
    write_how_to(share)
    styles = list(mirror_styles(share).styles)
    told = [*_describe(share, styles), "", *_about_the_service(share), *_next_step(share, resolved)]
    click.echo("\n".join(told))


def lay_out_styles(share: Share) -> list[Path]:
    """Copy the starter styles into a styles folder without pictures; a person's own are enough.

    Args:
        share: its folders exist.

    Returns:
        The files that were written.
    """
    if any(is_picture(path.name) and not is_junk(path.name) for path in share.styles.iterdir()):
        return []
    written = []
    for name, data in _starters():
        with contextlib.suppress(FileExistsError):
            write_atomically(share.styles / name, data, replace=False)
            written.append(share.styles / name)
    return written


def _starters() -> Iterator[tuple[str, bytes]]:
    folder = resources.files("daemon") / "starter" / "styles"
    for picture in sorted(folder.iterdir(), key=lambda one: one.name):
        if is_picture(picture.name):
            yield picture.name, picture.read_bytes()


def _describe(share: Share, styles: Sequence[str]) -> Iterator[str]:
    yield f"The share is ready: {printable(share.root)}"
    folders = {
        name: _shown(path, share.root) for name, path in share.folders() if name in _MEANINGS
    }
    width = max(map(len, folders.values()))
    for name, shown in folders.items():
        yield f"  {shown:<{width}}  {_MEANINGS[name]}"
    if styles:
        yield f"Styles: {', '.join(map(printable, styles))}"
    else:
        yield f"There is no style yet: put a picture into {folders['styles']}."


def _shown(path: Path, root: Path) -> str:
    return printable(path.relative_to(root) if path.is_relative_to(root) else path)


def _about_the_service(share: Share) -> Iterator[str]:
    """What root has to know where systemd starts the service, which has a user of its own."""
    if by_systemd.is_closed_to_service(share.inbox):
        root, user = shlex.quote(str(share.root)), by_systemd.USER
        make = by_systemd.how_to_make(share.root, sys.argv[0])
        yield "These folders are root's, and systemd's service cannot write to them. If that is to"
        yield f"keep them, give them to its user:  sudo chown -R {user}:{user} {printable(root)}"
        yield f"A share is made as that user with  {make}"
        yield ""


def _next_step(share: Share, resolved: Resolved) -> Iterator[str]:
    """The command that keeps just this share: with all that this one was told."""
    words = ["atelierd", "run", "--share.root", str(share.root)]
    for key, source in resolved.sources.items():
        if source == f"--{key}":
            words += [source, str(getattr(resolved.settings.share, key.partition(".")[2]))]
    if resolved.file is not None and resolved.file not in SEARCHED:
        words += ["--config", str(resolved.file.absolute())]
    yield "Start painting with:"
    if by_systemd.user_of(os.geteuid()) == by_systemd.USER:  # it has no other use
        yield f"  {by_systemd.START}"
        return
    yield f"  {printable(shlex.join(words))}"
