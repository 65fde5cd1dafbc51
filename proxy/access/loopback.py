"""Loopback rules: without client keys, only this machine's own programs and pages may ask.

Every web page that a developer opens can reach a server on localhost: with a plain cross-origin
POST, which needs no preflight, or through a host name that its owner points at 127.0.0.1 (DNS
rebinding). The browser reveals this in Origin and Host, which a page cannot forge. Anyone who
reaches a reverse proxy on this machine reaches the server, too; most reverse proxies add a header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from proxy.errors import Forbidden

LOOPBACK_ORIGIN: Final = r"https?://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?"
_FORWARDING: Final = frozenset(
    {
        "cdn-loop",
        "cf-connecting-ip",
        "cf-connecting-ipv6",
        "cf-ray",
        "cf-visitor",
        "client-ip",
        "cloudfront-viewer-address",
        "fastly-client-ip",
        "fly-client-ip",
        "forwarded",
        "forwarded-for",
        "proxy-client-ip",
        "true-client-ip",
        "via",
        "wl-proxy-client-ip",
        "x-appengine-user-ip",
        "x-arr-log-id",
        "x-azure-clientip",
        "x-azure-socketip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-nginx-proxy",
        "x-proxyuser-ip",
        "x-real-ip",
        "x-remote-addr",
        "x-remote-ip",
        "x-rewrite-url",
        "x-scheme",
        "x-varnish",
    }
)
_FORWARDING_PREFIXES: Final = ("x-forwarded", "x-envoy-", "x-original-", "tailscale-")
"""Headers that reverse proxies, load balancers and content delivery networks add to a request.

Sources: RFC 9110 (Via), RFC 7239 (Forwarded), RFC 8586 (CDN-Loop), and common products.
"""
_PORT: Final = re.compile(r":\d{1,5}$")


def check_loopback(
    headers: Mapping[str, str],
    origins: frozenset[str] = frozenset(),
    *,
    allow_forwarded: bool = False,
) -> None:
    """Raise Forbidden unless a request comes from this machine, as far as its headers tell.

    Host and, if there is one, Origin must name this machine; the operator allows other `origins`
    by name. No reverse proxy may have passed the request on, unless `allow_forwarded`.
    """
    if not allow_forwarded and (sign := _sign_of_forwarding(headers)):
        raise Forbidden(
            f"The request came through a reverse proxy: it has the header {sign!r}. Without client "
            "keys the proxy serves only programs of its own machine. Set client keys "
            "(RAG_PROXY_API_KEYS), or, if only you can reach that reverse proxy, "
            "allow_forwarded = true (RAG_PROXY_ALLOW_FORWARDED=true)."
        )
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


def _sign_of_forwarding(headers: Mapping[str, str]) -> str | None:
    """The header that reveals a reverse proxy; None if there is none."""
    for name in headers:
        if name in _FORWARDING or name.startswith(_FORWARDING_PREFIXES):
            return name
    return None


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
        has_port = parts.port is None or parts.port > 0  # raises ValueError for an invalid port
        is_web = parts.scheme in ("http", "https") and has_port
        return is_web and is_loopback_host(parts.hostname or "")
    except ValueError:
        return False
