"""A scripted server behind TLS, and the files that a client needs to trust it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trustme

from tests.upstreams.raw_server import RawServer, Script


@asynccontextmanager
async def secure_server(
    script: Script, certificate: trustme.LeafCert, asks_for: trustme.CA | None = None
) -> AsyncIterator[RawServer]:
    """A server named localhost, which may ask its clients for a certificate of an authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    if asks_for is not None:
        asks_for.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    server = RawServer(script)
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0, ssl=context)
    server.url = f"https://localhost:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        await server.stop()
        await listener.wait_closed()


def write_authority(authority: trustme.CA, folder: Path) -> str:
    """A file with the authority's certificate."""
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
