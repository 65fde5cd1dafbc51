"""What one stream of a soak meets, and what its client does: drawn from a seed and its number.

Every stream has a mark of its own, which stands in its question, its passages and its answer. The
upstreams find the plan of a request by the mark, so a stream meets the same faults in every run of
a seed, whatever the others do meanwhile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, auto
from random import Random
from string import ascii_lowercase
from typing import Any, Final

MARK: Final = re.compile(r"Zq[a-z]{6}qZ")
_LETTERS: Final = 4
"""Enough for 456,976 streams. Two more letters depend on the seed."""
_MODES: Final = ("tool", "context", "hybrid", "off")
_FILLING: Final = "and so on, as the handbook of this house says in its own words"


class Fault(StrEnum):
    """What an upstream does instead of answering."""

    QUOTA = auto()
    """429 with Retry-After."""
    BROKEN = auto()
    """500."""
    BUSY = auto()
    """503."""
    DROP = auto()
    """It closes the connection without a reply."""
    STALL = auto()
    """It says nothing more, from the beginning or, for the model, in the middle."""
    GARBAGE = auto()
    """What it says is no HTTP."""
    CUT = auto()
    """The model's stream breaks off."""
    ERROR_EVENT = auto()
    """The model's stream ends with an error."""
    SLOW = auto()
    """It answers rightly, a little at a time."""
    EMPTY = auto()
    """A search finds nothing."""


class Client(StrEnum):
    """How a client behaves."""

    READS = auto()
    SLOW = auto()
    """It reads a little at a time."""
    HANGS_UP = auto()
    """It goes after some bytes of the reply, or before the first one."""
    STOPS = auto()
    """It stops reading for a while, and then goes."""


OF_MODEL: Final = tuple(each for each in Fault if each is not Fault.EMPTY)
OF_SEARCH: Final = (
    *(Fault.QUOTA, Fault.BROKEN, Fault.BUSY, Fault.DROP),
    *(Fault.STALL, Fault.GARBAGE, Fault.SLOW, Fault.EMPTY),
)
HARMLESS: Final = frozenset({Fault.SLOW, Fault.EMPTY})


@dataclass(frozen=True, slots=True)
class Plan:
    """One stream. `model` and `search` are what befalls its requests to each, in turn."""

    number: int
    mark: str
    model: tuple[Fault | None, ...] = ()
    search: tuple[Fault | None, ...] = ()
    client: Client = Client.READS
    leaves_after: int = 0
    """How many bytes of the reply a client reads that hangs up or stops."""
    is_streamed: bool = True
    mode: str = "tool"
    pieces: int = 8
    """How many pieces the answer has."""
    takes_s: float = 0.0
    """How long the model thinks before each round."""

    @property
    def is_harmless(self) -> bool:
        """Whether nothing keeps this stream from being answered in full."""
        return HARMLESS.issuperset(each for each in (*self.model, *self.search) if each)

    def body(self) -> dict[str, Any]:
        """The request of its client."""
        question = f"What does the handbook say about {self.mark}?"
        return {
            "messages": [{"role": "user", "content": question}],
            "stream": self.is_streamed,
            "lighton": {"retrieval": self.mode},
        }

    def said(self) -> list[str]:
        """The pieces of its answer, which are numbered from 1."""
        return [f"{self.mark}-{n} {_FILLING}. " for n in range(1, self.pieces + 1)]


def mark_of(seed: int, number: int) -> str:
    """The mark of a stream. No two streams of a seed have the same."""
    letters = []
    for _ in range(_LETTERS):
        number, place = divmod(number, len(ascii_lowercase))
        letters.append(ascii_lowercase[place])
    ofseed = Random(f"{seed}:mark").choices(ascii_lowercase, k=2)
    return "".join(["Zq", *letters, *ofseed, "qZ"])


def plain(seed: int, number: int) -> Plan:
    """A stream to which nothing happens: with a search, and about half a second long."""
    random = Random(f"{seed}:plain:{number}")
    return Plan(number, mark_of(seed, number), takes_s=random.uniform(0.15, 0.25))


def draw(seed: int, number: int) -> Plan:
    """The stream of this number."""
    random = Random(f"{seed}:{number}")
    client = random.choices(tuple(Client), weights=(76, 8, 12, 4))[0]
    is_long = client in {Client.SLOW, Client.STOPS} or random.random() < 0.05
    return Plan(
        number,
        mark_of(seed, number),
        model=_faults(random, OF_MODEL),
        search=_faults(random, OF_SEARCH),
        client=client,
        leaves_after=random.choice((0, 0, 1, 300, 1_000, 4_000)),
        is_streamed=random.random() < 0.85,
        mode=random.choices(_MODES, weights=(5, 2, 2, 1))[0],
        pieces=random.randint(1_500, 3_000) if is_long else random.randint(1, 40),
        takes_s=random.uniform(0.0, 0.1),
    )


def _faults(random: Random, kinds: tuple[Fault, ...]) -> tuple[Fault | None, ...]:
    """Mostly none. Else one or more, of which some strike only the second request."""
    if random.random() < 0.7:
        return ()
    few: tuple[Fault | None, ...] = (None, *kinds)
    return tuple(random.choice(few) for _ in range(random.choice((1, 1, 2, 4))))
