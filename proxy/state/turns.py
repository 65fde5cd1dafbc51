"""Kept turns in the store, each under its handle. No client can reach another client's turns."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import orjson
from pydantic import TypeAdapter, ValidationError

from proxy.access.clients import Client
from proxy.core.kept import KeptTurn
from proxy.core.scope import Scope, covers
from proxy.state.sealed import SHOWN
from proxy.state.store import Store

_AMBIGUOUS: Final = b""
"""Replaces the turns of two answers with one handle, so that neither passes for the other."""

_log = logging.getLogger(__name__)


@cache
def _codec() -> TypeAdapter[KeptTurn]:
    """Made with the first turn: it takes as long as ten answers, and many proxies keep none."""
    return TypeAdapter(KeptTurn)


@dataclass(frozen=True, slots=True)
class KeptTurns:
    """The kept turns of all clients. `realm` separates them from others in the same store."""

    store: Store
    ttl_s: float
    realm: str

    def of(self, client: Client, scope: Scope, earlier: Sequence[Scope] = ()) -> ClientTurns:
        """The turns of one client, within one search scope.

        Results from one scope do not return in another: a client may serve many users with one key,
        and separate them by workspace. Only where the conversation itself had an `earlier` scope
        which this one covers, they do.
        """
        covered = tuple(each for each in earlier if covers(scope, each))
        return ClientTurns(self, client, scope, covered)


@dataclass(frozen=True, slots=True)
class ClientTurns:
    """The kept turns of one client within one scope: see `KeptTurns.of`."""

    turns: KeptTurns
    client: Client
    scope: Scope
    """Where turns are kept, and looked for first."""
    covered: tuple[Scope, ...] = ()
    """Where they are looked for, too."""

    @property
    def partition(self) -> str:
        """Where turns are kept."""
        return self._partition(self.scope)

    def _partition(self, scope: Scope) -> str:
        """A name for the realm, the client and the whole scope.

        Only the client's identity counts, so that its turns outlive a change of what it may do. But
        what it may do no longer is out of reach: the scope is another one then.
        """
        client = self.client
        has_parts = client.id or client.person
        who = client.identity if has_parts else client.name  # as versions without ids wrote it
        owner = (self.turns.realm, who, scope.identity)
        return hashlib.sha256(orjson.dumps(owner)).hexdigest()

    async def recall(self, handles: Sequence[str]) -> dict[str, KeptTurn]:
        """The turns found and readable, by handle. Renews the life of each."""
        partitions = dict.fromkeys(map(self._partition, (self.scope, *self.covered)))
        names = {_name(each, handle): handle for each in partitions for handle in handles}
        values = await self.turns.store.read(tuple(names), renew_s=self.turns.ttl_s)
        found: dict[str, str] = {}
        for name, handle in names.items():
            if name in values:
                found.setdefault(handle, name)
        read = {handle: _read(name, values[name]) for handle, name in found.items()}
        return {handle: turn for handle, turn in read.items() if turn is not None}

    async def keep(self, handle: str, turn: KeptTurn) -> None:
        """Keep the turn. If its handle already holds another one, drop both.

        Two conversations have met then, and nobody can tell to which of them a turn belongs.
        """
        name = _name(self.partition, handle)

        def settle(there: bytes) -> bytes:
            known = _read(name, there)
            return there if known is not None and known.is_like(turn) else _AMBIGUOUS

        written = _codec().dump_json(turn)
        await self.turns.store.write_once(name, written, self.turns.ttl_s, settle)


def _read(name: str, value: bytes) -> KeptTurn | None:
    """The turn; None for an ambiguous handle, and for a turn of another version."""
    if value == _AMBIGUOUS:
        return None
    try:
        return _codec().validate_json(value)
    except ValidationError:
        _log.warning("A kept turn is unreadable and counts as missing: %s…", name[:SHOWN])
        return None


def _name(partition: str, handle: str) -> str:
    return f"turn:{partition}:{handle}"
