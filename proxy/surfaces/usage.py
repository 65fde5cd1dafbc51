"""GET /v1/usage: what the asking key, or the person behind it, has used, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from starlette.types import Receive, Scope, Send

from proxy.access.clients import Client
from proxy.errors import BadRequest, NotFound
from proxy.surfaces.address import parameters_of
from proxy.surfaces.disconnect import while_connected
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.replies import JSONReply
from proxy.telemetry.people import PeopleInRecords
from proxy.telemetry.usage_file import Usage
from proxy.telemetry.usage_own import DaysAndModels, OwnUsage
from proxy.telemetry.usage_sums import Sums

_SETTLE_S = 1.0


@dataclass(slots=True)
class UsageOfKey:
    """The surface. Without `usage` there is nothing to tell."""

    usage: Usage | None
    people: PeopleInRecords = field(default_factory=PeopleInRecords)
    _own: OwnUsage | None = field(init=False, default=None)
    _turn: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    """A file is read for one client at a time, and only one thread is taken for it."""

    def __post_init__(self) -> None:
        if self.usage is not None:
            self._own = OwnUsage(self.usage.file.path, self.people)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_connected(receive, self._reply(scope, receive, send))

    async def _reply(self, scope: Scope, receive: Receive, send: Send) -> None:
        since = _since(scope["query_string"])
        client = exchange_of(scope).client
        if self.usage is None or self._own is None:
            raise NotFound(
                "The proxy keeps no record of usage. Its operator can set RAG_PROXY_USAGE_FILE."
            )
        async with self._turn:
            found = await asyncio.to_thread(_read, self.usage, self._own, client, since)
        document = {
            "object": "usage",
            "key": client.name,
            "person": None if client.person is None else client.person.name,
            "since": since or None,
            "currency": "EUR",
        }
        await JSONReply({**document, **_sums(found)})(scope, receive, send)


def _read(usage: Usage, own: OwnUsage, client: Client, since: str) -> DaysAndModels:
    usage.file.settle(_SETTLE_S)
    return own.of(client, since)


def _since(query: bytes) -> str:
    """The day that the client names, or "". Raises BadRequest."""
    since = parameters_of(query, ("since",)).get("since")
    if since is None:
        return ""
    try:
        return date.fromisoformat(since).isoformat()
    except ValueError:
        raise BadRequest("'since' must be a day as in 2026-11-26.", param="since") from None


def _sums(found: DaysAndModels) -> Mapping[str, Any]:
    total = Sums()
    days: dict[str, Sums] = {}
    models: dict[str, Sums] = {}
    for (day, model), sums in found.items():
        for each in (total, days.setdefault(day, Sums()), models.setdefault(model, Sums())):
            each.include(sums)
    return {
        "total": total.document(),
        "days": [{"day": day, **days[day].document()} for day in sorted(days)],
        "models": [{"model": name or None, **models[name].document()} for name in sorted(models)],
    }
