"""Upstreams that play a script, wherever they are put: at the transport or behind a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from tests.support.script import Pieces, Round, offers_search

_FILES = "/api/v3/files/"
_NO_FILE = b'{"code": 404, "error": "not_found", "detail": "Not found."}'

Say = Callable[[dict[str, Any]], Round]
"""Chooses what the model says to a request."""


@dataclass(frozen=True)
class Reply:
    """A reply of either vendor, in the parts in which its body comes."""

    content_type: str
    parts: list[bytes]
    status: int = 200


class Upstreams:
    """Both vendors. `transport()` is where requests are substituted."""

    def __init__(
        self,
        rounds: Iterable[Round] | Say = (),
        results: Sequence[dict[str, Any]] = (),
        *,
        pieces: Pieces = lambda text: [text],
        cut: Callable[[bytes], list[bytes]] = lambda data: [data],
    ) -> None:
        self._say = _say(rounds)
        self._results = list(results)
        self._pieces = pieces
        self._cut = cut
        self.asked: list[dict[str, Any]] = []
        """The bodies of the requests to the model."""
        self.searched: list[dict[str, Any]] = []
        """The bodies of the requests to the search."""
        self.files: dict[int, Any] = {}
        """LightOn's files, by id. There are no others."""
        self.read: list[int] = []
        """The ids of the files that were asked for."""

        self.listed: Sequence[str] = ("llama-3.3-70b-instruct", "llama", "qwen")
        """The ids on the list of models."""

    def find(self, *results: dict[str, Any]) -> None:
        """Let searches find these from now on."""
        self._results = list(results)

    def play(self, rounds: Iterable[Round] | Say) -> None:
        """Go on with other rounds."""
        self._say = _say(rounds)

    def reply(self, path: str, content: bytes) -> Reply:
        """What is answered to a request for `path`."""
        if path.endswith("/models"):
            return _json({"data": [{"id": each} for each in self.listed]})
        if path.startswith(_FILES):
            self.read.append(int(path.partition("?")[0].removeprefix(_FILES)))
            file = self.files.get(self.read[-1])
            return _json(file) if file else Reply("application/json", [_NO_FILE], 404)
        body = orjson.loads(content)
        if path == "/api/v3/search":
            self.searched.append(body)
            return _json({"results": self._results})
        self.asked.append(body)
        played = self._say(body)
        if not body.get("stream"):
            return _json(played.completion())
        return Reply("text/event-stream", self._cut(played.stream(self._pieces)))

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        reply = self.reply(request.url.path, request.content)
        headers = {"content-type": reply.content_type}
        if len(reply.parts) == 1:
            return httpx.Response(reply.status, headers=headers, content=reply.parts[0])
        return httpx.Response(reply.status, headers=headers, stream=_Stream(reply.parts))


def searching_first(search: Round, answer: Round) -> Say:
    """A model that searches if it may and has not yet, and then answers."""

    def say(body: dict[str, Any]) -> Round:
        has_searched = any(each["role"] == "tool" for each in body["messages"])
        return search if offers_search(body) and not has_searched else answer

    return say


def _say(rounds: Iterable[Round] | Say) -> Say:
    if callable(rounds):
        return rounds
    one_by_one = iter(rounds)
    return lambda _: next(one_by_one)


def _json(document: Any) -> Reply:
    return Reply("application/json", [orjson.dumps(document)])


class _Stream(httpx.AsyncByteStream):
    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part
