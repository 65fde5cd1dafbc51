"""A transport that does not try to connect to a host to which no connection can be made.

It learns from every request, also from those that keep connections warm.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy.upstreams.http.causes import is_ours, is_unconnected
from proxy.upstreams.http.circuits import Circuit, Circuits, Passage
from proxy.upstreams.http.endpoint import FAULTS, Transport
from proxy.upstreams.http.pool import Origin, Request
from proxy.upstreams.http.receiver import Feed, Headers, Receiver


@dataclass(frozen=True, slots=True)
class GuardedTransport:
    """Carries requests by `transport`, with a breaker for each host."""

    transport: Transport
    circuits: Circuits

    async def exchange(self, request: Request, receiver: Receiver, connect_s: float) -> None:
        """As `Transport.exchange`. Raises OpenCircuitError."""
        with self.circuits.enter(_circuit(request.origin)) as passage:
            if passage.is_watched:
                receiver = _Noting(receiver, passage)
            exchange = self.transport.exchange(request, receiver, connect_s)
            del request, receiver  # a long stream should not hold them
            try:
                await exchange
            except FAULTS as fault:
                if not is_unconnected(fault):
                    passage.succeed()  # there was a connection
                elif not is_ours(fault):
                    passage.fail()
                raise
            passage.succeed()

    async def aclose(self) -> None:
        await self.transport.aclose()


def _circuit(origin: Origin) -> Circuit:
    return Circuit("host", f"{origin.host}:{origin.port}")


class _Noting:
    """A receiver that says when there is a connection."""

    def __init__(self, receiver: Receiver, passage: Passage) -> None:
        self._receiver, self._passage = receiver, passage

    @property
    def patience_s(self) -> float:
        return self._receiver.patience_s

    @patience_s.setter
    def patience_s(self, seconds: float) -> None:
        self._receiver.patience_s = seconds

    def head(self, status: int, headers: Headers) -> Feed:
        self._passage.succeed()
        return self._receiver.head(status, headers)
