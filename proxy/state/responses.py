"""Stored responses: what a client may read back, delete, and go on from.

A response is kept under its id for the client that it was made for: the key and the person behind
it. Another client's ids do not exist for it. What a response says may come from documents, so it
comes back only while its client can search all that it could search then: see `Reach`.

It is kept in two parts. Its turn is what a conversation is made of: its own input, its output, and
the id of the response before it. So a long conversation takes as much room as its parts, and
deleting a response takes its text out of all that went on from it. Whoever goes on from a response
that has lost one before it learns so. The frame is all else that the client was told: its own tools
and instructions, and the report. It may be large, and the same from turn to turn, so only those who
read the response back load it.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, cast

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
MOST_SCOPES: Final = 4
"""The most scopes of one conversation. Hidden turns are looked up in each."""
_AWAY: Final = "Nobody can tell now what is stored: the store cannot be reached."
_TRY_AGAIN_S: Final = 5
MOST_RESPONSES: Final = 1_000
"""The most responses of one conversation. Each one is looked up by itself."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """A response that has ended, as the client was told it, and what it answered."""

    response: ResponseObject
    """As a part of a conversation, no more than its id and output."""
    items: tuple[Item, ...]
    """The request's own input, in order, each with an `id`."""
    previous: str | None = None
    """The response that it went on from."""
    model: str | None = None
    """The model that the request named; None if it named none."""
    scope: Mapping[str, object] | None = None
    """The `identity` of what it searched within."""

    @property
    def id(self) -> str:
        return self.response["id"]

    @property
    def turn(self) -> tuple[Item, ...]:
        """What it adds to a conversation: its input, and then its output."""
        return *self.items, *self.response["output"]


class Conversation(NamedTuple):
    """What a response goes on from."""

    items: tuple[Item, ...] = ()
    """Oldest first."""
    scopes: tuple[Mapping[str, object], ...] = ()
    """What its responses searched within: the latest few of them, each once."""


@dataclass(frozen=True, slots=True)
class StoredResponses:
    """The stored responses of all clients. `realm` separates them from others in the same store."""

    store: Store
    ttl_s: float
    realm: str
    reach_of: ReachOf
    most_bytes: int
    """The most that the turns of one conversation may take, as they are stored."""

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
            frame, turn = _frame(stored.response), _turn(stored, reach)
        except orjson.JSONEncodeError:  # its input is nested about as deeply as JSON may be
            _log.warning("A response is nested too deeply to be stored.")
            return
        for name, value in zip(self._names(stored.id), (frame, turn), strict=True):
            await self.all.store.write(name, value, self.all.ttl_s)

    async def read(self, response_id: str, hold: Holding) -> Stored | None:
        """The response; None if it has ended, is another's, or is out of the client's reach.

        Raises StoreUnavailable.
        """
        frame, turn = await self._parts(response_id)
        if frame is None or turn is None:
            return None
        hold(len(frame) + len(turn))
        stored = self._opened(response_id, turn)
        return None if stored is None else _whole(stored, frame)

    async def forget(self, response_id: str) -> bool:
        """Delete it; False if there is none. Raises StoreUnavailable if it may still be there.

        A client may delete also what is out of its reach by now.
        """
        if not any(await self._parts(response_id)):
            return False
        for name in self._names(response_id):
            await self.all.store.write(name, _DELETED, _AT_ONCE_S)
        if any(await self._parts(response_id)):
            raise _unavailable("The response could not be deleted.")
        return True

    async def history(self, previous: str, hold: Holding) -> Conversation:
        """The conversation up to the response `previous`.

        The turn of each of its responses lives on for as long as a new one. Raises
        PreviousNotFound, BadRequest for more items or responses than it may have, PayloadTooLarge,
        and StoreUnavailable.
        """
        turns: list[tuple[Item, ...]] = []
        scopes: list[Mapping[str, object]] = []
        bounds = _Bounds(hold, self.all.most_bytes, _PREVIOUS)
        wanted = previous
        while True:
            stored = await self._gone_on_from(wanted, bounds)
            if stored is None:
                raise _gone(previous, wanted)
            turns.append(stored.turn)
            bounds.count_items(len(stored.turn))
            if stored.scope is not None and len(scopes) < MOST_SCOPES:
                scopes += [] if stored.scope in scopes else [stored.scope]
            if stored.previous is None:
                items = tuple(item for turn in reversed(turns) for item in turn)
                return Conversation(items, tuple(scopes))
            wanted = stored.previous

    async def items(self, ids: Iterable[str], hold: Holding) -> dict[str, Item]:
        """The stored items among these, by id: what a request refers to without a `previous`.

        Their turns live on as in `history`. Raises BadRequest for too many of these,
        PayloadTooLarge, and StoreUnavailable.
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
        if not _ID.fullmatch(response_id):
            return None
        _, name = self._names(response_id)
        found = await self.all.store.find((name,), renew_s=self.all.ttl_s)
        if found is None:
            raise _unavailable(_AWAY, ", or send the conversation as 'input'", bounds.param)
        turn = found.get(name)
        if not turn:
            return None
        bounds.count_bytes(len(turn))
        return self._opened(response_id, turn)

    async def _parts(self, response_id: str) -> tuple[bytes | None, bytes | None]:
        """The frame and the turn, as far as they are there."""
        if not _ID.fullmatch(response_id):
            return None, None
        names = self._names(response_id)
        found = await self.all.store.find(names)
        if found is None:
            raise _unavailable(_AWAY)
        frame, turn = (found.get(name) or None for name in names)
        return frame, turn

    def _opened(self, response_id: str, turn: bytes) -> Stored | None:
        try:
            stored, reach = _read(response_id, turn)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            name = self._names(response_id)[1][:SHOWN]
            _log.warning("A stored response is unreadable and counts as missing: %s…", name)
            return None
        try:
            now = self.all.reach_of(stored.model, self.client)
        except ModelNotFound:
            return None
        return stored if now.covers(reach) else None

    def _names(self, response_id: str) -> tuple[str, str]:
        """The names of its frame and its turn."""
        name = f"{self.partition}:{response_id}"
        return f"response-frame:{name}", f"response:{name}"


def _frame(response: ResponseObject) -> bytes:
    """All but the output, whose place it keeps."""
    return orjson.dumps({**response, "output": []})


def _whole(stored: Stored, frame: bytes) -> Stored:
    response = {**orjson.loads(frame), "output": stored.response["output"]}
    return replace(stored, response=cast("ResponseObject", response))


def _turn(stored: Stored, reach: Reach) -> bytes:
    workspaces = None if reach.workspaces is None else sorted(reach.workspaces)
    return orjson.dumps(
        {
            "output": stored.response["output"],
            "items": stored.items,
            "previous": stored.previous,
            "model": stored.model,
            "scope": stored.scope,
            "reach": {"scope": reach.scope, "workspaces": workspaces},
        }
    )


def _read(response_id: str, turn: bytes) -> tuple[Stored, Reach]:
    """Raises JSONDecodeError, KeyError or TypeError for what another version has written."""
    document = orjson.loads(turn)
    reach, items, output = (document.pop(name) for name in ("reach", "items", "output"))
    workspaces = reach["workspaces"]
    stored = Stored({"id": response_id, "output": output}, tuple(items), **document)
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


def _unavailable(what: str, advice: str = "", param: str | None = None) -> StoreUnavailable:
    advice = f"Try again in {_TRY_AGAIN_S} seconds{advice}."
    return StoreUnavailable(f"{what} {advice}", param=param, retry_after_s=_TRY_AGAIN_S)


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
