"""Kept turns in the store: each under its handle, and out of reach of every other client."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from proxy.access.clients import Client
from proxy.core.kept import KeptTurn
from proxy.core.scope import Scope
from proxy.state.sealed import SHOWN
from proxy.state.store import Store

_CODEC: Final = TypeAdapter(KeptTurn)
_AMBIGUOUS: Final = b""
"""Kept where two answers had one handle, so that neither is taken for the other."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptTurns:
    """The kept turns of all clients. `realm` is told apart from others that share the store."""

    store: Store
    ttl_s: float
    realm: str

    def of(self, client: Client, scope: Scope) -> ClientTurns:
        """Those of one client, within one scope of searches.

        What was found in one scope is not put back in another: a client may serve many users with
        one key, and tell them apart by workspace.
        """
        return ClientTurns(self, client, scope)


@dataclass(frozen=True, slots=True)
class ClientTurns:
    """The kept turns of one client within one scope: see `KeptTurns.of`."""

    turns: KeptTurns
    client: Client
    scope: Scope

    @property
    def partition(self) -> str:
        """A name for the realm, the client and all of its scope; the order of a list is nothing.

        Of the client its name counts alone, so that its turns outlive a change of what it may do.
        """
        fields = {name: _sorted(value) for name, value in asdict(self.scope).items()}
        owner = (self.turns.realm, self.client.name, fields)
        return hashlib.sha256(orjson.dumps(owner)).hexdigest()

    async def recall(self, handles: Sequence[str]) -> dict[str, KeptTurn]:
        """Those that are there and can be read, by handle. Each lives on from now."""
        partition = self.partition
        names = {_name(partition, handle): handle for handle in handles}
        values = await self.turns.store.read(tuple(names), renew_s=self.turns.ttl_s)
        read = {names[name]: _read(name, value) for name, value in values.items()}
        return {handle: turn for handle, turn in read.items() if turn is not None}

    async def keep(self, handle: str, turn: KeptTurn) -> None:
        """Keep the turn. If another one has been kept under its handle, both are dropped.

        Two conversations have met then, and nobody can tell for which of them a turn was kept.
        """
        name = _name(self.partition, handle)

        def settle(there: bytes) -> bytes:
            known = _read(name, there)
            return there if known is not None and known.is_like(turn) else _AMBIGUOUS

        written = _CODEC.dump_json(turn)
        await self.turns.store.write_once(name, written, self.turns.ttl_s, settle)


def _read(name: str, value: bytes) -> KeptTurn | None:
    """The turn; None where two were kept, and for one that another version has written."""
    if value == _AMBIGUOUS:
        return None
    try:
        return _CODEC.validate_json(value)
    except ValidationError:
        _log.warning("A kept turn cannot be read and counts as gone: %s…", name[:SHOWN])
        return None


def _name(partition: str, handle: str) -> str:
    return f"turn:{partition}:{handle}"


def _sorted(value: Any) -> Any:
    return sorted(set(value)) if isinstance(value, (list, tuple)) else value
