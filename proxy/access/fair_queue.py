"""Who may ask the model now: a bounded queue before a number of slots, fair by key and person.

Theory of operation. A ticket stands for one model round. This table lists where it can be:

    place      event                                        next place
    OUTSIDE    enters; a slot is free and nobody waits      RUNNING
    OUTSIDE    enters otherwise                             WAITING; refused if too many wait
    WAITING    its turn has come and a slot is free         RUNNING
    WAITING    its turn has come, but its model is held     HELD
    HELD       the model is held no longer                  WAITING, before those who were not held
    any        leaves: it has ended, or nobody wants it     OUTSIDE

Further rounds of answers that have begun go before all first rounds, in the order in which they
came: an answer that has begun has cost something already, and the sooner it ends the sooner its
client is served. First rounds take turns as `round_robin` says. A model is held while its upstream
says that nothing remains of its quota: see `holds`. Those who wait for other models pass by.

Whoever is held has had a turn, and gets it back: once the model is held no longer, as many rounds
of each key as its weight says go before all other first rounds, in the order in which their turns
had come. So where a quota leaves few requests at a time, nobody has them all. The others wait anew.

The length of the queue bounds first rounds alone: there are never more further ones than answers.

Each step takes the same time, however many wait; what was held waits again in one step each.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
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
        self._due: OrderedDict[Ticket, None] = OrderedDict()
        """First rounds that were held when their turn came, and are no longer."""
        self._first_ones = 0
        """How many first rounds wait or are held."""
        self._held: dict[str, OrderedDict[Ticket, None]] = {}
        self._ends: deque[float] = deque(maxlen=_ENDS)
        """When somebody began to wait, and the ends since then. Empty while nobody waits."""

    @property
    def waiting(self) -> int:
        """How many would run if there were more slots."""
        return len(self._further) + len(self._due) + len(self._first)

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
        if not ticket.is_further:
            if self._first_ones >= self.length:
                raise QueueFullError
            self._first_ones += 1
        if not self._ends:
            self._ends.append(now)
        ticket.place = Place.WAITING
        if ticket.is_further:
            self._further[ticket] = None
        else:
            self._first.put(ticket)

    def serve(self) -> list[Ticket]:
        """Let those run whose turn has come."""
        now = self._clock()
        if self._held:
            self._let_go(now)
        served = []
        while self.running < self.slots and (ticket := self._take()) is not None:
            if self.holds.until(ticket.model, now) == -inf:
                self._first_ones -= not ticket.is_further
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
        if ticket.place in (Place.WAITING, Place.HELD):
            self._first_ones -= not ticket.is_further
        match ticket.place:
            case Place.RUNNING:
                self.running -= 1
                if self._ends:
                    self._ends.append(self._clock())
            case Place.WAITING if ticket.is_further:
                del self._further[ticket]
            case Place.WAITING if ticket in self._due:
                del self._due[ticket]
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

    def _take(self) -> Ticket | None:
        for before in (self._further, self._due):
            if before:
                return before.popitem(last=False)[0]
        return cast("Ticket | None", self._first.take())

    def _let_go(self, now: float) -> None:
        """Those whose model is held no longer wait again."""
        free = [model for model in self._held if self.holds.until(model, now) == -inf]
        for model in free:
            held = self._held.pop(model)
            due = _due(held)
            for ticket in reversed(held):
                ticket.place = Place.WAITING
                if ticket.is_further:
                    self._further[ticket] = None
                    self._further.move_to_end(ticket, last=False)
                elif ticket not in due:
                    self._first.put(ticket, is_next=True)
            self._due.update(due)


def _due(held: Iterable[Ticket]) -> dict[Ticket, None]:
    """The first rounds among `held` that get their turn back: of each key, as its weight says."""
    found: dict[Ticket, None] = {}
    turns: dict[Hashable, int] = {}
    for ticket in held:
        taken = turns.get(ticket.key, 0)
        if not ticket.is_further and taken < ticket.weight:
            turns[ticket.key] = taken + 1
            found[ticket] = None
    return found
