"""Who may ask the model now: a bounded queue before a number of slots, fair by key and person.

Theory of operation. A ticket stands for one model round. This table lists where it can be:

    place      event                                        next place
    OUTSIDE    enters; a slot is free and nobody waits      RUNNING
    OUTSIDE    enters otherwise                             WAITING; refused if too many wait
    WAITING    its turn has come and a slot is free         RUNNING
    WAITING    its turn has come, but its model is held     HELD
    HELD       the model is held no longer                  WAITING, as the next of its person
    any        leaves: it has ended, or nobody wants it     OUTSIDE

Further rounds of answers that have begun go before all first rounds, in the order in which they
came: an answer that has begun has cost something already, and the sooner it ends the sooner its
client is served. First rounds take turns as `round_robin` says. A model is held while its upstream
says that nothing remains of its quota: see `holds`. Those who wait for other models pass by.

The length of the queue bounds first rounds alone: there are never more further ones than answers.

Each step takes the same time, however many wait; what was held waits again in one step each.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Final, cast

from proxy.access.holds import Holds
from proxy.access.round_robin import RoundRobin

_ENDS: Final = 64
"""How many ends of rounds tell how fast slots come free, at most."""


@dataclass(frozen=True, slots=True)
class QueueRules:
    slots: int = 100
    """How many rounds may run at the same time, in all processes together."""
    own: int = 100
    """How many of them may run in one process that knows nothing of the others."""
    length: int = 1_000
    """How many first rounds may wait in one process."""
    timeout_s: float = 9.0
    """How long a round may wait, in seconds."""
    retry_after_max_s: float = 60.0
    """The longest wait that a refused client is told, in seconds."""


class Place(Enum):
    OUTSIDE = auto()
    WAITING = auto()
    HELD = auto()
    RUNNING = auto()


class QueueFullError(Exception):
    """So many wait already that one more is refused."""


@dataclass(eq=False, slots=True)
class Ticket:
    """One model round that wants a slot."""

    key: Hashable
    person: Hashable
    model: str
    weight: int = 1
    is_further: bool = False
    """Whether its answer has begun, so that this round goes first."""
    place: Place = Place.OUTSIDE


class FairQueue:
    """See the module. `clock` gives seconds."""

    def __init__(self, slots: int, length: int, clock: Callable[[], float]) -> None:
        self.slots = slots
        """How many may run. It may change at any time; those that run go on."""
        self.running = 0
        self.holds = Holds()
        self.length = length
        """How many first rounds may wait. It may change, too; those that wait stay."""
        self._clock = clock
        self._further: OrderedDict[Ticket, None] = OrderedDict()
        self._first = RoundRobin()
        self._held: dict[str, OrderedDict[Ticket, None]] = {}
        self._ends: deque[float] = deque(maxlen=_ENDS)
        """When somebody began to wait, and the ends since then. Empty while nobody waits."""

    @property
    def waiting(self) -> int:
        """How many would run if there were more slots."""
        return len(self._further) + len(self._first)

    @property
    def held(self) -> int:
        return sum(map(len, self._held.values()))

    def enter(self, ticket: Ticket) -> None:
        """`ticket` runs, or waits until `serve` returns it. Raises QueueFullError."""
        now = self._clock()
        if self._held:
            self._let_go(now)
        has_room = self.running < self.slots and not self.waiting
        if has_room and self.holds.until(ticket.model, now) == -inf:
            self._run(ticket)
            return
        if not ticket.is_further and len(self._first) + self.held >= self.length:
            raise QueueFullError
        if not self._ends:
            self._ends.append(now)
        self._wait(ticket)

    def serve(self) -> list[Ticket]:
        """Let those run whose turn has come."""
        now = self._clock()
        if self._held:
            self._let_go(now)
        served = []
        while self.running < self.slots and (ticket := self._take()) is not None:
            if self.holds.until(ticket.model, now) == -inf:
                self._run(ticket)
                served.append(ticket)
            else:
                ticket.place = Place.HELD
                self._held.setdefault(ticket.model, OrderedDict())[ticket] = None
        if self._ends and not self.waiting and not self._held:
            self._ends.clear()
        return served

    def leave(self, ticket: Ticket) -> None:
        """`ticket` wants no slot any more, or has had one long enough."""
        match ticket.place:
            case Place.RUNNING:
                self.running -= 1
                if self._ends:
                    self._ends.append(self._clock())
            case Place.WAITING if ticket.is_further:
                del self._further[ticket]
            case Place.WAITING:
                self._first.remove(ticket)
            case Place.HELD:
                held = self._held[ticket.model]
                del held[ticket]
                if not held:
                    del self._held[ticket.model]
        ticket.place = Place.OUTSIDE

    def next_release_s(self) -> float:
        """How long until somebody is held no longer, in seconds; inf if nobody is."""
        now = self._clock()
        ends = (self.holds.until(model, now) for model in self._held)
        return max(0.0, min(ends, default=inf) - now)

    def wait_s(self, model: str) -> float | None:
        """How long one that came now would wait, in seconds; None if nobody can tell yet.

        Slots come free as fast as they have since somebody began to wait, and nobody pushes in.
        While nobody waits, ends say how often slots are wanted, not how fast they come free.
        """
        now = self._clock()
        held_s = max(0.0, self.holds.until(model, now) - now)
        ends = len(self._ends) - 1
        if ends < 1:
            return held_s or None
        return max(held_s, (self.waiting + self.held + 1) * (now - self._ends[0]) / ends)

    def _run(self, ticket: Ticket) -> None:
        ticket.place = Place.RUNNING
        self.running += 1
        self.holds.spend(ticket.model)

    def _wait(self, ticket: Ticket, *, is_next: bool = False) -> None:
        ticket.place = Place.WAITING
        if not ticket.is_further:
            self._first.put(ticket, is_next=is_next)
            return
        self._further[ticket] = None
        if is_next:
            self._further.move_to_end(ticket, last=False)

    def _take(self) -> Ticket | None:
        if self._further:
            return self._further.popitem(last=False)[0]
        return cast("Ticket | None", self._first.take())

    def _let_go(self, now: float) -> None:
        """Those whose model is held no longer wait again, in the order in which they did before."""
        free = [model for model in self._held if self.holds.until(model, now) == -inf]
        for model in free:
            for ticket in reversed(self._held.pop(model)):
                self._wait(ticket, is_next=True)
