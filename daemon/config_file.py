"""A file of settings: read with line numbers, written with every setting's meaning."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from daemon.catalogue import Setting, catalogue, sections, value_of
from daemon.errors import SettingsError
from daemon.given import Given, about_wrong
from daemon.names import printable
from daemon.settings import Settings
from daemon.toml_text import read_toml, unquoted

_WIDTH: Final = 96
_HEADER: Final = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?")
_ASSIGNMENT: Final = re.compile(r"\s*([\w.\-\"' ]+?)\s*=")

_PREAMBLE: Final = """\
Settings of atelierd. Each line that begins with # and a name shows a default: take the # away
and change the value. A setting without a value after the = is unset unless you give it one.

This file is found as ./config.toml or /etc/atelierd/config.toml, by $ATELIERD_CONFIG or --config.
The environment (ATELIERD_SHARE__ROOT for share.root) wins over it, and the command line
(--share.root) over both. Relative paths start at the folder of this file; those of the share
below its root.
"""


def read_file(path: Path) -> list[Given]:
    """Read the values of a file; their names are not checked.

    Args:
        path: a TOML file in UTF-8.

    Returns:
        Each value with its dotted key and, where it can be told, its line.

    Raises:
        SettingsError: it cannot be read, or is no TOML.
    """
    text = _text(path)
    try:
        tree = read_toml(text)
    except ValueError as error:
        if found := unquoted(text, error):
            line, better = found
            raise SettingsError(
                f"{printable(path)}, line {line}: the value needs quotation marks, like this: "
                f"{printable(better)}"
            ) from error
        raise SettingsError(
            f"{printable(path)} is not written as TOML: {printable(str(error))}. Compare it with "
            "config.example.toml."
        ) from error
    lines = _lines(text)
    given = [Given(key, value, str(path), "file", lines.get(key)) for key, value in _leaves(tree)]
    for one in given:
        # pydantic would read true as the number 1.
        setting = catalogue().get(one.key)
        if setting is not None and isinstance(one.value, bool) and setting.kind is not bool:
            raise SettingsError(about_wrong(one, setting))
    return given


def write_text(settings: Settings) -> str:
    """Write settings as a file that `read_file` reads back: what is at its default as a comment.

    Args:
        settings: any; with ``Settings()`` the result is ``config.example.toml``.

    Returns:
        TOML.

    Raises:
        SettingsError: a value cannot be written in TOML, such as a path that is not UTF-8.
    """
    parts = [_comment(line) for line in _PREAMBLE.splitlines()]
    for section, summary in sections().items():
        parts += ["", f"[{section}]  {_comment(summary)}"] if section else []
        for setting in catalogue().values():
            if setting.section == section:
                parts += ["", *_entry(setting, value_of(settings, setting.key))]
    return "\n".join(parts) + "\n"


def toml_value(value: Any) -> str:
    """Write one value in TOML.

    Raises:
        SettingsError: it holds bytes that are not UTF-8.
    """
    if not isinstance(value, (str, Path)):
        return json.dumps(value)
    try:
        str(value).encode()
    except UnicodeEncodeError as error:
        raise SettingsError(
            f"{printable(str(value))} is not UTF-8 and cannot stand in a TOML file. Give it in the "
            "environment or on the command line."
        ) from error
    # JSON's strings are TOML's, but for DEL, which TOML wants escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{printable(path)} is not written in UTF-8. Save it as UTF-8 in your text editor."
        ) from error
    except OSError as error:
        raise SettingsError(
            f"{printable(path)} cannot be read: {error.strerror}. Let the user who runs atelierd "
            "read it, or name another file with --config."
        ) from error


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        key = prefix + name
        # An empty table is given too: its name may be wrong.
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value


def _lines(text: str) -> dict[str, int]:
    """Where each key stands; a guess from the looks, good enough to point a person there."""
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            section = _bare(header[1]) + "."
            lines.setdefault(section[:-1], number)
        elif assignment := _ASSIGNMENT.match(line):
            lines.setdefault(section + _bare(assignment[1]), number)
    return lines


def _bare(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))


def _entry(setting: Setting, value: Any) -> Iterator[str]:
    yield from textwrap.wrap(setting.sentence, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    if value == setting.default:
        shown = "" if value is None else f" {toml_value(value)}"
        yield f"#{setting.name} ={shown}"
    elif value is None:
        raise SettingsError(f"{setting.key} cannot be unset in a file.")
    else:
        yield f"{setting.name} = {toml_value(value)}"


def _comment(line: str) -> str:
    return f"# {line}".rstrip()
