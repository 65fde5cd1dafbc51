"""A model that says what a test scripted, and a search that always finds the same, over HTTP."""

from __future__ import annotations

import queue
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from proxy.sandbox.scaleway.housekeeping import asks_for_housekeeping, housekeeping_reply
from tests.support.script import Round, result
from tests.support.upstreams import Reply, Say, Upstreams

TITLES: Final = ("Leave", "Travel", "Expenses", "Travel")
"""The documents of the passages that every search finds: two are of one document."""

_PATIENCE_S: Final = 60
_PASSAGE: Final = re.compile(r'<[^>]*\bn="(\d+)"[^>]*\btitle="(\w+)"')


def address(title: str) -> str:
    return f"https://documents.example/{title.lower()}"


class StandIns:
    """Both vendors. Requests that Open WebUI makes by itself are answered out of turn.

    Each title is that of a passage's document, which is in the workspace 1 unless `workspaces`
    says another.
    """

    def __init__(
        self,
        titles: Sequence[str] = TITLES,
        workspaces: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._script = _Library(titles, workspaces)
        self._transport = self._script.transport()
        self._chores: queue.Queue[dict[str, Any]] = queue.Queue()

    @property
    def searched(self) -> list[Any]:
        """The queries of all searches so far."""
        return [body["query"] for body in self._script.searched]

    @property
    def scopes(self) -> list[Any]:
        """The workspaces of all searches so far."""
        return [body.get("workspace_id") for body in self._script.searched]

    def play(self, rounds: Iterable[Round] | Say) -> None:
        """What the model says from now on, round by round."""
        self._script.play(rounds)

    def shown(self) -> dict[str, str]:
        """The numbers of the passages that the model was shown, the last ones by each title."""
        messages = self._script.asked[-1]["messages"]
        said = "\n".join(str(message["content"]) for message in messages)
        return {title: number for number, title in _PASSAGE.findall(said)}

    def chores(self, question: str, count: int) -> set[str]:
        """Wait for so many chores in a chat that has this question; name what they were for."""
        done: list[str] = []
        while len(done) < count:
            chore = self._chores.get(timeout=_PATIENCE_S)
            if question in chore["asked"]:
                done += orjson.loads(chore["reply"])
        return set(done)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        if (asked := _chore(body)) is not None:
            reply = housekeeping_reply(asked)
            self._chores.put({"asked": asked, "reply": reply})
            return Response(orjson.dumps(Round(reply).completion()))
        handed_on = httpx.Request(request.method, str(request.url), content=body)
        response = await self._transport.handle_async_request(handed_on)
        content = await response.aread()
        return Response(content, response.status_code, media_type=response.headers["content-type"])


class _Library(Upstreams):
    """Every search finds all passages of the workspaces that it names, or of all."""

    def __init__(self, titles: Sequence[str], workspaces: Mapping[str, int]) -> None:
        super().__init__()
        self._passages = [
            _passage(place, title, titles.index(title), workspaces.get(title, 1))
            for place, title in enumerate(titles)
        ]

    def reply(self, path: str, content: bytes) -> Reply:
        if path == "/api/v3/search":
            wanted = orjson.loads(content).get("workspace_id")
            self.find(*(each for each in self._passages if _is_in(each, wanted)))
        return super().reply(path, content)


def _is_in(passage: Mapping[str, Any], wanted: Sequence[int] | None) -> bool:
    return wanted is None or passage["workspace"]["id"] in wanted


def _passage(place: int, title: str, file_id: int, workspace: int) -> dict[str, Any]:
    found: dict[str, Any] = result(f"chunk-{place}", f"{title}, paragraph {place}.", title=title)
    found["workspace"]["id"] = workspace
    found["source"] |= {
        "file_id": file_id,
        "external_metadata": {"external_url": address(title)},
    }
    return found


def _chore(body: bytes) -> str | None:
    """The text of a request for a title, tags or follow-ups; None if it is another request."""
    messages = orjson.loads(body).get("messages") if body else None
    said = messages[-1]["content"] if messages else None
    return said if isinstance(said, str) and asks_for_housekeeping(said) else None
