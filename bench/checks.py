"""Whether a reply is what the upstream sent: dropping or merging parts must not win speed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final

import orjson

from bench.apis import CHAT, Api, Heard
from bench.exchange import Event, Exchange, read_reply
from bench.script import Script, citations, read_text

_OK: Final = 200
_HELD: Final = 3
"""So many pieces of a script may come together with the next one."""
_SHOWN: Final = 200
_MISSHAPEN: Final = (ValueError, LookupError, TypeError, AttributeError)
"""The exceptions of a reply that is not HTTP, not JSON or not a completion."""


class WrongReplyError(Exception):
    """A reply differs from what the upstream sent."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a client must get."""

    script: Script
    cited: bool
    """Whether the citations must come as annotations."""
    api: Api = CHAT


@dataclass(frozen=True, slots=True)
class Timing:
    """When the pieces of a text arrived, each with its time after the request."""

    first_s: float
    gaps_s: tuple[float, ...]


def check_reply(exchange: Exchange, expected: Expected) -> None:
    """Check a reply that is not streamed. Raises WrongReplyError."""
    try:
        reply = read_reply(exchange)
        _expect("status", reply.status, _OK, reply.body)
        heard = expected.api.whole(orjson.loads(reply.body))
        _expect("text", "".join(heard.pieces), _text(expected))
        _check_end(heard, expected)
    except _MISSHAPEN as fault:
        raise WrongReplyError(f"{type(fault).__name__}: {fault}") from fault


def check_stream(exchange: Exchange, expected: Expected) -> Timing:
    """Check a stream, and return when its text arrived. Raises WrongReplyError."""
    try:
        reply = read_reply(exchange)
        _expect("status", reply.status, _OK, reply.body)
        return _check_events(exchange, reply.events(), expected)
    except _MISSHAPEN as fault:
        raise WrongReplyError(f"{type(fault).__name__}: {fault}") from fault


def _check_events(exchange: Exchange, events: list[Event], expected: Expected) -> Timing:
    heard = expected.api.streamed(events)
    pieces = heard.pieces
    if expected.cited:
        # A marker, and white space, waits for what follows, and comes with the next piece.
        _expect("text", "".join(pieces), _text(expected))
        most = len(expected.script.pieces)
        _expect("pieces of text", min(max(len(pieces), most - _HELD), most), len(pieces))
    else:
        _expect("pieces of text", pieces, list(expected.script.pieces))
    _check_end(heard, expected)
    gaps = (later - earlier for earlier, later in itertools.pairwise(heard.times))
    return Timing(heard.times[0] - exchange.sent_at, tuple(gaps))


def _check_end(heard: Heard, expected: Expected) -> None:
    _expect("finish_reason", heard.reasons, ["stop"])
    if expected.cited:
        _expect("annotations", heard.cited, [citations(expected.script)])


def _text(expected: Expected) -> str:
    return read_text(expected.script) if expected.cited else expected.script.text


def _expect(what: str, got: Any, wanted: Any, detail: bytes = b"") -> None:
    if got == wanted:
        return
    if isinstance(got, list) and isinstance(wanted, list):
        got, wanted = _first_difference(got, wanted)
    said = detail[:_SHOWN].decode(errors="replace")
    raise WrongReplyError(f"{what}: {_short(got)} instead of {_short(wanted)} {said}".strip())


def _short(value: Any) -> str:
    return repr(value)[:_SHOWN]


def _first_difference(got: list[Any], wanted: list[Any]) -> tuple[str, str]:
    at = next(
        (i for i, (a, b) in enumerate(zip(got, wanted, strict=False)) if a != b),
        min(len(got), len(wanted)),
    )
    return f"{got[at : at + 1]} at {at} of {len(got)}", f"{wanted[at : at + 1]} of {len(wanted)}"
