"""`rag-proxy check`: tries LightOn, Scaleway and, if there is one, Redis, as the settings say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import click
import openai

from proxy.app import make_upstreams
from proxy.commands.probe_lighton import LightOnProbe
from proxy.commands.probe_redis import RedisProbe
from proxy.commands.probe_scaleway import ScalewayProbe
from proxy.commands.probing import Finding, climb
from proxy.settings import Settings, load_settings, variable_names
from proxy.settings_checks import check_profiles, require_upstream_keys
from proxy.state.memory_store import MemoryStore
from proxy.state.redis_store import RedisStore
from proxy.upstreams.http import pooled_transport

TIMEOUT_S = 60.0


def run(config: Path | None) -> int:
    """Print a line for each step; 1 if one failed."""
    settings = load_settings(config)
    check_profiles(settings)
    require_upstream_keys(settings, variable_names())
    return asyncio.run(_report(settings))


async def _report(settings: Settings) -> int:
    code = 0
    async for finding in findings(settings):
        click.echo(finding)
        code |= finding.verdict == "FAIL"
    return code


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    async with aclosing(pooled_transport()) as transport:
        search = make_upstreams(settings, transport, MemoryStore(0)).search
        probe = LightOnProbe(search, settings.scope(), settings.lighton_base_url)
        async for finding in climb(probe.steps()):
            yield finding
    async with scaleway_client(settings) as client:
        async for finding in climb(ScalewayProbe(client, models_in_use(settings)).steps()):
            yield finding
    if settings.redis_url is not None:
        async with aclosing(RedisStore(settings.redis_url.get_secret_value())) as store:
            async for finding in climb(RedisProbe(store).steps()):
                yield finding


def scaleway_client(settings: Settings) -> openai.AsyncOpenAI:
    key = settings.scaleway_api_key
    return openai.AsyncOpenAI(
        api_key=key.get_secret_value() if key else "",
        base_url=settings.scaleway_base_url,
        timeout=TIMEOUT_S,
        max_retries=0,
    )


def models_in_use(settings: Settings) -> list[str]:
    """The models that settings and profiles name, the default one first, each once."""
    profile = settings.profiles.get(settings.default_model)
    default = profile.model if profile else settings.default_model
    named = (default, *(each.model for each in settings.profiles.values()))
    return list(dict.fromkeys(model for model in named if model))
