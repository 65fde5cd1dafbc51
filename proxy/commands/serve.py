"""`rag-proxy serve`: the proxy, with the user's settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from starlette.types import ASGIApp

from proxy.access.clients import ANYBODY
from proxy.app import create_app
from proxy.commands.hang_ups import HangUps
from proxy.commands.listening import Reservation, address, can_share_port, listen
from proxy.commands.logs import configure_logging, say
from proxy.commands.serving import (
    collect_rarely,
    door_limits,
    end_with_parent,
    ignore_hang_up,
    serve_here,
    server_config,
)
from proxy.commands.workers import serve_in_workers
from proxy.errors import SettingsError
from proxy.settings import Settings, load_named_secrets, load_settings, variable_names
from proxy.settings.access_checks import warnings_of_rules
from proxy.settings.checks import (
    check_exposure,
    check_profiles,
    require_upstream_keys,
    warnings_of,
)
from proxy.settings.extras import require_extras
from proxy.settings.key_checks import warnings_of_keys
from proxy.settings.policies import Policies
from proxy.settings.reloading import Origin
from proxy.settings.sources import CONFIG_VARIABLE, environment_names
from proxy.telemetry.audit_file import open_audit
from proxy.telemetry.usage_file import open_to_append
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.lighton.scope import LightOnScope

CANNOT_LOAD = 2
WORKER_APP = f"{__name__}:create_app_from_environment"


def run(config: Path | None, **flags: str | int | None) -> None:
    settings = load_settings(config, **flags)
    configure_logging(settings.log_level)
    check_profiles(settings, LightOnScope)
    check_exposure(settings)
    require_upstream_keys(settings, variable_names())
    require_extras(settings)
    secrets = load_named_secrets()
    warnings = (
        *warnings_of(settings),
        *warnings_of_keys(settings, secrets),
        *warnings_of_rules(settings),
        *_warnings_of_redis(settings),
    )
    _check_usage_file(settings)
    _check_audit_file(settings)
    limits = door_limits(settings)
    # Also before workers start: a fault then shows once, not once for each worker.
    outbound = Outbound.of(settings, os.environ)
    for warning in warnings:
        say(f"rag-proxy: warning: {warning}", err=True)
    ignore_hang_up()
    if settings.workers == 1:
        hang_ups = HangUps()
        hang_ups.listen()
        origin = Origin(config, flags)
        app = create_app(settings, outbound, hang_ups=hang_ups, secrets=secrets, origin=origin)
        listener = listen(settings.host, settings.port)
        welcome = greeting(settings, address(listener))
        here = server_config(app, settings.log_level, limits=limits)
        serve_here(here, listener, welcome)
        return
    reserve = Reservation if can_share_port() else listen
    os.environ |= worker_environment(config, flags)
    workers = server_config(WORKER_APP, settings.log_level, limits=limits, workers=settings.workers)
    with reserve(settings.host, settings.port) as port:
        serve_in_workers(workers, port, greeting(settings, address(port)))


def _check_usage_file(settings: Settings) -> None:
    """Raise SettingsError if the usage file cannot be written: later on, lines would be lost."""
    if settings.usage_file is None:
        return
    try:
        os.close(open_to_append(Path(settings.usage_file)))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingsError(
            f"{environment_names('usage_file')[0]}: cannot write {settings.usage_file} ({why})"
        ) from error


def _check_audit_file(settings: Settings) -> None:
    """Raise SettingsError if the audit file cannot be written, or is the usage file, too."""
    if settings.audit_file is None:
        return
    name, path = environment_names("audit_file")[0], Path(settings.audit_file)
    try:
        os.close(open_audit(path))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingsError(f"{name}: cannot write {path} ({why})") from error
    if settings.usage_file is not None and path.samefile(settings.usage_file):
        raise SettingsError(f"{name}: {path} is the usage file: name another one")


def _warnings_of_redis(settings: Settings) -> list[str]:
    """What is wrong with the Redis in the settings. Without it, the proxy keeps no state."""
    if settings.redis_url is None:
        return []
    from proxy.commands.probe_redis import complaints  # noqa: PLC0415 - most start without Redis

    return asyncio.run(complaints(settings.redis_url.get_secret_value()))


def greeting(settings: Settings, url: str) -> str:
    """Where the proxy answers, and how it treats a request that names no model."""
    policies = Policies(settings, LightOnScope)
    policy = policies.of(None, ANYBODY)
    is_profile = settings.default_model in policies.names.profiles
    of_profile = f" of profile {settings.default_model}" if is_profile else ""
    profiles = ", ".join(policies.names.profiles)
    return (
        f"rag-proxy {version('rag-proxy')} on {url}/v1 (model {policy.model}{of_profile}, "
        f"retrieval {policy.retrieval}, {policy.scope.summary}"
        + (f"; profiles {profiles})" if profiles else ")")
    )


def worker_environment(
    config: Path | None, flags: Mapping[str, str | int | None]
) -> dict[str, str]:
    """The command line as environment variables, so that workers load the same settings."""
    named = {} if config is None else {CONFIG_VARIABLE: str(config)}
    given = {
        environment_names(setting)[0]: str(value)
        for setting, value in flags.items()
        if value is not None
    }
    return named | given


def create_app_from_environment() -> ASGIApp:
    """The application of one worker. If it cannot be made, say why and end the worker."""
    hang_ups = HangUps()
    hang_ups.listen()
    try:
        settings = load_settings()
        configure_logging(settings.log_level)
        app = create_app(
            settings,
            Outbound.of(settings, os.environ),
            hang_ups=hang_ups,
            secrets=load_named_secrets(),
            origin=Origin(),
        )
    except SettingsError as error:  # a file may have changed since the first worker read it
        for problem in error.problems:
            say(f"rag-proxy: {problem}", err=True)
        raise SystemExit(CANNOT_LOAD) from error
    collect_rarely()
    end_with_parent()
    return app
