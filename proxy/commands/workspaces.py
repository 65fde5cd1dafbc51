"""`rag-proxy workspaces`: the workspaces of LightOn, and which of them are open to whom."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import orjson

from proxy.access.clients import ANYBODY, Client
from proxy.access.key_file import client_of
from proxy.commands.advice import Place, explain
from proxy.commands.check_key import find_key
from proxy.commands.probing import ProbeError
from proxy.core.effort import Effort
from proxy.core.stores import Workspace
from proxy.errors import BadCredentials, ProxyError, Unreachable, UpstreamTimeout
from proxy.outward import make_upstreams, retry_policy
from proxy.settings import Settings, load_named_secrets, load_settings, variable_names
from proxy.settings.checks import LIGHTON_CONSOLE, check_profiles, require_search_key
from proxy.settings.named_secrets import NamedSecrets
from proxy.settings.policies import Policies
from proxy.state.memory_store import MemoryStore
from proxy.surfaces.stores import reached_of
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.http.retries import Retries
from proxy.upstreams.http.retry_policy import SEARCH_STATUSES
from proxy.upstreams.lighton.clients import ClientSearches
from proxy.upstreams.lighton.lists import Lists
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.store_terms import STORE_TERMS
from proxy.upstreams.lighton.workspaces import LightOnWorkspaces

_COLUMNS: Final = ("id", "name", "files", "role", "in scope")
_LONGEST_NAME: Final = 60


class Seen(NamedTuple):
    """A workspace, and whether it may be searched."""

    workspace: Workspace
    is_open: bool


def run(config: Path | None, key: str | None = None, *, as_json: bool = False) -> int:
    """Print the workspaces that the key of the settings can see, or that of one client key.

    Returns 1 if there is no list.
    """
    settings = load_settings(config)
    check_profiles(settings, LightOnScope)
    require_search_key(settings, variable_names())
    client = ANYBODY if key is None else client_of(find_key(settings, key))
    logging.getLogger("proxy").addHandler(logging.NullHandler())  # the one line says it all
    try:
        found = asyncio.run(seen(settings, client, load_named_secrets(), os.environ))
    except ProbeError as error:
        click.echo(f"rag-proxy: {error}", err=True)
        return 1
    click.echo(_json(found) if as_json else "\n".join(table_of(found)))
    for missing in _unseen(settings, client, found):
        click.echo(f"rag-proxy: warning: {missing}", err=True)
    return 0


async def seen(
    settings: Settings, client: Client, secrets: NamedSecrets, environment: Mapping[str, str]
) -> list[Seen]:
    """The workspaces, in the order of their ids. Raises ProbeError that says what to do."""
    policy = retry_policy(settings, settings.search_retries, SEARCH_STATUSES)
    async with aclosing(Outbound.of(settings, environment)) as outbound:
        store = MemoryStore(0)
        upstream = make_upstreams(settings, outbound, store).search
        place = Place(settings.lighton_base_url, "LIGHTON_BASE_URL", outbound.search_proxy)
        try:
            searches = ClientSearches(upstream, secrets.named)
            lighton = searches.of(client, Retries(policy, Effort()))
            found = await LightOnWorkspaces(lighton, Lists(store, 0)).all()
            reach = Policies(settings, LightOnScope).open_to(client)
        except ProxyError as error:
            raise ProbeError(_said(error, client, place)) from error
    reached = reached_of(found, reach, STORE_TERMS)
    return [Seen(each, each.id in reached) for each in sorted(found)]


def table_of(found: Iterable[Seen]) -> list[str]:
    """A header and a line for each workspace, in columns."""
    rows: list[Sequence[str]] = [[name.upper() for name in _COLUMNS], *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _row(seen: Seen) -> Sequence[str]:
    workspace = seen.workspace
    name = "".join(filter(str.isprintable, " ".join(workspace.name.split())))
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 1]}…"
    is_open = "yes" if seen.is_open else "no"
    return str(workspace.id), name, str(workspace.files), workspace.role or "-", is_open


def _json(found: Iterable[Seen]) -> str:
    listed: list[dict[str, Any]] = [
        {
            "id": each.workspace.id,
            "name": each.workspace.name,
            "files": each.workspace.files,
            "role": each.workspace.role or None,
            "in_scope": each.is_open,
        }
        for each in found
    ]
    return orjson.dumps(listed, option=orjson.OPT_INDENT_2).decode()


def _unseen(settings: Settings, client: Client, found: Iterable[Seen]) -> list[str]:
    """The workspaces that settings or key name, and that are not among those found."""
    visible = {each.workspace.id for each in found}
    profiles = {f"profiles.{name}.": profile for name, profile in settings.profiles.items()}
    named = {
        f"{where}workspace_id": each.scope_fields.get("workspace_id") or ()
        for where, each in {"": settings, **profiles}.items()
    }
    named[f"the key {client.name}"] = client.grant.workspaces or ()
    return [
        f"{where} names {', '.join(map(str, missing))}, which LightOn does not list for this key"
        for where, ids in named.items()
        if (missing := sorted(set(ids) - visible))
    ]


def _said(error: ProxyError, client: Client, place: Place) -> str:
    """What went wrong and what to do, in the words of `rag-proxy check`."""
    if isinstance(error, Unreachable | UpstreamTimeout):
        return explain(error, place)
    if isinstance(error, BadCredentials):
        name = client.grant.lighton_key_env or "LIGHTON_API_KEY"
        return f"LightOn rejects {name}: create one at {LIGHTON_CONSOLE}."
    return error.message
