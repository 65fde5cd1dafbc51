"""Open WebUI: its own server, and its page in Chromium.

It runs in this checkout's environment, as `make e2e-open-webui` does, and starts Open WebUI from
where that has installed it.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

# Before the page's own modules look for it.
os.environ["OPEN_WEBUI_VENV"] = str(Path(os.environ["CLIENT_PROGRAMS"]).parent)

from told import play

from tests.open_webui.browser import chromium
from tests.open_webui.conftest import MODEL, hide_the_news, started
from tests.open_webui.page import ChatPage

_HERE = Path.cwd()
_STACK = ExitStack()


def _setting(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name, value


class Page:
    """Open WebUI on its page. It starts with the first question."""

    def __init__(self) -> None:
        lines = Path("snippet.env").read_text(encoding="utf-8").split()
        settings = {"WEBUI_AUTH": "False", **dict(map(_setting, lines))}
        self._url = _STACK.enter_context(started(_HERE, settings))
        hide_the_news(self._url)
        self._browser = _STACK.enter_context(chromium(_HERE))

    def ask(self, question: str) -> tuple[str, ChatPage]:
        chat = ChatPage(self._browser, self._url, MODEL)
        chat.ask(question)
        return chat.finished(), chat


def answer(question: str) -> dict[str, Any]:
    return {"text": page().ask(question)[0]}
