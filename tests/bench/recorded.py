"""Replies as a load client would have recorded them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from bench import wire
from bench.exchange import Exchange
from bench.script import Script, citations

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def recorded(reads: Sequence[bytes], *, apart_s: float = 0.001) -> Exchange:
    """A reply that came in these reads, the first `apart_s` after the request."""
    times = [(number * apart_s, read) for number, read in enumerate(reads, 1)]
    return Exchange(b"request", 0.0, times)


def stream_of(events: Sequence[bytes]) -> Exchange:
    """A stream of these events, each in a read of its own."""
    framed = [b"%x\r\n%s\r\n" % (len(event), event) for event in events]
    return recorded([HEAD + framed[0], *framed[1:], END])


def events_of(script: Script, *, cited: bool = False) -> list[bytes]:
    """The events of an answer as the upstream sends them, with citations before its end."""
    body = b"".join(wire.answer_writes(script)).partition(b"\r\n\r\n")[2]
    lines = body.split(b"\r\n")
    events = [line for line in lines if line.startswith(b"data: ")]
    if cited:
        events.insert(-3, event({"annotations": citations(script)}))
    return events


def event(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n"
