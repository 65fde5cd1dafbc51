"""What holds for every request: an id and a log line, who may ask, and one form for each path."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.access.keys import KeyRing
from proxy.access.loopback import check_loopback
from proxy.surfaces.disconnect import ClientGoneError
from proxy.surfaces.exchange import Exchange, begin_exchange, exchange_of, headers_of

_REQUEST_ID: Final = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_SLASHES: Final = re.compile(r"/{2,}")
_VERSIONS: Final = re.compile(r"^(/v1)+(?=/|$)")
_LONGEST_WORD: Final = 200
_PLAIN_WORD: Final = re.compile(r"[\w./:@+-]*", re.ASCII)
_SENTENCES: Final = frozenset({"said"})
"""Facts that are no single words."""
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
        headers = headers_of(scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"req_{os.urandom(16).hex()}"
        exchange = begin_exchange(scope, request_id, headers)
        began = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                header = (b"x-request-id", request_id.encode())
                message["headers"] = [*message.get("headers", ()), header]
            try:
                await send(message)
            except (OSError, RuntimeError) as fault:
                if isinstance(fault, RuntimeError) and "closed" not in str(fault):
                    raise
                raise ClientGoneError from None  # before the server has told so

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            _log_line(scope, exchange, time.perf_counter() - began)


def _log_line(scope: Scope, exchange: Exchange, took_s: float) -> None:
    address = scope.get("client")
    facts = {
        "status": exchange.status,
        "ms": round(took_s * 1000),
        "id": exchange.request_id,
        "from": address[0] if address else "",
        "key": exchange.client.name,
        **exchange.notes,
    }
    words = [
        f"{name}={_written(name, value) if isinstance(value, str) else value}"
        for name, value in facts.items()
        if value != ""
    ]
    _log.info("%s %s %s", scope["method"], _word(exchange.path), " ".join(words))


def _written(name: str, value: str) -> str:
    return _quoted(value) if name in _SENTENCES else _word(value)


def _quoted(text: str) -> str:
    """A sentence as one value of the log line, whatever an upstream wrote into it."""
    escaped = text.encode("unicode_escape").decode().replace('"', r"\"")
    return f'"{escaped}"'


def _word(text: str) -> str:
    """`text` as one word of the log line, whatever a client wrote into it."""
    text = text[:_LONGEST_WORD]
    if _PLAIN_WORD.fullmatch(text):
        return text
    return text.encode("unicode_escape").decode().replace(" ", r"\x20")


class Admission:
    """Lets in who may ask: holders of a client key, or without keys this machine only."""

    def __init__(
        self,
        app: ASGIApp,
        keys: KeyRing,
        origins: frozenset[str],
        *,
        allow_forwarded: bool = False,
    ) -> None:
        """`origins` are those of other machines whose pages may ask without a key.

        `allow_forwarded` lets in, without a key, what came through a reverse proxy.
        """
        self.app = app
        self.keys = keys
        self.origins = origins
        self.allow_forwarded = allow_forwarded

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            exchange = exchange_of(scope)
            if self.keys.is_open:
                check_loopback(exchange.headers, self.origins, allow_forwarded=self.allow_forwarded)
            elif scope["path"] not in _OPEN_PATHS:
                exchange.client = self.keys.identify(exchange.headers)
        return self.app(scope, receive, send)


class Paths:
    """Accepts every form of a path that clients make of a base URL, without redirects.

    `//v1/models/`, `/models` and `/v1/v1/models` are all `/models` inside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http":
            path = _VERSIONS.sub("", _SLASHES.sub("/", scope["path"]))
            scope = {**scope, "path": path.rstrip("/") or "/"}
        return self.app(scope, receive, send)
