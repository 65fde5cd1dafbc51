"""Kept turns in the store: each under its handle, and out of reach of every other client."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from proxy.core.kept import KeptTurn
from proxy.core.scope import Scope
from proxy.state.store import Store

_SEAL_BYTES: Final = 32
_SHOWN: Final = 24
"""As many characters of a name as are logged: enough to find it, too few to be asked for."""
_CODEC: Final = TypeAdapter(KeptTurn)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptTurns:
    """The kept turns of all clients. `realm` is told apart from others that share the store.

    What is kept is sealed with `secret`: a damaged or foreign value counts as gone.
    """

    store: Store
    ttl_s: float
    realm: str
    secret: bytes = field(repr=False)

    def of(self, client: str, scope: Scope) -> ClientTurns:
        """Those of one client key, within one scope of searches.

        What was found in one scope is not put back in another: a client may serve many users with
        one key, and tell them apart by workspace.
        """
        return ClientTurns(self, client, scope)


@dataclass(frozen=True, slots=True)
class ClientTurns:
    """The kept turns of one client within one scope: see `KeptTurns.of`."""

    turns: KeptTurns
    client: str
    scope: Scope

    @property
    def partition(self) -> str:
        """A name for the realm, the client and all of its scope; the order of a list is nothing."""
        fields = {name: _sorted(value) for name, value in asdict(self.scope).items()}
        owner = (self.turns.realm, self.client, fields)
        return hashlib.sha256(orjson.dumps(owner)).hexdigest()

    async def recall(self, handles: Sequence[str]) -> dict[str, KeptTurn]:
        """Those that are there and can be read, by handle. Each lives on from now."""
        partition = self.partition
        names = {_name(partition, handle): handle for handle in handles}
        values = await self.turns.store.read(tuple(names), renew_s=self.turns.ttl_s)
        read = {names[name]: self._unseal(name, value) for name, value in values.items()}
        return {handle: turn for handle, turn in read.items() if turn is not None}

    async def keep(self, handle: str, turn: KeptTurn) -> None:
        name = _name(self.partition, handle)
        written = _CODEC.dump_json(turn)
        sealed = self._seal(name, written) + written
        await self.turns.store.write(name, sealed, self.turns.ttl_s)

    def _seal(self, name: str, written: bytes) -> bytes:
        """What nobody else can put before a turn: it would be taken for what the model has said."""
        return hmac.digest(self.turns.secret, name.encode() + written, "sha256")

    def _unseal(self, name: str, value: bytes) -> KeptTurn | None:
        """The turn; None for what was damaged, or written by another version or somebody else."""
        seal, written = value[:_SEAL_BYTES], value[_SEAL_BYTES:]
        try:
            if hmac.compare_digest(seal, self._seal(name, written)):
                return _CODEC.validate_json(written)
        except ValidationError:
            pass  # of another version
        _log.warning("A kept turn cannot be read and counts as gone: %s…", name[:_SHOWN])
        return None


def _name(partition: str, handle: str) -> str:
    return f"turn:{partition}:{handle}"


def _sorted(value: Any) -> Any:
    return sorted(set(value)) if isinstance(value, (list, tuple)) else value
