"""Pictures in the styles folder make folders of their names in the inbox.

Only folders that were made here are ever removed, and only when nobody's file is in them. Which
they are is remembered in a small file in the share's work folder, not in the journal: it belongs
to the share, whichever machine keeps it. Losing that file costs nothing but some empty folders
that stay.

Of two pictures that ask for the same folder (``waves.jpg`` and ``waves.png``; the same name in two
Unicode forms) the first in order of names is the style. Sub-folders, links, junk, notes and files
that are not named like pictures make nothing, and neither does ``waves.regions.png``: it marks the
regions of the style beside it. A picture that is still being copied makes its folder early, which
does no harm: it is decoded when a photo asks for it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from daemon.companions import regions_of
from daemon.errors import ShareError
from daemon.files import write_atomically
from daemon.handles import held
from daemon.names import canonical, is_junk, is_litter, is_note, is_picture, printable, split
from daemon.notes import is_ours
from daemon.share import Share

MEMORY: Final = "style-folders.json"
"""Name of the file in the work folder that lists the folders made here."""

# What is wrong with one name alone: a file stands in the folder's place, or the file system does
# not take the name. The other styles go on.
_NAME_FAULTS: Final = frozenset({errno.EEXIST, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ})


@dataclass(frozen=True)
class StylesSeen:
    """What lies in the styles folder, as of one look at it.

    Attributes:
        styles: the pictures that are styles, by the name of the style, in the order of names (NFC).
        regions: the pictures that mark regions of styles, by the name of the style; of two for one
            style the first in order of names. The style itself need not be there.
    """

    styles: dict[str, Path]
    regions: dict[str, Path]

    @cached_property
    def beside(self) -> dict[Path, Path]:
        """The pictures that mark regions of styles, by the style's picture."""
        theirs = regions_among(self.styles, self.regions)
        return {self.styles[name]: path for name, path in theirs.items()}

    @property
    def lonely(self) -> list[Path]:
        """The pictures that mark regions of styles that are not there."""
        theirs = {*self.beside.values()}
        return [path for path in self.regions.values() if path not in theirs]


def mirror_styles(share: Share) -> StylesSeen:
    """Make the folders of the styles that are there, and remove those of styles that went.

    Args:
        share: its folders exist.

    Returns:
        What lies in the styles folder. A style whose folder cannot be made for a reason that lies
        in its name is there all the same.

    Raises:
        ShareError: the styles folder or the inbox cannot be read or written to.
    """
    try:
        seen = see_styles(share.styles)
        styles = seen.styles
        folders = {canonical(name): name for name in _folder_names(share.inbox)}
        remembered = _remembered(share)
        missing = [name for name in styles if name not in folders]
        # Written down before they are made: a crash in between must not orphan a folder. Of what
        # is remembered only what was seen in the inbox counts: anybody may have written that file.
        made = _remember(share, remembered, {n for n in remembered if n in folders} | {*missing})
        for name in missing:
            _make(share.inbox / name)
        gone = {name for name in made if name not in styles}
        removed = {name for name in gone if _remove(share.inbox, folders[name])}
        _remember(share, made, made - removed)
    except OSError as error:
        raise ShareError(
            f"The folders of the styles cannot be kept: {error.strerror} "
            f"({printable(str(error.filename))}). Check that the drive is connected, has room, and "
            "lets atelierd write."
        ) from error
    return seen


def see_styles(folder: Path) -> StylesSeen:
    """Look at the styles folder, once.

    Args:
        folder: the styles folder.

    Raises:
        OSError: it cannot be read.
    """
    styles: dict[str, Path] = {}
    regions: dict[str, Path] = {}
    for file_name in _pictures_in(folder):
        stem, name = regions_of(file_name), style_name(file_name)
        if stem is not None:
            regions.setdefault(_trimmed(stem), folder / file_name)
        elif name and not is_junk(name) and not is_note(name):
            styles.setdefault(name, folder / file_name)
    return StylesSeen(dict(sorted(styles.items())), regions)


def find_styles(folder: Path) -> dict[str, Path]:
    """The `StylesSeen.styles` of a folder, for who needs nothing else; raises as `see_styles`."""
    return see_styles(folder).styles


def find_regions(folder: Path) -> dict[str, Path]:
    """The `StylesSeen.regions` of a folder, for who needs nothing else; raises as `see_styles`."""
    return see_styles(folder).regions


def regions_among(styles: Iterable[str], regions: Mapping[str, Path]) -> dict[str, Path]:
    """Which of these regions are whose; large and small letters are the same, as for photos.

    Args:
        styles: names of styles.
        regions: as `find_regions` gives them.
    """
    names = list(styles)
    exact = {*names} & regions.keys()
    folded: dict[str, Path] = {}
    for name, path in regions.items():
        if name not in exact:
            folded.setdefault(name.casefold(), path)
    found = ((name, regions.get(name) or folded.get(name.casefold())) for name in names)
    return {name: path for name, path in found if path is not None}


def _pictures_in(folder: Path) -> list[str]:
    """The names of the files that are called pictures, in order."""
    with os.scandir(folder) as entries:
        return sorted(
            entry.name for entry in entries if _is_file(entry) and not _is_no_style(entry.name)
        )


def _is_file(entry: os.DirEntry[str]) -> bool:
    with contextlib.suppress(OSError):  # what cannot be looked at is no style
        return entry.is_file(follow_symlinks=False)
    return False


def _is_no_style(name: str) -> bool:
    return is_junk(name) or is_note(name) or not is_picture(name)


def style_name(file_name: str) -> str:
    """The name of the style that a picture of this name would be; it may be empty."""
    return _trimmed(canonical(split(file_name)[0]))


def style_of(file_name: str) -> str:
    """The name of the style that a picture is, or whose regions it marks."""
    stem = regions_of(file_name)
    return style_name(file_name) if stem is None else _trimmed(stem)


def _trimmed(stem: str) -> str:
    # Windows cannot open a folder whose name ends with a space or a dot.
    return stem.strip().rstrip(". ")


def _folder_names(inbox: Path) -> list[str]:
    with os.scandir(inbox) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))


def _make(folder: Path) -> None:
    try:
        folder.mkdir()
    except OSError as error:
        if error.errno not in _NAME_FAULTS:
            raise


def _remove(inbox: Path, name: str) -> bool:
    """Remove a folder in which nobody's file is; say whether it is gone."""
    try:
        with held(inbox / name, inbox) as folder:
            for path in _litter(folder):
                path.unlink(missing_ok=True)
        (inbox / name).rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        # Somebody's file is in it, or somebody else's litter: it is tried again at every look.
        return False
    return True


def _litter(folder: Path) -> list[Path]:
    """Give the files that may go with their folder; none if there is anything else in it."""
    with os.scandir(folder) as entries:
        seen = list(entries)
    return [Path(entry.path) for entry in seen] if all(map(_is_ours_to_remove, seen)) else []


def _is_ours_to_remove(entry: os.DirEntry[str]) -> bool:
    if not _is_file(entry):
        return False
    return is_litter(entry.name) or (is_note(entry.name) and is_ours(Path(entry.path)))


def _remembered(share: Share) -> set[str]:
    try:
        names = json.loads((share.work / MEMORY).read_bytes())
    except (FileNotFoundError, ValueError):
        return set()
    if not isinstance(names, list):
        return set()
    return {name for name in names if isinstance(name, str)}


def _remember(share: Share, before: set[str], names: set[str]) -> set[str]:
    if names != before:
        data = json.dumps(sorted(names), ensure_ascii=True, indent=0).encode()
        write_atomically(share.work / MEMORY, data, replace=True)
    return names
