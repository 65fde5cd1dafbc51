"""Rules for every request: an id and a log line, who may ask, and one form for each path."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.access.clients import Client
from proxy.access.identity import Identities
from proxy.access.loopback import check_loopback
from proxy.access.wrong_keys import WrongKeys
from proxy.errors import NoAccess, NoPerson, TooManyWrongKeys, Unauthorized
from proxy.surfaces.client_end import client_end_of
from proxy.surfaces.disconnect import ClientGoneError
from proxy.surfaces.exchange import Exchange, begin_exchange, exchange_of, headers_of
from proxy.telemetry.audit_record import Audit
from proxy.telemetry.facts import RequestFacts
from proxy.telemetry.log_line import LogLine
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.people import PeopleInRecords
from proxy.telemetry.traces import Traces
from proxy.telemetry.usage_file import Usage

_REQUEST_ID: Final = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_SLASHES: Final = re.compile(r"/{2,}")
_VERSIONS: Final = re.compile(r"^(/v1)+(?=/|$)")
METRICS_PATH: Final = "/metrics"
PROBES: Final = frozenset({"/health", "/ready", METRICS_PATH})
"""They are for monitors."""
BELOW_PAGE: Final = "/page/"
OPEN_PATHS: Final = frozenset({"/health", "/ready", "/openapi.json", "/config.schema.json"})
"""They need no key."""
BESIDE_API: Final = OPEN_PATHS | PROBES
"""They stand beside the API, not below its `/v1`."""

_WRONG_KEYS: Final = (
    "Too many requests from this address had a key or token that the proxy does not accept. Check "
    "it, and wait before you try another one."
)

_WRONG_TRIES: Final = (
    "Too many requests under this name were refused. Find out why, and wait before you try again."
)

_log = logging.getLogger("proxy.access")


class Requests:
    """Gives each request an id, sends the id to the client, and logs one line at the end.

    `usage`, `audit` and `traces` note the requests for answers, `metrics` all of them. `people`
    says how records and the log name people.
    """

    def __init__(  # noqa: PLR0913 - each is one who notes requests
        self,
        app: ASGIApp,
        *,
        usage: Usage | None = None,
        audit: Audit | None = None,
        people: PeopleInRecords | None = None,
        metrics: Metrics | None = None,
        traces: Traces | None = None,
        log_probes: bool = True,
    ) -> None:
        """`log_probes` shows in the log, too, what is routine, and went well."""
        self.app = app
        self.log_probes = log_probes
        self.usage = usage
        self.audit = audit
        self.people = people or PeopleInRecords()
        self.metrics = metrics
        self.traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = headers_of(scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"req_{os.urandom(16).hex()}"
        exchange = begin_exchange(scope, request_id, headers)
        clock = asyncio.get_running_loop().time
        if self.traces is not None:
            exchange.timeline.trace = self.traces.begin(headers)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                exchange.first_byte_s = clock() - exchange.timeline.began
                header = (b"x-request-id", request_id.encode())
                message["headers"] = [*message.get("headers", ()), header]
                if exchange.slot is not None:
                    message["headers"] += exchange.slot.headers
            elif exchange.slot is not None and not message.get("more_body"):
                await exchange.slot.end()  # before the client can ask again
            try:
                await send(message)
            except (OSError, RuntimeError) as fault:
                if isinstance(fault, RuntimeError) and "closed" not in str(fault):
                    raise
                raise ClientGoneError from None  # the server has not said so yet

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            ended = clock()
            self._record(self._facts_of(scope, exchange, ended), exchange, ended)

    def _record(self, facts: RequestFacts, exchange: Exchange, ended: float) -> None:
        self._log(facts)
        if self.metrics is not None:
            self.metrics.note(facts)
        if exchange.wants_answer:
            self._note(facts, exchange, ended)

    def _note(self, facts: RequestFacts, exchange: Exchange, ended: float) -> None:
        if self.traces is not None:
            self.traces.end(facts, exchange.timeline, ended)
        if self.usage is not None:
            self.usage.note(facts)
        if self.audit is not None and exchange.has_documents:
            self.audit.note(facts)

    def _log(self, facts: RequestFacts) -> None:
        if _log.isEnabledFor(logging.INFO) and (self.log_probes or not _is_routine(facts)):
            _log.info(LogLine.of(facts))

    def _facts_of(self, scope: Scope, exchange: Exchange, ended: float) -> RequestFacts:
        address = scope.get("client")
        end = client_end_of(scope)
        return RequestFacts(
            request_id=exchange.request_id,
            method=scope["method"],
            path=exchange.path,
            route=exchange.route,
            address=address[0] if address else "",
            client=exchange.client,
            person=self.people.name_of(exchange.client),
            status=exchange.status,
            took_s=ended - exchange.timeline.began,
            answer=exchange.answer,
            failure=exchange.failure,
            trail=exchange.trail,
            trace_id=_kept(exchange),
            is_client_gone=exchange.is_client_gone,
            is_client_stalled=end is not None and end.has_stalled,
            first_byte_s=exchange.first_byte_s,
        )


class Admission:
    """Admits those who may ask: whom a key or a token names, or, without both, this machine."""

    def __init__(  # noqa: PLR0913 - each says of some who may ask
        self,
        app: ASGIApp,
        identities: Identities,
        origins: frozenset[str],
        *,
        allow_forwarded: bool = False,
        wrong_keys: WrongKeys | None = None,
        open_paths: frozenset[str] = frozenset(),
    ) -> None:
        """`origins` may ask without a key although they are another machine's pages.

        `allow_forwarded` admits, without a key, requests that came through a reverse proxy.
        `wrong_keys` slows down who tries keys. `open_paths` need no key.
        """
        self.app = app
        self.identities = identities
        self.origins = origins
        self.allow_forwarded = allow_forwarded
        self.wrong_keys = wrong_keys or WrongKeys()
        self.open_paths = OPEN_PATHS | open_paths

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            exchange = exchange_of(scope)
            if self.identities.is_open:
                check_loopback(exchange.headers, self.origins, allow_forwarded=self.allow_forwarded)
            elif scope["path"] not in self.open_paths:
                return self._pass_on(exchange, scope, receive, send)
        return self.app(scope, receive, send)

    async def _pass_on(
        self, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> None:
        exchange.client = await self._identify(scope, exchange)
        try:
            exchange.client = self.identities.admit(exchange.client)
        except NoAccess:
            exchange.wants_answer = scope["method"] == "POST"  # the records tell of it
            raise
        await self.app(scope, receive, send)

    async def _identify(self, scope: Scope, exchange: Exchange) -> Client:
        """The client. Raises what `Identities` does, and TooManyWrongKeys.

        That is for an address that keeps trying, or a person whose tokens keep being too old. A
        right key opens from every address, because many clients may share one.
        """
        try:
            exchange.client = await self.identities.holder(exchange.headers)  # for the log
            return self.identities.asking(exchange.client, scope["headers"])
        except NoPerson:
            raise  # the key was right
        except Unauthorized as error:
            self._note(scope, exchange, error)
            raise

    def _note(self, scope: Scope, exchange: Exchange, error: Unauthorized) -> None:
        """Count a wrong try. Raises TooManyWrongKeys."""
        peer, wait_s = scope.get("client"), None
        if error.tried_by:
            wait_s = self.wrong_keys.note_name(error.tried_by)
        elif peer and exchange.headers.get("authorization"):
            wait_s = self.wrong_keys.note(peer[0])
        if wait_s is not None:
            message = _WRONG_TRIES if error.tried_by else _WRONG_KEYS
            raise TooManyWrongKeys(message, retry_after_s=wait_s) from None


class Paths:
    """Accepts every path that clients make from a base URL, without redirects.

    `//v1/models/`, `/models` and `/v1/v1/models` are all `/models` inside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            scope = {**scope, "path": plain_path(scope["path"])}
        return self.app(scope, receive, send)


def plain_path(path: str) -> str:
    """The one form of a path that the routes have."""
    return _VERSIONS.sub("", _SLASHES.sub("/", path)).rstrip("/") or "/"


def _kept(exchange: Exchange) -> str:
    """The trace that somebody can look at, in hex."""
    trace = exchange.timeline.trace
    is_kept = trace is not None and trace.is_sampled and exchange.wants_answer
    return f"{trace.trace_id:032x}" if trace is not None and is_kept else ""


def _is_routine(facts: RequestFacts) -> bool:
    """Whether a monitor asked, or the page loaded its files, and all is well."""
    path = plain_path(facts.path)
    return facts.outcome == "ok" and (path in PROBES or path.startswith(BELOW_PAGE))
