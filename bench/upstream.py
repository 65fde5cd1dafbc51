"""The scripted upstream: Scaleway's and LightOn's protocols, as fast as Python allows.

It is a server on asyncio's protocols, because the measured gateways must be the slow part. It makes
replies beforehand, and writes each at once, straight to a socket without Nagle's delay. It writes a
streamed reply chunk by chunk, on a grid of exact times from the request on.

A model request gets a search call if it offers the search tool and holds no passages yet, else an
answer. If it holds only some of the passages, it gets an error: no gateway may drop any.

With a certificate the upstream answers on two ports, the second one over TLS. They share the counts
and the answers that are held open.

It is a separate process beside the load client. In one event loop each would delay the other's
times unseen, and nobody could tell whose CPU limits a run.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import socket
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, cast

import click
import orjson
import uvloop

from bench import wire
from bench.clock import Clock
from bench.script import PASSAGES, Script, find_script, fingerprint
from bench.sockets import HOST, Writer, listen, port_of
from tests.support.script import offers_search

ANSWERS: Final = "answers"
CALLS: Final = "calls"
SEARCHES: Final = "searches"
COUNTS_PATH: Final = "/bench/counts"
RELEASE_PATH: Final = "/bench/release"
_HEAD_END: Final = b"\r\n\r\n"
_LONGEST_HOLD_S: Final = 120.0
_FINGERPRINTS: Final = tuple(fingerprint(n).encode() for n in range(1, PASSAGES + 1))


@dataclass(slots=True)
class Upstream:
    """What all connections share."""

    clock: Clock
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((ANSWERS, CALLS, SEARCHES), 0)
    )
    held: list[Callable[[], None]] = field(default_factory=list)
    """How to go on with each answer that is held open."""

    def release(self) -> None:
        held, self.held = self.held, []
        for go_on in held:
            go_on()


class UpstreamProtocol(asyncio.Protocol):
    """One connection: requests in, scripted replies out."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._received = b""
        self._writer: Writer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._writer = Writer(cast("asyncio.Transport", transport))

    def connection_lost(self, _: Exception | None) -> None:
        self._writer = None

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (request := take_request(self._received)) is not None:
            head, body, self._received = request
            self._reply(head, body)

    def send(self, data: bytes) -> bool:
        """False once the connection is gone."""
        return self._writer is not None and self._writer.write(data)

    def _reply(self, head: bytes, body: bytes) -> None:
        now = time.monotonic()
        method, path = head.split(b" ", 2)[:2]
        if path.endswith(b"/chat/completions"):
            self._reply_to_chat(body, now)
        elif path.endswith(b"/api/v3/search"):
            self._reply_to_search(body, now)
        elif path == RELEASE_PATH.encode():
            self._upstream.release()
            self.send(wire.json_reply({}))
        elif path == COUNTS_PATH.encode():
            self.send(wire.json_reply(self._upstream.counts))
        elif path.endswith(b"/models") and method == b"GET":
            self.send(wire.models_reply())
        else:
            self.send(wire.json_reply({}))

    def _reply_to_chat(self, body: bytes, now: float) -> None:
        request = orjson.loads(body)
        script = find_script(request["model"])
        passages = sum(each in body for each in _FINGERPRINTS)
        if script is None or passages not in (0, PASSAGES):
            self.send(wire.error_reply(f"{request['model']!r} with {passages} passages"))
        elif not passages and offers_search(request):
            self._count(CALLS)
            query = last_question(request)
            number = self._upstream.counts[CALLS]
            if request.get("stream"):
                self._stream(script, wire.call_writes(script, query, number), now, held=False)
            else:
                reply = wire.call(script, query, number)
                self._at(now + script.call_s, functools.partial(self.send, reply))
        else:
            self._count(ANSWERS)
            if request.get("stream"):
                self._stream(script, wire.answer_writes(script), now, held=script.held)
            else:
                reply = wire.answer(script)
                self._at(now + script.answer_s, functools.partial(self.send, reply))

    def _reply_to_search(self, body: bytes, now: float) -> None:
        self._count(SEARCHES)
        script = find_script(orjson.loads(body)["query"])
        if script is None:
            self.send(wire.error_reply("a query that names no script"))
        else:
            self._at(now + script.search_s, functools.partial(self.send, wire.search_reply()))

    def _stream(self, script: Script, writes: tuple[bytes, ...], now: float, *, held: bool) -> None:
        _Writing(self, self._upstream, script, writes, held=held, begun=now).go_on()

    def _count(self, what: str) -> None:
        self._upstream.counts[what] += 1

    def _at(self, when: float, send: Callable[[], object]) -> None:
        if when <= time.monotonic():
            send()
        else:
            self._upstream.clock.call_at(when, send)


class _Writing:
    """A streamed reply under way."""

    __slots__ = ("_begun", "_held", "_next", "_protocol", "_script", "_upstream", "_writes")

    def __init__(  # noqa: PLR0913  # all that a stream is
        self,
        protocol: UpstreamProtocol,
        upstream: Upstream,
        script: Script,
        writes: tuple[bytes, ...],
        *,
        held: bool,
        begun: float,
    ) -> None:
        self._protocol = protocol
        self._upstream = upstream
        self._script = script
        self._writes = writes
        self._held = held
        self._begun = begun
        self._next = 0

    def go_on(self) -> None:
        """Write what is due, and come back when the next write is."""
        script, writes = self._script, self._writes
        while self._next < len(writes):
            due = self._begun + script.first_s + self._next * script.gap_s
            if due > time.monotonic():
                self._upstream.clock.call_at(due, self.go_on)
                return
            if not self._protocol.send(writes[self._next]):
                return
            self._next += 1
            if self._held:
                self._hold()
                return

    def _hold(self) -> None:
        """Wait until someone releases every held answer, but not forever."""
        self._held = False
        self._upstream.held.append(self.go_on)
        if len(self._upstream.held) == 1:
            self._upstream.clock.call_at(time.monotonic() + _LONGEST_HOLD_S, self._upstream.release)


def take_request(received: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Head, body and the rest after the first whole request; None until there is one."""
    end = received.find(_HEAD_END)
    if end < 0:
        return None
    head = received[:end]
    start = end + len(_HEAD_END)
    length = _content_length(head)
    if len(received) < start + length:
        return None
    return head, received[start : start + length], received[start + length :]


def _content_length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        if b"\r\ntransfer-encoding:" in lower:
            raise ValueError("a request in chunks is not understood")
        return 0
    line = lower[at + 2 :].split(b"\r\n", 1)[0]
    return int(line.partition(b":")[2])


def last_question(request: dict[str, Any]) -> str:
    """The text of the last user message. It names the script and differs from all others."""
    content = next(
        each["content"] for each in reversed(request["messages"]) if each["role"] == "user"
    )
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


async def serve(listeners: Mapping[socket.socket, ssl.SSLContext | None]) -> None:
    """Serve until cancelled, over TLS on listeners that have a context."""
    loop = asyncio.get_running_loop()
    clock = Clock()
    upstream = Upstream(clock)
    async with AsyncExitStack() as stack:
        stack.callback(clock.close)
        for listener, context in listeners.items():
            server = await loop.create_server(
                lambda: UpstreamProtocol(upstream), sock=listener, ssl=context
            )
            await stack.enter_async_context(server)
        await asyncio.Event().wait()


def main(*certificate_and_key: str) -> None:
    """Serve on a free port, and with PEM files also over TLS on another; print the addresses."""
    gc.disable()  # it would pause streams, and a run leaves little behind
    listeners: dict[socket.socket, ssl.SSLContext | None] = {listen(): None}
    if certificate_and_key:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate_and_key)
        listeners[listen()] = context
    for listener, secure in listeners.items():
        click.echo(f"{'https' if secure else 'http'}://{HOST}:{port_of(listener)}")
    uvloop.run(serve(listeners))


if __name__ == "__main__":
    main(*sys.argv[1:])
