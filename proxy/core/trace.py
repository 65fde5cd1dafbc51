"""The trace that a request belongs to, as W3C's Trace Context lets services tell each other.

https://www.w3.org/TR/trace-context-2/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

Headers = tuple[tuple[bytes, bytes], ...]

_PARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
)
_STATE_ENTRY: Final = re.compile(
    r"[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}"
)
_LONGEST_STATE: Final = 512
_MOST_ENTRIES: Final = 32
_SAMPLED: Final = 1
_RANDOM: Final = 2


class Parent(NamedTuple):
    """The span of the client that a request belongs to."""

    trace_id: int
    span_id: int
    flags: int
    state: str
    """What other vendors pass on in `tracestate`; "" if nothing, or nothing that can be read."""

    @property
    def is_sampled(self) -> bool:
        return bool(self.flags & _SAMPLED)


def read_parent(headers: Mapping[str, str]) -> Parent | None:
    """What a request's headers say; None if they say nothing that can be read."""
    given = headers.get("traceparent", "").strip()
    match = _PARENT.match(given)
    if match is None:
        return None
    rest = given[match.end() :]
    if rest and (given.startswith("00") or not rest.startswith("-")):
        return None  # what later versions append is theirs
    trace_id, span_id = int(match["trace"], 16), int(match["span"], 16)
    if not trace_id or not span_id:
        return None
    return Parent(trace_id, span_id, int(match["flags"], 16), _state(headers))


def _state(headers: Mapping[str, str]) -> str:
    """`tracestate` as it came, in one header. One that breaks its rules is dropped as a whole."""
    given = headers.get("tracestate", "")
    if len(given) > _LONGEST_STATE:
        return ""
    entries = [entry for each in given.split(",") if (entry := each.strip())]
    keys = {each.partition("=")[0] for each in entries}
    is_right = len(keys) == len(entries) <= _MOST_ENTRIES and all(
        map(_STATE_ENTRY.fullmatch, entries)
    )
    return ",".join(entries) if is_right else ""


@dataclass(slots=True)
class Trace:
    """One request's. Ids are numbers that are not 0: of 128 bits for traces, of 64 for spans."""

    trace_id: int
    span_id: int
    """The span of the request itself. All others are below it."""
    mint: Callable[[], int] = field(repr=False)
    """Makes the id of a span."""
    parent: Parent | None = None
    """None for the first of its trace."""
    is_sampled: bool = True
    """Whether its spans are kept. Upstreams hear of it either way."""
    is_told: bool = True
    """Whether upstreams hear of it."""
    holds_texts: bool = False
    """Whether spans show what was asked, found and answered."""

    @property
    def state(self) -> str:
        """What other vendors want to be passed on; "" if nothing."""
        return "" if self.parent is None else self.parent.state

    def headers(self, span_id: int) -> Headers:
        """What an upstream hears of the span that asks it."""
        if not self.is_told:
            return ()
        flags = self.is_sampled * _SAMPLED
        if self.parent is not None:
            flags |= self.parent.flags & _RANDOM
        told = f"00-{self.trace_id:032x}-{span_id:016x}-{flags:02x}"
        parent = (b"traceparent", told.encode())
        return (parent, (b"tracestate", self.state.encode())) if self.state else (parent,)
