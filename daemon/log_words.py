"""The log as sentences, for a person at a terminal: what happened, to which photo, and when.

Programs read the same events as JSON, and people who look for a fault as keys and values; an event
that has no sentence here is told so too. Nothing is left out but what repeats itself.
"""

from __future__ import annotations

import re
import string
import textwrap
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

from daemon.figures import duration, number

_SENTENCES: Final = {
    "claim.none_fails": "Photos can be taken out of the inbox again.",
    "claim.left_over": "{photo}: somebody changed or added something after it was copied: {files}.",
    "claim.returned": "Put back where it belongs: {photos}.",
    "cluster.versions": "{why}",
    "engine.aside": "{engine} is set aside, and others go on: {why}",
    "engine.available": "Photos can be painted again.",
    "engine.fewer": "{why}.",
    "engine.gone": "{engine} has left.",
    "engine.replaced": "The engine starts anew, since its settings have changed.",
    "engine.not_begun": "{photo}: no engine has begun with it for {seconds:time}; it waits anew.",
    "engine.silent": "{photo}: no news for {seconds:time}; another engine is started.",
    "engine.unavailable": "Nothing can be painted: {why}",
    "job.cancelled": "Cancelling {photo}: somebody asked for it.",
    "job.checkpoint": "{photo}: what was saved on the way is of no use. {why}",
    "job.none_is_stuck": "All photos and pictures are where they belong again.",
    "job.not_cancelled": "{photo} was over before it could be cancelled.",
    "job.not_refined": "{photo}: {why}",
    "job.resumed": "{photo} goes on where it was, after {iteration} steps.",
    "job.stuck": "{photo} cannot be put where it belongs yet: {why}",
    "job.was_published": "{photo} was painted before: {result}",
    "job.without_notes": "{photo}: {why}",
    "journal.damaged": "The journal was damaged ({why}) and is kept as {moved_to}. {means}",
    "metrics.not_written": "The figures in {file} cannot be written: {why}",
    "metrics.written_again": "The figures are written again.",
    "outbox.refuses": "{why}",
    "outbox.takes_again": "The outbox takes pictures again.",
    "painter.begun": "Painting {photo} in the style of {styles}.",
    "painter.failed": "{photo} was not painted: {why}",
    "painter.given_up": "{photo} is given up here.",
    "painter.painted": "Painted {photo} in {seconds:time}.",
    "painter.state": "{why}",
    "painter.stopped": "Stopped.",
    "painter.stopping": "Stopping, as was asked; what it paints is painted by others.",
    "photo.is_known": "{photo} was painted before, and stays where it is.",
    "photo.stays": "{photo} cannot be moved out of the inbox; {means}.",
    "request.trouble": "What people ask for cannot be read in {folder}: {why}",
    "scan.failed": "{why}",
    "scan.works_again": "The folders can be looked at again.",
    "service.begins_again": "The journal is of no use any more ({why}); beginning a new one.",
    "service.goes_on": "What stood in the way is over; going on.",
    "service.trouble": "{why}",
    "settings.refused": "The old settings are kept: {why}",
    "settings.wait": "{why}",
    "share.unguarded": "{why}",
    "sheet.drawn": "The picture of all styles was drawn anew: {file}",
    "start.goes_on": "What was waited for is there; going on.",
    "start.waits": "Waiting: {why}",
    "style.unreadable": "The style {style} cannot be used: {why}",
    "styles.told_again": "People are told of the styles again.",
    "styles.untold": "People cannot be told of the styles: {why}",
    "watching.restarted": "New photos are noticed at once again.",
    "weights.imported": "The trained weights were imported from {source}.",
    "weights.loaded": "Painting with the trained weights of {source}.",
    "work.emptied": "Files were removed from the work folder {folder}; its mark is made again.",
}
_OF_PHOTOS: Final = frozenset({"job.queued", "job.started"})
_ENDS: Final = frozenset({"job.finished", "job.failed"})
_SIGNALS: Final = {"SIGINT": "as Ctrl-C asks", "SIGTERM": "as was asked", "SIGHUP": "as was asked"}
_MOST_NAMES: Final = 1000
_PATHS: Final = frozenset({"photo", "result", "folder", "file"})
_INDENT: Final = 10  # as the time of day takes
_NARROWEST: Final = 30
_ENGINE_NAME: Final = re.compile(r", [^,:]+: ")  # of several that a painter has
_BELOW: Final = ("exception", "stack", "detail")
_COLORS: Final = {"warning": "33", "error": "31", "critical": "31"}
_GREEN: Final = "32"
_DIM: Final = "2"

Fields = Mapping[str, Any]


class Words:
    """Renders events as lines for people; structlog's last processor.

    Args:
        now: seconds since 1970: the line has the time of day.
        colors: whether the terminal shows them.
        columns: of the terminal: longer lines are broken there; None for no end.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        colors: bool,
        columns: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._now = now
        self._colors = colors
        self._columns = columns
        self._root = ""
        self._names: dict[str, str] = {}

    def __call__(self, _logger: WrappedLogger, _method: str, event_dict: EventDict) -> str:
        """The line, and below it what has lines of its own."""
        event, fields = str(event_dict["event"]), dict(event_dict)
        self._name(event, fields)
        sentence = self._broken(_told(event, fields))
        at = datetime.fromtimestamp(self._now()).astimezone().strftime("%H:%M:%S")
        color = _GREEN if event == "job.finished" else _COLORS.get(str(fields.get("level")), "")
        line = f"{self._in(_DIM, at)}  {self._in(color, sentence)}"
        below = (str(fields[key]) for key in _BELOW if fields.get(key))
        return "\n".join([line, *(textwrap.indent(text, "    ", lambda _: True) for text in below)])

    def _broken(self, sentence: str) -> str:
        columns = self._columns()
        if columns is None or len(sentence) + _INDENT < columns:
            return sentence
        width = max(columns - _INDENT - 1, _NARROWEST)
        parts = textwrap.wrap(sentence, width, break_long_words=False, break_on_hyphens=False)
        return f"\n{_INDENT * ' '}".join(parts)

    def _in(self, color: str, text: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self._colors and color else text

    def _name(self, event: str, fields: dict[str, Any]) -> None:
        """Say which photo it is about; only the first events of a job do so themselves.

        Paths in the share are those that people see.
        """
        if event == "service.started" and "share" in fields:
            self._root = f"{fields['share']}/"
        for key in _PATHS & fields.keys() if self._root else ():
            fields[key] = str(fields[key]).removeprefix(self._root)
        job, told = str(fields.get("job", "")), str(fields.get("photo", ""))
        if event in _OF_PHOTOS and job:
            if len(self._names) >= _MOST_NAMES:  # of jobs that ended elsewhere
                self._names.clear()
            self._names[job] = told
        if not job:
            return
        known = self._names.pop(job, "") if event in _ENDS else self._names.get(job, "")
        fields["photo"] = known or told or f"The photo of job {job}"
        fields["where"] = told


def _told(event: str, fields: Fields) -> str:
    try:
        if event in _BY_FUNCTION:
            return _BY_FUNCTION[event](fields)
        if event in _SENTENCES:
            return _Sentences().format(_SENTENCES[event], **{"photo": "A photo", **fields})
    except (KeyError, TypeError, ValueError):  # an event that has other fields than it had
        pass
    return _plain(event, fields)


class _Sentences(string.Formatter):
    """Fills fields in: lists with commas, and numbers of seconds as people say them."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "time":
            return duration(float(value))
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _plain(event: str, fields: Fields) -> str:
    """An event without a sentence: its name as words, then why, or all that is known."""
    name = event.replace(".", " ").replace("_", " ")
    hidden = {"event", "level", "timestamp", "where", *_BELOW}
    kept = {key: value for key, value in fields.items() if key not in hidden and value != ""}
    why = kept.pop("why", None)
    known = ", ".join(f"{key} {value}" for key, value in kept.items())
    told = f"{name[:1].upper()}{name[1:]}" + (f" ({known})" if known else "")
    return told if why is None else f"{told}: {why}"


def _begun(fields: Fields) -> str:
    queued = fields["queued"]
    waiting = f" {number(queued, 'photo')} {'waits' if queued == 1 else 'wait'}." if queued else ""
    return f"Keeping the share {fields['share']}.{waiting}"


def _watching(fields: Fields) -> str:
    if fields["mode"] == "events":
        return "New photos are noticed at once."
    return f"New photos are noticed by looking for them every few seconds: {fields['why']}."


def _polling(fields: Fields) -> str:
    return _watching({**fields, "mode": "poll"})


def _ready(fields: Fields) -> str:
    seconds = duration(fields["seconds"])
    which = fields.get("engine")
    if which and not fields["threads"]:  # it is elsewhere, and has told in its own words
        return _painter(which, fields["device"])
    device = "processor" if fields["device"] == "cpu" else "graphics card"
    with_what = f"{fields['precision']}, {number(fields['threads'], 'thread')}"
    start = f"{which} is" if which else "The engine is"
    return f"{start} ready after {seconds}. It paints on the {device} ({with_what})."


def _painter(name: str, engines: str) -> str:
    """A painter of a cluster, which says where each of its engines computes.

    The names of its engines say nothing here: others of them may still be loading.
    """
    each = [one for one in _ENGINE_NAME.split(f", {engines}") if one]
    where = [one.removeprefix(", ") for one in each]
    if len(where) == 1:
        return f"{name} paints ({where[0]})."
    with_what = f"{where[0]} each" if len(set(where)) == 1 else "; ".join(where)
    return f"{name} paints ({number(len(where), 'engine')}: {with_what})."


def _queued(fields: Fields) -> str:
    return f"Took {fields['photo']}{_in_style(fields)}."


def _started(fields: Fields) -> str:
    again = f", attempt {fields['attempt']}" if fields["attempt"] > 1 else ""
    return f"Painting {fields['photo']}{_in_style(fields)}{again}."


def _in_style(fields: Fields) -> str:
    if fields.get("own_style"):
        return " in its own style"
    style = str(fields["style"])  # which the photo's folder may say
    is_told = not style or str(fields["photo"]).startswith(f"{style}/")
    return "" if is_told else f" in the style {style}"


def _progressed(fields: Fields) -> str:
    percent = 100 * fields["iteration"] // fields["total"]
    left, scale = duration(fields["eta_seconds"]), f"scale {fields['scale']} of {fields['scales']}"
    return f"{fields['photo']}: {percent} %, {scale}, loss {fields['loss']:.3g}, about {left} left"


def _finished(fields: Fields) -> str:
    return f"Painted in {duration(fields['seconds'])}: {fields['result']}"


def _failed(fields: Fields) -> str:
    there = fields["where"]
    place = f" It lies at {there}" if there and there != fields["photo"] else ""
    return f"{fields['photo']} was not painted: {fields['reason']}{place}"


def _read(fields: Fields) -> str:
    what = ", ".join(fields["changed"]) or "nothing has changed"
    remark = f" {fields['remark']}" if fields["remark"] else ""
    return f"The settings were read again: {what}.{remark}"


def _need_restart(fields: Fields) -> str:
    return f"Changed at the next start only: {', '.join(fields['settings'])}."


def _without_style(fields: Fields) -> str:
    parts = (number(fields["photos"], "photo"), number(fields["folders"], "folder"))
    what = " and ".join(part for part in parts if not part.startswith("0 "))
    return f"Waiting for a style or a second picture: {what}. The note in the inbox says which."


def _without_photo(fields: Fields) -> str:
    what = number(fields["pictures"], "picture")
    return f"Waiting for their photos: {what}. The note in the inbox says which."


def _stopping(fields: Fields) -> str:
    why = str(fields["why"])
    return f"Stopping, {_SIGNALS[why]}." if why in _SIGNALS else f"Stopping: {why}."


def _stopped(fields: Fields) -> str:
    if "why" in fields:
        return f"Stopped. {fields['why']}"
    waiting = fields["queued"] + fields["running"]
    wait = f"{number(waiting, 'photo')} {'waits' if waiting == 1 else 'wait'} for the next start"
    return f"Stopped; {wait if waiting else 'no photo waits'}."


def _requeued(fields: Fields) -> str:
    return f"{fields['photo']} waits for another try: {_cause(fields)}"


def _lost_here(fields: Fields) -> str:
    return f"{fields['photo']} was lost here, and is tried again: {_cause(fields)}"


def _cause(fields: Fields) -> str:
    return str(fields["why"]).partition(" Try again")[0]  # which the program does itself


def _gave_back(fields: Fields) -> str:
    goes_on = "as far as it is painted; it is gone on with" if fields["bytes"] else "; it is begun"
    return f"Gave {fields['photo']} back {goes_on} here or elsewhere.".replace(" ;", ";")


def _lost(fields: Fields) -> str:
    what = fields.get("engine") or "The process that paints"
    if fields["exit_status"] is None:  # on another machine
        return f"{what} is lost, and what it painted is tried again."
    return f"{what} has ended ({fields['exit_status']}); starting it again."


def _detail(fields: Fields) -> str:
    return f"{fields['photo']}: where in the program it failed"


def _library(fields: Fields) -> str:
    return f"{fields['logger']}: {fields['message']}"


_BY_FUNCTION: Final[Mapping[str, Callable[[Fields], str]]] = {
    "engine.lost": _lost,
    "engine.ready": _ready,
    "job.detail": _detail,
    "job.failed": _failed,
    "job.finished": _finished,
    "job.progress": _progressed,
    "job.queued": _queued,
    "job.requeued": _requeued,
    "job.started": _started,
    "library.message": _library,
    "painter.gave_back": _gave_back,
    "painter.lost": _lost_here,
    "service.started": _begun,
    "service.stopped": _stopped,
    "service.stopping": _stopping,
    "settings.need_restart": _need_restart,
    "settings.read": _read,
    "style.missing": _without_style,
    "photo.missing": _without_photo,
    "watching.polling": _polling,
    "watching.started": _watching,
}
