"""Whose turn it is among those who wait: keys take turns, and within a key its people do.

A key of weight n is served n times in a row. So of any two keys that wait all the time, each gets
its share by weight within one turn of all. One that arrives takes its place behind the others, and
waits for one turn of theirs at most.

Every step takes the same time, however many wait.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol


class Waiter(Protocol):
    """Somebody who waits. Only its identity matters, besides whom it stands for."""

    @property
    def key(self) -> Hashable: ...
    @property
    def person(self) -> Hashable: ...
    @property
    def weight(self) -> int:
        """How often in a row its key is served. The newest of a key counts."""


@dataclass(slots=True)
class _Key:
    turns: int
    """How often it is still served before the next key is."""
    weight: int
    people: OrderedDict[Hashable, OrderedDict[Waiter, None]] = field(default_factory=OrderedDict)
    """Whoever is served next comes first."""


class RoundRobin:
    """The waiters, in the order in which they will be served."""

    def __init__(self) -> None:
        self._keys: OrderedDict[Hashable, _Key] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, waiter: Waiter, *, is_next: bool = False) -> None:
        """`waiter` waits, behind the others of its person.

        If it `is_next`, it does so before them, and its person, if new, before those of its key.
        """
        key = self._keys.get(waiter.key)
        if key is None:
            key = self._keys[waiter.key] = _Key(waiter.weight, waiter.weight)
        elif key.weight != waiter.weight:
            key.weight = waiter.weight
            key.turns = min(key.turns, key.weight)
        person = key.people.get(waiter.person)
        if person is None:
            person = key.people[waiter.person] = OrderedDict()
            key.people.move_to_end(waiter.person, last=not is_next)
        person[waiter] = None
        if is_next:
            person.move_to_end(waiter, last=False)
        self._count += 1

    def take(self) -> Waiter | None:
        """The waiter whose turn it is. It does not wait any more. None if nobody does."""
        if not self._count:
            return None
        name, key = next(iter(self._keys.items()))
        who, person = next(iter(key.people.items()))
        waiter, _ = person.popitem(last=False)
        self._count -= 1
        if person:
            key.people.move_to_end(who)
        else:
            del key.people[who]
        key.turns -= 1
        if not key.people:
            del self._keys[name]
        elif key.turns <= 0:
            key.turns = key.weight
            self._keys.move_to_end(name)
        return waiter

    def remove(self, waiter: Waiter) -> None:
        """`waiter`, which waits, does not any more."""
        key = self._keys[waiter.key]
        person = key.people[waiter.person]
        del person[waiter]
        self._count -= 1
        if not person:
            del key.people[waiter.person]
        if not key.people:
            del self._keys[waiter.key]
