"""Kept turns in the store: each under its handle, and out of reach of every other client."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from pydantic import TypeAdapter, ValidationError

from proxy.core.kept import KeptTurn
from proxy.core.scope import Scope
from proxy.state.store import Store

_CODEC: Final = TypeAdapter(KeptTurn)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptTurns:
    """The kept turns of all clients. `realm` is told apart from others that share the store."""

    store: Store
    ttl_s: float
    realm: str

    def of(self, client: str, scope: Scope) -> ClientTurns:
        """Those of one client key, within one reach of searches.

        What was found in one scope is not put back in another: a client may serve many users with
        one key, and tell them apart by workspace.
        """
        return ClientTurns(self.store, self.ttl_s, _partition(self.realm, client, scope))


@dataclass(frozen=True, slots=True)
class ClientTurns:
    """The kept turns of one client within one scope: see `KeptTurns.of`."""

    store: Store
    ttl_s: float
    partition: str

    async def recall(self, handles: Sequence[str]) -> dict[str, KeptTurn]:
        """Those that are there and can be read, by handle. Each lives on from now."""
        names = {self._name(handle): handle for handle in handles}
        values = await self.store.read(tuple(names), renew_s=self.ttl_s)
        read = {names[name]: _read(value) for name, value in values.items()}
        return {handle: turn for handle, turn in read.items() if turn is not None}

    async def keep(self, handle: str, turn: KeptTurn) -> None:
        await self.store.write(self._name(handle), _CODEC.dump_json(turn), self.ttl_s)

    def _name(self, handle: str) -> str:
        return f"turn:{self.partition}:{handle}"


def _partition(realm: str, client: str, scope: Scope) -> str:
    """A name for a client and what its searches reach; how they are ranked makes no difference."""
    reach = (
        realm,
        client,
        _sorted(scope.workspace_id),
        _sorted(scope.tag_id),
        _sorted(scope.file_id),
        _sorted(scope.content_type),
        _sorted(scope.attribute),
    )
    return hashlib.sha256(orjson.dumps(reach)).hexdigest()


def _sorted(values: Iterable[int] | Iterable[str] | None) -> list[int | str] | None:
    return None if values is None else sorted(set(values))


def _read(value: bytes) -> KeptTurn | None:
    """The turn, or None for what another version of the proxy has written."""
    try:
        return _CODEC.validate_json(value)
    except ValidationError:
        _log.warning("A kept turn cannot be read and counts as gone.")
        return None
