"""Loopback rules: without client keys, only this machine's own programs and pages may ask.

A server on localhost can be reached by every web page the developer opens: by a plain cross-origin
POST, which needs no preflight, and by a host name that its owner points at 127.0.0.1 (DNS
rebinding). Browsers tell in Origin and Host, and cannot be made to lie by a page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from proxy.errors import Forbidden

LOOPBACK_ORIGIN: Final = r"https?://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?"
_PORT: Final = re.compile(r":\d{1,5}$")


def check_loopback(headers: Mapping[str, str], origins: frozenset[str] = frozenset()) -> None:
    """Raise Forbidden unless Host and, if there is one, Origin are of this machine.

    `origins` are others that the operator has let in by name.
    """
    host = headers.get("host", "")
    if not is_loopback_host(_PORT.sub("", host)):
        raise Forbidden(
            f"Host {host!r} is not this machine. Without client keys the proxy answers only to "
            "localhost; set RAG_PROXY_API_KEYS to serve others."
        )
    origin = headers.get("origin")
    if origin is not None and origin not in origins and not _is_loopback_origin(origin):
        raise Forbidden(
            f"Pages of {origin!r} may not use this proxy. Without client keys only pages of this "
            "machine may; set RAG_PROXY_API_KEYS to serve others."
        )


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address, IPv6 with or without brackets, is this machine."""
    name = host.removeprefix("[").removesuffix("]")
    if name.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _is_loopback_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        has_port = parts.port is None or parts.port > 0  # raises ValueError for what is no port
        is_web = parts.scheme in ("http", "https") and has_port
        return is_web and is_loopback_host(parts.hostname or "")
    except ValueError:
        return False
