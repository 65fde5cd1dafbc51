"""Errors of the door: replies to requests that never reach the application."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from proxy.errors import ProxyError
from proxy.surfaces.replies import error_reply


@dataclass(frozen=True, slots=True)
class Refusal:
    """Takes the application's place for a request that breaks off while it waits for its turn."""

    error: ProxyError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _last_reply(self.error)(scope, receive, send)


def reply_bytes(error: ProxyError) -> bytes:
    """The reply as it goes over the wire, when nothing else is left to write it."""
    reply = _last_reply(error)
    lines = [b"%b: %b\r\n" % header for header in reply.raw_headers]
    return b"".join((STATUS_LINE[error.status], *lines, b"\r\n", bytes(reply.body)))


def _last_reply(error: ProxyError) -> Response:
    reply = error_reply(error)
    reply.headers["connection"] = "close"
    return reply
