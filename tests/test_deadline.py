"""A deadline that moves, and its one timer."""

from __future__ import annotations

import asyncio
import gc
import weakref
from unittest import mock

from proxy.deadline import Deadline
from tests.support.clock import skipping_clock


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_expires_when_its_time_has_come_and_not_before() -> None:
    expired: list[str] = []
    with skipping_clock() as clock:
        deadline = Deadline(asyncio.get_running_loop())
        deadline.put_off(10, lambda: expired.append("now"))
        clock.skip(9)
        await settled()
        assert expired == []
        clock.skip(2)
        await settled()
        assert expired == ["now"]


async def test_a_deadline_that_moves_away_expires_later() -> None:
    expired: list[str] = []
    with skipping_clock() as clock:
        deadline = Deadline(asyncio.get_running_loop())
        deadline.put_off(10, lambda: expired.append("first"))
        clock.skip(9)
        deadline.put_off(10, lambda: expired.append("second"))
        clock.skip(9)
        await settled()
        assert expired == []
        clock.skip(2)
        await settled()
        assert len(expired) == 1


async def test_a_deadline_that_comes_nearer_expires_sooner() -> None:
    expired: list[str] = []
    with skipping_clock() as clock:
        deadline = Deadline(asyncio.get_running_loop())
        deadline.put_off(1_000, lambda: expired.append("late"))
        deadline.put_off(10, lambda: expired.append("soon"))
        clock.skip(11)
        await settled()
        assert expired == ["soon"]


async def test_a_deadline_that_moves_away_often_sets_one_timer() -> None:
    loop = asyncio.get_running_loop()
    deadline = Deadline(loop)
    with mock.patch.object(loop, "call_at", side_effect=loop.call_at) as set_timer:
        for _ in range(100):
            deadline.put_off(60, lambda: None)
    assert set_timer.call_count == 1
    deadline.stop()


async def test_a_deadline_that_was_stopped_or_moved_to_never_does_not_expire() -> None:
    expired: list[str] = []
    with skipping_clock() as clock:
        stopped, never = (Deadline(asyncio.get_running_loop()) for _ in range(2))
        stopped.put_off(10, lambda: expired.append("stopped"))
        stopped.stop()
        never.put_off(10, lambda: expired.append("never"))
        never.at = float("inf")
        clock.skip(20)
        await settled()
        clock.skip(20)
        await settled()
    assert expired == []


async def test_a_stopped_deadline_keeps_no_owner_alive() -> None:
    class Owner:
        def __init__(self) -> None:
            self.deadline = Deadline(asyncio.get_running_loop())
            self.deadline.put_off(10, self.expire)

        def expire(self) -> None:
            raise AssertionError

    gc.disable()
    try:
        owner = Owner()
        gone = weakref.ref(owner)
        owner.deadline.stop()
        del owner
        assert gone() is None
    finally:
        gc.enable()
