"""The loads for a server. Each run is checked afterwards, and void if anything was wrong."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import orjson
import uvloop

from bench import upstream
from bench.checks import Timing, WrongReplyError, check_reply, check_stream
from bench.client import Source, ask_once, connected
from bench.effort import WARM_UP
from bench.exchange import Exchange, MalformedReplyError, read_reply
from bench.meter import Meter, Usage
from bench.script import Script
from bench.servers import Server
from bench.subjects import Subject, post

LIMIT_S: Final = 60.0
"""How long a run may take."""
_CONTROL_S: Final = 10.0
_OPENING_AT_ONCE: Final = 16
_SETTLE_S: Final = 0.5
_WARM_UPS: Final = 4

T = TypeVar("T")


class VoidRunError(RuntimeError):
    """A run that does not count."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to ask a subject, between which upstream and this client."""

    subject: Subject
    server: Server | None
    port: int
    upstream: Server
    numbers: Iterator[int]

    @property
    def upstream_port(self) -> int:
        port = self.upstream.find_port()
        if port is None:
            raise VoidRunError("the upstream is not there")
        return port

    def meter(self) -> Meter:
        return Meter(None if self.server is None else self.server.pid, self.upstream.pid)

    def source(self, script: Script, *, stream: bool, until: Callable[[], bool]) -> Source:
        """Requests, each with its own question, until `until` says stop."""

        def give() -> bytes | None:
            if until():
                return None
            return self.subject.request(self.port, script, next(self.numbers), stream=stream)

        return give


@dataclass(frozen=True, slots=True)
class Answers:
    """The outcome of a closed loop of answers."""

    count: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Streams:
    """The outcome of streams. It counts the chunks that the upstream sent for the client to see."""

    chunks: int
    timings: tuple[Timing, ...]
    usage: Usage


def measure_answers(
    place: Place, script: Script, *, at_once: int, seconds: float, most: int
) -> Answers:
    """Answers that are not streamed, `at_once` at a time, for some seconds or `most` of them."""

    async def load() -> tuple[list[Exchange], list[Exchange], Usage]:
        async with connected(place.port, at_once) as crowd:
            warming = place.source(script, stream=False, until=_times(_WARM_UPS * at_once))
            warm = await crowd.run([warming] * at_once)
            deadline = time.monotonic() + seconds
            left = itertools.count(most, -1)
            meter = place.meter()

            def is_over() -> bool:
                return time.monotonic() >= deadline or next(left) <= 0

            done = await crowd.run([place.source(script, stream=False, until=is_over)] * at_once)
            return warm, done, meter.read()

    before = _counts(place)
    warm, done, usage = _run(load())
    for exchange in (*warm, *done):
        _checked(check_reply, place, script, exchange)
    _check_counts(place, before, len(warm) + len(done))
    return Answers(len(done), usage)


def measure_streams(
    place: Place, script: Script, *, streams: int, rounds: int, in_step: bool
) -> Streams:
    """`streams` open at a time, each followed by the next, `rounds` one after the other.

    With `in_step` they begin at the same instant; otherwise they spread evenly over one stream's
    time.
    """
    spread_s = 0.0 if in_step or streams == 1 else script.answer_s

    async def load() -> tuple[list[Exchange], list[Exchange], Usage]:
        async with connected(place.port, streams) as crowd:
            warm = await crowd.run(_each(place, WARM_UP, streams, 1))
            meter = place.meter()
            sources = _each(place, script, streams, rounds)
            done = await crowd.run(sources, spread_s=spread_s)
            return warm, done, meter.read()

    before = _counts(place)
    warm, done, usage = _run(load())
    for exchange in warm:
        _checked(check_stream, place, WARM_UP, exchange)
    timings = tuple(_checked(check_stream, place, script, exchange) for exchange in done)
    _check_counts(place, before, len(warm) + len(done))
    return Streams(len(done) * script.chunks, timings, usage)


def measure_open(place: Place, script: Script, *, streams: int, look: Callable[[], T]) -> T:
    """What `look` sees while the upstream holds `streams` open. Then they end."""

    async def load() -> tuple[list[Exchange], T]:
        async with connected(place.port, streams) as crowd:
            ended = await crowd.open(_each(place, script, streams, 1), at_once=_OPENING_AT_ONCE)
            await asyncio.sleep(_SETTLE_S)
            seen = look()
            _control(place, upstream.RELEASE_PATH)
            await ended.all_passed.wait()
            return crowd.take(), seen

    before = _counts(place)
    done, seen = _run(load())
    for exchange in done:
        _checked(check_stream, place, script, exchange)
    _check_counts(place, before, len(done))
    return seen


def measure_one(place: Place, script: Script) -> Timing:
    """One streamed answer on a new connection."""
    request = place.subject.request(place.port, script, next(place.numbers), stream=True)
    try:
        exchange = ask_once(place.port, request, timeout_s=LIMIT_S)
    except OSError as fault:
        raise VoidRunError(str(fault)) from fault
    return _checked(check_stream, place, script, exchange)


def _each(place: Place, script: Script, streams: int, rounds: int) -> list[Source]:
    return [place.source(script, stream=True, until=_times(rounds)) for _ in range(streams)]


def _times(count: int) -> Callable[[], bool]:
    """False `count` times, then True."""
    left = itertools.count(count, -1)
    return lambda: next(left) <= 0


def _check_counts(place: Place, before: dict[str, int], answers: int) -> None:
    """Void unless the upstream got exactly the requests that so many answers need."""
    after = _counts(place)
    loops = answers if place.subject.searches else 0
    wanted = {upstream.ANSWERS: answers, upstream.CALLS: loops, upstream.SEARCHES: loops}
    got = {name: after[name] - before[name] for name in wanted}
    if got != wanted:
        raise VoidRunError(f"the upstream had {got} instead of {wanted}")


def _run(load: Coroutine[Any, Any, T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(LIMIT_S):
            return await load

    gc.collect()
    gc.disable()
    try:
        return uvloop.run(bounded())
    except TimeoutError as fault:
        raise VoidRunError(f"it did not end within {LIMIT_S:.0f} s") from fault
    except OSError as fault:
        raise VoidRunError(str(fault)) from fault
    finally:
        gc.enable()


def _counts(place: Place) -> dict[str, int]:
    counts: dict[str, int] = orjson.loads(_control(place, upstream.COUNTS_PATH))
    return counts


def _control(place: Place, path: str) -> bytes:
    port = place.upstream_port
    try:
        return read_reply(ask_once(port, post(port, path, {}), timeout_s=_CONTROL_S)).body
    except (OSError, MalformedReplyError) as fault:
        raise VoidRunError(f"the upstream does not answer: {fault}") from fault


def _checked(
    check: Callable[[Exchange, Any], T], place: Place, script: Script, exchange: Exchange
) -> T:
    try:
        return check(exchange, place.subject.expects(script))
    except WrongReplyError as fault:
        raise VoidRunError(str(fault)) from fault
