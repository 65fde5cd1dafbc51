"""What a client does with a stored response: read it or its input, delete it, cancel it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Final

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from proxy.core.inflight import BODY_COST, Hold, InFlight
from proxy.core.paging import PARAMETERS, paging_of
from proxy.errors import BadRequest, NotFound
from proxy.state.responses import ClientResponses, Stored, StoredResponses
from proxy.surfaces.address import parameters_of
from proxy.surfaces.disconnect import while_connected
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.limited import AllLimits, Limited
from proxy.surfaces.replies import JSONReply

_INCLUDE: Final = frozenset({"include"})
_STREAMING: Final = frozenset({"stream", "starting_after", "include_obfuscation"})


def routes_of(stored: StoredResponses, limits: AllLimits, inflight: InFlight) -> list[Route]:
    """The routes behind /responses. None of them makes an answer."""
    one = "/responses/{response_id}"
    surfaces: tuple[tuple[str, str, _OfResponse], ...] = (
        (one, "GET", OneResponse(stored, inflight)),
        (one, "DELETE", Deletion(stored, inflight)),
        (f"{one}/input_items", "GET", InputItems(stored, inflight)),
        (f"{one}/cancel", "POST", Cancellation(stored, inflight)),
    )
    absent = [
        Route(f"/responses/{name}", Absent(), methods=["POST"], include_in_schema=False)
        for name in _ABSENT
    ]
    return absent + [
        Route(path, Limited(surface, limits, makes_answers=False), methods=[method])
        for path, method, surface in surfaces
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request for one response."""

    responses: ClientResponses
    id: str
    query: bytes
    held: Hold

    async def found(self) -> Stored:
        """Raises NotFound."""
        stored = await self.responses.read(self.id, lambda size: self.held.take(size * BODY_COST))
        if stored is None:
            raise self.not_found()
        return stored

    def not_found(self) -> NotFound:
        """In OpenAI's words, whether it is unknown, another client's, or has ended."""
        return NotFound(f"Response with id '{self.id[:100]}' not found.")


@dataclass(frozen=True, slots=True)
class _OfResponse(ABC):
    """A surface of one response, which the path names."""

    stored: StoredResponses
    inflight: InFlight

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return while_connected(receive, self._reply(scope, receive, send))

    async def _reply(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.inflight.hold() as held:
            asked = _Asked(
                self.stored.of(exchange_of(scope).client),
                scope["path_params"]["response_id"],
                scope["query_string"],
                held,
            )
            await JSONReply(await self._document(asked))(scope, receive, send)

    @abstractmethod
    async def _document(self, asked: _Asked) -> Any:
        """The reply. Raises ProxyError."""


class OneResponse(_OfResponse):
    """As it was told. What its request did not ask to include was not kept."""

    async def _document(self, asked: _Asked) -> Any:
        given = parameters_of(asked.query, _STREAMING, _INCLUDE)
        if given.get("stream", "false").lower() not in {"false", "0"}:
            raise BadRequest(
                "A stored response cannot be streamed again: leave out 'stream'.", param="stream"
            )
        return (await asked.found()).response


class InputItems(_OfResponse):
    async def _document(self, asked: _Asked) -> Any:
        paging = paging_of(parameters_of(asked.query, PARAMETERS, _INCLUDE))
        return paging.list_of((await asked.found()).items)


class Deletion(_OfResponse):
    async def _document(self, asked: _Asked) -> Any:
        parameters_of(asked.query)
        if not await asked.responses.forget(asked.id):
            raise asked.not_found()
        return {"id": asked.id, "object": "response", "deleted": True}


class Cancellation(_OfResponse):
    """Nothing runs in the background here, so all that is stored has ended."""

    async def _document(self, asked: _Asked) -> Any:
        parameters_of(asked.query)
        await asked.found()
        raise BadRequest(
            "Cannot cancel a synchronous response. To end one that is still being made, close its "
            "connection."
        )


_ABSENT: Final = {
    "input_tokens": "It does not count the tokens of a request beforehand.",
    "compact": "It does not compact conversations.",
}
"""What OpenAI offers here and the proxy does not. Without this, the names would be read as ids."""


class Absent:
    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        path = exchange_of(scope).path
        why = _ABSENT[scope["path"].rpartition("/")[2]]
        raise NotFound(f"This proxy has no {path}. {why}")
