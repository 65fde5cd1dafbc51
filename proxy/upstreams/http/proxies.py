"""Which outbound proxy leads to an address, by the variables that every tool reads.

There is no standard. Where tools differ this follows curl: names in lower case come first, and a
host in NO_PROXY stands for its subdomains, too, with or without a dot before it.
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
    """A proxy: its address, which may be shown, and user and password, which may not."""

    url: str
    variable: str
    """Where it was named."""
    auth: tuple[str, str] | None = field(repr=False)


def proxy_for(base_url: str, environment: Mapping[str, str]) -> OutboundProxy | None:
    """The proxy for requests to `base_url`; None if they go direct. Raises SettingsError.

    A variable that is set and empty counts in lower case: it switches off the one in capitals.
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

    HTTP_PROXY does not where this runs as a CGI: there it is a client's header "Proxy".
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
        raise _malformed(name) from None  # whose text may repeat a part of the password
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
    """Whether it is an address and nothing more, of characters that an address may have.

    An `@` behind a `/` ends a password that holds one: its beginning would be taken for the host.
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

    Entries are parted by commas or spaces. One with a port is for this port alone.
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
    """`host` as an IP address, if it is one; an IPv4 address in IPv6 clothes is that of IPv4."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _plain(host: str) -> str:
    """A host as names are compared: ASCII, lower case, no brackets and no final dot."""
    host = host.strip("[]").rstrip(".").lower()
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return host
