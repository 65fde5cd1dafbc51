"""A breaker for each model."""

from __future__ import annotations

import asyncio

import pytest

from proxy.core.frames import Hear
from proxy.core.wire import ChatRequest
from proxy.errors import CircuitOpen, Overloaded, UpstreamRejected
from proxy.upstreams.http.breaker import BreakerRules
from proxy.upstreams.http.circuits import Circuits
from proxy.upstreams.model.guarded import Guarded
from tests.upstreams.http.test_breaker import Clock
from tests.upstreams.model.played import FULL, Played, asking


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.upstream = Played()
        circuits = Circuits(BreakerRules(2), self.clock, lambda: 0.0)
        self.model = Guarded(self.upstream, circuits)

    async def fail(self, times: int = 2, model: str = "a") -> None:
        for _ in range(times):
            self.upstream.will(model, FULL)
            with pytest.raises(Overloaded):
                await self.model.ask(asking(model), lambda _: None)


async def test_a_model_that_keeps_failing_is_not_asked_until_a_probe() -> None:
    world = World()
    await world.fail()
    with pytest.raises(CircuitOpen) as refused:
        await world.model.ask(asking("a"), lambda _: None)
    assert refused.value.retry_after_s == 1
    assert "model 'a' keeps failing" in refused.value.message
    assert world.upstream.asked == ["a", "a"]
    await world.model.ask(asking("b"), lambda _: None)
    world.clock.now += 1
    await world.model.ask(asking("a"), lambda _: None)
    await world.model.ask(asking("a"), lambda _: None)
    assert world.upstream.asked == ["a", "a", "b", "a", "a"]


async def test_a_search_is_not_run_for_a_model_that_keeps_failing_and_asking_is_no_probe() -> None:
    world = World()
    await world.model.require("a")
    await world.fail()
    with pytest.raises(CircuitOpen):
        await world.model.require("a")
    world.clock.now += 1
    for _ in range(2):
        await world.model.require("a")
    assert world.upstream.required == ["a"] * 3


async def test_errors_that_are_the_requests_own_neither_open_nor_close_it() -> None:
    world = World()
    world.upstream.will("a", FULL)
    rejected = UpstreamRejected("Scaleway", "No.", cause="status_400")
    for fault in (rejected, FULL):
        world.upstream.will("a", fault)
    for expected in (Overloaded, UpstreamRejected, Overloaded, CircuitOpen):
        with pytest.raises(expected):
            await world.model.ask(asking("a"), lambda _: None)


async def test_the_first_words_of_a_probe_close_it() -> None:
    world = World()
    await world.fail()
    world.clock.now += 1
    gate = world.upstream.gate = asyncio.Event()
    has_heard = asyncio.Event()
    probe = asyncio.create_task(world.model.ask(asking("a"), lambda _: has_heard.set()))
    await has_heard.wait()
    world.upstream.gate = None
    await world.model.ask(asking("a"), lambda _: None)
    gate.set()
    await probe


async def test_a_probe_whose_client_hangs_up_counts_as_nothing() -> None:
    world = World()
    await world.fail()
    world.clock.now += 1
    silent = Silent()
    model = Guarded(silent, world.model.circuits)
    probe = asyncio.create_task(model.ask(asking("a"), lambda _: None))
    await silent.asked.wait()
    with pytest.raises(CircuitOpen):
        await model.ask(asking("a"), lambda _: None)
    probe.cancel()
    await asyncio.wait([probe])
    await world.model.ask(asking("a"), lambda _: None)


class Silent:
    """A model that says nothing."""

    name = "Scaleway"

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def require(self, model: str) -> None:
        """Every model is there."""

    async def ask(self, body: ChatRequest, hear: Hear) -> None:  # noqa: ARG002  # the protocol
        self.asked.set()
        await asyncio.Event().wait()


def test_it_has_the_name_of_what_it_guards() -> None:
    assert World().model.name == "Scaleway"
