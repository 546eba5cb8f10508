"""Show the whole way once: a fresh share, the real daemon, sample photos in, paintings out.

Run by `make demo`. Everything happens below ./demo, which is made anew each time; what the daemon
logs is kept in demo/atelierd.log. Ends with 0 when every photo came back painted.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from check_demo import check_share
from demo_screen import Screen

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
MARKER = ".made-by-make-demo"
ATELIERD = Path(sys.executable).with_name("atelierd")
STARTER = ROOT / "daemon" / "starter"
DROPS = (
    ("photo.jpg", "Waves/Mountain lake.jpg"),
    ("photo-2.jpg", "Brush Strokes/Still life.jpg"),
)
"""Which sample photo is dropped, and where below the inbox."""
SETTINGS = {
    # Small enough for two slow cores and five minutes, large enough to see the strokes.
    "paint.preset": "standard",
    "paint.size": "384",
    "paint.iterations": "120",
    # Copies on one disk are complete at once; on a network they are not, so the defaults wait.
    "watch.settle_seconds": "1",
    "watch.poll_seconds": "0.5",
    "log.format": "json",
    "log.level": "debug",  # which has each second of a painting
}
PATIENCE = 300.0
"""Seconds without a word from the daemon after which something must be wrong."""
FAREWELL = 20.0


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def main() -> int:
    """Run the demo."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    screen = Screen()
    began = time.monotonic()
    try:
        share = _fresh_share()
        with _daemon(share) as (process, log):
            _drop(share, process)
            screen.say(f"Dropped {len(DROPS)} photos into {_short(share / 'Inbox')}:")
            for _, place in DROPS:
                screen.say(f"  {place}")
            results = _watch(process, log, screen)
        _judge(share, results)
    except (DemoError, OSError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was stopped.", file=sys.stderr)
        return 130
    screen.say(f"\nPainted in {time.monotonic() - began:.0f} seconds. Look at them:")
    for result in results:
        screen.say(f"  {result}")
    screen.say(f"The photos are kept in {_short(share / 'Originals')}. Now yours: `make run`.")
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _short(path: Path) -> str:
    return os.path.relpath(path, Path.cwd())


def _fresh_share() -> Path:
    """Make ./demo anew; a folder of that name that is not ours stays as it is."""
    if DEMO.is_symlink() or (DEMO.exists() and not (DEMO / MARKER).is_file()):
        raise DemoError(
            f"{_short(DEMO)} is there already and the demo did not make it. Move it away first."
        )
    if DEMO.exists():
        shutil.rmtree(DEMO)
    DEMO.mkdir()
    (DEMO / MARKER).write_text("`make demo` makes this folder anew each time.\n", encoding="utf-8")
    share = DEMO / "share"
    made = subprocess.run(
        [ATELIERD, "init", share], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if made.returncode:
        raise DemoError(f"`atelierd init` ended with {made.returncode}: {made.stderr.strip()}")
    return share


@contextmanager
def _daemon(share: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The daemon while it runs; afterwards it has ended, whatever happened."""
    log = DEMO / "atelierd.log"
    options = {
        "share.root": str(share),
        "state_dir": str(DEMO / "state"),
        "engine.weights": str(ROOT / "data" / "param"),
        **SETTINGS,
    }
    command = [str(ATELIERD), "run"]
    for key, value in options.items():
        command += [f"--{key}", value]
    # Settings that a person keeps for other shares must not change what the demo shows.
    environment = {key: value for key, value in os.environ.items() if not _is_setting(key)}
    (DEMO / "config.toml").touch()
    command += ["--config", str(DEMO / "config.toml")]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=stream,
            stderr=subprocess.STDOUT, start_new_session=True,  # Ctrl-C is ours to pass on
        )  # fmt: skip
    try:
        yield process, log
    except BaseException:
        _end(process)
        raise
    if _end(process) != 0:
        raise DemoError(f"the service ended with {process.returncode}; see {_short(log)}.")


def _is_setting(name: str) -> bool:
    return name.upper().startswith("ATELIERD_")


def _end(process: subprocess.Popen[bytes]) -> int:
    """Ask the daemon to stop, and see to it that it does."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(FAREWELL)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _drop(share: Path, process: subprocess.Popen[bytes]) -> None:
    """Copy the sample photos into the style folders, as a person would."""
    for source, place in DROPS:
        target = share / "Inbox" / place
        until = time.monotonic() + 30
        while not target.parent.is_dir():
            if process.poll() is not None or time.monotonic() > until:
                raise DemoError(f"there is no folder {_short(target.parent)} to drop a photo into.")
            time.sleep(0.1)
        shutil.copyfile(STARTER / source, target)


def _watch(process: subprocess.Popen[bytes], log: Path, screen: Screen) -> list[str]:
    """Show how the jobs go until all photos came back.

    Returns:
        Where the paintings are.
    """
    results: list[str] = []
    with screen:
        for event in _events(process, log):
            screen.show(event)
            if event["event"] == "job.failed":
                raise DemoError(f"a photo could not be painted: {event.get('reason')}")
            if event["event"] == "engine.unavailable":
                raise DemoError(f"nothing can be painted: {event.get('why')}")
            if event["event"] == "job.finished":
                results.append(_short(Path(event["result"])))
            if len(results) == len(DROPS):
                return results
    raise DemoError(f"the service ended early; see {_short(log)}.\n{_tail(log)}")


def _events(process: subprocess.Popen[bytes], log: Path) -> Iterator[dict[str, Any]]:
    """What the daemon logs, as it logs it, until it ends."""
    heard = time.monotonic()
    with log.open(encoding="utf-8", errors="replace") as stream:
        rest = ""
        while True:
            ended = process.poll() is not None
            piece = stream.read()
            *lines, rest = (rest + piece).split("\n")
            yield from filter(None, map(_event, lines))
            if piece:
                heard = time.monotonic()
            elif ended:
                return
            elif time.monotonic() - heard > PATIENCE:
                raise DemoError(f"the service is silent; see {_short(log)}.")
            else:
                time.sleep(0.1)


def _event(line: str) -> dict[str, Any] | None:
    """A line of the log; None if it is something else, such as a message before logging began."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])


def _judge(share: Path, results: list[str]) -> None:
    """See with our own eyes that the outbox has pictures, and other ones than those put in."""
    findings = check_share(share)
    if len(findings) != len(results):
        raise DemoError(f"{len(results)} photos were painted, but {len(findings)} were kept.")
    for one in findings:
        if one.problems:
            where = _short(one.painting or one.photo)
            raise DemoError(f"{where} is not right: {'; '.join(one.problems)}.")


if __name__ == "__main__":
    sys.exit(main())
