from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from proxy.core.inflight import InFlight
from proxy.surfaces.outbox import Outbox

PATIENCE_S = 60


def message(number: int) -> Message:
    return {"type": "http.response.body", "body": b"%d" % number, "more_body": True}


async def turns(number: int = 10) -> None:
    """Let everything that can run do so."""
    for _ in range(number):
        await asyncio.sleep(0)


class Client:
    """Takes what is sent while it `takes`, as uvicorn's flow control lets it."""

    def __init__(self) -> None:
        self.took: list[bytes] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.waits_more = 0
        """As many turns of the event loop does each message take besides."""
        self.fault: Exception | None = None
        self.asked = 0
        self.ended = 0

    async def send(self, message: Message) -> None:
        self.asked += 1
        try:
            await self.takes.wait()
            for _ in range(self.waits_more):
                await asyncio.sleep(0)
            if self.fault is not None:
                raise self.fault
            self.took.append(message["body"])
        finally:
            self.ended += 1


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    """What the event loop would log: faults that nobody has heard of."""
    faults: list[dict[str, Any]] = []
    yield faults
    assert faults == []


def listen(logged: list[dict[str, Any]]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: logged.append(fault))


async def settle() -> None:
    """Let everything end, also what is only there to be collected."""
    await turns()
    gc.collect()
    await turns()


async def test_what_a_client_takes_is_sent_at_once() -> None:
    client = Client()
    outbox = Outbox(client.send)
    for number in range(3):
        assert outbox.put(message(number)) is None
        assert not outbox.is_behind
    assert client.took == [b"0", b"1", b"2"]
    await outbox.flush()


async def test_what_is_put_while_a_client_is_slow_waits_its_turn() -> None:
    client = Client()
    outbox = Outbox(client.send)
    client.takes.clear()
    waiting = [outbox.put(message(number)) for number in range(3)]
    await turns()
    assert outbox.is_behind
    assert client.took == []
    assert client.asked == 1
    client.takes.set()
    assert outbox.put(message(3)) is not None  # the client can take it, but not before the others
    for each in waiting:
        assert each is not None
        await asyncio.wait_for(each, PATIENCE_S)
    assert client.took == [b"0", b"1", b"2", b"3"]
    assert not outbox.is_behind
    assert outbox.put(message(4)) is None


async def test_what_waits_is_sent_although_nobody_waits_for_it() -> None:
    client = Client()
    outbox = Outbox(client.send)
    client.takes.clear()
    outbox.put(message(0))
    outbox.put(message(1))
    client.takes.set()
    await turns()
    assert client.took == [b"0", b"1"]


async def test_the_future_is_done_when_everything_is_sent_and_not_before() -> None:
    client = Client()
    outbox = Outbox(client.send)
    client.takes.clear()
    waiting = outbox.put(message(0))
    assert waiting is not None
    outbox.put(message(1))
    client.waits_more = 50
    client.takes.set()
    while client.took != [b"0", b"1"]:
        assert not waiting.done()
        await asyncio.sleep(0)
    await asyncio.wait_for(waiting, PATIENCE_S)


@pytest.mark.parametrize("waits", [1, 2, 5])
async def test_a_send_may_wait_for_turns_of_the_event_loop(waits: int) -> None:
    client = Client()
    client.waits_more = waits
    outbox = Outbox(client.send)
    for number in range(3):
        assert outbox.put(message(number)) is not None
    await asyncio.wait_for(outbox.flush(), PATIENCE_S)
    assert client.took == [b"0", b"1", b"2"]


async def test_a_send_may_wait_for_many_things_one_after_the_other() -> None:
    loop = asyncio.get_running_loop()
    futures = [loop.create_future() for _ in range(3)]
    took = []

    async def send(_: Message) -> None:
        for future in futures:
            await future
            await asyncio.sleep(0)
            await future  # which is done: it does not wait again
        took.append(1)

    outbox = Outbox(send)
    outbox.put(message(0))
    for future in futures:
        await turns()
        assert took == []
        future.set_result(None)
    await asyncio.wait_for(outbox.flush(), PATIENCE_S)
    assert took == [1]


async def test_what_a_send_waits_for_may_be_done_before_the_event_loop_runs() -> None:
    future = asyncio.get_running_loop().create_future()

    async def send(_: Message) -> None:
        await future

    outbox = Outbox(send)
    outbox.put(message(0))
    future.set_result(None)
    await asyncio.wait_for(outbox.flush(), PATIENCE_S)


async def test_a_send_hears_itself_that_what_it_waits_for_failed() -> None:
    future = asyncio.get_running_loop().create_future()
    took = []

    async def send(message: Message) -> None:
        try:
            await future
        except OSError:
            took.append(message["body"])

    outbox = Outbox(send)
    outbox.put(message(0))
    await turns()
    future.set_exception(OSError("no way"))
    await asyncio.wait_for(outbox.flush(), PATIENCE_S)
    assert took == [b"0"]


async def test_a_send_that_waits_has_a_task_to_wait_in() -> None:
    """`asyncio.timeout` asks for it, for one."""
    gate = asyncio.Event()
    took = []

    async def send(_: Message) -> None:
        await gate.wait()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.sleep(0)
        took.append(1)

    outbox = Outbox(send)
    asyncio.get_running_loop().call_soon(outbox.put, message(0))  # as a connection would
    await turns()
    gate.set()
    await asyncio.wait_for(outbox.flush(), PATIENCE_S)
    assert took == [1]


# Faults


async def test_a_fault_at_once_is_raised_by_the_future_and_by_all_that_follow(
    logged: list[dict[str, Any]],
) -> None:
    listen(logged)
    client = Client()
    client.fault = ConnectionResetError("gone")
    outbox = Outbox(client.send)
    first = outbox.put(message(0))
    assert first is not None
    client.fault = None
    with pytest.raises(ConnectionResetError):
        await first
    second = outbox.put(message(1))
    assert second is not None
    with pytest.raises(ConnectionResetError):
        await second
    with pytest.raises(ConnectionResetError):
        await outbox.flush()
    await turns()
    assert client.took == []
    assert client.asked == 1


@pytest.mark.parametrize("behind", [0, 1, 3])
async def test_a_fault_that_comes_later_is_raised_by_all_that_wait_and_all_that_follow(
    behind: int, logged: list[dict[str, Any]]
) -> None:
    listen(logged)
    client = Client()
    outbox = Outbox(client.send)
    assert outbox.put(message(0)) is None
    client.takes.clear()
    waiting = [outbox.put(message(1 + number)) for number in range(1 + behind)]
    client.fault = ConnectionResetError("gone")
    client.takes.set()
    for each in waiting:
        assert each is not None
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(each, PATIENCE_S)
    client.fault = None
    last = outbox.put(message(9))
    assert last is not None
    with pytest.raises(ConnectionResetError):
        await last
    with pytest.raises(ConnectionResetError):
        await outbox.flush()
    await turns()
    assert client.took == [b"0"]
    assert client.asked == 2
    assert outbox.is_behind


async def test_a_fault_of_what_waited_ends_what_waits_behind_it() -> None:
    client = Client()

    async def send(message: Message) -> None:
        await client.send(message)
        if message["body"] == b"1":
            raise ConnectionResetError("gone")

    outbox = Outbox(send)
    client.takes.clear()
    for number in range(3):
        outbox.put(message(number))
    client.takes.set()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(outbox.flush(), PATIENCE_S)
    assert client.took == [b"0", b"1"]


@pytest.mark.parametrize("is_slow", [False, True])
@pytest.mark.parametrize("is_given_up", [False, True])
async def test_a_fault_that_nobody_waits_for_is_not_logged(
    *, is_slow: bool, is_given_up: bool, logged: list[dict[str, Any]]
) -> None:
    listen(logged)
    client = Client()
    client.fault = ConnectionResetError("gone")
    if is_slow:
        client.takes.clear()
    outbox = Outbox(client.send)
    waiting = [outbox.put(message(number)) for number in range(2)]
    if is_given_up:
        for each in filter(None, waiting):
            each.cancel()
        del each
    client.takes.set()
    del waiting, outbox, client
    await settle()


# Giving up


async def test_to_give_up_waiting_leaves_the_sending_alone() -> None:
    client = Client()
    outbox = Outbox(client.send)
    client.takes.clear()
    waiting = outbox.put(message(0))
    assert waiting is not None
    flushing = asyncio.create_task(outbox.flush())
    await turns()
    waiting.cancel()
    flushing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flushing
    later = outbox.put(message(1))
    assert later is not None
    assert not later.done()
    client.takes.set()
    await asyncio.wait_for(later, PATIENCE_S)
    assert client.took == [b"0", b"1"]


async def test_one_that_gives_up_waiting_leaves_others_waiting() -> None:
    client = Client()
    outbox = Outbox(client.send)
    client.takes.clear()
    first, second = outbox.put(message(0)), outbox.put(message(1))
    assert first is not None
    assert second is not None
    first.cancel()
    await turns()
    assert not second.done()
    client.takes.set()
    await asyncio.wait_for(second, PATIENCE_S)


@pytest.mark.parametrize("turns_before", [0, 1, 5])
async def test_closing_ends_what_is_being_sent_and_sends_nothing_more(
    turns_before: int, logged: list[dict[str, Any]]
) -> None:
    listen(logged)
    client = Client()
    outbox = Outbox(client.send)
    client.takes.clear()
    waiting = [outbox.put(message(number)) for number in range(3)]
    await turns(turns_before)
    await outbox.aclose()
    assert client.ended == 1
    client.takes.set()
    await turns()
    for each in waiting:
        assert each is not None
        assert each.cancelled()
    late = outbox.put(message(9))
    assert late is not None
    await turns()
    assert late.cancelled()
    assert client.took == []
    assert client.asked == 1
    del waiting, each, late, outbox, client
    await settle()


async def test_closing_is_no_matter_when_everything_is_sent_or_has_failed() -> None:
    client = Client()
    outbox = Outbox(client.send)
    await outbox.aclose()
    outbox.put(message(0))
    await outbox.aclose()
    assert client.took == [b"0"]
    client.fault = ConnectionResetError("gone")
    outbox.put(message(1))
    await asyncio.wait_for(outbox.aclose(), PATIENCE_S)


# What is put arrives as it would if each send were awaited before the next


class Play:
    """Puts messages for a client that is slow now and then, and fails after some of them."""

    def __init__(self, fails_after: int | None) -> None:
        self.client = Client()
        self.number = 0
        self._fails_after = fails_after
        self._outbox = Outbox(self._send)
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def _send(self, message: Message) -> None:
        await self.client.send(message)
        if len(self.client.took) == self._fails_after:
            raise ConnectionResetError("gone")

    async def step(self, step: str, count: int) -> None:
        match step:
            case "put":
                self._put()
            case "give up" if self._waiting:
                self._waiting.pop()[1].cancel()
            case "slow":
                self.client.takes.clear()
            case "takes":
                self.client.takes.set()
            case "waits":
                self.client.waits_more = count
            case "turns":
                await turns(count)
        self._check()

    def _put(self) -> None:
        self.number += 1
        future = self._outbox.put(message(self.number))
        if future is None:
            assert len(self.client.took) == self.number
        else:
            self._waiting.append((self.number, future))

    def _check(self) -> None:
        """Whoever was told that all is sent was told the truth."""
        for number, future in self._waiting:
            if future.done() and future.exception() is None:
                assert len(self.client.took) >= number

    async def end(self) -> None:
        self.client.takes.set()
        await asyncio.wait_for(self._outbox.flush(), PATIENCE_S)
        await turns()
        assert all(future.done() for _, future in self._waiting)


a_step = st.tuples(
    st.sampled_from(["put", "put", "put", "give up", "slow", "takes", "waits", "turns"]),
    st.integers(0, 4),
)


@given(st.lists(a_step, max_size=40), st.none() | st.integers(1, 12))
def test_a_client_gets_what_it_would_get_if_each_message_were_awaited(
    script: list[tuple[str, int]], fails_after: int | None
) -> None:
    """That it is slow, for how long, and who gives up waiting makes no difference."""

    async def play() -> None:
        played = Play(fails_after)
        for step, count in script:
            await played.step(step, count)
        everything = [b"%d" % number for number in range(1, played.number + 1)]
        if fails_after is None or played.number < fails_after:
            await played.end()
            assert played.client.took == everything
        else:
            with pytest.raises(ConnectionResetError):
                await played.end()
            assert played.client.took == everything[:fails_after]

    asyncio.run(play())


# What it holds for a slow client


async def test_what_waits_for_a_slow_client_counts_until_the_client_takes_it() -> None:
    inflight, client = InFlight(), Client()
    with inflight.hold() as held:
        outbox = Outbox(client.send, held)
        outbox.put(message(1))
        assert inflight.bytes == 0
        client.takes.clear()
        outbox.put(message(22))
        outbox.put(message(333))
        assert inflight.bytes == 64 * 1024 + 5
        client.takes.set()
        await outbox.flush()
        assert inflight.bytes == 0
        assert client.took == [b"1", b"22", b"333"]


happenings = st.lists(st.sampled_from(["put", "stop", "go", "turn", "fault", "cancel"]))


@given(happenings, st.integers(0, 2))
async def test_whatever_happens_the_count_is_never_below_nothing_and_nothing_at_the_end(
    events: list[str], waits_more: int
) -> None:
    inflight, client = InFlight(), Client()
    client.waits_more = waits_more
    with inflight.hold() as other:
        other.add(1)
        with inflight.hold() as held:
            outbox = Outbox(client.send, held)
            for number, event in enumerate(events):
                if event == "put":
                    future = outbox.put(message(number))
                    if future is not None and number % 2:
                        future.cancel()
                elif event == "stop":
                    client.takes.clear()
                elif event == "go":
                    client.takes.set()
                elif event == "fault":
                    client.fault = ConnectionResetError()
                elif event == "cancel":
                    await outbox.aclose()
                    break
                else:
                    await turns(1)
                assert inflight.bytes >= 1
                if not outbox.is_behind:
                    assert inflight.bytes == 1
            await outbox.aclose()
        assert inflight.bytes == 1
        await turns()
        assert inflight.bytes == 1
