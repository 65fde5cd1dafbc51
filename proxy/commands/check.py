"""`rag-proxy check`: tries LightOn, Scaleway and what else the settings name: issuer, Redis."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import aclosing
from pathlib import Path

import click

from proxy.access.clients import ANYBODY
from proxy.addresses import without_secrets
from proxy.commands.advice import Place
from proxy.commands.check_key import find_key, findings_of
from proxy.commands.check_person import find_person, findings_of_person, require_people
from proxy.commands.probe_lighton import LightOnProbe
from proxy.commands.probe_redis import RedisProbe
from proxy.commands.probe_scaleway import ScalewayProbe
from proxy.commands.probing import Finding, Step, climb
from proxy.errors import SettingsError
from proxy.outward import make_issuer, make_upstreams
from proxy.settings import Settings, load_named_secrets, load_settings, variable_names
from proxy.settings.access_checks import warnings_of_rules
from proxy.settings.checks import (
    check_profiles,
    refuse_lone_client_key,
    require_upstream_keys,
    warnings_of,
)
from proxy.settings.extras import require_extras, require_traces
from proxy.settings.key_checks import warnings_of_keys
from proxy.settings.policies import Policies
from proxy.state.memory_store import MemoryStore
from proxy.state.redis_store import RedisStore
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.lighton.scope import LightOnScope


def run(
    config: Path | None,
    key: str | None = None,
    person: str | None = None,
    groups: Collection[str] = (),
) -> int:
    """Print a line for each step, perhaps of one client key or of a person in some groups.

    Returns 1 if one failed, else 0.
    """
    if groups and person is None:
        raise SettingsError("--group needs --as: say whose group it is")
    settings = load_settings(config)
    check_profiles(settings, LightOnScope)
    refuse_lone_client_key(settings, variable_names())
    require_upstream_keys(settings, variable_names())
    require_extras(settings)
    require_traces(settings, os.environ)
    secrets = load_named_secrets()
    for warning in (
        *warnings_of(settings),
        *warnings_of_keys(settings, secrets),
        *warnings_of_rules(settings),
    ):
        click.echo(f"rag-proxy: warning: {warning}", err=True)
    # Each line says all that the log would, and what to do about it.
    logging.getLogger("proxy").addHandler(logging.NullHandler())
    record = None if key is None else find_key(settings, key)
    if person is not None:
        who = find_person(person, groups)
        require_people(record, settings)
        found = findings_of_person(who, record, settings, secrets, os.environ)
    elif record is not None:
        found = findings_of(record, settings, secrets, os.environ)
    else:
        found = findings(settings, os.environ)
    return asyncio.run(_report(found))


async def _report(found: AsyncIterator[Finding]) -> int:
    code = 0
    async for finding in found:
        click.echo(finding)
        code |= finding.verdict == "FAIL"
    return code


async def findings(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> AsyncIterator[Finding]:
    """What comes of each step, with the same clients, transports and certificates as `serve`.

    It searches where a request would that names no model.
    """
    async with aclosing(Outbound.of(settings, environment)) as outbound:
        upstreams = make_upstreams(settings, outbound, MemoryStore(0))
        place = Place(settings.lighton_base_url, "LIGHTON_BASE_URL", outbound.search_proxy)
        scope = Policies(settings, LightOnScope).of(None, ANYBODY).scope
        search = LightOnProbe(upstreams.search, scope, place)
        place = Place(settings.scaleway_base_url, "SCALEWAY_BASE_URL", outbound.model_proxy)
        model = ScalewayProbe(upstreams.model, models_in_use(settings), place)
        for steps in (search.steps(), model.steps(), _issuer_steps(settings, outbound)):
            async for finding in climb(steps):
                yield finding
    if settings.redis_url is not None:
        async with aclosing(RedisStore(settings.redis_url.get_secret_value())) as store:
            async for finding in climb(RedisProbe(store).steps()):
                yield finding


def _issuer_steps(settings: Settings, outbound: Outbound) -> tuple[Step, ...]:
    issuer = make_issuer(settings, outbound)
    if issuer is None:
        return ()
    from proxy.commands.probe_issuer import IssuerProbe  # noqa: PLC0415 - needs an extra

    setting = "identity.oidc.jwks_url" if issuer.jwks_url else "identity.oidc.issuer"
    address = without_secrets(issuer.jwks_url or issuer.issuer)
    place = Place(address, setting, outbound.issuer_proxy)
    return IssuerProbe(issuer, place).steps()


def models_in_use(settings: Settings) -> list[str]:
    """The models that settings and profiles name, the default one first, each once."""
    profile = settings.profiles.get(settings.default_model)
    named = list(profile.answering if profile else (settings.default_model,))
    for each in settings.profiles.values():
        named += each.answering
    return list(dict.fromkeys(named))
