"""Stored responses: what a client may read back, delete, and go on from.

A response is kept under its id for the client that it was made for: the key and the person behind
it. Another client's ids do not exist for it. What a response says may come from documents, so it
comes back only while its client can search all that it could search then: see `Reach`.

It holds its own input and the id of the response before it, not the conversation: so a long one
takes as much room as its parts, and deleting a response takes its text out of all that went on from
it. Whoever goes on from a response that has lost one before it learns so.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import orjson

from proxy.access.clients import Client
from proxy.access.reach import Reach
from proxy.core.chat import MAX_MESSAGES
from proxy.core.responses.ids import response_of
from proxy.core.responses.wire import Item, ResponseObject
from proxy.errors import (
    BadRequest,
    ModelNotFound,
    PayloadTooLarge,
    PreviousNotFound,
    StoreUnavailable,
)
from proxy.state.sealed import SHOWN
from proxy.state.store import Store

Holding = Callable[[int], None]
"""Is told how many bytes something takes before it is taken apart, and may refuse."""
ReachOf = Callable[[str | None, Client], Reach]
"""What a client can search now with the model of this name. Raises ModelNotFound."""

_ID: Final = re.compile(r"resp_[0-9A-Za-z]{1,64}")
_PREVIOUS: Final = "previous_response_id"
_DELETED: Final = b""
"""Replaces what is deleted. It ends at once, but may be read until then."""
_AT_ONCE_S: Final = 0.0
MOST_RESPONSES: Final = 1_000
"""The most responses of one conversation. Each one is looked up by itself."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """A response that is complete, as the client was told it, and what it answered."""

    response: ResponseObject
    items: tuple[Item, ...]
    """The request's own input, in order, each with an `id`."""
    previous: str | None = None
    """The response that it went on from."""
    model: str | None = None
    """The model that the request named; None if it named none."""

    @property
    def id(self) -> str:
        return self.response["id"]

    @property
    def turn(self) -> tuple[Item, ...]:
        """What it adds to a conversation: its input, and then its output."""
        return *self.items, *self.response.get("output", ())


@dataclass(frozen=True, slots=True)
class StoredResponses:
    """The stored responses of all clients. `realm` separates them from others in the same store."""

    store: Store
    ttl_s: float
    realm: str
    reach_of: ReachOf
    most_bytes: int
    """The most that one conversation may take, as it is stored."""

    def of(self, client: Client) -> ClientResponses:
        return ClientResponses(self, client)


@dataclass(frozen=True, slots=True)
class ClientResponses:
    """The stored responses of one client. Whoever has lost the key or person finds none."""

    all: StoredResponses
    client: Client

    @property
    def partition(self) -> str:
        """A name for the realm and the client, whatever it may do by now."""
        owner = (self.all.realm, self.client.identity)
        return hashlib.sha256(orjson.dumps(owner)).hexdigest()

    async def keep(self, stored: Stored) -> None:
        """Keep it, and what the client could search for it. A fault of the store is none here."""
        reach = self.all.reach_of(stored.model, self.client)
        try:
            value = _written(stored, reach)
        except orjson.JSONEncodeError:  # its input is nested about as deeply as JSON may be
            _log.warning("A response is nested too deeply to be stored.")
            return
        await self.all.store.write(self._name(stored.id), value, self.all.ttl_s)

    async def read(self, response_id: str, hold: Holding) -> Stored | None:
        """The response; None if it has ended, is another's, or is out of the client's reach."""
        value = await self._value(response_id)
        if value is None:
            return None
        hold(len(value))
        return self._opened(response_id, value)

    async def forget(self, response_id: str) -> bool:
        """Delete it; False if there is none. Raises StoreUnavailable if it is still there.

        A client may delete also what is out of its reach by now.
        """
        if await self._value(response_id) is None:
            return False
        await self.all.store.write(self._name(response_id), _DELETED, _AT_ONCE_S)
        if await self._value(response_id) is not None:
            raise StoreUnavailable("The response could not be deleted. Try again later.")
        return True

    async def history(self, previous: str, hold: Holding) -> tuple[Item, ...]:
        """The conversation up to the response `previous`, oldest item first.

        Each of its responses lives on for as long as a new one. Raises PreviousNotFound, BadRequest
        for more items or responses than it may have, and PayloadTooLarge.
        """
        turns: list[tuple[Item, ...]] = []
        bounds = _Bounds(hold, self.all.most_bytes, _PREVIOUS)
        wanted = previous
        while True:
            stored = await self._gone_on_from(wanted, bounds)
            if stored is None:
                raise _gone(previous, wanted)
            turns.append(stored.turn)
            bounds.count_items(len(stored.turn))
            if stored.previous is None:
                return tuple(item for turn in reversed(turns) for item in turn)
            wanted = stored.previous

    async def items(self, ids: Iterable[str], hold: Holding) -> dict[str, Item]:
        """The stored items among these, by id: what a request refers to without a `previous`.

        Their responses live on as in `history`. Raises BadRequest for too many of these, and
        PayloadTooLarge.
        """
        wanted = set(ids)
        bounds = _Bounds(hold, self.all.most_bytes, "input")
        found: dict[str, Item] = {}
        for response_id in dict.fromkeys(filter(None, map(response_of, sorted(wanted)))):
            stored = await self._gone_on_from(response_id, bounds)
            if stored is not None:
                found |= {each["id"]: each for each in stored.turn if each["id"] in wanted}
        return found

    async def _gone_on_from(self, response_id: str, bounds: _Bounds) -> Stored | None:
        bounds.count_response()
        value = await self._value(response_id, renew_s=self.all.ttl_s)
        if value is None:
            return None
        bounds.count_bytes(len(value))
        return self._opened(response_id, value)

    async def _value(self, response_id: str, *, renew_s: float | None = None) -> bytes | None:
        if not _ID.fullmatch(response_id):
            return None
        name = self._name(response_id)
        found = await self.all.store.read((name,), renew_s=renew_s)
        return found.get(name) or None

    def _opened(self, response_id: str, value: bytes) -> Stored | None:
        try:
            stored, reach = _read(value)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            name = self._name(response_id)[:SHOWN]
            _log.warning("A stored response is unreadable and counts as missing: %s…", name)
            return None
        try:
            now = self.all.reach_of(stored.model, self.client)
        except ModelNotFound:
            return None
        return stored if now.covers(reach) else None

    def _name(self, response_id: str) -> str:
        return f"response:{self.partition}:{response_id}"


def _written(stored: Stored, reach: Reach) -> bytes:
    workspaces = None if reach.workspaces is None else sorted(reach.workspaces)
    return orjson.dumps(
        {
            "response": stored.response,
            "items": stored.items,
            "previous": stored.previous,
            "model": stored.model,
            "reach": {"scope": reach.scope, "workspaces": workspaces},
        }
    )


def _read(value: bytes) -> tuple[Stored, Reach]:
    """Raises JSONDecodeError, KeyError or TypeError for what another version has written."""
    document = orjson.loads(value)
    reach = document.pop("reach")
    workspaces = reach["workspaces"]
    stored = Stored(**{**document, "items": tuple(document["items"])})
    return stored, Reach(reach["scope"], None if workspaces is None else frozenset(workspaces))


@dataclass(slots=True)
class _Bounds:
    """How much one request may take out of the store. `param` is where it asks for that."""

    hold: Holding
    most_bytes: int
    param: str
    _bytes: int = 0
    _items: int = 0
    _responses: int = 0

    def count_response(self) -> None:
        self._responses += 1
        if self._responses > MOST_RESPONSES:
            raise BadRequest(_too(f"has more than {MOST_RESPONSES} responses"), param=self.param)

    def count_items(self, count: int) -> None:
        self._items += count
        if self._items > MAX_MESSAGES:
            raise BadRequest(_too(f"has more than {MAX_MESSAGES} items"), param=self.param)

    def count_bytes(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self.most_bytes:
            how = f"is larger than {self.most_bytes} bytes"
            raise PayloadTooLarge(_too(how), param=self.param)
        self.hold(size)


def _too(how: str) -> str:
    return f"The conversation {how}. Begin a new one, with less of it."


def _gone(previous: str, missing: str) -> PreviousNotFound:
    """In OpenAI's words, which clients look for, and what to do about it."""
    rest = "" if missing == previous else f" '{previous[:100]}' goes on from it."
    return PreviousNotFound(
        f"Previous response with id '{missing[:100]}' not found.{rest} Send the conversation as "
        "'input' instead.",
        param=_PREVIOUS,
    )
