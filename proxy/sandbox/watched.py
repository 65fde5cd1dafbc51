"""ASGI middleware around the stand-ins: logs each request, applies faults, ends with the caller."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

import orjson
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.sandbox.faults import SCOPE_KEY, Dropped, Fault, Faults, Upstream, forever
from proxy.sandbox.requestlog import Outcome

_OWN_PATHS = ("/", "/health")
_FIREWALL_PAGE = (
    "<html><head><title>403 Forbidden</title></head>"
    "<body><center><h1>403 Forbidden</h1></center><hr><center>sandbox firewall</center></body>"
    "</html>\n"
)


class Watched:
    """Wraps an app that speaks both protocols. The path says which one a request is for.

    The inner app runs as a task, and ends when the caller hangs up. So a stand-in may sleep or
    stream without watching its connection.
    """

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_own(scope["path"]):
            await self.app(scope, receive, send)
            return
        upstream, path = _upstream_of(scope["path"]), scope["path"]
        body = await _read(receive)
        if body is None:
            return
        received = self.faults.requests.open(upstream, scope["method"], path, _parsed(body))
        exchange = _Exchange(self.app, scope, body, send, self.faults.take(upstream, path))
        try:
            await _run_until(_disconnected(receive), exchange.run())
        finally:
            outcome: Outcome = "answered" if exchange.complete else "hung_up"
            self.faults.requests.close(received, status=exchange.status, outcome=outcome)


class _Exchange:
    """One request and its reply, seen from inside the connection."""

    def __init__(self, app: ASGIApp, scope: Scope, body: bytes, send: Send, fault: Fault) -> None:
        self.status: int | None = None
        self.complete = False
        self._app = app
        self._scope = {**scope, SCOPE_KEY: fault}
        self._unread: list[Message] = [
            {"type": "http.request", "body": body, "more_body": False},
        ]
        self._send = send
        self._fault = fault

    async def run(self) -> None:
        fault = self._fault
        await asyncio.sleep(fault.delay_s)
        if fault.after_chunks is None:
            if fault.hang:
                await forever()
            if fault.disconnect:
                await self._drop()
                return
        instead = _instead(fault)
        if instead is not None:
            await instead(self._scope, self._receive, self._reply)
            return
        with contextlib.suppress(Dropped):
            await self._app(self._scope, self._receive, self._reply)

    async def _receive(self) -> Message:
        if not self._unread:
            await forever()
        return self._unread.pop()

    async def _reply(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        if self._fault.drip_s and message["type"] == "http.response.body":
            await self._drip(message.get("body", b""))
            message = {**message, "body": b""}
        await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.complete = True

    async def _drip(self, body: bytes) -> None:
        for place in range(len(body)):
            await asyncio.sleep(self._fault.drip_s)
            byte = body[place : place + 1]
            await self._send({"type": "http.response.body", "body": byte, "more_body": True})

    async def _drop(self) -> None:
        """Close the connection without a byte of reply.

        ASGI has no message for that. But a server closes the connection if it gets a reply head
        that it cannot write, and then nothing more.
        """
        head = {"type": "http.response.start", "status": 200, "headers": [(b"x", b"\n")]}
        with contextlib.suppress(RuntimeError):
            await self._send(head)


def _instead(fault: Fault) -> Response | None:
    """What a fault puts in the place of the stand-in's reply, if it does."""
    if fault.html:
        return HTMLResponse(_FIREWALL_PAGE, fault.status or 403, fault.headers)
    if fault.body is None and not fault.padding_bytes:
        return None
    body = (fault.body or "").encode() + b" " * fault.padding_bytes
    return Response(body, fault.status or 200, fault.headers, fault.content_type)


def _is_own(path: str) -> bool:
    return path in _OWN_PATHS or path.startswith("/sandbox/")


def _upstream_of(path: str) -> Upstream:
    return "lighton" if path.startswith("/api/") else "scaleway"


def _parsed(body: bytes) -> Any:
    if not body:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")


async def _read(receive: Receive) -> bytes | None:
    """Read the request's whole body. None if the caller leaves before it is complete."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _run_until(end: Coroutine[Any, Any, None], work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it is done or `end` is, and cancel the other. Raises what `work` raises."""
    tasks = (asyncio.ensure_future(work), asyncio.ensure_future(end))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    if isinstance(results[0], Exception):
        raise results[0]
