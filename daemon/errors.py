"""Everything that the daemon can raise on purpose, with the exit code it ends a command with.

::

    AtelierError                 exit 1
    ├── UsageError               exit 2   a command line that makes no sense
    ├── SettingsError            exit 2   an unknown or malformed setting, or one against another
    │   └── ShareError           exit 2   the share's folders are missing, nested or not writable
    │       └── ShareAwayError   exit 2   a folder is not the one that it was: its drive is away
    ├── AlreadyRunningError      exit 2   another service keeps this share
    ├── NoWeightsError           exit 3   the trained weights are missing or wrong
    ├── PictureUnreadableError   exit 4   a file that is no picture, or is damaged, or too large
    │   ├── NoPictureError       exit 4   nothing in it says that it is a picture
    │   └── RecordError          exit 4   a result that does not say how it was made
    ├── OverridesError           exit 1   a job.toml that asks for what it may not
    ├── ClaimError               exit 1   a photo could not be taken out of the inbox or put back
    │   ├── ClaimHeldError       exit 1   it may not be moved, though all else can be done
    │   ├── ClaimLostError       exit 1   it changed or vanished while it was taken: try later
    │   └── ClaimStuckError      exit 1   it lies in the work folder and cannot be put back just now
    ├── PublishError             exit 1   a result or a photo could not be put where it belongs
    ├── PageError                exit 1   the page cannot be written: somebody's file has its name
    ├── MetricsError             exit 1   figures cannot be written: somebody's file has their name
    ├── FaultError               exit 1   a fault of the program itself, met with over one photo
    ├── StoppedError             exit 1   something that takes long was ended, as the program is
    ├── RequestError             exit 1   the service that runs cannot be asked for something
    ├── JournalError             exit 1   the journal cannot be opened or is of another version
    └── EngineLostError          exit 1   the engine's process died or could not start

Each message is one or two sentences in words that a person who never saw a terminal understands,
and says what to do. They survive pickling: construct them with the message alone.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a command's exit status means; README lists the same."""

    OK = 0
    FAILED = 1
    USAGE = 2
    WEIGHTS = 3
    PICTURE = 4


class AtelierError(Exception):
    """Base of all errors that the daemon raises on purpose."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED


class UsageError(AtelierError):
    """A command line that makes no sense."""

    exit_code = ExitCode.USAGE


class SettingsError(AtelierError):
    """A setting that is unknown, malformed or contradicts another."""

    exit_code = ExitCode.USAGE


class ShareError(SettingsError):
    """A share whose folders are missing, inside one another, or not writable."""


class ShareAwayError(ShareError):
    """A share of which a folder is not the one that it was, most likely because a drive is away."""


class AlreadyRunningError(AtelierError):
    """Another service keeps this share."""

    exit_code = ExitCode.USAGE


class NoWeightsError(AtelierError):
    """The trained weights are missing or not usable."""

    exit_code = ExitCode.WEIGHTS


class PictureUnreadableError(AtelierError):
    """A file that is no picture, or is damaged or too large."""

    exit_code = ExitCode.PICTURE


class NoPictureError(PictureUnreadableError):
    """A file of which nothing says that it is a picture."""


class RecordError(PictureUnreadableError):
    """A result that does not say how it was made, or nothing of use."""


class OverridesError(AtelierError):
    """A job.toml that cannot be read or asks for what it may not."""


class ClaimError(AtelierError):
    """A photo that could not be taken out of the inbox, or not be put back."""


class ClaimHeldError(ClaimError):
    """A photo that may not be moved out of the inbox: its folder, or something else, holds it."""


class ClaimLostError(ClaimError):
    """A photo that changed or vanished while it was being taken: look again later."""


class ClaimStuckError(ClaimError):
    """A photo that lies in the work folder, belongs back into the inbox, and cannot be moved."""


class PublishError(AtelierError):
    """A result or a photo that could not be put where people look for it."""


class PageError(AtelierError):
    """The page that shows how things are cannot be written: somebody's file has its name."""


class MetricsError(AtelierError):
    """The file of figures cannot be written: somebody's file has its name."""


class FaultError(AtelierError):
    """A fault of the program itself that it met with over one photo (`daemon.last_resort`)."""


class StoppedError(AtelierError):
    """Something that takes long was ended, since the program is; all is as it was (`pulse`)."""


class JournalError(AtelierError):
    """The journal cannot be opened, or another version wrote it."""


class RequestError(AtelierError):
    """A service that runs could not be asked for something."""


class EngineLostError(AtelierError):
    """The engine's process died or could not be started."""
