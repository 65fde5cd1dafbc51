"""The proxy with its page on a real socket, before upstreams that say what a test scripted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import httpx
import orjson

from proxy.app import create_app
from proxy.settings import Settings
from tests.support.script import Round
from tests.support.server import serving_in_thread
from tests.support.upstreams import Reply, Upstreams

KEY: Final = "a-key-of-a-client-that-is-long"


class Scripted(Upstreams):
    """Both vendors. Pieces of text come one by one, and can be held back half-way."""

    def __init__(self) -> None:
        super().__init__(pieces=_pieces, cut=_events)
        self.holds_at: str | None = None
        """From this word of an answer on nothing comes, until the request ends."""
        self.status = 200
        """What the model answers, if it is no answer."""
        self.workspaces: list[dict[str, Any]] = []
        """Those that LightOn lists."""
        self.let_go = threading.Event()
        """Set once a request that was held back has ended."""

    def reset(self) -> None:
        self.holds_at, self.status = None, 200
        self.workspaces = []
        self.let_go.clear()
        self.asked.clear()
        self.searched.clear()
        self.find()
        self.play([])

    def tell(self, rounds: Sequence[Round], results: Sequence[dict[str, Any]] = ()) -> None:
        """What the model says from now on, and what searches find."""
        self.play(rounds)
        self.find(*results)

    def reply(self, path: str, content: bytes) -> Reply:
        if self.status != httpx.codes.OK and path.endswith("/chat/completions"):
            error = b'{"error": {"message": "No such luck.", "type": "x", "code": null}}'
            return Reply("application/json", [error], self.status)
        if path == "/api/v3/workspaces":
            return Reply("application/json", [orjson.dumps({"results": self.workspaces})])
        return super().reply(path, content)

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._held)

    async def _held(self, request: httpx.Request) -> httpx.Response:
        response = await self._answer(request)
        is_model = request.url.path.endswith("/chat/completions")
        if (
            is_model
            and self.holds_at is not None
            and isinstance(response.stream, httpx.AsyncByteStream)
        ):
            stream = _Held(response.stream, self.holds_at.encode(), self.let_go)
            return httpx.Response(200, headers=response.headers, stream=stream)
        return response


class _Held(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, word: bytes, let_go: threading.Event) -> None:
        self._inner, self._word, self._let_go = inner, word, let_go

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            if self._word in part:
                try:
                    await asyncio.Event().wait()
                finally:
                    self._let_go.set()
            yield part


def _pieces(text: str) -> list[str]:
    """Words, each with the space before it."""
    words = text.split(" ")
    return [words[0], *(f" {word}" for word in words[1:])]


def _events(stream: bytes) -> list[bytes]:
    return [each + b"\n\n" for each in stream.split(b"\n\n") if each]


@contextmanager
def served(upstreams: Scripted, **more: Any) -> Iterator[str]:
    """The address of a proxy that asks these upstreams."""
    settings = Settings(
        **{
            "lighton_base_url": "http://lighton.test",
            "lighton_api_key": "k",
            "scaleway_base_url": "http://scaleway.test/v1",
            "scaleway_api_key": "k",
            "search_cache_ttl": 0,
            "search_memory": False,
            "keep_warm_s": 0,
            "model_retries": 0,
            **more,
        }
    )
    with serving_in_thread(create_app(settings, upstreams.transport())) as url:
        yield url
