"""Replies as a load client would have recorded them."""

from __future__ import annotations

from collections.abc import Sequence

from bench import wire
from bench.exchange import Exchange
from bench.script import CITED, Script, citations
from tests.support.script import delta_event
from tests.upstreams.raw_server import chunk, chunked

HEAD = chunked()
END = chunk(b"")


def recorded(reads: Sequence[bytes], *, apart_s: float = 0.001) -> Exchange:
    """A reply that came in these reads, the first `apart_s` after the request."""
    times = [(number * apart_s, read) for number, read in enumerate(reads, 1)]
    return Exchange(b"request", 0.0, times)


def stream_of(events: Sequence[bytes]) -> Exchange:
    """A stream of these events, each in a read of its own."""
    first, *others = events
    return recorded([HEAD + chunk(first), *map(chunk, others), END])


def events_of(script: Script, *, cited: bool = False) -> list[bytes]:
    """The events of an answer as the upstream sends them, with citations before its end."""
    body = b"".join(wire.answer_writes(script)).partition(b"\r\n\r\n")[2]
    lines = body.split(b"\r\n")
    events = [line for line in lines if line.startswith(b"data: ")]
    if cited:
        events = [read(each) for each in events]
        events.insert(-3, delta_event({"annotations": citations(script)}))
    return events


def read(event: bytes) -> bytes:
    """An event as the reader of the answer gets it, with the numbers of sources."""
    for n, passage in enumerate(CITED, 1):
        event = event.replace(b"[%d]" % passage, b"[%d]" % n)
    return event
