"""What becomes of a request that the proxy passes on as it is: no search is involved."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import NamedTuple, Protocol

from proxy.core.trace import Headers
from proxy.core.wire import Usage


class Passed(NamedTuple):
    """The upstream's reply, checked, and what it says of itself."""

    body: bytes
    """JSON, as the client gets it."""
    model: str
    """The model that the upstream says answered; "" if it did not say."""
    usage: Usage
    """Without counts if the upstream sent none."""


class PassesOn(Protocol):
    """Passes requests of one kind on to an upstream."""

    @property
    def name(self) -> str:
        """The upstream's name, as users know it."""

    def pass_on(self, document: Mapping[str, object], more: Headers = ()) -> Awaitable[Passed]:
        """The reply to a request, which names its `model`. Raises ProxyError.

        `more` are headers of this request alone.
        """
