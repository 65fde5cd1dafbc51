"""Which outbound proxy leads to an address, by the variables that every tool reads.

There is no standard. Where tools differ, this module follows curl: a name in lower case wins, and a
host in NO_PROXY stands for its subdomains as well, with or without a dot before it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from proxy.errors import SettingsError

_PORTS: Final = {"http": 80, "https": 443}
_SOCKS: Final = frozenset({"socks4", "socks4a", "socks5", "socks5h"})
_SEPARATORS: Final = re.compile(r"[,\s]+")
_WITH_PORT: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>\d+))?")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class OutboundProxy:
    """A proxy: its address, which a message may show, and its credentials, which none may."""

    url: str
    variable: str
    """The variable that names it."""
    auth: tuple[str, str] | None = field(repr=False)


def proxy_for(base_url: str, environment: Mapping[str, str]) -> OutboundProxy | None:
    """The proxy for requests to `base_url`; None if they go direct. Raises SettingsError.

    An empty variable in lower case switches off the one in capitals.
    """
    parts = urlsplit(base_url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    for scheme in (parts.scheme, "all"):
        name = _name_of(scheme, environment)
        if value := environment.get(name, "").strip():
            if bypasses(environment.get(_name_of("no", environment), ""), host, port):
                return None
            return _read(name, value)
    return None


def _name_of(scheme: str, environment: Mapping[str, str]) -> str:
    """The variable that counts.

    In a CGI program HTTP_PROXY does not count: there it is a client's header "Proxy".
    """
    lower = f"{scheme}_proxy"
    if lower in environment or (scheme == "http" and "REQUEST_METHOD" in environment):
        return lower
    return lower.upper()


def _read(name: str, value: str) -> OutboundProxy:
    """Read an address, which may lack its scheme. No message repeats it: it may hold a secret."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _malformed(name) from None  # its text may repeat a part of the password
    if parts.scheme in _SOCKS:
        raise SettingsError(
            f"{name}: SOCKS proxies are not supported; name an http:// or https:// proxy, or leave "
            "the hosts of LightOn and Scaleway out of it with NO_PROXY"
        )
    if parts.scheme not in _PORTS or not host or port == 0 or not _is_plain(parts):
        raise _malformed(name)
    address = f"{f'[{host}]' if ':' in host else host}:{port or _PORTS[parts.scheme]}"
    auth = None
    if parts.username is not None:
        auth = (unquote(parts.username), unquote(parts.password or ""))
    return OutboundProxy(f"{parts.scheme}://{address}", name, auth)


def _is_plain(parts: SplitResult) -> bool:
    """Whether this is an address and nothing more, in characters that an address may have.

    An `@` after a `/` means that the password contains a slash. `urlsplit` would take the beginning
    of that password for the host.
    """
    text = parts.netloc
    is_whole = "@" not in parts.path and not parts.query and not parts.fragment
    return is_whole and text.isprintable() and " " not in text


def _malformed(name: str) -> SettingsError:
    return SettingsError(
        f"{name}: must be a proxy's address, http://host:port or http://user:password@host:port, "
        "with special characters of the password written as %XX"
    )


def bypasses(no_proxy: str, host: str, port: int) -> bool:
    """Whether a list like NO_PROXY names a host: `*`, a name, its domain, an address, a network.

    Commas or spaces separate the entries. An entry with a port is for this port alone.
    """
    host = _plain(host)
    address = _address(host)
    for entry in _SEPARATORS.split(no_proxy.strip()):
        if entry == "*":
            return True
        if address is not None and _is_network_of(entry, address):
            return True
        match = _WITH_PORT.fullmatch(entry)
        name, wanted_port = (match["host"], match["port"]) if match else (entry, None)
        if wanted_port is not None and int(wanted_port) != port:
            continue
        if address is None:
            if _is_domain_of(_plain(name.removeprefix("*")), host):
                return True
        elif _address(_plain(name)) == address:
            return True
    return False


def _is_domain_of(domain: str, host: str) -> bool:
    domain = domain.lstrip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _is_network_of(entry: str, address: Address) -> bool:
    if "/" not in entry:
        return False
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _address(host: str) -> Address | None:
    """`host` as an IP address, if it is one. An IPv4-mapped IPv6 address becomes plain IPv4."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _plain(host: str) -> str:
    """A host in the form in which names compare: ASCII, lower case, no brackets, no final dot."""
    host = host.strip("[]").rstrip(".").lower()
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return host
