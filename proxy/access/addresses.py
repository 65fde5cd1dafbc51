"""The address of the client behind a request, with reverse proxies in between.

Anybody can write an X-Forwarded-For header, so only the entries of trusted proxies count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

_CLIENT_PREFIX: Final = 64
"""The bits of an IPv6 address that identify a client: each client gets a /64."""


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks from addresses and networks as `10.0.0.1`, `10.0.0.0/8` and `fd00::/8`.

    Raises ValueError that names the first text that is neither.
    """
    return tuple(ip_network(text, strict=False) for text in texts)


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The address that `peer` speaks for: its own unless it is one of the `trusted`.

    Each proxy appends the address of its caller to X-Forwarded-For. So the client is the last
    address there that is not a trusted proxy's.
    """
    address = peer
    for text in reversed(forwarded_for.split(",")):
        if not _is_in(address, trusted):
            break
        said = _bare(text.strip())
        if said is None:
            break
        address = said
    return address


def owner_of(address: str) -> str:
    """The unit that counts as one client: an IPv4 address, or the /64 of an IPv6 address."""
    if ":" not in address:
        return address
    try:
        return str(ip_network((_plain(address), _CLIENT_PREFIX), strict=False))
    except ValueError:  # a mapped IPv4 address, or no address at all
        return address


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ip_address(_plain(address))
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _bare(text: str) -> str | None:
    """An address without the brackets and the port that some proxies write; None if it is invalid.

    An address with a zone is invalid: a zone has a meaning on one machine only and may be any text.
    """
    if "%" in text:
        return None
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        ip_address(text)
    except ValueError:
        return None
    return text


def _plain(address: str) -> str:
    """`address` without its zone, and an IPv4-mapped IPv6 address as plain IPv4."""
    address = address.partition("%")[0]
    if address.count(":") > 1:
        mapped = IPv6Address(address).ipv4_mapped
        return address if mapped is None else str(mapped)
    return address
