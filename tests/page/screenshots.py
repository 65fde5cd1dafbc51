"""`make screenshots`: pictures of the page with a cited answer, in both themes, for the documents.

The model is scripted, and the company made up. The proxy and the page are real. The upstreams take
about as long as real ones do, so that there is something to see of what took how long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Literal

import httpx
from playwright.sync_api import Browser, sync_playwright

from tests.page import handbook
from tests.page.conftest import CHROMIUM, FLAGS
from tests.page.png import packed
from tests.page.served import Scripted, served
from tests.support.script import Round, search_call

FOLDER: Final = Path(__file__).parents[2] / "images"
SIZE: Final = {"width": 1280, "height": 910}
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
MOST_BYTES: Final = 150_000
_SEARCH_S: Final = 0.24
_FIRST_TOKEN_S: Final = 0.31
_TOKEN_S: Final = 0.012


class _Unhurried(Scripted):
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._slowly)

    async def _slowly(self, request: httpx.Request) -> httpx.Response:
        response = await self._answer(request)
        if request.url.path == "/api/v3/search":
            await asyncio.sleep(_SEARCH_S)
        elif isinstance(response.stream, httpx.AsyncByteStream):
            return httpx.Response(200, headers=response.headers, stream=_Slow(response.stream))
        return response


class _Slow(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await asyncio.sleep(_FIRST_TOKEN_S)
        async for part in self._inner:
            yield part
            await asyncio.sleep(_TOKEN_S)


def take(browser: Browser, url: str, theme: Literal["light", "dark"]) -> bytes:
    """A picture of the page with an answer, how it came about, and a source."""
    context = browser.new_context(viewport=SIZE, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(url)
    page.get_by_label("Your question").fill(handbook.QUESTION)
    page.keyboard.press("Enter")
    page.locator(".origin summary").click()
    page.locator(".answer .marker").first.click()
    page.locator("#scroller").evaluate("(at) => { at.scrollTop = 0; }")
    page.mouse.move(0, 0)
    picture = page.screenshot()
    context.close()
    return picture


def main() -> None:
    if CHROMIUM is None:
        raise SystemExit("Chromium is missing; on Debian: apt install chromium")
    FOLDER.mkdir(exist_ok=True)
    upstreams = _Unhurried()
    usage = {"prompt_tokens": 1_204, "completion_tokens": 139, "total_tokens": 1_343}
    top = {"id": "chatcmpl-upstream", "created": 1, "model": "llama-3.3-70b-instruct"}
    search = search_call(handbook.QUERY)
    rounds = [
        Round(calls=(search,), finish_reason="tool_calls", usage=usage, top=top),
        Round(handbook.ANSWER, usage=usage, top=top),
    ]
    with served(upstreams) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for theme in THEMES:
            upstreams.tell(rounds, handbook.passages())
            picture = packed(take(browser, url, theme))
            if len(picture) > MOST_BYTES:
                raise SystemExit(f"The {theme} picture has {len(picture)} bytes: too many.")
            (FOLDER / f"page-{theme}.png").write_bytes(picture)
        browser.close()


if __name__ == "__main__":
    main()
