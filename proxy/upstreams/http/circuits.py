"""The breakers of a process, by what they guard: a host's connections, a model, a search.

Each process has its own. It remembers only what fails: a name that never failed costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, Literal, NamedTuple, Self

from proxy.errors import CircuitOpen, RateLimited, UpstreamError
from proxy.upstreams.http.breaker import Attempt, Breaker, BreakerRules, State
from proxy.upstreams.http.causes import IDLE, SILENT

CAUSE: Final = "circuit_open"
_MOST_NAMES: Final = 1_000
_LONGEST_NAME: Final = 500
"""Clients choose models. So the proxy remembers this many, each of at most this many characters."""
_BROKE: Final = frozenset({SILENT, IDLE, "closed", "reset"})
"""Causes of a request that got no reply, or only a part of one."""

_log = logging.getLogger(__name__)


class Circuit(NamedTuple):
    """What one breaker guards."""

    kind: Literal["host", "model", "search"]
    name: str


class OpenCircuitError(ConnectionError):
    """The request was not made. Another one may be, in `wait_s` seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("not asked")
        self.wait_s = wait_s


class Passage:
    """A request that was let through: a context around it. Only its first verdict counts."""

    __slots__ = ("_attempt", "_circuit", "_circuits", "_has_verdict", "is_watched")

    def __init__(self, circuits: Circuits, circuit: Circuit, attempt: Attempt | None) -> None:
        self._circuits, self._circuit, self._attempt = circuits, circuit, attempt
        self._has_verdict = False
        self.is_watched = attempt is not None
        """Whether there were failures: then a success should be told as soon as it shows."""

    def succeed(self) -> None:
        if not self._has_verdict:
            self._has_verdict = True
            self._circuits.succeed(self._circuit)

    def fail(self, wait_s: float | None = None) -> None:
        """`wait_s` is how long the upstream asks to be left alone."""
        if not self._has_verdict:
            self._has_verdict = True
            self._circuits.fail(self._circuit, self._attempt or Attempt(), wait_s or 0.0)

    def judge(self, error: UpstreamError) -> None:
        """Fail if `error` says that what is asked fails, and not only this request."""
        if is_failure(error):
            self.fail(error.told_wait_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if not self._has_verdict and self._attempt is not None:
            self._circuits.drop(self._circuit, self._attempt)


class Circuits:
    """Breakers by circuit, all of the same rules."""

    def __init__(
        self,
        rules: BreakerRules,
        clock: Callable[[], float] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`clock` is the event loop's by default, `chance` that of `random`."""
        self._rules, self._clock, self._chance = rules, clock or _loop_time, chance
        self._breakers: dict[Circuit, Breaker] = {}

    @property
    def states(self) -> Iterator[tuple[Circuit, State]]:
        """Those of all breakers that remember a failure. All others are closed."""
        return ((circuit, breaker.state) for circuit, breaker in self._breakers.items())

    def enter(self, circuit: Circuit) -> Passage:
        """Let a request through. Raises OpenCircuitError."""
        self.check(circuit)
        breaker = self._breakers.get(circuit)
        return Passage(self, circuit, None if breaker is None else breaker.admit())

    def check(self, circuit: Circuit) -> None:
        """Raise OpenCircuitError if a request would be refused now."""
        breaker = self._breakers.get(circuit)
        if breaker is not None and (wait_s := breaker.wait_s()) > 0:
            raise OpenCircuitError(wait_s)

    def succeed(self, circuit: Circuit) -> None:
        breaker = self._breakers.get(circuit)
        if breaker is None:
            return
        was_open = breaker.state is not State.CLOSED
        breaker.succeed()
        if was_open:
            _log.info("The %s %s answers again.", circuit.kind, ascii(circuit.name))
        if breaker.has_recovered:
            del self._breakers[circuit]

    def fail(self, circuit: Circuit, attempt: Attempt, wait_s: float) -> None:
        breaker = self._breakers.get(circuit) or self._new(circuit)
        if breaker is None:
            return
        was_open = breaker.state is State.OPEN
        breaker.fail(attempt, wait_s)
        if breaker.state is State.OPEN and not was_open:
            _log.warning(
                "The %s %s keeps failing. It is not asked for %.1f s.",
                circuit.kind,
                ascii(circuit.name),
                breaker.wait_s(),
            )

    def drop(self, circuit: Circuit, attempt: Attempt) -> None:
        breaker = self._breakers.get(circuit)
        if breaker is not None:
            breaker.drop(attempt)

    def _new(self, circuit: Circuit) -> Breaker | None:
        if not self._rules.failures or len(circuit.name) > _LONGEST_NAME:
            return None
        if len(self._breakers) >= _MOST_NAMES:
            del self._breakers[next(iter(self._breakers))]
        breaker = Breaker(self._rules, self._clock, self._chance)
        self._breakers[circuit] = breaker
        return breaker


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


NEVER_OPEN: Final = Circuits(BreakerRules(failures=0))
"""It keeps nothing, so that all may share it."""


def is_failure(error: UpstreamError) -> bool:
    """Whether `error` says that others will fail as well.

    An upstream that is asked too much serves most of its requests, so 429 counts only if it says
    how long to wait. A connection that could not be made is its host's failure, not the model's.
    """
    if isinstance(error, CircuitOpen):
        return False
    if isinstance(error, RateLimited):
        return error.told_wait_s is not None
    is_sent = not error.is_refused
    return error.cause.startswith("status_5") or (is_sent and error.cause in _BROKE)


def not_asked(upstream: str, what: str, fault: OpenCircuitError) -> CircuitOpen:
    """The error for a request that was not made, because `what` keeps failing."""
    error = CircuitOpen(
        upstream,
        f"{what} keeps failing, so the proxy does not try it for a moment. Try again later.",
        retry_after_s=fault.wait_s,
        cause=CAUSE,
    )
    error.is_refused = True
    return error
