"""What holds for every request: an id and a log line, who may ask, and one form for each path."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.access.keys import KeyRing
from proxy.access.loopback import check_loopback
from proxy.surfaces.exchange import begin_exchange, exchange_of
from proxy.surfaces.replies import headers_of

_REQUEST_ID: Final = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_SLASHES: Final = re.compile(r"/{2,}")
_VERSIONS: Final = re.compile(r"^(/v1)+(?=/|$)")
_LONGEST_WORD: Final = 200
_OPEN_PATHS: Final = frozenset({"/health", "/ready"})

_log = logging.getLogger("proxy.access")


class Requests:
    """Gives each request an id, tells it to the client, and logs one line when it is over."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = headers_of(scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(16)}"
        exchange = begin_exchange(scope, request_id)
        exchange.send_body = send
        began = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                header = (b"x-request-id", request_id.encode())
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            took_ms = round((time.perf_counter() - began) * 1000)
            facts = {"status": status, "ms": took_ms, "id": request_id, "key": exchange.client}
            facts |= exchange.notes
            _log.info(
                "%s %s %s",
                scope["method"],
                _word(exchange.path),
                " ".join(f"{name}={_word(value)}" for name, value in facts.items() if value != ""),
            )


def _word(value: object) -> str:
    """`value` as one word of the log line, whatever a client wrote into it."""
    text = str(value)[:_LONGEST_WORD].encode("unicode_escape").decode()
    return text.replace(" ", r"\x20")


class Admission:
    """Lets in who may ask: holders of a client key, or without keys this machine only."""

    def __init__(self, app: ASGIApp, keys: KeyRing, origins: frozenset[str]) -> None:
        """`origins` are those of other machines whose pages may ask without a key."""
        self.app = app
        self.keys = keys
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = headers_of(scope)
            if self.keys.is_open:
                check_loopback(headers, self.origins)
            elif scope["path"] not in _OPEN_PATHS:
                exchange_of(scope).client = self.keys.identify(headers)
        await self.app(scope, receive, send)


class Paths:
    """Accepts every form of a path that clients make of a base URL, without redirects.

    `//v1/models/`, `/models` and `/v1/v1/models` are all `/models` inside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = _VERSIONS.sub("", _SLASHES.sub("/", scope["path"]))
            scope = {**scope, "path": path.rstrip("/") or "/"}
        await self.app(scope, receive, send)
