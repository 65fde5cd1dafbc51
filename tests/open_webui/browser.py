"""A headless Chromium by the W3C's WebDriver protocol, which is JSON over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from tests.support.program import Program

PATIENCE_S: Final = 60
"""How long a page may take to show what a test waits for."""

_HEADLESS: Final = (
    "--headless",
    "--no-sandbox",  # it refuses to run as root otherwise, and shows our own pages only
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    # It would call home.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1600",
)
_ENTER: Final = "\ue007"
_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"
"""The key under which the protocol hands out elements."""

_WATCH: Final = """
const [condition, patience, done] = arguments;
const holds = new Function(`return (${condition})`);
const end = (value) => { watcher.disconnect(); clearTimeout(limit); done(value); };
const look = () => { const value = holds(); if (value) end(value); };
const watcher = new MutationObserver(look);
const limit = setTimeout(() => end(null), patience);
watcher.observe(document,
  {subtree: true, childList: true, attributes: true, characterData: true});
look();
"""
"""Gives the value of a condition once it is true: looks now, and whenever the page changes."""


class Browser:
    """One session: what a user can do with a page, and what a page shows."""

    def __init__(self, session: httpx.Client) -> None:
        self._session = session

    def open(self, url: str) -> None:
        self._post("url", url=url)

    def value(self, expression: str) -> Any:
        """What a JavaScript expression is on the page now."""
        return self._post("execute/sync", script=f"return ({expression})", args=[])

    def when(self, condition: str) -> Any:
        """Wait until a JavaScript expression is true of the page; return its value."""
        value = self._watch(condition)
        if value is None:
            shown = self.value("document.body.innerText")
            raise AssertionError(f"never true: {condition}; the page shows:\n{shown}")
        return value

    def holds_soon(self, condition: str) -> bool:
        """Whether it becomes true while there is patience."""
        return self._watch(condition) is not None

    def _watch(self, condition: str) -> Any:
        return self._post("execute/async", script=_WATCH, args=[condition, PATIENCE_S * 1000])

    def type(self, selector: str, text: str) -> None:
        """Type into an element."""
        self._post(f"element/{self._find(selector)}/value", text=text)

    def enter(self, selector: str, text: str) -> None:
        """Type a line into an element, and Enter."""
        self.type(selector, text + _ENTER)

    def _find(self, selector: str) -> str:
        found = self._post("element", using="css selector", value=selector)
        return str(found[_ELEMENT])

    def _post(self, command: str, **parameters: Any) -> Any:
        reply = self._session.post(command, json=parameters)
        value = reply.json()["value"]
        assert reply.is_success, f"{command}: {value}"
        return value


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A new Chromium with an empty profile in `folder`; both programs end with the block."""
    options = {"args": [*_HEADLESS, f"--user-data-dir={folder / 'profile'}"]}
    limits = {"script": PATIENCE_S * 2000, "pageLoad": PATIENCE_S * 2000}
    wanted = {"goog:chromeOptions": options, "timeouts": limits}
    with Program("--port=0", command=("chromedriver",), cwd=folder) as driver:
        port = driver.out.until(r"started successfully on port (\d+)")[1]
        url = f"http://127.0.0.1:{port}/session"
        with httpx.Client(timeout=PATIENCE_S * 3, trust_env=False) as client:
            asked = {"capabilities": {"alwaysMatch": wanted}}
            started = client.post(url, json=asked).raise_for_status().json()["value"]
            client.base_url = f"{url}/{started['sessionId']}/"
            try:
                yield Browser(client)
            finally:
                client.delete(str(client.base_url))
