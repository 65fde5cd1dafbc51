"""What takes in a reply: the connection's side of the agreement is in `connection`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from proxy.tasks import Behind

Headers = list[tuple[bytes, bytes]]
Feed = Callable[[bytes], Behind]


class Receiver(Protocol):
    """Takes in one reply as it arrives.

    An exception that it raises ends the exchange, and `Connection.exchange` raises it.
    """

    patience_s: float
    """How long the connection waits for more, in seconds.

    It looks after the head and after each packet that brings a part of the body.
    """

    def head(self, status: int, headers: Headers) -> Feed:
        """Take in the head of the reply. Returns the function that takes the body, in parts."""
