"""ASGI applications on real sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn

_PATIENCE_S: Final = 30


class _Server(uvicorn.Server):
    """A server that says when it listens and leaves the test's signal handlers alone."""

    def __init__(self, app: Any) -> None:
        super().__init__(app if isinstance(app, uvicorn.Config) else _config(app))
        self.config.host, self.config.port = "127.0.0.1", 0
        self.listens = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    async def serve(self, sockets: Any = None) -> None:
        await self._serve(sockets)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serve `app` on a free port, in the test's own event loop; gives its URL without a slash."""
    server = _Server(app)
    running = asyncio.get_running_loop().create_task(server.serve())
    listens = asyncio.create_task(asyncio.to_thread(server.listens.wait, _PATIENCE_S))
    await asyncio.wait((running, listens), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield server.url
    finally:
        server.should_exit = True
        await asyncio.wait_for(running, _PATIENCE_S)


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
    )


@contextmanager
def serving_in_thread(app: Any) -> Iterator[str]:
    """The same in an event loop of its own, for tests that block theirs or have none.

    `app` may also be uvicorn's configuration of one, all but its address.
    """
    server = _Server(app)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listens.wait(_PATIENCE_S), "the server did not start"
    try:
        yield server.url
    finally:
        server.should_exit = True
        thread.join(_PATIENCE_S)
