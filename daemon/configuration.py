"""Where the settings' values come from: a TOML file, then the environment, then the command line.

What comes later wins. A key that does not exist is an error everywhere, and names the nearest one
that does. Each value remembers where it came from, so that errors and ``atelierd config`` can say.

Relative paths: in a file they start at the file's own folder, so that a file means the same from
wherever the program is started; in the environment and on the command line they start, as the
shell's do, at the current folder; and so do the defaults. The other folders of the share lie below
its root in any case.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import platformdirs
from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from daemon.catalogue import PREFIX, catalogue, value_of
from daemon.config_file import read_file
from daemon.errors import SettingsError
from daemon.given import Given, refuse_unknown, refuse_wrong
from daemon.names import printable
from daemon.settings import Settings
from daemon.share import Share

FILE_VARIABLE: Final = f"{PREFIX}CONFIG"
"""The environment variable that names the file of settings."""

SEARCHED: Final = (Path("config.toml"), Path("/etc/atelierd/config.toml"))
"""Where a file of settings is looked for when none is named; the first that exists is read."""

FROM_FILE_FOLDER: Final = (
    "state_dir", "share.root", "engine.weights", "metrics.file",
    "cluster.tls_ca", "cluster.tls_cert", "cluster.tls_key",
)  # fmt: skip
"""Paths that, when they are relative in a file, start at the file's folder."""

_STEM_LENGTH: Final = 40
_HASH_LENGTH: Final = 12


@dataclass(frozen=True)
class Resolved:
    """The settings, and how they came to be.

    Attributes:
        settings: checked and complete.
        sources: for each dotted key ``default``, the file's path, the environment variable's name
            or the option.
        file: the file that was read; None if there was none.
        again: gathers them once more from the same places; what that raises, `load` does.
    """

    settings: Settings
    sources: Mapping[str, str]
    file: Path | None = field(default=None)
    again: Callable[[], Resolved] | None = field(default=None, repr=False, compare=False)


def load(
    config: Path | None,
    command_line: Mapping[str, str],
    environ: Mapping[str, str],
    searched: Sequence[Path] = SEARCHED,
    *,
    typed: Mapping[str, str] | None = None,
) -> Resolved:
    """Gather the settings.

    Args:
        config: the file of settings; without it the one that `FILE_VARIABLE` names, or else the
            first of `searched` that exists, or none.
        command_line: values by dotted key, as they were typed; an empty one unsets a setting that
            may be unset.
        environ: the environment; an empty variable counts as not set.
        searched: where to look for a file that nobody named.
        typed: by dotted key the options that gave these values, where it was not ``--KEY``.

    Raises:
        SettingsError: the named file is not there or is no TOML; or a key is unknown, a value
            wrong, wherever it came from.
    """
    path = _find(config, environ, searched)
    layers = (
        [] if path is None else _from_file(path),
        _from_environment(environ),
        _from_command_line(command_line, typed or {}),
    )
    for layer in layers:
        refuse_unknown(layer)
    given = {one.key: one for layer in layers for one in layer}
    sources = {key: given[key].source if key in given else "default" for key in catalogue()}
    again = partial(_load_again, path, command_line, environ, searched, typed=typed)
    return Resolved(_validated(layers, given), sources, path, again)


def _load_again(path: Path | None, *where: Any, typed: Mapping[str, str] | None) -> Resolved:
    # Nobody who takes the file away for a moment wants the defaults, or another file's values.
    if path is not None and not path.exists():
        raise SettingsError(f"The file {printable(path)} is gone. Put it back, and try again.")
    return load(path, *where, typed=typed)


def standing_alone(resolved: Resolved) -> Settings:
    """Make the settings mean the same wherever a file with them is put.

    Args:
        resolved: the settings.

    Returns:
        Them, with relative paths that somebody gave made absolute; defaults stay as they are.
    """
    tree = resolved.settings.model_dump()
    for key in FROM_FILE_FOLDER:
        if resolved.sources[key] != "default" and (value := value_of(resolved.settings, key)):
            section, _, name = key.rpartition(".")
            (tree[section] if section else tree)[name] = value.expanduser().absolute()
    return Settings.model_validate(tree)


def state_folder(settings: Settings, share: Share, environ: Mapping[str, str]) -> Path:
    """Say where a share's journal and caches lie; nothing is made.

    Args:
        settings: `state_dir` wins over the environment's ``STATE_DIRECTORY`` (systemd's; of a
            list the first), and that over the user's state folder.
        share: each share has a folder of its own, by the real path of its root.
        environ: the environment.

    Returns:
        An absolute path.

    Raises:
        SettingsError: it would lie inside the share, where people and other machines could reach
            it, or the share inside of it.
    """
    base = _state_base(settings, environ).expanduser().resolve()
    root = share.root.resolve()
    stem = re.sub(r"[^\w.-]+", "-", root.name, flags=re.ASCII).strip("-.")[:_STEM_LENGTH]
    digest = hashlib.sha256(str(root).encode(errors="surrogateescape")).hexdigest()
    folder = base / f"{stem or 'share'}-{digest[:_HASH_LENGTH]}"
    for shared in (root, *(path.resolve() for _, path in share.folders())):
        if shared in folder.parents or folder in (shared, *shared.parents):
            raise SettingsError(
                f"The state folder {printable(folder)} and the shared folder {printable(shared)} "
                "lie inside one another. Set state_dir to a folder on a local disk outside of "
                "the share."
            )
    return folder


def painters_folder(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Say where painters of a cluster keep what they save; nothing is made.

    Args:
        settings: as for `state_folder`.
        environ: the environment.
    """
    return _state_base(settings, environ).expanduser().resolve() / "painters"


def _state_base(settings: Settings, environ: Mapping[str, str]) -> Path:
    if settings.state_dir is not None:
        return settings.state_dir
    first = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(first) if first else platformdirs.user_state_path("atelierd")


def _find(config: Path | None, environ: Mapping[str, str], searched: Sequence[Path]) -> Path | None:
    named = environ.get(FILE_VARIABLE, "")
    if config is not None:
        return _named(config, "--config")
    if named:
        return _named(Path(named), FILE_VARIABLE)
    return next((path for path in searched if path.exists()), None)


def _named(path: Path, by: str) -> Path:
    path = path.expanduser()
    if not path.exists():
        raise SettingsError(
            f"There is no file {printable(path)}, which {by} names. Check the path, or make the "
            "file from config.example.toml."
        )
    return path


def _from_file(path: Path) -> list[Given]:
    folder = path.absolute().parent
    return [_anchored(one, folder) for one in read_file(path)]


def _anchored(one: Given, folder: Path) -> Given:
    if one.key not in FROM_FILE_FOLDER or not isinstance(one.value, str):
        return one
    # An absolute path stays as it is: `/` keeps the right side then.
    return one.with_value(str(folder / Path(one.value).expanduser()))


def _from_environment(environ: Mapping[str, str]) -> list[Given]:
    ours = sorted(name for name in environ if name.upper().startswith(PREFIX))
    return [
        Given(name[len(PREFIX) :].lower().replace("__", "."), environ[name], name, "variable")
        for name in ours
        if environ[name] and name != FILE_VARIABLE
    ]


def _from_command_line(command_line: Mapping[str, str], typed: Mapping[str, str]) -> list[Given]:
    return [
        Given(key, _unset(key, value), typed.get(key, f"--{key}"), "option")
        for key, value in command_line.items()
    ]


def _unset(key: str, value: str) -> str | None:
    setting = catalogue().get(key)
    return None if not value and setting is not None and setting.optional else value


def _validated(layers: Sequence[list[Given]], given: Mapping[str, Given]) -> Settings:
    class Gathered(Settings, BaseSettings):
        """The model, fed from our layers; a class, because that is where sources are named."""

        model_config = SettingsConfigDict(extra="forbid", frozen=True)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            *_usual: PydanticBaseSettingsSource,
            **_usual_by_name: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            """Our layers instead of the usual sources, the strongest first."""
            return tuple(InitSettingsSource(settings_cls, _nested(one)) for one in reversed(layers))

    try:
        gathered = Gathered()
    except ValidationError as error:
        refuse_wrong(error, given)
    return Settings.model_validate(dict(gathered))


def _nested(layer: list[Given]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for one in layer:
        *above, name = one.key.split(".")
        branch = tree
        for part in above:
            branch = branch.setdefault(part, {})
        branch[name] = one.value
    return tree
