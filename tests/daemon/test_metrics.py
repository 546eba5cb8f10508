"""The figures for Prometheus: read here as strictly as their format says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import pytest
from structlog.testing import capture_logs

from daemon.jobs import NewJob
from daemon.journal import Journal
from daemon.metrics import BUCKETS, Metrics
from daemon.runners.base import EngineLost, Painted
from daemon.runners.exchange import Engines
from daemon.version import program
from tests.daemon.standins import Clock

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(
    rf'({NAME})\{{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\}} (\S+)'
)
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"')
KINDS = {"gauge", "counter", "histogram"}
NONE = Engines()


@dataclass
class Family:
    """What a file says of one name."""

    kind: str
    samples: dict[tuple[str, ...], float] = field(default_factory=dict)


def parse(text: str) -> dict[str, Family]:
    """Read the text format: HELP, TYPE, and the samples right below, each once."""
    families, current, helped = dict[str, Family](), "", ""
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            helped = line.split(" ", 3)[2]
            assert line.split(" ", 3)[3].strip()
        elif line.startswith("# TYPE "):
            _, _, current, kind = line.split(" ")
            assert current == helped
            assert current not in families
            assert kind in KINDS
            families[current] = Family(kind)
        else:
            found = SAMPLE.fullmatch(line)
            assert found, line
            family = families[current]
            ends = ("_bucket", "_sum", "_count") if family.kind == "histogram" else ("",)
            assert found[1] in {current + end for end in ends}
            assert (found[1].endswith("_total")) == (family.kind == "counter")
            labels = LABEL.findall(found[2])
            key = (found[1].removeprefix(current), *(f"{a}={unescaped(b)}" for a, b in labels))
            assert key not in family.samples
            family.samples[key] = float(found[3])
    return families


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


@pytest.fixture
def clock() -> Clock:
    return Clock(50.0)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "state/journal.sqlite", lambda: 1_700_000_000.5)) as journal:
        yield journal


@pytest.fixture
def metrics(tmp_path: Path, clock: Clock) -> Metrics:
    return Metrics(tmp_path / "atelierd.prom", Path("/srv/atelier"), clock)


def read(tmp_path: Path) -> dict[str, Family]:
    return parse((tmp_path / "atelierd.prom").read_text("utf-8"))


def value(families: dict[str, Family], name: str, *labels: str) -> float:
    return families[f"atelierd_{name}"].samples[("", "share=/srv/atelier", *labels)]


def nothing() -> str:
    return ""


def add(journal: Journal, job_id: str) -> None:
    path = Path("/x") / job_id / "a.jpg"
    journal.add(NewJob(job_id, "W", "W", PurePath("W/a.jpg"), path, path, None, "{}"))


def painted(seconds: float) -> Painted:
    return Painted("job", b"", ".jpg", {"seconds": seconds})


def test_all_figures_are_there(metrics: Metrics, journal: Journal, tmp_path: Path) -> None:
    for job_id in ("a", "b", "c", "d"):
        add(journal, job_id)
    journal.start("a")
    journal.published("a", Path("/x/out.jpg"), {})
    journal.finish("a")
    journal.fail("b", "It is torn.")
    metrics.tell(journal, lambda: "The disk is full", 7, Engines(ready=5, aside=2))
    families = read(tmp_path)
    assert (value(families, "engines_ready"), value(families, "engines_aside")) == (5, 2)
    states = {state: value(families, "jobs", f"state={state}") for state in ("queued", "running")}
    assert states == {"queued": 2, "running": 0}
    assert value(families, "jobs", "state=done") == value(families, "jobs", "state=failed") == 1
    assert value(families, "queue_length") == 2
    assert value(families, "last_result_timestamp_seconds") == 1_700_000_000.5
    assert (value(families, "up"), value(families, "trouble")) == (1, 1)
    assert value(families, "photos_failed_total") == 7
    assert value(families, "build_info", f"version={program()}") == 1
    assert families["atelierd_photos_failed_total"].kind == "counter"


def test_paintings_fall_into_buckets(metrics: Metrics, journal: Journal, tmp_path: Path) -> None:
    for seconds in (5.0, 10.0, 10.5, 200.0, 1e6):
        metrics.heard(painted(seconds))
    metrics.heard(EngineLost(-9))
    metrics.tell(journal, nothing, 0, NONE)
    families = read(tmp_path)
    histogram = families["atelierd_painting_seconds"]
    assert histogram.kind == "histogram"
    buckets = {
        key[2].removeprefix("le="): count
        for key, count in histogram.samples.items()
        if key[0] == "_bucket"
    }
    assert list(buckets) == [*(f"{bound:.0f}" for bound in BUCKETS), "+Inf"]
    assert list(buckets.values()) == [2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5]
    assert histogram.samples["_sum", "share=/srv/atelier"] == 1_000_225.5
    assert histogram.samples["_count", "share=/srv/atelier"] == 5
    assert value(families, "engine_restarts_total") == 1
    assert "atelierd_last_result_timestamp_seconds" not in families


@pytest.mark.parametrize("name", ['a "b"', "back\\slash", "new\nline", "ä ö", "plain"])
def test_whatever_the_share_is_called_a_line_is_a_line(
    journal: Journal, tmp_path: Path, name: str
) -> None:
    Metrics(tmp_path / "atelierd.prom", Path("/srv") / name).tell(journal, nothing, 0, NONE)
    ((_, label),) = read(tmp_path)["atelierd_up"].samples
    assert label in {f"share=/srv/{name}", "share=/srv/new\\x0aline"}


def test_it_is_written_now_and_then_and_only_if_something_is_new(
    metrics: Metrics, journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "atelierd.prom"
    metrics.tell(journal, nothing, 0, NONE)
    path.unlink()
    clock.now += 20
    metrics.tell(journal, nothing, 0, NONE)  # nothing is new
    assert not path.exists()
    clock.now += 14
    metrics.tell(journal, nothing, 1, NONE)  # not yet
    assert not path.exists()
    clock.now += 1
    metrics.tell(journal, nothing, 1, NONE)
    assert value(read(tmp_path), "photos_failed_total") == 1


def test_at_the_end_it_says_so_at_once_and_goes_on_at_once(
    metrics: Metrics, journal: Journal, tmp_path: Path
) -> None:
    metrics.tell(journal, nothing, 0, NONE)
    metrics.end(journal, nothing, 0, NONE)
    assert value(read(tmp_path), "up") == 0
    metrics.tell(journal, nothing, 0, NONE)
    assert value(read(tmp_path), "up") == 1


def test_nobody_reads_half_of_it(metrics: Metrics, journal: Journal, tmp_path: Path) -> None:
    metrics.tell(journal, nothing, 0, NONE)
    read(tmp_path)
    before = (tmp_path / "atelierd.prom").stat()
    metrics.end(journal, nothing, 0, NONE)
    assert (tmp_path / "atelierd.prom").stat().st_ino != before.st_ino
    assert before.st_mode & 0o444 == 0o444
    assert sorted(path.name for path in tmp_path.iterdir()) == ["atelierd.prom", "state"]


def test_what_stands_in_the_way_is_said_once(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    metrics = Metrics(tmp_path / "folder/atelierd.prom", Path("/srv"), clock)
    with capture_logs() as logs:
        for _ in range(3):
            metrics.tell(journal, nothing, 0, NONE)
            clock.now += 20
        (tmp_path / "folder").mkdir()
        metrics.tell(journal, nothing, 0, NONE)
    assert [line["event"] for line in logs] == ["metrics.not_written", "metrics.written_again"]
    assert (tmp_path / "folder/atelierd.prom").exists()


def test_no_link_is_written_through(metrics: Metrics, journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "atelierd.prom").symlink_to("mine")
    with capture_logs() as logs:
        metrics.tell(journal, nothing, 0, NONE)
    assert [line["event"] for line in logs] == ["metrics.not_written"]
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_journal_that_cannot_be_read_leaves_its_figures_out(
    metrics: Metrics, journal: Journal, tmp_path: Path
) -> None:
    journal._database.execute("DROP TABLE jobs")
    metrics.tell(journal, lambda: "The journal cannot be used", 0, NONE)
    families = read(tmp_path)
    assert value(families, "trouble") == 1
    assert "atelierd_jobs" not in families


def test_another_file_is_taken_at_once_and_none_means_none(
    metrics: Metrics, journal: Journal, tmp_path: Path
) -> None:
    metrics.tell(journal, nothing, 0, NONE)
    metrics.use(tmp_path / "other.prom")
    assert not (tmp_path / "atelierd.prom").exists()  # it would say for ever that the service runs
    metrics.tell(journal, nothing, 0, NONE)
    assert parse((tmp_path / "other.prom").read_text())
    metrics.use(None)
    assert not (tmp_path / "other.prom").exists()
    metrics.tell(journal, nothing, 5, NONE)
    metrics.end(journal, nothing, 5, NONE)
    assert not (tmp_path / "other.prom").exists()


def test_a_file_that_is_not_ours_stays_and_that_is_said_once(
    metrics: Metrics, journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "atelierd.prom"
    path.write_text("# HELP node_disks Of another program.\n")
    with capture_logs() as logs:
        for _ in range(3):
            metrics.tell(journal, nothing, 0, NONE)
            clock.now += 20
        assert path.read_text().startswith("# HELP node_disks")
        metrics.use(tmp_path / "other.prom")
    assert path.exists()
    assert [line["event"] for line in logs] == ["metrics.not_written"]
    assert "not the program's own" in logs[0]["why"]


def test_what_somebody_put_in_the_place_of_ours_is_not_removed(
    metrics: Metrics, journal: Journal, tmp_path: Path
) -> None:
    metrics.tell(journal, nothing, 0, NONE)
    (tmp_path / "atelierd.prom").write_text("mine")
    metrics.use(None)
    assert (tmp_path / "atelierd.prom").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"# HELP atelierd_up Of an older version.\n"])
def test_an_empty_one_and_one_of_ours_are_written_over(
    metrics: Metrics, journal: Journal, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "atelierd.prom").write_bytes(content)
    metrics.tell(journal, nothing, 0, NONE)
    assert value(read(tmp_path), "up") == 1


def test_nobody_waits_for_a_pipe_of_that_name(
    metrics: Metrics, journal: Journal, tmp_path: Path
) -> None:
    for name in ("atelierd.prom", ".atelierd.prom.new"):
        os.mkfifo(tmp_path / name)
    with capture_logs() as logs:
        metrics.tell(journal, nothing, 0, NONE)
    assert [line["event"] for line in logs] == ["metrics.not_written"]
    assert (tmp_path / "atelierd.prom").is_fifo()


@pytest.mark.parametrize("seconds", ["soon", None, [1], 10**400])
def test_what_cannot_be_counted_keeps_nobody_from_work(
    metrics: Metrics, journal: Journal, tmp_path: Path, seconds: object
) -> None:
    with capture_logs() as logs:
        metrics.heard(Painted("job", b"", ".jpg", {"seconds": seconds}))
    assert [line["event"] for line in logs] == ["program.fault"]
    metrics.heard(painted(5.0))
    metrics.tell(journal, nothing, 0, NONE)
    histogram = read(tmp_path)["atelierd_painting_seconds"]
    assert histogram.samples["_count", "share=/srv/atelier"] == 1


def test_a_fault_over_the_figures_keeps_nobody_from_work(
    metrics: Metrics, journal: Journal
) -> None:
    def faulty() -> str:
        raise ZeroDivisionError

    with capture_logs() as logs:
        metrics.tell(journal, faulty, 0, NONE)
        metrics.end(journal, faulty, 0, NONE)
    assert [one["event"] for one in logs if one["log_level"] != "debug"] == [
        "program.fault", "metrics.not_written",
    ]  # fmt: skip


def temporary(folder: Path, number: int, content: bytes) -> Path:
    path = folder / f".atelierd-{number:016x}.tmp"
    path.write_bytes(content)
    return path


def half(share: Path) -> bytes:
    """What a kill leaves of the figures of a share: they are not named yet."""
    folder = share.parent / "half"
    folder.mkdir()
    with closing(Journal(folder / "journal.sqlite", lambda: 1.0)) as journal:
        Metrics(folder / "half.prom", share, Clock(1.0)).tell(journal, nothing, 0, NONE)
    data = (folder / "half.prom").read_bytes()
    return data[: len(data) // 2]


def test_what_a_kill_has_left_beside_it_is_removed_at_the_start(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    folder = tmp_path / "collector"
    folder.mkdir()
    ours = temporary(folder, 1, half(tmp_path / 'a "b"'))
    metrics = Metrics(folder / "atelierd.prom", tmp_path / 'a "b"', clock)
    metrics.tell(journal, nothing, 0, NONE)
    assert not ours.exists()
    later = temporary(folder, 1, b"# HELP atelierd_ whatever it is: only the start looks")
    clock.now += 20
    metrics.tell(journal, nothing, 1, NONE)
    assert later.exists()


def test_what_another_service_may_be_writing_there_stays(
    journal: Journal, tmp_path: Path, clock: Clock
) -> None:
    folder = tmp_path / "collector"
    folder.mkdir()
    theirs = [
        temporary(folder, 1, half(tmp_path / "a2")),
        temporary(folder, 2, b""),
        temporary(folder, 3, b"somebody's"),
        folder / "node.prom.1",
        folder / f".atelierd-{4:016x}.tmp",
    ]
    theirs[3].touch()
    os.mkfifo(theirs[4])
    made = theirs[1].stat().st_mtime
    Metrics(folder / "a.prom", tmp_path / "a", clock, lambda: made + 50).tell(
        journal, nothing, 0, NONE
    )
    assert [path for path in theirs if not os.path.lexists(path)] == []
    Metrics(folder / "a.prom", tmp_path / "a", clock, lambda: made + 70).tell(
        journal, nothing, 0, NONE
    )
    assert [path for path in theirs if not os.path.lexists(path)] == [theirs[1]]


def test_what_cannot_be_removed_keeps_nobody_from_work(
    journal: Journal, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = temporary(tmp_path, 1, half(tmp_path / "a"))

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(Path, "unlink", refuse)
        Metrics(tmp_path / "a.prom", tmp_path / "a", clock).tell(journal, nothing, 0, NONE)
    assert (logs, left.exists()) == ([], True)
    assert parse((tmp_path / "a.prom").read_text())
