"""The load client: callers that send one request after the other, each on its own connection.

During a run they only note what arrives and when. `bench.checks` looks at it afterwards.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, cast

from bench.exchange import Ending, Exchange
from bench.script import FIRST_PIECE
from bench.sockets import HOST, Writer

Source = Callable[[], bytes | None]
"""Gives a caller its next request, or None to end it."""

_FIRST_TEXT: Final = FIRST_PIECE.encode()
_CONNECTING_AT_ONCE: Final = 64
_READ_BYTES: Final = 65536


class Caller:
    """Sends requests on one connection, and opens another if the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._line: _Line | None = None
        self._source: Source = _nothing
        self._ended: Callable[[], None] = _nothing
        self._on_text: Callable[[], None] | None = None
        self._exchange: Exchange | None = None
        self._ending = Ending()
        self._connecting: asyncio.Task[None] | None = None
        self.exchanges: list[Exchange] = []

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, self._line = await loop.create_connection(lambda: _Line(self), HOST, self._port)

    def begin(
        self,
        source: Source,
        ended: Callable[[], None],
        on_text: Callable[[], None] | None = None,
    ) -> None:
        """Send requests until there are none or one fails, then call `ended`.

        It calls `on_text` at the first text of a reply, or at its end.
        """
        self._source = source
        self._ended = ended
        self._on_text = on_text
        self._next()

    def close(self) -> None:
        if self._line is not None:
            self._line.close()

    def hear(self, line: _Line, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None or line is not self._line:
            return
        exchange.reads.append((time.monotonic(), data))
        if self._on_text is not None and _FIRST_TEXT in data:
            self._have_text()
        if self._ending.is_here(data):
            if self._ending.closes:
                self._line = None
                line.close()
            self._end(exchange)

    def lose(self, line: _Line) -> None:
        if line is not self._line:
            return
        self._line = None
        exchange = self._exchange
        if exchange is None:
            return
        if line.used and not exchange.reads:
            self._send(exchange)  # the server had closed the kept connection
        else:
            self._fail(exchange, "the connection broke")

    def _next(self) -> None:
        request = self._source()
        if request is None:
            self._ended()
        else:
            self._send(Exchange(request))

    def _send(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._ending = Ending()
        exchange.sent_at = time.monotonic()
        if self._line is None or not self._line.write(exchange.request):
            self._line = None
            self._connecting = asyncio.get_running_loop().create_task(self._send_anew(exchange))

    async def _send_anew(self, exchange: Exchange) -> None:
        try:
            await self.connect()
        except OSError as fault:
            self._fail(exchange, f"no connection: {fault}")
            return
        exchange.sent_at = time.monotonic()
        if self._line is not None:
            self._line.write(exchange.request)

    def _end(self, exchange: Exchange) -> None:
        self._exchange = None
        self.exchanges.append(exchange)
        if self._line is not None:
            self._line.used = True
        if self._on_text is not None:
            self._have_text()
        self._next()

    def _fail(self, exchange: Exchange, failure: str) -> None:
        exchange.failure = failure
        self._source = _nothing
        self._end(exchange)

    def _have_text(self) -> None:
        on_text, self._on_text = self._on_text, None
        if on_text is not None:
            on_text()


class _Line(asyncio.Protocol):
    """One connection of a caller."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._writer: Writer | None = None
        self.used = False
        """Whether this connection has brought a reply."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._writer = Writer(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        self._caller.hear(self, data)

    def connection_lost(self, _: Exception | None) -> None:
        self._writer = None
        self._caller.lose(self)

    def write(self, data: bytes) -> bool:
        return self._writer is not None and self._writer.write(data)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


@dataclass(slots=True)
class Crowd:
    """Callers with open connections."""

    callers: list[Caller]

    async def run(self, sources: Sequence[Source], *, spread_s: float = 0.0) -> list[Exchange]:
        """Give each caller a source, and return all exchanges when every caller has ended.

        The callers begin evenly spread over `spread_s` seconds.
        """
        loop = asyncio.get_running_loop()
        gate = _Gate(len(sources))
        for index, (caller, source) in enumerate(zip(self.callers, sources, strict=True)):
            begin = functools.partial(caller.begin, source, gate.pass_one)
            if spread_s:
                loop.call_later(spread_s * index / len(sources), begin)
            else:
                begin()
        await gate.all_passed.wait()
        return self.take()

    async def open(self, sources: Sequence[Source], *, at_once: int) -> _Gate:
        """Let each caller begin, a few at once. Returns when all have got their first text.

        The gate that it returns opens when all replies have ended.
        """
        begun, ended = _Gate(len(sources)), _Gate(len(sources))
        waiting = iter(zip(self.callers, sources, strict=True))

        def begin_one() -> None:
            for caller, source in waiting:
                caller.begin(source, ended.pass_one, has_text)
                return

        def has_text() -> None:
            begun.pass_one()
            begin_one()

        for _ in range(at_once):
            begin_one()
        await _first_of(begun.all_passed, ended.all_passed)
        return ended

    def take(self) -> list[Exchange]:
        """The exchanges so far. The callers forget them."""
        taken = [exchange for caller in self.callers for exchange in caller.exchanges]
        for caller in self.callers:
            caller.exchanges = []
        return taken


@asynccontextmanager
async def connected(port: int, count: int) -> AsyncIterator[Crowd]:
    """`count` callers with connections to a server on this machine."""
    callers = [Caller(port) for _ in range(count)]
    try:
        for start in range(0, count, _CONNECTING_AT_ONCE):
            group = callers[start : start + _CONNECTING_AT_ONCE]
            await asyncio.gather(*(caller.connect() for caller in group))
        yield Crowd(callers)
    finally:
        for caller in callers:
            caller.close()


class _Gate:
    """Opens when as many have passed as it waits for."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self.all_passed = asyncio.Event()

    def pass_one(self) -> None:
        self._missing -= 1
        if self._missing == 0:
            self.all_passed.set()


async def _first_of(*events: asyncio.Event) -> None:
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def ask_once(port: int, request: bytes, *, timeout_s: float) -> Exchange:
    """One request on a connection of its own, outside an event loop. Raises OSError."""
    exchange = Exchange(request, sent_at=time.monotonic())
    ending = Ending()
    with socket.create_connection((HOST, port), timeout=timeout_s) as connection:
        connection.sendall(request)
        while data := connection.recv(_READ_BYTES):
            exchange.reads.append((time.monotonic(), data))
            if ending.is_here(data):
                return exchange
    exchange.failure = "the connection broke"
    return exchange


def _nothing() -> None:
    return None
