"""Many requests at once before a model with few slots, over the whole app, in virtual time.

A round of the model takes a second. The test moves the clock, so figures are exact.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from proxy.access.clients import Client
from proxy.access.grants import Grant
from proxy.app import create_app
from proxy.settings import Settings
from tests.support.asgi import Answer, ask
from tests.support.clock import Clock, skipping_clock
from tests.support.keyed import GivenKeys
from tests.support.openai_schema import check_error
from tests.support.script import Round, result, search_call
from tests.support.upstreams import Upstreams, searching_first
from tests.test_cost_per_chunk import counting

HI = {"messages": [{"role": "user", "content": "Hello"}], "lighton": {"retrieval": "off"}}
SEARCHING = {"messages": [{"role": "user", "content": "How many days of leave?"}]}
MOST_CALLS = 30
"""Of a round that need not wait. Its whole answer takes several hundred."""


@dataclass
class World:
    """The proxy, keys by name, and a model whose rounds end when a second has passed."""

    clock: Clock
    slots: int = 20
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those of the model's replies."""
    more: dict[str, Any] = field(default_factory=dict)
    most: int = 0
    asked: list[str] = field(default_factory=list)
    """What each round was asked by: the last message."""

    def __post_init__(self) -> None:
        say = searching_first(
            Round(calls=(search_call("leave"),), finish_reason="tool_calls"), Round("Yes.")
        )
        upstreams = Upstreams(say, [result("c1", "Leave is 27 days.", score=0.9)])
        self._inner = upstreams.transport()
        self._running: list[asyncio.Event] = []
        self.keys = GivenKeys({name: Grant() for name in ("quiet", "flood", "third")})
        settings = {
            "lighton_base_url": "http://lighton.test",
            "lighton_api_key": "k",
            "scaleway_base_url": "http://scaleway.test/v1",
            "scaleway_api_key": "k",
            "max_concurrent_model_requests": self.slots,
            **self.more,
        }
        transport = httpx.MockTransport(self._answer)
        self.app = create_app(Settings(**settings), transport, keys=self.keys)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/chat/completions"):
            return await self._inner.handle_async_request(request)
        end = asyncio.Event()
        self._running.append(end)
        self.most = max(self.most, len(self._running))
        try:
            await end.wait()
        finally:
            self._running.remove(end)
        reply = await self._inner.handle_async_request(request)
        reply.headers.update(self.headers)
        return reply

    @property
    def running(self) -> int:
        return len(self._running)

    def send(
        self,
        key: str = "flood",
        document: Mapping[str, Any] = HI,
        *,
        hangs_up: asyncio.Event | None = None,
        **more: Any,
    ) -> asyncio.Task[Answer]:
        headers = {"authorization": f"Bearer {key}"}
        body = {**document, **more}
        return asyncio.create_task(ask(self.app, document=body, headers=headers, hangs_up=hangs_up))

    async def settle(self) -> None:
        """Go on until everybody waits for time to pass."""
        for _ in range(300):
            await asyncio.sleep(0)

    async def second(self) -> None:
        """A second passes, and the rounds that ran end."""
        await self.settle()
        self.clock.skip(1)
        for each in self._running:
            each.set()
        await self.settle()

    async def time_of(self, key: str, document: Mapping[str, Any] = HI) -> int:
        """The seconds that a request takes."""
        task, seconds = self.send(key, document), 0
        while not task.done():
            await self.second()
            seconds += 1
        assert (await task).status == 200
        return seconds

    async def end(self, *tasks: asyncio.Task[Answer]) -> list[Answer]:
        while not all(each.done() for each in tasks):
            await self.second()
        return [each.result() for each in tasks]


@contextmanager
def world(
    slots: int = 20, headers: Mapping[str, str] | None = None, **more: Any
) -> Iterator[World]:
    with skipping_clock() as clock:
        yield World(clock, slots, headers or {}, more)


async def test_150_at_once_against_20_slots_are_all_answered() -> None:
    with world() as made:
        tasks = [made.send(stream=bool(number % 2)) for number in range(150)]
        answers = await made.end(*tasks)
        assert [each.status for each in answers] == [200] * 150
        assert made.most == 20


async def test_a_quiet_key_takes_at_most_twice_its_time_alone_while_another_one_floods() -> None:
    with world() as made:
        alone = await made.time_of("quiet", SEARCHING)
        flood = [made.send() for _ in range(150)]
        await made.settle()
        times = []
        while sum(each.done() for each in flood) < 120:
            times.append(await made.time_of("quiet", SEARCHING))
        assert alone == 2
        assert len(times) >= 2
        assert max(times) <= 2 * alone
        assert {each.status for each in await made.end(*flood)} == {200}


async def test_a_request_that_waited_too_long_gets_429_also_as_a_stream() -> None:
    with world(1, queue_timeout_s=9, commit_after_s=1) as made:
        running = made.send()
        await made.settle()
        waiting = [made.send(stream=True), made.send()]
        await made.settle()
        made.clock.skip(8.9)
        await made.settle()
        assert not any(each.done() for each in waiting)
        made.clock.skip(0.2)
        await made.settle()
        for each in waiting:
            answer = each.result()
            assert answer.status == 429
            check_error(answer.json())
            assert answer.json()["error"]["code"] == "queue_timeout"
            assert answer.headers["retry-after"] == "9"
            assert "x-should-retry" not in answer.headers
        await made.end(running)


async def test_one_more_than_may_wait_gets_429_at_once() -> None:
    with world(1, queue_length=1) as made:
        tasks = [made.send(), made.send()]
        await made.settle()
        refused = made.send()
        await made.settle()
        answer = refused.result()
        assert answer.status == 429
        check_error(answer.json())
        assert answer.json()["error"]["code"] == "queue_full"
        assert answer.headers["retry-after"] == "9"
        assert [each.status for each in await made.end(*tasks)] == [200, 200]


async def test_a_client_that_hangs_up_in_the_queue_leaves_it() -> None:
    with world(1, queue_length=1) as made:
        running = made.send()
        await made.settle()
        hangs_up = asyncio.Event()
        gone = made.send(hangs_up=hangs_up)
        await made.settle()
        hangs_up.set()
        await made.settle()
        assert gone.done()
        waiting = made.send()
        answers = await made.end(running, waiting)
        assert [each.status for each in answers] == [200, 200]
        assert made.most == 1


async def test_the_slot_of_a_client_that_hangs_up_while_it_streams_is_free_at_once() -> None:
    with world(1) as made:
        hangs_up = asyncio.Event()
        gone = made.send(hangs_up=hangs_up, stream=True)
        await made.settle()
        waiting = made.send()
        await made.settle()
        assert made.running == 1
        hangs_up.set()
        await made.settle()
        assert gone.done()
        assert made.running == 1
        assert [each.status for each in await made.end(waiting)] == [200]


async def test_the_second_round_of_an_answer_goes_before_the_first_ones_of_others() -> None:
    with world(1) as made:
        two_rounds = made.send("flood", SEARCHING)
        await made.settle()
        others = [made.send(key) for key in ("quiet", "third", "quiet")]
        await made.second()
        await made.second()
        await made.second()  # the search ends after another round has begun
        assert two_rounds.done()
        assert sum(each.done() for each in others) == 1
        assert {each.status for each in await made.end(*others)} == {200}


async def test_how_long_an_answer_waited_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with world(1) as made:
        tasks = [made.send(), made.send("quiet", SEARCHING)]
        first, second = await made.end(*tasks)
        assert first.json()["lighton"]["timings"]["queue_ms"] == 0
        assert 1_000 <= second.json()["lighton"]["timings"]["queue_ms"] < 1_900
        assert second.headers["server-timing"].startswith("queue;dur=1")
    assert sum("queued_ms=1" in each for each in caplog.messages) == 1


async def test_requests_wait_when_scaleway_says_that_nothing_is_left() -> None:
    left = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "3s"}
    with world(5, left) as made:
        await made.time_of("quiet")
        held = made.send("quiet")
        made.clock.skip(2.5)
        await made.settle()
        assert made.running == 0
        assert not held.done()
        made.clock.skip(0.6)
        await made.settle()
        assert made.running == 1
        assert [each.status for each in await made.end(held)] == [200]


async def test_a_weight_that_is_changed_holds_from_the_next_request_on() -> None:
    with world(1) as made:
        running = made.send("third")
        await made.settle()
        made.keys.change("flood", Client("flood", "id-flood", Grant(weight=3)))
        heavy = [made.send("flood") for _ in range(6)]
        light = [made.send("quiet") for _ in range(2)]
        for _ in range(5):
            await made.second()
        assert [sum(each.done() for each in group) for group in (heavy, light)] == [3, 1]
        await made.end(running, *heavy, *light)


async def test_without_a_limit_nobody_waits() -> None:
    with world(0) as made:
        tasks = [made.send() for _ in range(150)]
        await made.settle()
        assert made.running == 150
        await made.end(*tasks)


async def test_an_answer_that_need_not_wait_takes_few_calls_more_and_a_token_none() -> None:
    async def calls(slots: int, words: int) -> int:
        upstreams = Upstreams(lambda _: Round("word " * words), pieces=str.split)
        settings = Settings(
            lighton_api_key="k",
            scaleway_api_key="k",
            scaleway_base_url="http://scaleway.test/v1",
            max_concurrent_model_requests=slots,
        )
        app = create_app(settings, upstreams.transport())
        document = {**HI, "stream": True}
        await ask(app, document=document)  # what is made once is made here
        with counting() as counted:
            answer = await ask(app, document=document)
        assert answer.status == 200
        return counted.total()

    await calls(0, 5)
    short = await calls(20, 5) - await calls(0, 5)
    long = await calls(20, 500) - await calls(0, 500)
    assert 0 < short <= MOST_CALLS
    assert abs(long - short) <= 5
