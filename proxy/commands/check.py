"""`rag-proxy check`: tries LightOn, Scaleway and, if it is set, Redis, as the settings say."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path

import click

from proxy.app import make_upstreams
from proxy.commands.advice import Place
from proxy.commands.check_key import find_key, findings_of
from proxy.commands.probe_lighton import LightOnProbe
from proxy.commands.probe_redis import RedisProbe
from proxy.commands.probe_scaleway import ScalewayProbe
from proxy.commands.probing import Finding, climb
from proxy.settings import Settings, load_search_keys, load_settings, variable_names
from proxy.settings.checks import check_profiles, require_upstream_keys, warnings_of
from proxy.settings.key_checks import warnings_of_keys
from proxy.state.memory_store import MemoryStore
from proxy.state.redis_store import RedisStore
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.lighton.scope import LightOnScope


def run(config: Path | None, key: str | None = None) -> int:
    """Print a line for each step, perhaps of one client key. Returns 1 if one failed, else 0."""
    settings = load_settings(config)
    check_profiles(settings, LightOnScope)
    require_upstream_keys(settings, variable_names())
    for warning in (*warnings_of(settings), *warnings_of_keys(settings)):
        click.echo(f"rag-proxy: warning: {warning}", err=True)
    # Each line says all that the log would, and what to do about it.
    logging.getLogger("proxy").addHandler(logging.NullHandler())
    if key is None:
        return asyncio.run(_report(findings(settings, os.environ)))
    record = find_key(settings, key)
    return asyncio.run(_report(findings_of(record, settings, load_search_keys(), os.environ)))


async def _report(found: AsyncIterator[Finding]) -> int:
    code = 0
    async for finding in found:
        click.echo(finding)
        code |= finding.verdict == "FAIL"
    return code


async def findings(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> AsyncIterator[Finding]:
    """What comes of each step, with the same clients, transports and certificates as `serve`."""
    async with aclosing(Outbound.of(settings, environment)) as outbound:
        upstreams = make_upstreams(settings, outbound, MemoryStore(0))
        place = Place(settings.lighton_base_url, "LIGHTON_BASE_URL", outbound.search_proxy)
        scope = LightOnScope(**settings.scope_fields)
        search = LightOnProbe(upstreams.search, scope, place)
        place = Place(settings.scaleway_base_url, "SCALEWAY_BASE_URL", outbound.model_proxy)
        model = ScalewayProbe(upstreams.model, models_in_use(settings), place)
        for steps in (search.steps(), model.steps()):
            async for finding in climb(steps):
                yield finding
    if settings.redis_url is not None:
        async with aclosing(RedisStore(settings.redis_url.get_secret_value())) as store:
            async for finding in climb(RedisProbe(store).steps()):
                yield finding


def models_in_use(settings: Settings) -> list[str]:
    """The models that settings and profiles name, the default one first, each once."""
    profile = settings.profiles.get(settings.default_model)
    named = list(profile.answering if profile else (settings.default_model,))
    for each in settings.profiles.values():
        named += each.answering
    return list(dict.fromkeys(named))
