from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from proxy.surfaces.heartbeats import Heartbeats
from tests.support.clock import skipping_clock

EVERY_S = 60


async def turns() -> None:
    """Let everything that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


@dataclass
class Heart:
    """Counts beats, each due a minute after the last thing that was sent."""

    last_sent: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    beats: int = 0
    ends: int = 0
    fault: Exception | None = None
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_end.set()

    async def beat(self) -> None:
        self.beats += 1
        self.last_sent = asyncio.get_running_loop().time()
        try:
            await self.may_end.wait()
            if self.fault is not None:
                raise self.fault
        finally:
            self.ends += 1

    def due(self) -> float:
        return self.last_sent + EVERY_S


async def test_a_beat_comes_whenever_one_is_due() -> None:
    with skipping_clock() as clock:
        heart = Heart()
        async with Heartbeats(heart.beat, heart.due):
            for beats in (1, 2, 3):
                clock.skip(EVERY_S - 1)
                await turns()
                assert heart.beats == beats - 1
                clock.skip(2)
                await turns()
                assert heart.beats == beats


async def test_what_is_sent_puts_the_next_beat_off() -> None:
    with skipping_clock() as clock:
        heart = Heart()
        async with Heartbeats(heart.beat, heart.due):
            for _ in range(3):
                clock.skip(EVERY_S - 1)
                heart.last_sent = clock.time()
                await turns()
            assert heart.beats == 0
            clock.skip(EVERY_S + 1)
            await turns()
            assert heart.beats == 1


async def test_no_beat_begins_while_one_cannot_end() -> None:
    with skipping_clock() as clock:
        heart = Heart()
        heart.may_end.clear()
        async with Heartbeats(heart.beat, heart.due):
            for _ in range(3):
                clock.skip(EVERY_S + 1)
                await turns()
            assert heart.beats == 1
            heart.may_end.set()
            await turns()
            assert heart.beats == 2  # which was due long ago


async def test_none_comes_after_the_end() -> None:
    with skipping_clock() as clock:
        heart = Heart()
        async with Heartbeats(heart.beat, heart.due):
            clock.skip(EVERY_S + 1)
            await turns()
        clock.skip(2 * EVERY_S)
        await turns()
        assert heart.beats == 1


async def test_one_that_goes_on_ends_with_the_context() -> None:
    with skipping_clock() as clock:
        heart = Heart()
        heart.may_end.clear()
        async with Heartbeats(heart.beat, heart.due):
            clock.skip(EVERY_S + 1)
            await turns()
        assert (heart.beats, heart.ends) == (1, 1)


async def test_one_that_fails_is_the_last_and_says_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is sent next fails, too, and is heard of."""
    with skipping_clock() as clock:
        heart = Heart(fault=ConnectionResetError("gone"))
        async with Heartbeats(heart.beat, heart.due):
            for _ in range(2):
                clock.skip(EVERY_S + 1)
                await turns()
    assert (heart.beats, caplog.text) == (1, "")
