"""Replies that are not streams: JSON, and errors in OpenAI's format."""

from __future__ import annotations

import asyncio
import logging
import math
from pathlib import PurePath
from traceback import walk_tb
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.errors import (
    InternalError,
    MethodNotAllowed,
    ProxyError,
    RequestTimeout,
    ShuttingDown,
)
from proxy.surfaces.disconnect import ClientGoneError
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.server_timing import timed
from proxy.telemetry.facts import Failure

_FRAMES_SHOWN: Final = 6

_log = logging.getLogger(__name__)


class JSONReply(Response):
    """A JSON document."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def error_reply(error: ProxyError) -> JSONReply:
    """An error as an HTTP reply. It tells SDKs whether and when to retry."""
    headers = {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    if not error.retryable:
        headers["x-should-retry"] = "false"
    if isinstance(error, RequestTimeout):
        headers["connection"] = "close"  # RFC 9110, 15.5.9
    if isinstance(error, MethodNotAllowed) and error.allowed:
        headers["allow"] = ", ".join(error.allowed)
    return JSONReply(error.body(), status_code=error.status, headers=headers)


def internal_error(fault: Exception) -> InternalError:
    """A fault of the proxy itself. The log shows no data of the request, the client no details."""
    _log.error("internal error: %s at %s", type(fault).__name__, _where(fault))
    return InternalError("The proxy failed to handle this request. Its log says where.")


class ErrorReplies:
    """Middleware: every error becomes one reply, unless the reply has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except ClientGoneError:
            exchange_of(scope).is_client_gone = True
            return
        except asyncio.CancelledError:
            # Only a server that is shutting down cancels a request. Its task ends with this reply.
            failure: ProxyError = ShuttingDown("The proxy is shutting down. Try again.")
        except ProxyError as error:
            failure = error.with_traceback(None)  # the traceback refers to this frame
        except Exception as fault:  # noqa: BLE001  # the last line of defence: logged, told as 500
            failure = internal_error(fault)
        else:
            return
        exchange = exchange_of(scope)
        exchange.failure = Failure.of(failure)
        reply = None if exchange.status else error_reply(failure)
        del failure  # from Python 3.12 on, the tracebacks of its causes refer to this frame
        if reply is not None:
            if exchange.wants_answer:
                timed(reply, exchange.timeline)
            await reply(scope, receive, send)


def _where(fault: BaseException) -> str:
    """The innermost frames of a fault: files and lines only, no values."""
    frames = [
        f"{PurePath(frame.f_code.co_filename).name}:{line}"
        for frame, line in walk_tb(fault.__traceback__)
    ]
    return " > ".join(frames[-_FRAMES_SHOWN:])
