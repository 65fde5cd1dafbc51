"""Gauges are written while nobody asks, so that other processes can read them."""

from __future__ import annotations

import asyncio

from proxy.telemetry.board import Board
from proxy.telemetry.gauges import LOOK_EVERY_S, Gauges, Readings
from proxy.telemetry.series import QUEUE_LENGTH
from tests.support.clock import skipping_clock
from tests.upstreams.raw_server import PATIENCE_S


async def test_a_look_shows_what_is_read_then() -> None:
    board, waiting = Board.alone(), [1]
    gauges = Gauges(board)
    gauges.look()
    assert board.read().numbers == {}
    gauges.take(lambda: {(QUEUE_LENGTH, ()): waiting[0]})
    gauges.look()
    waiting[0] = 5
    assert board.read().numbers == {(QUEUE_LENGTH.name, ()): (1,)}
    gauges.look()
    assert board.read().numbers == {(QUEUE_LENGTH.name, ()): (5,)}


async def test_it_looks_again_each_second() -> None:
    board, looks = Board.alone(), asyncio.Event()
    gauges = Gauges(board)

    def read() -> Readings:
        looks.set()
        return {(QUEUE_LENGTH, ()): 1}

    gauges.take(read)
    with skipping_clock() as clock:
        task = asyncio.create_task(gauges.keep_looking())
        for _ in range(3):
            async with asyncio.timeout(PATIENCE_S):
                await looks.wait()
            looks.clear()
            clock.skip(LOOK_EVERY_S)
        task.cancel()
        await asyncio.wait((task,))
