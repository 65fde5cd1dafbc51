"""ASGI applications on real sockets."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import trustme
import uvicorn

_PATIENCE_S: Final = 60


class _Server(uvicorn.Server):
    """A server that says when it listens and leaves the test's signal handlers alone."""

    def __init__(self, app: Any, certificate: trustme.LeafCert | None = None) -> None:
        config = app if isinstance(app, uvicorn.Config) else _config(app, certificate)
        super().__init__(config)
        config.host, config.port = "127.0.0.1", 0
        self.listens = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    async def serve(self, sockets: Any = None) -> None:
        await self._serve(sockets)

    @property
    def url(self) -> str:
        port = self.servers[0].sockets[0].getsockname()[1]
        return f"https://localhost:{port}" if self.config.ssl else f"http://127.0.0.1:{port}"


def _shows(certificate: trustme.LeafCert) -> Callable[..., ssl.SSLContext]:
    def make(*_: object) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(context)
        return context

    return make


@asynccontextmanager
async def serving(app: Any, certificate: trustme.LeafCert | None = None) -> AsyncIterator[str]:
    """Serve `app` on a free port, in the test's own event loop; gives its URL without a slash.

    With a certificate it is served over TLS, as localhost.
    """
    server = _Server(app, certificate)
    running = asyncio.get_running_loop().create_task(server.serve())
    listens = asyncio.create_task(asyncio.to_thread(server.listens.wait, _PATIENCE_S))
    await asyncio.wait((running, listens), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield server.url
    finally:
        server.should_exit = True
        await asyncio.wait_for(running, _PATIENCE_S)


def _config(app: Any, certificate: trustme.LeafCert | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
        ssl_context_factory=None if certificate is None else _shows(certificate),
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
