"""The log as sentences: what a person reads at a terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import daemon
from daemon.log_words import _BY_FUNCTION, _SENTENCES, Words

TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1\nZeroDivisionError'


def told(event: str, *, words: Words | None = None, **fields: Any) -> str:
    """The line of an event, without the time of day."""
    words = words or Words(lambda: 0.0, colors=False)
    line = words(None, "info", {"level": "info", "event": event, **fields})
    assert re.match(r"\d\d:\d\d:\d\d  ", line)
    return line[10:]


STEP: dict[str, Any] = {
    "iteration": 45, "total": 92, "scale": 2, "scales": 3, "loss": 12345.678, "eta_seconds": 93.4,
}  # fmt: skip


@pytest.mark.parametrize(
    ("event", "fields", "sentence"),
    [
        ("service.started", {"share": "/srv", "queued": 0}, "Keeping the share /srv."),
        (
            "service.started", {"share": "/srv", "queued": 3},
            "Keeping the share /srv. 3 photos wait.",
        ),
        ("watching.started", {"mode": "events", "why": "x"}, "New photos are noticed at once."),
        (
            "watching.started", {"mode": "poll", "why": "set so"},
            "New photos are noticed by looking for them every few seconds: set so.",
        ),
        (
            "engine.ready",
            {"device": "cpu", "precision": "bfloat16", "threads": 2, "seconds": 3.2},
            "The engine is ready after 3 s. It paints on the processor (bfloat16, 2 threads).",
        ),
        (
            "engine.ready",
            {"device": "cpu", "precision": "float32", "threads": 1, "seconds": 2.0,
             "engine": "engine 2"},
            "engine 2 is ready after 2 s. It paints on the processor (float32, 1 thread).",
        ),
        (
            "engine.ready",
            {"device": "cpu, bfloat16, 8 threads", "precision": "auto", "threads": 0,
             "seconds": 2.0, "engine": "anna"},
            "anna paints (cpu, bfloat16, 8 threads).",
        ),
        (
            "engine.ready",
            {"device": "engine 1: cpu, bfloat16, 1 thread", "precision": "auto", "threads": 0,
             "seconds": 2.0, "engine": "duo"},
            "duo paints (cpu, bfloat16, 1 thread).",
        ),
        (
            "engine.ready",
            {"device": "graphics card 0: gpu0, float16, 11 thread, engine 2: cpu, float32, "
             "1 thread", "precision": "auto", "threads": 0, "seconds": 2.0, "engine": "duo"},
            "duo paints (2 engines: gpu0, float16, 11 thread; cpu, float32, 1 thread).",
        ),
        (
            "engine.ready",
            {"device": "engine 1: cpu, bfloat16, 1 thread, engine 2: cpu, bfloat16, 1 thread",
             "precision": "auto", "threads": 0, "seconds": 2.0, "engine": "duo"},
            "duo paints (2 engines: cpu, bfloat16, 1 thread each).",
        ),
        (
            "engine.ready",
            {"device": "unknown", "precision": "auto", "threads": 0, "seconds": 2.0,
             "engine": "duo"},
            "duo paints (unknown).",
        ),
        (
            "engine.lost", {"exit_status": None, "engine": "anna"},
            "anna is lost, and what it painted is tried again.",
        ),
        ("service.stopping", {"why": "SIGINT"}, "Stopping, as Ctrl-C asks."),
        (
            "service.stopping", {"why": "nothing is left to do"},
            "Stopping: nothing is left to do.",
        ),
        (
            "service.stopped", {"queued": 1, "running": 0, "done": 9, "failed": 0},
            "Stopped; 1 photo waits for the next start.",
        ),
        (
            "service.stopped", {"queued": 0, "running": 0, "done": 9, "failed": 0},
            "Stopped; no photo waits.",
        ),
        ("scan.failed", {"why": "The drive is away."}, "The drive is away."),
        (
            "sheet.drawn", {"file": "All styles.jpg", "bytes": 9},
            "The picture of all styles was drawn anew: All styles.jpg",
        ),
        (
            "settings.read", {"changed": ["paint.size", "log.level"], "remark": ""},
            "The settings were read again: paint.size, log.level.",
        ),
        (
            "photo.missing", {"pictures": 1, "note": "x"},
            "Waiting for their photos: 1 picture. The note in the inbox says which.",
        ),
        (
            "style.missing", {"photos": 1, "folders": 0, "note": "x"},
            "Waiting for a style or a second picture: 1 photo. The note in the inbox says which.",
        ),
        (
            "job.requeued",
            {"job": "abc", "attempts": 1, "why": "The engine died. Try again; if it dies, ask."},
            "The photo of job abc waits for another try: The engine died.",
        ),
        (
            "engine.silent", {"job": "abc", "seconds": 1200},
            "The photo of job abc: no news for 20 min; another engine is started.",
        ),
        (
            "engine.not_begun", {"job": "abc", "seconds": 1200},
            "The photo of job abc: no engine has begun with it for 20 min; it waits anew.",
        ),
    ],
)  # fmt: skip
def test_sentences(event: str, fields: dict[str, Any], sentence: str) -> None:
    assert told(event, **fields) == sentence


def test_a_photo_is_called_by_its_name_all_its_way() -> None:
    words = Words(lambda: 0.0, colors=False)
    job: dict[str, Any] = {"words": words, "job": "abc"}
    assert told("job.queued", **job, photo="Waves/a.jpg", style="Waves") == ("Took Waves/a.jpg.")
    assert told("job.started", **job, photo="Waves/a.jpg", style="Waves", attempt=2) == (
        "Painting Waves/a.jpg, attempt 2."
    )
    assert told("job.progress", **job, **STEP) == (
        "Waves/a.jpg: 48 %, scale 2 of 3, loss 1.23e+04, about 2 min left"
    )
    assert told("job.requeued", **job, attempts=1, why="The engine died.") == (
        "Waves/a.jpg waits for another try: The engine died."
    )
    assert told("job.finished", **job, result="/srv/Outbox/Waves/a.jpg", seconds=80.2) == (
        "Painted in 1 min: /srv/Outbox/Waves/a.jpg"
    )
    assert told("job.resumed", **job, iteration=3).startswith("The photo of job abc")  # forgotten


def test_a_style_that_the_folder_does_not_say_is_said() -> None:
    job: dict[str, Any] = {"job": "abc", "photo": "Party/content.jpg"}
    line = told("job.queued", **job, style="Waves", own_style=False)
    assert line == "Took Party/content.jpg in the style Waves."
    line = told("job.started", **job, style="style", own_style=True, attempt=1)
    assert line == "Painting Party/content.jpg in its own style."
    line = told("job.queued", **job, style="", own_style=False)
    assert line == "Took Party/content.jpg."


def test_what_lies_in_the_share_is_named_as_people_see_it() -> None:
    words = Words(lambda: 0.0, colors=False)
    told("service.started", words=words, share="/srv/atelier", queued=0)
    line = told("job.finished", words=words, job="a", result="/srv/atelier/Outbox/a.jpg", seconds=8)
    assert line == "Painted in 8 s: Outbox/a.jpg"
    line = told("job.finished", words=words, job="b", result="/srv/elsewhere/a.jpg", seconds=8)
    assert line == "Painted in 8 s: /srv/elsewhere/a.jpg"


def test_long_lines_are_broken_below_their_beginning() -> None:
    words = Words(lambda: 0.0, colors=False, columns=lambda: 60)
    why = "The file is not a picture that can be read here, as far as anybody can tell."
    lines = words(None, "error", {"event": "scan.failed", "why": why}).splitlines()
    assert len(lines) == 2
    assert all(len(line) < 60 for line in lines)
    assert " ".join(line[10:] for line in lines) == why
    assert lines[1].startswith(" " * 10)


def test_a_failure_says_where_the_photo_lies() -> None:
    words = Words(lambda: 0.0, colors=False)
    told("job.queued", words=words, job="abc", photo="Waves/a.jpg", style="Waves")
    line = told(
        "job.failed", words=words, job="abc", photo="/srv/Failed/a.jpg", reason="It is torn."
    )
    assert line == "Waves/a.jpg was not painted: It is torn. It lies at /srv/Failed/a.jpg"


def test_an_event_without_a_sentence_is_told_with_all_it_has() -> None:
    line = told("journal.pruned", jobs=3, folder="/srv")
    assert line == "Journal pruned (jobs 3, folder /srv)"
    line = told("file.not_synced", file="a.jpg", why="no room")
    assert line == "File not synced (file a.jpg): no room"


@pytest.mark.parametrize("event", sorted({*_SENTENCES, *_BY_FUNCTION}))
def test_an_event_with_other_fields_than_usual_is_told_all_the_same(event: str) -> None:
    assert told(event, strange=1)


def test_every_sentence_is_about_an_event_that_there_is() -> None:
    folder = Path(daemon.__file__).parent
    code = "".join(path.read_text("utf-8") for path in folder.rglob("*.py"))
    made = {"weights.loaded", "weights.imported"}  # put together where they are logged
    for event in {*_SENTENCES, *_BY_FUNCTION} - made:
        assert code.count(f'"{event}"') >= 2, event  # here, and where it is logged


def test_events_are_of_a_service_and_no_daemon() -> None:
    folder = Path(daemon.__file__).parent
    modules = {path.stem for path in folder.iterdir()}
    for path in folder.rglob("*.py"):
        named = re.findall(r'"daemon\.([a-z_]+)"', path.read_text("utf-8"))
        assert set(named) <= {*modules, "lock", "mark"}, path  # which are no events


def test_what_has_lines_of_its_own_stands_below() -> None:
    line = told("job.detail", job="abc", unexpected=True, detail=TRACE)
    assert line.splitlines()[1:] == [f"    {one}" for one in TRACE.splitlines()]


def test_colours_only_where_they_are_seen() -> None:
    fields = {"level": "error", "event": "scan.failed", "why": "The drive is away."}
    assert "\x1b[31m" in Words(lambda: 0.0, colors=True)(None, "error", dict(fields))
    assert "\x1b" not in Words(lambda: 0.0, colors=False)(None, "error", dict(fields))


def test_it_remembers_no_more_names_than_it_may() -> None:
    words = Words(lambda: 0.0, colors=False)
    for number in range(2500):
        told("job.queued", words=words, job=str(number), photo="a.jpg", style="Waves")
    assert len(words._names) <= 1000
