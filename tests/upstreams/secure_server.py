"""A scripted server behind TLS, and what a client needs to trust it."""

from __future__ import annotations

import ssl
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import trustme

from tests.upstreams.raw_server import RawServer, Script, raw_server

AUTHORITY = trustme.CA()
LOCALHOST = AUTHORITY.issue_cert("localhost")


def secure_server(
    script: Script,
    certificate: trustme.LeafCert = LOCALHOST,
    *,
    asks_for: trustme.CA | None = None,
) -> AbstractAsyncContextManager[RawServer]:
    """A server named localhost, which may ask its clients for a certificate of an authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    if asks_for is not None:
        asks_for.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return raw_server(script, context)


def trust(authority: trustme.CA | None = AUTHORITY) -> ssl.SSLContext:
    """What a client trusts: the system's authorities and this one."""
    context = ssl.create_default_context()
    if authority is not None:
        authority.configure_trust(context)
    return context


def write_authority(authority: trustme.CA, folder: Path) -> str:
    """A file with the authority's certificate."""
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
