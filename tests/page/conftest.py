"""A Chromium, and the proxy with its page on real sockets. What asks is the page itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.page import handbook
from tests.page.asking import Asking
from tests.page.served import KEY, Scripted, served

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS: Final = (
    "--no-sandbox",  # it refuses to run as root otherwise, and shows our own page only
    "--disable-dev-shm-usage",
    "--no-proxy-server",
)
PATIENCE_MS: Final = 60_000
_WATCH: Final = """
globalThis.violations = [];
addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""

Open = Callable[..., Asking]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Playwright has an event loop that runs on between its calls, in which no other test can."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium; on Debian: apt install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def _upstreams() -> Scripted:
    return Scripted()


@pytest.fixture
def upstreams(_upstreams: Scripted) -> Scripted:
    """Both vendors, who say what the handbook's example needs unless a test says another."""
    _upstreams.reset()
    _upstreams.tell(handbook.rounds(), handbook.passages())
    return _upstreams


@pytest.fixture(scope="session")
def url(_upstreams: Scripted) -> Iterator[str]:
    profiles = {"handbook": {"model": "llama", "instructions": "Be brief."}}
    with served(_upstreams, profiles=profiles) as address:
        yield address


@pytest.fixture(scope="session")
def locked_url(_upstreams: Scripted) -> Iterator[str]:
    """The address of a proxy that wants a key, and has the page all the same."""
    with served(_upstreams, api_keys=[KEY], page=True) as address:
        yield address


@pytest.fixture(scope="module")
def shared(browser: Browser) -> BrowserContext:
    """Where pages are opened that need nothing special. Its cache has the page's files."""
    return browser.new_context()


@pytest.fixture
def open_page(
    browser: Browser, shared: BrowserContext, upstreams: Scripted, url: str
) -> Iterator[Open]:
    """Opens the page. At the end, it must have broken no rule of its policy and no script.

    With options, those of a browser's context, it has a context of its own.
    """
    faults: list[str] = []
    pages: list[Page] = []

    def opened(at: str = url, fragment: str = "", **options: Any) -> Asking:
        context = browser.new_context(**options) if options else shared
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(_WATCH)
        page.on("pageerror", lambda error: faults.append(str(error)))
        pages.append(page)
        page.goto(f"{at}/{fragment}")
        return Asking(page, upstreams)

    yield opened
    for page in pages:
        faults += page.evaluate("() => violations")
        page.close() if page.context is shared else page.context.close()
    assert faults == []


@pytest.fixture
def asking(open_page: Open) -> Asking:
    return open_page()
