"""Open WebUI: its server, and its page in Chromium.

It runs in this checkout's environment, as `make e2e-open-webui` does, and starts Open WebUI from
where that has installed it.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from told import play

# The modules of its page look there when they are imported.
os.environ["OPEN_WEBUI_VENV"] = str(Path(os.environ["CLIENT_PROGRAMS"]).parent)

from tests.open_webui.browser import Browser, chromium
from tests.open_webui.conftest import MODEL, hide_the_news, started

_CALLS = Path.cwd() / "calls.txt"
_TOOL = f'''
class Tools:
    def get_weather(self, city: str) -> str:
        """
        The weather in a city

        :param city: The city
        """
        with open({str(_CALLS)!r}, "a") as calls:
            calls.write(city + "\\n")
        return f"It is sunny in {{city}}."
'''
_ANSWER = "[...document.querySelectorAll('.chat-assistant')].at(-1)"
_FINISHED = "document.querySelector('.copy-response-button')"
_CHIP = 'button[aria-label^="View source: "]'
# A chip stands where the text has the first marker.
_TEXT = f"""[...{_ANSWER}.querySelectorAll('.markdown-prose p')].map((paragraph) => {{
  const copy = paragraph.cloneNode(true);
  for (const chip of copy.querySelectorAll('{_CHIP}')) chip.replaceWith('[1]');
  return copy.textContent;
}}).join('\\n')"""
_TITLES = f"""[...{_ANSWER}.querySelectorAll('{_CHIP}')].map(
  (chip) => chip.ariaLabel.replace('View source: ', ''))"""


class Page:
    """Open WebUI and its page. Both start with the first question."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._opened: tuple[Browser, str] | None = None

    def ask(self, question: str, options: str = "", ready: str = "true") -> Browser:
        """Ask in a new chat, once its page is ready, and wait until the answer is finished."""
        browser, url = self._opened = self._opened or self._start()
        browser.open(f"{url}/?models={MODEL}{options}")
        browser.when(f"document.querySelector('#chat-input') && {_shows(MODEL)} && {ready}")
        browser.enter("#chat-input", question)
        browser.when(_FINISHED)
        return browser

    def close(self) -> None:
        self._stack.close()

    def _start(self) -> tuple[Browser, str]:
        lines = Path("snippet.env").read_text(encoding="utf-8").split()
        settings = dict(line.split("=", 1) for line in lines)
        url = self._stack.enter_context(started(Path.cwd(), {"WEBUI_AUTH": "False", **settings}))
        hide_the_news(url)
        _add_tool(url)
        return self._stack.enter_context(chromium(Path.cwd())), url


page = Page()


def answer(question: str) -> dict[str, Any]:
    return {"text": page.ask(question).value(_TEXT)}


def tool(question: str) -> dict[str, Any]:
    # The page fetches its list of tools, and only then selects those of its address.
    chosen = "document.querySelector('[aria-label=\"Available Tools\"]')"
    text = page.ask(question, "&tools=weather", chosen).value(_TEXT)
    called = _CALLS.read_text(encoding="utf-8").split() if _CALLS.exists() else []
    return {"calls": called, "text": text}


def citations(question: str) -> dict[str, Any]:
    browser = page.ask(question)
    titles = browser.value(_TITLES)
    return {"text": browser.value(_TEXT), "sources": [{"title": title} for title in titles]}


def _add_tool(url: str) -> None:
    """Give Open WebUI a tool of its user's."""
    with httpx.Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False) as client:
        signed_in = client.post("/auths/signin", json={"email": "", "password": ""})
        client.headers["authorization"] = f"Bearer {signed_in.raise_for_status().json()['token']}"
        tool = {"id": "weather", "name": "Weather", "content": _TOOL, "meta": {"description": ""}}
        client.post("/tools/create", json=tool).raise_for_status()


def _shows(text: str) -> str:
    return f"document.body.innerText.includes('{text}')"


try:
    play(
        answer=answer,
        stream="its page shows the answer as it comes; only the whole is looked at",
        tool=tool,
        citations=citations,
        error="its page offers the models that there are",
    )
finally:
    page.close()
