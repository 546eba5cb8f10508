"""A real Chromium, driven as the W3C's WebDriver has it, through chromedriver's plain HTTP."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 120  # seconds; whatever the load of the machine
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name of an element's number, by the standard
DRIVER = shutil.which("chromedriver")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
MISSING = None if DRIVER and CHROMIUM else "chromium and chromium-driver are not installed"


def until(what: Callable[[], Any]) -> Any:
    """Ask again until the answer is true, and return it."""
    end = time.monotonic() + PATIENCE
    while not (answer := what()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
    return answer


class RefusedError(Exception):
    """The driver did not do what it was asked."""


class Browser:
    """One window of it; to be closed.

    Args:
        language: of its person.
        arguments: further ones for Chromium.
    """

    def __init__(self, language: str = "en", *arguments: str) -> None:
        self._driver = subprocess.Popen(
            [str(DRIVER), "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._address = self._listening()
        options = {
            "binary": CHROMIUM,
            "args": [
                # The pages are the tests' own, and a container may have no sandbox to give.
                *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"),
                *("--no-first-run", "--window-size=1200,900"),
                *(f"--lang={language}", f"--accept-lang={language}", *arguments),
            ],
            "prefs": {"intl.accept_languages": language},
        }
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
            "unhandledPromptBehavior": "ignore",
        }
        self._session = ""
        made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{made['sessionId']}"

    def close(self) -> None:
        """End it, and its driver."""
        try:
            self._ask("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.communicate(timeout=PATIENCE)

    def open(self, page: Path) -> None:
        """Open a file, as from a file manager."""
        self._ask("POST", "/url", {"url": page.as_uri()})

    def reload(self) -> None:
        """Read the page again, as by the key for it."""
        self._ask("POST", "/refresh", {})

    def run(self, script: str, *values: Any) -> Any:
        """Run a function's body in the page."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(values)})

    def tools(self, command: str, **values: Any) -> Any:
        """Give a command of the developers' tools."""
        return self._ask("POST", "/goog/cdp/execute", {"cmd": command, "params": values})

    def press(self, selector: str, keys: str) -> None:
        """Type into an element."""
        self._ask("POST", f"/element/{self._find(selector)}/value", {"text": keys})

    def click(self, selector: str) -> None:
        """Click on the middle of an element."""
        self._ask("POST", f"/element/{self._find(selector)}/click", {})

    def drag(self, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
        """Press, move and let go, at places of the window; with a `mouse` or by `touch`."""

        def move(place: tuple[float, float]) -> dict[str, Any]:
            x, y = map(round, place)
            return {"type": "pointerMove", "duration": 50, "x": x, "y": y, "origin": "viewport"}

        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        down, up = ({"type": f"pointer{way}", "button": 0} for way in ("Down", "Up"))
        steps = [move(start), down, *([move(middle), move(end)] if start != end else []), up]
        finger = {"type": "pointer", "id": kind, "parameters": {"pointerType": kind}}
        self._ask("POST", "/actions", {"actions": [{**finger, "actions": steps}]})

    def windows(self) -> list[str]:
        """The windows that are open."""
        return list(self._ask("GET", "/window/handles"))

    def go_to(self, window: str) -> None:
        """Speak to another window from now on."""
        self._ask("POST", "/window", {"handle": window})

    def close_window(self) -> None:
        """Close the one that is spoken to."""
        self._ask("DELETE", "/window")

    def address(self) -> str:
        """What the window shows."""
        return str(self._ask("GET", "/url"))

    def has_dialog(self) -> bool:
        """Whether a page has opened one."""
        try:
            self._ask("GET", "/alert/text")
        except RefusedError as refusal:
            if "no such alert" in str(refusal):
                return False
            raise
        return True

    def complaints(self) -> list[str]:
        """What the browser had to say of the page since it was last asked."""
        said = self._ask("POST", "/se/log", {"type": "browser"})
        return [str(line["message"]) for line in said]

    def look(self, width: int, theme: str = "light") -> None:
        """Give the window a width, and its person a taste."""
        self.tools(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip
        feature = {"name": "prefers-color-scheme", "value": theme}
        self.tools("Emulation.setEmulatedMedia", features=[feature])

    def picture(self) -> bytes:
        """The whole page, as PNG."""
        shown = self.tools("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shown["data"])

    def _find(self, selector: str) -> str:
        found = self._ask("POST", "/element", {"using": "css selector", "value": selector})
        return str(found[ELEMENT])

    def _listening(self) -> str:
        assert self._driver.stdout is not None
        for line in self._driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                return f"http://127.0.0.1:{found[1]}"
        raise AssertionError("chromedriver has not started")

    def _ask(self, method: str, path: str, values: dict[str, Any] | None = None) -> Any:
        body = None if values is None else json.dumps(values).encode()
        request = urllib.request.Request(  # noqa: S310 - the address is our own
            f"{self._address}{self._session}{path}", body, method=method
        )
        request.add_header("Content-Type", "application/json; charset=utf-8")
        try:
            with _OPENER.open(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.request.HTTPError as error:
            with error:
                raise RefusedError(error.read().decode()) from None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Not through whatever proxy the environment names: the driver is on this machine."""
