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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from proxy.access.clients import Client
from proxy.access.reach import Reach
from proxy.core.chat import MAX_MESSAGES
from proxy.errors import (
    BadRequest,
    ModelNotFound,
    PayloadTooLarge,
    PreviousNotFound,
    StoreUnavailable,
)
from proxy.state.sealed import SHOWN
from proxy.state.store import Store

Item = Mapping[str, Any]
"""An item of a conversation, as JSON."""
Holding = Callable[[int], None]
"""Is told how many bytes something takes before it is taken apart, and may refuse."""
ReachOf = Callable[[str | None, Client], Reach]
"""What a client can search now with the model of this name. Raises ModelNotFound."""

_ID: Final = re.compile(r"resp_[0-9A-Za-z]{1,64}")
_PREVIOUS: Final = "previous_response_id"
_DELETED: Final = b""
"""Replaces what is deleted. It ends at once, but may be read until then."""
_AT_ONCE_S: Final = 0.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """A response that is complete, as the client was told it, and what it answered."""

    response: Mapping[str, Any]
    items: tuple[Item, ...]
    """The request's own input, in order, each with an `id`."""
    previous: str | None = None
    """The response that it went on from."""
    model: str | None = None
    """The model that the request named; None if it named none."""

    @property
    def id(self) -> str:
        return str(self.response["id"])

    @property
    def turn(self) -> tuple[Item, ...]:
        """What it adds to a conversation: its input, and then its output."""
        return *self.items, *self.response["output"]


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
        for more items than a request may have, and PayloadTooLarge.
        """
        turns: list[tuple[Item, ...]] = []
        size, count, wanted = 0, 0, previous
        while True:
            value = await self._value(wanted, renew_s=self.all.ttl_s)
            if value is None:
                raise _gone(previous, wanted)
            size += len(value)
            _check_size(size, self.all.most_bytes)
            hold(len(value))
            stored = self._opened(wanted, value)
            if stored is None:
                raise _gone(previous, wanted)
            turns.append(stored.turn)
            count += max(1, len(stored.turn))
            _check_count(count)
            if stored.previous is None:
                return tuple(item for turn in reversed(turns) for item in turn)
            wanted = stored.previous

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


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise PayloadTooLarge(
            f"The conversation is larger than {most} bytes. Begin a new one, with less of it.",
            param=_PREVIOUS,
        )


def _check_count(count: int) -> None:
    if count > MAX_MESSAGES:
        raise BadRequest(
            f"The conversation has more than {MAX_MESSAGES} items. Begin a new one, with less of "
            "it.",
            param=_PREVIOUS,
        )


def _gone(previous: str, missing: str) -> PreviousNotFound:
    """In OpenAI's words, which clients look for, and what to do about it."""
    rest = "" if missing == previous else f" '{previous[:100]}' goes on from it."
    return PreviousNotFound(
        f"Previous response with id '{missing[:100]}' not found.{rest} Send the conversation as "
        "'input' instead.",
        param=_PREVIOUS,
    )
