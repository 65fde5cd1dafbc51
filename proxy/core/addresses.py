"""Addresses that a citation may lead to.

A document can name any address as its own, and a reader clicks on it. So only plain http and https
addresses pass, and none that leads into the reader's own network, unless the operator lists its
host. They are read as a browser reads them (WHATWG URL), which takes more spellings for an address
than Python does: `http://0x7f.1` is this machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

LONGEST: Final = 2_048
"""Browsers and front-ends take addresses of this many characters."""

_PARTS: Final = re.compile(r"(?P<scheme>https?)://(?P<host>[^/?#]*)(?P<rest>.*)", re.IGNORECASE)
_PORT: Final = re.compile(r":(?P<port>[0-9]{0,5})$")
_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_LONGEST_NAME: Final = 253
_HIGHEST_PORT: Final = 65_535
_ENCODED: Final = str.maketrans({each: f"%{ord(each):02X}" for each in " \"'`<>()[]{}|^"})
"""What would end an address, or be markup, in Markdown and in HTML."""

_NEAR_4: Final = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
_NEAR_6: Final = tuple(
    map(IPv6Network, ("fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "64:ff9b:1::/48"))
)
_LAST_4: Final = tuple(
    map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"))
)
"""Whose addresses end in an IPv4 address: compatible, mapped, translated, NAT64.

`::` and `::1` are of the first, and end in 0.0.0.0 and 0.0.0.1.
"""
_LOCAL: Final = ("localhost", "localhost.localdomain")

Host = str | IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class HostRule:
    """Which hosts citations may lead to: those listed or, if none are, all but near ones."""

    hosts: frozenset[Host] = frozenset()
    endings: tuple[str, ...] = ()
    """`.example.com` for every subdomain of example.com, without itself."""

    @classmethod
    def of(cls, listed: Iterable[str]) -> HostRule:
        """The rule for hosts as an operator writes them. Raises ValueError for what is none."""
        hosts: set[Host] = set()
        endings = []
        for each in listed:
            host, is_ending = _read_listed(each.strip())
            if is_ending:
                endings.append(f".{host}")
            else:
                hosts.add(host)
        return cls(frozenset(hosts), tuple(endings))

    def allows(self, host: Host) -> bool:
        if self.hosts or self.endings:
            is_within = isinstance(host, str) and host.endswith(self.endings)
            return host in self.hosts or is_within
        return not _is_near(host)


ANY_HOST: Final = HostRule()


def _read_listed(text: str) -> tuple[Host, bool]:
    """A host of an operator's list, and whether it stands for what is below it."""
    name = text.removeprefix("*.") if text.startswith("*.") else text.removeprefix(".")
    is_ending = name != text
    host = read_host(f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name)
    if host is None or (is_ending and not isinstance(host, str)):
        raise ValueError("must be a host like docs.example.com, or .example.com for all below it")
    return host, is_ending


def citation_url(url: str, rule: HostRule) -> str | None:
    """`url` as a citation may show it; None if it may lead nowhere.

    Refused are other schemes, user names, backslashes and everything that does not show. Spaces,
    quotes and brackets are encoded, and the host is written plainly.
    """
    url = url.strip(" ")
    if len(url) > LONGEST or not url.isprintable() or "\\" in url:
        return None
    parts = _PARTS.fullmatch(url)
    if not parts:
        return None
    written = parts["host"]  # with a user name it is none, as no host has an @
    port = _PORT.search(written)
    if port:
        written = written[: port.start()]
    host = read_host(written)
    if host is None or not rule.allows(host):
        return None
    end = ""
    if port and port["port"]:
        if int(port["port"]) > _HIGHEST_PORT:
            return None
        end = f":{int(port['port'])}"
    shown = f"[{host}]" if isinstance(host, IPv6Address) else str(host)
    url = f"{parts['scheme'].lower()}://{shown}{end}{parts['rest'].translate(_ENCODED)}"
    return url if len(url) <= LONGEST else None


def read_host(written: str) -> Host | None:
    """The host that a browser makes of `written`: a name or an address; None if it makes none."""
    if written.startswith("["):
        try:
            return (
                IPv6Address(written[1:-1]) if written.endswith("]") and "%" not in written else None
            )
        except ValueError:
            return None
    name = _plain_name(written)
    if name is None:
        return None
    *others, last = name.split(".")
    if not _looks_numeric(last):
        return name
    return _as_ipv4((*others, last))


def _plain_name(written: str) -> str | None:
    """A name in lower case, in ASCII and without the dot at its end."""
    if len(written) > _LONGEST_NAME:
        return None
    if not written.isascii():
        try:
            written = written.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    name = written.lower().removesuffix(".")
    return name if len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) else None


def _looks_numeric(label: str) -> bool:
    return label.isdecimal() or _number(label) is not None


def _number(label: str) -> int | None:
    """A part of an IPv4 address: decimal, octal with a 0 before it, hexadecimal with 0x."""
    digits, base = label, 10
    if label.startswith("0x"):
        digits, base = label[2:] or "0", 16
    elif label.startswith("0") and len(label) > 1:
        digits, base = label[1:], 8
    try:
        return int(digits, base) if digits.isalnum() else None
    except ValueError:
        return None


def _as_ipv4(labels: tuple[str, ...]) -> IPv4Address | None:
    """The address that one to four numbers stand for; the last of them fills all that is left."""
    numbers = [_number(each) for each in labels]
    *others, last = numbers
    if len(numbers) > 4 or last is None:  # noqa: PLR2004  # the bytes of an address
        return None
    value = 0
    for number in others:
        if number is None or number > 0xFF:  # noqa: PLR2004  # one byte
            return None
        value = value * 0x100 + number
    room = 0x100 ** (4 - len(others))
    return IPv4Address(value * room + last) if last < room else None


def _is_near(host: Host) -> bool:
    """Whether a host is this machine, or in a network that only those inside it reach."""
    if isinstance(host, str):
        return host in _LOCAL or host.endswith(".localhost")
    if isinstance(host, IPv4Address):
        return any(host in network for network in _NEAR_4)
    if any(host in network for network in _NEAR_6):
        return True
    return any(_is_near(each) for each in _within(host))


def _within(address: IPv6Address) -> Iterable[IPv4Address]:
    """The IPv4 addresses that an IPv6 address is a way to."""
    if any(address in network for network in _LAST_4):
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
