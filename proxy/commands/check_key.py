"""`rag-proxy check --key NAME`: what a client key may use, and whether its search works."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from proxy.access.clients import Client
from proxy.access.key_file import client_of, read_keys
from proxy.access.key_records import KeyRecord
from proxy.commands.advice import Place
from proxy.commands.probe_lighton import LightOnProbe
from proxy.commands.probing import Finding, climb
from proxy.core.scope import Scope, common_scope, mode_of
from proxy.errors import EmptyScope, ModelNotFound, ProxyError, RetrievalNotAllowed, SettingsError
from proxy.outward import make_upstreams
from proxy.settings import Settings
from proxy.settings.named_secrets import NamedSecrets
from proxy.settings.policies import Policies
from proxy.state.memory_store import MemoryStore
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.lighton.clients import ClientSearches
from proxy.upstreams.lighton.scope import LightOnScope

_MAY_OPEN_LESS: Final = (
    "what follows is what the key opens, and rules may open less (see --as PERSON)"
)


def find_key(settings: Settings, name: str) -> KeyRecord:
    """The key of this name in the key file. Raises SettingsError."""
    if settings.keys_file is None:
        raise SettingsError("--key needs a file of client keys: set RAG_PROXY_KEYS_FILE")
    for record in read_keys(Path(settings.keys_file)):
        if record.name == name:
            return record
    raise SettingsError(f"{settings.keys_file} holds no key {name!r}; see: rag-proxy keys list")


async def findings_of(
    record: KeyRecord,
    settings: Settings,
    secrets: NamedSecrets,
    environment: Mapping[str, str] = os.environ,
) -> AsyncIterator[Finding]:
    """What comes of each step, for whoever has the key."""
    for finding in ways_in(record, secrets):
        yield finding
    if record.people is not None:
        yield Finding("ok", "who asks", f"people in {record.people.user}: {_MAY_OPEN_LESS}")
    async for finding in findings_of_client(client_of(record), settings, secrets, environment):
        yield finding


async def findings_of_client(
    client: Client,
    settings: Settings,
    secrets: NamedSecrets,
    environment: Mapping[str, str] = os.environ,
) -> AsyncIterator[Finding]:
    """What it may name, and what its searches find.

    It makes one search in each workspace that is left of settings, key and person, and one if
    none of them names any. Client, transport and certificates are those of `serve`.
    """
    for finding in _Uses(settings, client).findings():
        yield finding
    async with aclosing(Outbound.of(settings, environment)) as outbound:
        searches = make_upstreams(settings, outbound, MemoryStore(0)).search
        try:
            lighton = ClientSearches(searches, secrets.named).of(client)
        except ProxyError as error:
            yield Finding("FAIL", "LightOn key", error.message)
            return
        variable = client.grant.lighton_key_env or "LIGHTON_API_KEY"
        place = Place(settings.lighton_base_url, "LIGHTON_BASE_URL", outbound.search_proxy)
        for name, scope in _searched(settings, client):
            probe = LightOnProbe(lighton, scope, place, variable)
            found = [each async for each in climb(probe.steps())]
            last = next((each for each in found if each.verdict != "ok"), found[-1])
            yield Finding(last.verdict, f"{last.name} {name}", last.detail)


def ways_in(record: KeyRecord, secrets: NamedSecrets) -> Iterator[Finding]:
    """Whether a request with the key can be let in at all."""
    yield _lifetime(record)
    for fault in secrets.missing_of_people(client_of(record)):
        yield Finding("FAIL", "who asks", fault)


def _lifetime(record: KeyRecord) -> Finding:
    if record.expires is None:
        return Finding("ok", f"key {record.name}", "does not expire")
    is_over = record.expires <= datetime.now(UTC)
    until = f"{record.expires:%Y-%m-%d %H:%M} UTC"
    if is_over:
        return Finding("FAIL", f"key {record.name}", f"expired at {until}; make another one")
    return Finding("ok", f"key {record.name}", f"expires at {until}")


@dataclass(frozen=True, slots=True)
class _Uses:
    """What a client may name as its model, and what comes of it."""

    settings: Settings
    client: Client

    def findings(self) -> Iterator[Finding]:
        policies = Policies(self.settings, LightOnScope)
        grant = self.client.allowed
        yield self._finding(policies, None, "no model named")
        for name in policies.names.profiles_of(grant):
            yield self._finding(policies, name, f"profile {name}")
        for name in sorted(grant.models or ()):
            yield self._finding(policies, name, f"model {name}")
        if grant.models is None:
            yield Finding("ok", "any other model", "as a request names it")

    def _finding(self, policies: Policies, name: str | None, what: str) -> Finding:
        """A use that the key names and that does not work has failed. Others are as they are."""
        try:
            policy = policies.of(name, self.client)
            mode = mode_of(None, policy.retrieval, policy.modes)
            searches = mode != "off"
            scope = common_scope(policy.scope, *policy.granted, is_searched=searches)
        except (EmptyScope, ModelNotFound, RetrievalNotAllowed) as error:
            is_named = name in (
                (self.client.allowed.profiles or set()) | (self.client.allowed.models or set())
            )
            return Finding(
                "FAIL" if is_named else "skipped", what, f"{error.status}: {error.message}"
            )
        reach = scope.summary if searches else "no search"
        return Finding("ok", what, f"{policy.model}, retrieval {mode}, {reach}")


def _searched(settings: Settings, client: Client) -> Iterator[tuple[str, Scope]]:
    """The scopes to try: the whole one, in each of its workspaces."""
    granted = Policies(settings, LightOnScope).granted_to(client)
    try:
        scope = common_scope(LightOnScope(**settings.scope_fields), *granted)
    except EmptyScope:
        return
    workspaces = scope.workspace_id if isinstance(scope, LightOnScope) else None
    if workspaces is None:
        yield "in all workspaces", scope
    for workspace in workspaces or ():
        yield f"in workspace {workspace}", scope.narrow(LightOnScope(workspace_id=(workspace,)))
