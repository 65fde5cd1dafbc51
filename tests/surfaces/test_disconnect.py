from __future__ import annotations

import asyncio
import contextvars
import gc
from contextlib import suppress
from typing import Any

import pytest
from starlette.types import Message, Receive

from proxy.errors import PayloadTooLarge, RequestTimeout
from proxy.surfaces.disconnect import ClientGoneError, read_body, while_connected
from tests.support.clock import skipping_clock

PATIENCE_S = 60
HANG_UP: Message = {"type": "http.disconnect"}


def sending(*messages: Message, gate: asyncio.Event | None = None) -> Receive:
    """A client that sends `messages`, the last one only when `gate` is set, and then waits."""
    left = list(messages)

    async def receive() -> Message:
        if len(left) == 1 and gate is not None:
            await gate.wait()
        return left.pop(0) if left else await asyncio.Future()

    return receive


def part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_is_read_whole() -> None:
    receive = sending(part(b"a", more=True), part(b"b", more=True), part(b"c"))
    assert await read_body(receive, None, 3, PATIENCE_S) == b"abc"


async def test_a_body_that_grows_past_the_limit_is_refused() -> None:
    with pytest.raises(PayloadTooLarge):
        await read_body(sending(part(b"ab", more=True), part(b"cd")), None, 3, PATIENCE_S)


async def test_a_body_announced_as_too_large_is_refused_unread() -> None:
    with pytest.raises(PayloadTooLarge):
        await read_body(sending(), "4", 3, PATIENCE_S)


async def test_an_odd_content_length_is_left_to_the_bytes_that_come() -> None:
    assert await read_body(sending(part(b"abc")), "lots", 3, PATIENCE_S) == b"abc"


async def test_a_client_that_hangs_up_while_sending_is_gone() -> None:
    with pytest.raises(ClientGoneError):
        await read_body(sending(part(b"a", more=True), HANG_UP), None, 3, PATIENCE_S)


async def test_a_client_that_stops_in_the_middle_is_waited_for_so_long() -> None:
    more = asyncio.Event()
    receive = sending(part(b"a", more=True), part(b"b"), gate=more)
    with skipping_clock() as clock:
        reading = asyncio.ensure_future(read_body(receive, None, 3, 30))
        await asyncio.sleep(0)
        clock.skip(29)
        await asyncio.sleep(0)
        assert not reading.done()
        clock.skip(2)
        with pytest.raises(RequestTimeout, match="30 seconds"):
            await reading


async def test_a_body_may_take_long_as_long_as_it_goes_on() -> None:
    gates = [asyncio.Event() for _ in range(4)]
    waiting = iter(gates)

    async def receive() -> Message:
        gate = next(waiting)
        await gate.wait()
        return part(b"x", more=gate is not gates[-1])

    with skipping_clock() as clock:
        reading = asyncio.ensure_future(read_body(receive, None, 9, 30))
        for gate in gates:
            await asyncio.sleep(0)
            clock.skip(20)
            gate.set()
        assert await reading == b"xxxx"


async def test_work_ends_when_the_client_hangs_up() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Future()
        finally:
            ended.set()

    receive = sending(part(b""), HANG_UP, gate=begun)
    with pytest.raises(ClientGoneError):
        await while_connected(receive, work())
    assert ended.is_set()


async def test_work_that_ends_first_ends_the_watching() -> None:
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    await while_connected(sending(), work())
    assert done.is_set()


async def test_an_exception_of_the_work_is_raised() -> None:
    async def work() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError):
        await while_connected(sending(), work())


async def test_a_client_that_hangs_up_at_the_very_end_of_the_work_does_no_harm_afterwards() -> None:
    hung_up = asyncio.Event()

    async def work() -> None:
        hung_up.set()
        await asyncio.sleep(0)

    with suppress(ClientGoneError):
        await while_connected(sending(HANG_UP, gate=hung_up), work())
    for _ in range(5):
        await asyncio.sleep(0)  # a cancellation that came too late would be raised here


async def test_a_client_that_was_gone_before_does_not_keep_the_work_from_ending_by_itself() -> None:
    async def work() -> None:
        """End without having waited for anything."""

    await while_connected(sending(HANG_UP), work())
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_shutdown_is_not_taken_for_a_client_that_is_gone() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Future()

    serving = asyncio.create_task(while_connected(sending(), work()))
    await begun.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_a_shutdown_counts_also_while_the_work_of_a_client_that_is_gone_ends() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Future()
        finally:
            serving.cancel()

    serving = asyncio.create_task(while_connected(sending(HANG_UP, gate=begun), work()))
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_what_else_a_client_sends_is_no_hang_up() -> None:
    begun, hung_up = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Future()

    receive = sending(part(b"", more=True), part(b""), HANG_UP, gate=hung_up)
    serving = asyncio.create_task(while_connected(receive, work()))
    await begun.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not serving.done()
    hung_up.set()
    with pytest.raises(ClientGoneError):
        await serving


async def test_a_client_that_cannot_be_heard_any_more_is_gone() -> None:
    """Its fault ends the work like a hang-up, and is not logged."""
    logged: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: logged.append(fault))

    async def receive() -> Message:
        await asyncio.sleep(0)
        raise ConnectionResetError("gone")

    async def work() -> None:
        await asyncio.Future()

    with pytest.raises(ClientGoneError):
        await while_connected(receive, work())
    gc.collect()
    await asyncio.sleep(0)
    assert logged == []


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_the_watching_is_over_when_the_work_is(turns: int) -> None:
    watching = 0

    async def receive() -> Message:
        nonlocal watching
        watching += 1
        try:
            return await asyncio.Future()
        finally:
            watching -= 1

    async def work() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        assert watching == min(turns, 1)

    await while_connected(receive, work())
    assert watching == 0


async def test_work_runs_in_the_task_and_the_context_of_whoever_waits_for_it() -> None:
    asked_by: contextvars.ContextVar[str] = contextvars.ContextVar("asked_by")
    found: list[object] = []

    async def work() -> None:
        found.append(asyncio.current_task())
        asked_by.set("the work")

    await while_connected(sending(), work())
    assert found == [asyncio.current_task()]
    assert asked_by.get() == "the work"
