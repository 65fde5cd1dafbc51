"""How many bytes running requests hold in memory, by an estimate, and the most that they may.

What comes in with a new request is refused beyond the limit. What a running one needs is only
counted: to end it would waste what it has cost. So the count may pass the limit, and new requests
wait until it has sunk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from types import TracebackType
from typing import Final, Self

from proxy.errors import TooBusy

BODY_COST: Final = 4
"""How many bytes of memory a byte of a request body takes until the model answers.

It is held parsed and as the request to the model. Measured: 2.3 for plain English, 3.0 for French,
4.0 where a character such as € or 🦊 makes Python store each one in two or four bytes.
"""


@dataclass(slots=True)
class InFlight:
    """The bytes of one process."""

    most: float = inf
    retry_after_s: float = 0.0
    """How long a client that is refused is told to wait."""
    bytes: int = field(init=False, default=0)
    streams: int = field(init=False, default=0)
    """How many streamed answers go on."""

    def take(self, most: float, retry_after_s: float) -> None:
        """Let these hold from now on. What is held already counts on."""
        self.most, self.retry_after_s = most, retry_after_s

    def hold(self) -> Hold:
        """What one request, or one reply of an upstream, is going to hold: nothing yet."""
        return Hold(self)


class Hold:
    """A part of the bytes. As a context manager it gives back all that is left, once."""

    __slots__ = ("_bytes", "_has_ended", "_is_stream", "_of")

    def __init__(self, of: InFlight) -> None:
        self._of = of
        self._bytes = 0
        self._has_ended = False
        self._is_stream = False

    def begin_stream(self) -> None:
        """The request is answered by a stream, which goes on until this ends."""
        if not self._is_stream and not self._has_ended:
            self._is_stream = True
            self._of.streams += 1

    def take(self, size: int) -> None:
        """Hold so many bytes more. Raises TooBusy, and then holds no more than before."""
        of = self._of
        if of.bytes + size > of.most:
            raise TooBusy(
                "The proxy holds as much in memory as it may for other requests. Try again later.",
                retry_after_s=of.retry_after_s,
            )
        self.add(size)

    def add(self, size: int) -> None:
        """Hold so many bytes more, even beyond the limit."""
        if not self._has_ended:
            self._bytes += size
            self._of.bytes += size

    def free(self, size: int) -> None:
        """Give bytes back; never more than are held."""
        size = min(size, self._bytes)
        self._bytes -= size
        self._of.bytes -= size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.free(self._bytes)
        self._has_ended = True
        self._of.streams -= self._is_stream
        self._is_stream = False
