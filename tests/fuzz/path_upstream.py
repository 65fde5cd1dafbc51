"""Upstreams on a real socket that answer with given bytes, or correctly if none are given."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random
from typing import Final
from zlib import crc32

from tests.support.upstreams import Upstreams
from tests.upstreams.raw_server import Connection, chunked, raw_server, reply

MODEL: Final = "model"
SEARCH: Final = "search"
_PATIENCE_S: Final = 60.0


class PathUpstream:
    """Both vendors behind one address. Used by another thread than the one that serves."""

    def __init__(self, upstreams: Upstreams) -> None:
        self.url = ""
        self.busy = 0
        """Requests that are being answered."""
        self._upstreams = upstreams
        self._open = 0
        self._given: dict[str, deque[bytes]] = {MODEL: deque(), SEARCH: deque()}

    def give(self, replies: Mapping[str, Sequence[bytes]]) -> None:
        """Answer the next requests with these bytes, in turn, and all others rightly."""
        for vendor, given in self._given.items():
            given.clear()
            given.extend(replies.get(vendor, ()))

    @property
    def open_connections(self) -> int:
        return self._open

    async def serve(self, connection: Connection) -> None:
        self._open += 1
        try:
            while await self._answers(connection, await connection.request()):
                pass
        finally:
            self._open -= 1

    async def _answers(self, connection: Connection, request: bytes) -> bool:
        """Answer a request; whether the connection may be used again."""
        self.busy += 1
        try:
            path = request.split(b" ", 2)[1].decode()
            given = self._given[SEARCH if path.endswith("/search") else MODEL]
            if path.endswith("/models") or not given:
                await connection.send(self._right_reply(path, request))
                return True
            data = given.popleft()
            return await _play(connection, data)
        finally:
            self.busy -= 1

    def _right_reply(self, path: str, request: bytes) -> bytes:
        said = self._upstreams.reply(path.removeprefix("/v1"), request.partition(b"\r\n\r\n")[2])
        return whole_reply(b"".join(said.parts), said.content_type)


def whole_reply(body: bytes, content_type: str) -> bytes:
    if content_type.startswith("text/event-stream"):
        return chunked(body, b"")
    return reply(body, f"content-type: {content_type}")


async def _play(connection: Connection, data: bytes) -> bool:
    """Send the bytes in packets, and then close, reset or stay: whether it stays.

    How it goes is drawn from the bytes, so that a case that is tried again goes the same way.
    """
    random = Random(crc32(data))
    places = sorted(random.randint(0, len(data)) for _ in range(random.choice((0, 1, 3, 10))))
    for start, end in zip([0, *places], [*places, len(data)], strict=True):
        if start < end:
            await connection.send(data[start:end])
            await asyncio.sleep(0)
    end = random.randrange(10)
    if end == 0:
        connection.reset()
    return end > 8  # seldom: where a reply is cut, the proxy waits for the rest


@contextmanager
def path_upstream(upstreams: Upstreams) -> Iterator[PathUpstream]:
    """Serve in an event loop of its own for as long as the block."""
    upstream = PathUpstream(upstreams)
    loop = asyncio.new_event_loop()
    started, stopped = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with raw_server(upstream.serve) as server:
            upstream.url = server.url
            started.set()
            await stopped.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(_PATIENCE_S), "the upstream did not start"
    try:
        yield upstream
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(_PATIENCE_S)
        loop.close()
