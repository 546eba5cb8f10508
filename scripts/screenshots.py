"""Take the pictures in docs/pictures from the running program: `python -m scripts.screenshots`.

A fresh share, the real service, the starter photos, and the page in a real Chromium (with its
driver, as for the tests). For Chinese a font is needed that has it. Takes some minutes.
"""

from __future__ import annotations

import base64
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.daemon.page.browser import MISSING, Browser

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "daemon" / "starter"
PICTURES = ROOT / "docs" / "pictures"
MOST_BYTES = 150_000
PATIENCE = 900.0
"""Seconds for all paintings of one scene, on whatever machine."""
ATELIERD = (sys.executable, "-m", "daemon")
SETTINGS = {
    "paint.preset": "draft",
    "paint.size": "384",
    # Copies on one disk are complete at once, and what is broken stays so.
    "watch.settle_seconds": "1",
    "watch.poll_seconds": "0.5",
    "watch.patience_seconds": "3",
    "page.seconds": "1",
}
PAINTED = ("photo-2.jpg", "Woodcut/Breakfast.jpg")
"""Which starter photo is dropped, and where below the inbox: the first, which hangs on the wall."""
EASEL = ("photo.jpg", "Waves/Mountain lake.jpg")
WAITING = (
    ("photo-2.jpg", "Dots/Still life.jpg"),
    ("photo.jpg", "Mosaic/Summer holidays.jpg"),
)
NEARLY = 0.85
"""Share of the way at which the painting on the easel is shown: it is on its last scale then."""
BROKEN = "Waves/IMG_2041.jpg"
NO_PICTURE = "Dots/Shopping list.docx"
SHOWN = "return document.documentElement.classList.contains('ready')"
BOX = (
    "const {left, top, width, height} ="
    " document.querySelector(arguments[0]).getBoundingClientRect();"
    "return [left + scrollX, top + scrollY, width, height]"
)


@dataclass(frozen=True)
class Shot:
    """How a picture of the page is taken.

    Attributes:
        name: of the file, without its ending.
        width: of the window; below 500 it is a phone's.
        height: of what is shown from the top, or of the window if `element` is given.
        element: whose picture it is; the whole window's where there is none.
        slider: where the line between photo and painting stands, in percent of its way.
        sharpness: pixels of the picture for one of the page.
    """

    name: str
    width: int
    height: int
    element: str = ""
    slider: int = 50
    sharpness: float = 1.25


def main() -> int:
    """Take all of them."""
    if MISSING:
        print(f"The pictures cannot be taken: {MISSING}.", file=sys.stderr)
        return 1
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        share = Path(folder) / "Paintings"
        _atelierd("init", str(share))
        with _service(share, Path(folder) / "state"):
            _tell_the_story(share)
    return 0


def _tell_the_story(share: Path) -> None:
    _drop(share, *PAINTED)
    _until((share / "Outbox" / PAINTED[1]).exists)
    whole = (STARTER / "photo.jpg").read_bytes()
    (share / "Inbox" / BROKEN).write_bytes(whole[: len(whole) // 2])
    (share / "Inbox" / NO_PICTURE).write_text("Milk, bread, apples\n", encoding="utf-8")
    _until(lambda: all((share / "Failed" / place).exists() for place in (BROKEN, NO_PICTURE)))
    with _browser("en") as english, _browser("zh-CN") as chinese:
        page = share / "Status.html"
        _drop(share, *EASEL)
        _until(lambda: not (share / "Inbox" / EASEL[1]).exists())
        for source, place in WAITING:
            _drop(share, source, place)
        english.open(page)
        _until(lambda: _is_nearly_done(english))
        for browser in (english, chinese):
            _stand_still(browser, page)
        _take(english, Shot("page", 1200, 900))
        _take(chinese, Shot("page-zh", 1200, 900))
        _take(english, Shot("phone", 390, 844, sharpness=1.5))
        _take(english, Shot("result", 1200, 900, ".results li", 38))
        _take(english, Shot("failed", 900, 900, ".failures"))
    sheet = share / "All styles.jpg"
    _until(sheet.exists)
    with Image.open(sheet) as image:
        image.thumbnail((1000, 1000))
        _save(image.convert("RGB"), "all-styles")


def _atelierd(*arguments: str) -> None:
    subprocess.run(
        [*ATELIERD, *arguments], cwd=ROOT, env=_environment(), check=True, stdout=subprocess.DEVNULL
    )


def _environment() -> dict[str, str]:
    """Without the settings that a person keeps for shares of their own."""
    return {key: value for key, value in os.environ.items() if not key.startswith("ATELIERD_")}


@contextmanager
def _service(share: Path, state: Path) -> Iterator[None]:
    """The service while it runs; it says on the terminal what it does."""
    (share.parent / "config.toml").touch()
    options = {
        "config": str(share.parent / "config.toml"),
        "share.root": str(share),
        "state_dir": str(state),
        "engine.weights": str(ROOT / "data" / "param"),
        "log.format": "words",
        **SETTINGS,
    }
    named = [part for key, value in options.items() for part in (f"--{key}", value)]
    process = subprocess.Popen([*ATELIERD, "run", *named], cwd=ROOT, env=_environment())
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _drop(share: Path, source: str, place: str) -> None:
    target = share / "Inbox" / place
    _until(target.parent.is_dir)
    shutil.copyfile(STARTER / source, target)


def _browser(language: str) -> closing[Browser]:
    return closing(Browser(language, "--hide-scrollbars"))


def _until(what: Callable[[], object]) -> None:
    """Ask again until the answer is true.

    Raises:
        SystemExit: it has not come true in all that time.
    """
    end = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > end:
            raise SystemExit("The program has not come so far; the pictures cannot be taken.")
        time.sleep(0.2)


def _is_nearly_done(browser: Browser) -> bool:
    """Whether the page shows the photo on the easel, well on its way, and all that wait."""
    browser.reload()
    _until(lambda: browser.run(SHOWN))
    return bool(
        browser.run(
            "const bar = document.querySelector('.now progress');"
            "return bar !== null && bar.value / bar.max > arguments[0]"
            " && document.querySelectorAll('.queue li').length === arguments[1]",
            NEARLY,
            len(WAITING),
        )
    )


def _stand_still(browser: Browser, page: Path) -> None:
    browser.open(page)
    _until(lambda: browser.run(SHOWN))
    browser.run("document.body.dataset.every = '9999'")


def _take(browser: Browser, shot: Shot) -> None:
    browser.tools(
        "Emulation.setDeviceMetricsOverride",
        width=shot.width, height=shot.height, deviceScaleFactor=shot.sharpness,
        mobile=shot.width < 500,
    )  # fmt: skip
    browser.run(
        "for (const one of document.querySelectorAll('.wipe input')) {"
        " one.value = arguments[0]; one.dispatchEvent(new Event('input', {bubbles: true})) }",
        shot.slider,
    )
    left, top, width, height = 0.0, 0.0, float(shot.width), float(shot.height)
    if shot.element:
        left, top, width, height = browser.run(BOX, shot.element)
        left, top, width, height = left - 24, top - 24, width + 48, height + 48
    shown = browser.tools(
        "Page.captureScreenshot", captureBeyondViewport=True,
        clip={"x": left, "y": top, "width": width, "height": height, "scale": 1},
    )  # fmt: skip
    with Image.open(io.BytesIO(base64.b64decode(shown["data"]))) as image:
        _save(image.convert("RGB"), shot.name)


def _save(image: Image.Image, name: str) -> None:
    """Write it as good as its size allows."""
    for quality in range(88, 40, -4):
        into = io.BytesIO()
        image.save(into, "JPEG", quality=quality, subsampling=0, optimize=True)
        if into.tell() < MOST_BYTES:
            break
    target = PICTURES / f"{name}.jpg"
    target.write_bytes(into.getvalue())
    print(f"{target.relative_to(ROOT)}: {image.width} x {image.height}, {into.tell()} bytes")


if __name__ == "__main__":
    sys.exit(main())
