"""A circuit breaker: it stops asking what keeps failing, and finds out when that works again.

Theory of operation. A request that is sure to fail costs its client the time until it does, and
costs the upstream the strength to recover. So a breaker counts failures, and this table lists every
transition:

    state      event                                    next state
    CLOSED     a request succeeds                       CLOSED; the count begins anew
    CLOSED     a request fails, fewer than `failures`   CLOSED
               in a row
    CLOSED     a request fails, the last of as many     OPEN
    OPEN       a request comes before the pause ends    OPEN; it is refused
    OPEN       a request comes later                    PROBING; it is the probe
    PROBING    another request comes                    PROBING; it is refused
    PROBING    the probe fails                          OPEN, for twice as long
    PROBING    the probe is given up, for example by    OPEN, but the pause is over
               its client
    PROBING    the probe has said nothing for as long   PROBING; the next request is the probe
               as the pause before it took
    OPEN or    any request succeeds, also one that was  CLOSED
    PROBING    sent before

It opens gradually: the first pause is about a second, and each later one twice as long, up to
`longest_s`. Chance takes up to half of a pause away, or the processes of a deployment would all
probe in the same moment. Pauses are short again once `failures` requests in a row have succeeded.
An upstream that asks to be left alone for longer gets as long, but never more than `longest_s`. So
after a recovery the first request that comes `longest_s` later is let through, at the latest.

Only failures without a success between them count: an upstream that fails now and then still
serves, and retries deal with it. What ends without a verdict, such as a request whose client hung
up, counts as nothing. What fails while the breaker is open was sent before, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_MOST_DOUBLINGS: Final = 32


class State(Enum):
    CLOSED = auto()
    OPEN = auto()
    PROBING = auto()


@dataclass(frozen=True, slots=True)
class BreakerRules:
    failures: int = 5
    """How many failures in a row open it; 0 if it never opens."""
    longest_s: float = 30.0
    """The longest pause, in seconds."""
    first_s: float = 1.0
    """The first pause, in seconds."""


class Attempt:
    """A request that was let through. Only its identity matters."""

    __slots__ = ()


class Breaker:
    """See the module. `clock` gives seconds, `chance` numbers from 0 to 1."""

    __slots__ = (
        "_chance",
        "_clock",
        "_failures",
        "_openings",
        "_pause_s",
        "_probe",
        "_rules",
        "_successes",
        "_until",
        "state",
    )

    def __init__(
        self, rules: BreakerRules, clock: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self.state = State.CLOSED
        self._rules = rules
        self._clock = clock
        self._chance = chance
        self._failures = self._successes = 0
        """How many in a row, while it was closed."""
        self._openings = 0
        """How often in a row it has opened without having recovered."""
        self._pause_s = 0.0
        self._until = 0.0
        """When the pause ends, or when the probe counts as lost."""
        self._probe: Attempt | None = None

    @property
    def has_recovered(self) -> bool:
        """Whether it is as good as new."""
        return self.state is State.CLOSED and not (self._failures or self._openings)

    def wait_s(self) -> float:
        """How long the next request has to wait, in seconds; 0 if it may go."""
        if self.state is State.CLOSED:
            return 0.0
        return max(0.0, self._until - self._clock())

    def admit(self) -> Attempt:
        """Let a request through, which `wait_s` allows. Each one ends in one of the next three."""
        attempt = Attempt()
        if self.state is not State.CLOSED:
            self.state, self._probe = State.PROBING, attempt
            self._until = self._clock() + self._pause_s
        return attempt

    def succeed(self) -> None:
        """A request has succeeded."""
        if self.state is not State.CLOSED:
            self.state, self._probe, self._successes = State.CLOSED, None, 0
        self._failures = 0
        self._successes += 1
        if self._successes >= self._rules.failures:
            self._openings = 0

    def fail(self, attempt: Attempt, wait_s: float = 0.0) -> None:
        """A request has failed. `wait_s` is how long the upstream asks to be left alone."""
        if self.state is State.CLOSED:
            self._successes = 0
            self._failures += 1
            if self._failures >= self._rules.failures:
                self._open(wait_s)
        elif attempt is self._probe:
            self._open(wait_s)

    def drop(self, attempt: Attempt) -> None:
        """A request has ended without a verdict."""
        if attempt is self._probe:
            self.state, self._probe, self._until = State.OPEN, None, self._clock()

    def _open(self, wait_s: float) -> None:
        rules = self._rules
        pause_s = rules.first_s * 2.0 ** min(self._openings, _MOST_DOUBLINGS)
        pause_s = min(pause_s, rules.longest_s) * (1 - self._chance() / 2)
        self._pause_s = max(pause_s, min(wait_s, rules.longest_s))
        self._openings += 1
        self._failures = 0
        self.state, self._probe = State.OPEN, None
        self._until = self._clock() + self._pause_s
