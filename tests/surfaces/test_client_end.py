from __future__ import annotations

import asyncio
from unittest import mock

import pytest

from proxy.surfaces.client_end import ClientEnd, client_end_of, put_client_end
from tests.support.clock import Clock, skipping_clock


class Waiting(asyncio.Transport):
    """What waits for a client."""

    def __init__(self, waits: int = 100) -> None:
        super().__init__()
        self.waits = waits
        self.is_gone = False

    def get_write_buffer_size(self) -> int:
        return self.waits

    def abort(self) -> None:
        self.is_gone = True


def end_of(transport: Waiting) -> ClientEnd:
    end = ClientEnd(asyncio.get_running_loop(), 60)
    end.attach(transport)
    return end


async def pass_by(clock: Clock, seconds: int) -> None:
    """Let time pass, second by second."""
    for _ in range(seconds):
        clock.skip(1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_a_client_that_takes_nothing_for_so_long_is_cut_off() -> None:
    transport = Waiting()
    end = end_of(transport)
    with skipping_clock() as clock:
        end.watch()
        await pass_by(clock, 59)
        assert not transport.is_gone
        await pass_by(clock, 2)
        assert (transport.is_gone, end.has_stalled) == (True, True)


async def test_a_client_that_takes_a_little_now_and_then_goes_on() -> None:
    transport = Waiting(10)
    end = end_of(transport)
    with skipping_clock() as clock:
        end.watch()
        for _ in range(8):
            await pass_by(clock, 50)
            transport.waits -= 1
        assert not transport.is_gone
        await pass_by(clock, 76)
        assert (transport.is_gone, end.has_stalled) == (True, True)


async def test_a_client_that_has_taken_all_is_not_looked_at_any_more() -> None:
    transport = Waiting()
    end = end_of(transport)
    with skipping_clock() as clock:
        end.watch()
        transport.waits = 0
        await pass_by(clock, 16)
        transport.waits = 100
        await pass_by(clock, 200)
        assert not transport.is_gone


async def test_who_has_nothing_to_take_or_is_let_rest_is_not_looked_at() -> None:
    for waits, rests in ((0, False), (100, True)):
        transport = Waiting(waits)
        end = end_of(transport)
        with skipping_clock() as clock:
            end.watch()
            if rests:
                end.rest()
            transport.waits = 100
            await pass_by(clock, 200)
            assert not transport.is_gone


async def test_one_timer_runs_at_most() -> None:
    loop = asyncio.get_running_loop()
    end = end_of(Waiting())
    with mock.patch.object(loop, "call_at", side_effect=loop.call_at) as set_timer:
        for _ in range(100):
            end.watch()
        assert set_timer.call_count == 1
    end.rest()


async def test_a_connection_can_be_cut() -> None:
    transport = Waiting()
    end = end_of(transport)
    end.cut()
    assert (transport.is_gone, end.has_stalled) == (True, False)


async def test_without_a_connection_nothing_is_looked_at_or_cut() -> None:
    end = ClientEnd(asyncio.get_running_loop(), 60)
    end.watch()
    end.cut()
    assert not end.has_stalled


@pytest.mark.parametrize("is_known", [True, False])
async def test_it_goes_along_with_a_request(*, is_known: bool) -> None:
    end = ClientEnd(asyncio.get_running_loop(), 60)
    scope: dict[str, object] = {}
    if is_known:
        put_client_end(scope, end)
    assert client_end_of(scope) is (end if is_known else None)
