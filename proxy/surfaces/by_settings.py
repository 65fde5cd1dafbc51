"""What surrounds the routes, as the settings say: middleware, limits and records."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.middleware import Middleware
from starlette.routing import Route

from proxy.access.identity import Identities
from proxy.access.loopback import LOOPBACK_ORIGIN
from proxy.access.refusals import LIMIT_HEADERS
from proxy.access.wrong_keys import WrongKeys
from proxy.core.names import SEARCH_COUNT
from proxy.settings import Settings
from proxy.settings.extras import require_traces
from proxy.surfaces.cors import CORS
from proxy.surfaces.middleware import Admission, Paths, Requests
from proxy.surfaces.page import Page, read_page
from proxy.surfaces.parts import Share
from proxy.surfaces.replies import ErrorReplies
from proxy.surfaces.route_names import RouteNames
from proxy.surfaces.server_timing import NAME as SERVER_TIMING
from proxy.telemetry.audit_file import AuditFile
from proxy.telemetry.audit_record import Audit, AuditRecords
from proxy.telemetry.board import Board
from proxy.telemetry.line_writer import LineWriter
from proxy.telemetry.metrics import Learnt, Metrics
from proxy.telemetry.people import PeopleInRecords
from proxy.telemetry.prices import Prices
from proxy.telemetry.spans import Servers
from proxy.telemetry.traces import Traces, are_wanted
from proxy.telemetry.usage_file import Usage, UsageFile
from proxy.telemetry.usage_record import UsageRecords

if TYPE_CHECKING:
    from proxy.telemetry.otlp import OtlpTraces

_EXPOSED_HEADERS: Final = (
    "x-request-id",
    SEARCH_COUNT.lower(),
    SERVER_TIMING,
    "retry-after",
    *LIMIT_HEADERS,
)


def middleware_of(  # noqa: PLR0913 - each is one thing that the middleware does
    settings: Settings,
    identities: Identities,
    wrong_keys: WrongKeys,
    *,
    usage: Usage | None,
    audit: Audit | None,
    people: PeopleInRecords,
    metrics: Metrics | None = None,
    traces: Traces | None = None,
    open_paths: frozenset[str] = frozenset(),
) -> list[Middleware]:
    """Outermost first. CORS encloses the rendering of errors, so that pages can read them.

    `open_paths` need no key.
    """
    origins = settings.cors_origins
    if origins is None:
        origins = () if identities.is_open else ("*",)
    cors = Middleware(
        CORS,
        allow_origins=origins,
        allow_origin_regex=LOOPBACK_ORIGIN if settings.cors_origins is None else None,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=_EXPOSED_HEADERS,
    )
    return [
        Middleware(
            Requests,
            usage=usage,
            audit=audit,
            people=people,
            metrics=metrics,
            traces=traces,
            log_probes=settings.log_probes,
        ),
        cors,
        Middleware(ErrorReplies),
        Middleware(Paths),
        Middleware(
            Admission,
            identities=identities,
            origins=frozenset(settings.cors_origins or ()),
            allow_forwarded=settings.allow_forwarded,
            wrong_keys=wrong_keys,
            open_paths=open_paths,
        ),
    ]


def page_of(settings: Settings, parts: Share) -> Page:
    """The page with its files, or one that has none."""
    return parts.of(read_page) if settings.shows_page else Page({})


def usage_of(settings: Settings, parts: Share) -> Usage | None:
    """The usage file, if there is one. Applications that follow each other write to one."""
    if settings.usage_file is None:
        return None
    prices = Prices() if settings.prices is None else settings.prices.prices
    records = UsageRecords(prices, settings.profiles, settings.default_model)
    return Usage(parts.of(UsageFile, Path(settings.usage_file), close=_close), records)


def audit_of(settings: Settings, parts: Share) -> Audit | None:
    """As `usage_of`, for the audit."""
    if settings.audit_file is None:
        return None
    records = AuditRecords(
        settings.profiles, settings.default_model, has_texts=settings.audit_texts
    )
    return Audit(parts.of(AuditFile, Path(settings.audit_file), close=_close), records)


def metrics_of(
    settings: Settings, board: Board | None, routes: Sequence[Route], parts: Share
) -> Metrics | None:
    """What counts requests on `board`, if there is one."""
    if board is None:
        return None
    return Metrics(
        board,
        RouteNames(routes).of,
        frozenset(settings.profiles),
        settings.default_model,
        named_models(settings),
        parts.of(Learnt),
    )


def named_models(settings: Settings) -> frozenset[str]:
    """The models that the settings name."""
    profiles = settings.profiles
    answering = (each.answering for each in profiles.values())
    return frozenset({settings.default_model, *chain.from_iterable(answering)} - profiles.keys())


def traces_of(
    settings: Settings, environment: Mapping[str, str], servers: Servers, parts: Share
) -> Traces | None:
    """Who traces requests, if anybody does. Raises SettingsError."""
    require_traces(settings, environment)
    if not are_wanted(settings.traces, environment):
        return None
    return parts.of(_open_traces, servers, settings.trace_contents, close=lambda it: it.aclose())


def _open_traces(servers: Servers, holds_texts: bool) -> OtlpTraces:  # noqa: FBT001 - a setting
    # The library behind this is in an extra, and takes its time to load.
    from proxy.telemetry.otlp import open_traces  # noqa: PLC0415

    return open_traces(servers, holds_texts=holds_texts)


async def _close(file: LineWriter) -> None:
    await asyncio.to_thread(file.close)
