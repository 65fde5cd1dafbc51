"""`rag-proxy serve`: the proxy, with the user's settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path

from starlette.types import ASGIApp

from proxy.access.clients import ANYBODY
from proxy.app import create_app
from proxy.commands.hang_ups import HangUps
from proxy.commands.listening import Reservation, address, can_share_port, listen
from proxy.commands.logs import configure_logging, follow, say, warn
from proxy.commands.metrics_port import metrics_served
from proxy.commands.serving import (
    collect_rarely,
    door_limits,
    end_with_parent,
    ignore_hang_up,
    serve_here,
    server_config,
)
from proxy.commands.starting import check_start
from proxy.commands.worker_boards import boards_of_worker, shared_boards
from proxy.commands.workers import serve_in_workers
from proxy.errors import SettingsError
from proxy.settings import Settings, load_named_secrets, load_settings
from proxy.settings.named_secrets import NamedSecrets
from proxy.settings.policies import Policies
from proxy.settings.reloading import Origin
from proxy.settings.sources import CONFIG_VARIABLE, environment_names
from proxy.telemetry.board import Board
from proxy.telemetry.boards import Boards
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.lighton.scope import LightOnScope

CANNOT_LOAD = 2
WORKER_APP = f"{__name__}:create_app_from_environment"


def run(config: Path | None, **flags: str | int | None) -> None:
    settings = load_settings(config, **flags)
    configure_logging(settings.log_level, settings.log_format)
    secrets = load_named_secrets()
    warnings = (*check_start(settings, secrets), *_warnings_of_redis(settings))
    config_of = partial(
        server_config,
        log_level=settings.log_level,
        limits=door_limits(settings),
        drain_delay_s=settings.drain_delay_s,
        grace_s=settings.grace_s,
    )
    for warning in warnings:
        warn(warning, settings.log_format)
    ignore_hang_up()
    if settings.workers == 1:
        boards = Boards(Board.alone()) if settings.metrics else None
        origin = Origin(config, flags, check_start)
        app = _application(settings, secrets, origin, _listening(), boards)
        listener = listen(settings.host, settings.port)
        with metrics_served(settings, boards) as metrics:
            serve_here(config_of(app), listener, greeting(settings, address(listener), metrics))
        return
    Outbound.of(settings, os.environ)  # for its faults: the workers make the applications
    reserve = Reservation if can_share_port() else listen
    os.environ |= worker_environment(config, flags)
    workers = config_of(WORKER_APP, workers=settings.workers)
    with (
        reserve(settings.host, settings.port) as port,
        shared_boards(settings) as boards,
        metrics_served(settings, boards) as metrics,
    ):
        folder = None if boards is None else boards.folder
        serve_in_workers(workers, port, greeting(settings, address(port), metrics), folder)


def _listening() -> HangUps:
    hang_ups = HangUps()
    hang_ups.listen()
    return hang_ups


def _application(
    settings: Settings,
    secrets: NamedSecrets,
    origin: Origin,
    hang_ups: HangUps,
    boards: Boards | None,
) -> ASGIApp:
    return create_app(
        settings,
        environment=os.environ,
        hang_ups=hang_ups,
        secrets=secrets,
        origin=origin,
        take=lambda following: follow(following.log_level, following.log_format),
        boards=boards,
    )


def _warnings_of_redis(settings: Settings) -> list[str]:
    """What is wrong with the Redis in the settings. Without it, the proxy keeps no state."""
    if settings.redis_url is None:
        return []
    from proxy.commands.probe_redis import complaints  # noqa: PLC0415 - most start without Redis

    return asyncio.run(complaints(settings.redis_url.get_secret_value()))


def greeting(settings: Settings, url: str, metrics: str = "") -> str:
    """Where the proxy answers, and how it treats a request that names no model.

    `metrics` is where its metrics can be read without a key.
    """
    policies = Policies(settings, LightOnScope)
    policy = policies.of(None, ANYBODY)
    is_profile = settings.default_model in policies.names.profiles
    of_profile = f" of profile {settings.default_model}" if is_profile else ""
    profiles = ", ".join(policies.names.profiles)
    page = f", page on {url}/" if settings.shows_page else ""
    return (
        f"rag-proxy {version('rag-proxy')} on {url}/v1 (model {policy.model}{of_profile}, "
        f"retrieval {policy.retrieval}, {policy.scope.summary}"
        + (f"; profiles {profiles})" if profiles else ")")
        + page
        + (f"; metrics on {metrics}" if metrics else "")
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
    hang_ups = _listening()  # before it reads: a signal that comes then counts
    try:
        settings = load_settings()
        configure_logging(settings.log_level, settings.log_format)
        origin = Origin(check=check_start)
        boards = boards_of_worker() if settings.metrics else None
        app = _application(settings, load_named_secrets(), origin, hang_ups, boards)
    except SettingsError as error:  # a file may have changed since the first worker read it
        for problem in error.problems:
            say(f"rag-proxy: {problem}", err=True)
        raise SystemExit(CANNOT_LOAD) from error
    collect_rarely()
    end_with_parent()
    return app
