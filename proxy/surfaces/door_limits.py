"""The limits of a client's connection, and how long each of its places may last."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Final

from proxy.access.addresses import Network
from proxy.errors import HeadTooLarge

_UNREAD_S: Final = 1.0
"""How long an unread connection does not count against its client."""


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """The limits of a connection. Times are in seconds, sizes in bytes."""

    max_head_bytes: int = 64_000
    max_headers: int = 100
    head_timeout_s: float = 10.0
    keep_alive_s: float = 5.0
    linger_s: float = 5.0
    linger_bytes: int = 20_000_000
    """How many bytes of an answered request the door reads and drops."""
    client_stall_s: float = 60.0
    """How long a client may take nothing of what waits for it."""
    max_waiting: int = 512
    """The most connections without a complete request."""
    trusted: tuple[Network, ...] = ()
    """The reverse proxies whose X-Forwarded-For counts."""


class Place(Enum):
    """Where the parser is."""

    NEW = auto()
    BETWEEN = auto()
    HEAD = auto()
    BODY = auto()
    SHUT = auto()
    """The door reads nothing more: it has refused or evicted the client."""


def time_limit(limits: DoorLimits, place: Place, *, is_answered: bool, is_first: bool) -> float:
    """How long a connection may stay at a place, in seconds.

    place     reply         how long
    NEW       none          a second, in which the server may still be busy reading others
    BETWEEN   none, or sent keep_alive_s; before the first request head_timeout_s
    HEAD      any           head_timeout_s from its first byte, then 408
    BODY      to come       left to the application: see `read_body`
    BODY      sent early    linger_s, in which the client may send the rest
    BETWEEN   to come       no limit
    """
    if place is Place.NEW:
        return _UNREAD_S
    if place is Place.HEAD or (is_answered and is_first):
        return limits.head_timeout_s
    if not is_answered:
        return inf
    return limits.keep_alive_s if place is Place.BETWEEN else limits.linger_s


def too_large(limits: DoorLimits) -> HeadTooLarge:
    return HeadTooLarge(
        f"The request's head is larger than {limits.max_head_bytes} bytes or has more than "
        f"{limits.max_headers} headers. Send fewer or shorter headers."
    )
