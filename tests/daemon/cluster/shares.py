"""Services as processes, each with a share of its own, that are painted for by a test's cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.daemon.standins import picture
from tests.daemon.test_run import CONFIG, Program, prepared

PROGRAM = (sys.executable, "-m", "tests.daemon.cluster.run_with_stand_ins")


def config(scheduler: str, **sections: str) -> str:
    """The file of settings: those of a section come with it."""
    cluster = f'[cluster]\nscheduler = "{scheduler}"\n' + sections.pop("cluster", "")
    others = "".join(f"[{name}]\n{lines}" for name, lines in sections.items())
    return f'runner = "dask"\n{CONFIG}{cluster}{others}'


@contextmanager
def service(folder: Path, scheduler: str, **sections: str) -> Iterator[Program]:
    """One that runs, and has a style."""
    folder.mkdir(exist_ok=True)
    with prepared(folder, config(scheduler, **sections)) as program:
        program.style("Waves")
        program.start(program=PROGRAM)
        yield program


def drop(program: Program, *names: str, behind: bytes = b"") -> None:
    """Photos, for that style, with something behind their ends, where nobody minds."""
    for number, name in enumerate(names):
        path = program.share / "Inbox" / "Waves" / f"{name}.jpg"
        path.write_bytes(picture((number, 90, 30)) + behind)


def expect_painted_once(program: Program, *names: str) -> None:
    """Wait until all of them have come to their end, and see that each had one."""
    files = [f"Waves/{name}.jpg" for name in sorted(names)]
    program.wait(lambda: len(program.said("job.finished")) >= len(names))
    program.wait(lambda: program.jobs() == {"done": len(names)})
    assert program.files("Outbox") == program.files("Originals") == files
    assert program.files("Inbox") == program.files("Failed") == []
    done = [line["job"] for line in program.said("job.finished")]
    assert len(done) == len(set(done)) == len(names)
