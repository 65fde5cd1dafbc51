from __future__ import annotations

import asyncio

import pytest
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from proxy.surfaces.application import Application
from proxy.surfaces.parts import Share
from proxy.surfaces.reloadable import Reloadable
from proxy.surfaces.replies import JSONReply
from tests.support.asgi import ask

UNMAKEABLE = "unmakeable"


class World:
    """Applications that each say what they were made of, once they may."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self.begun, self.may = asyncio.Event(), asyncio.Event()
        self.app = Reloadable(self.make, "one")

    def make(self, given: str, parts: Share) -> Application:
        parts.of(str, given, close=self.close)
        parts.of(str, "common", close=self.close)
        if given == UNMAKEABLE:
            raise ValueError(given)

        class Endpoint:
            async def __call__(_, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: N805 - self is the world
                self.begun.set()
                await self.may.wait()
                await JSONReply(given)(scope, receive, send)

        return Application(routes=[Route("/", Endpoint(), methods=["GET"])])

    async def close(self, part: str) -> None:
        self.closed.append(part)

    async def said(self) -> object:
        return (await ask(self.app, "/", method="GET")).json()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_request_stays_where_it_began_and_the_next_gets_what_holds_then() -> None:
    world = World()
    async with world.app.lifespan_context(None):
        old = asyncio.create_task(world.said())
        await world.begun.wait()
        world.app.replace("two")
        assert world.app.given == "two"
        await settled()
        assert world.closed == []
        world.may.set()
        assert await old == "one"
        await settled()
        assert world.closed == ["one"]
        assert await world.said() == "two"
    assert sorted(world.closed) == [
        "common",
        "one",
        "two",
    ]


async def test_without_requests_the_old_one_ends_at_once() -> None:
    world = World()
    async with world.app.lifespan_context(None):
        world.app.replace("two")
        await settled()
        assert world.closed == ["one"]


async def test_what_cannot_be_made_changes_nothing_and_leaves_nothing() -> None:
    world = World()
    world.may.set()
    async with world.app.lifespan_context(None):
        with pytest.raises(ValueError, match=UNMAKEABLE):
            world.app.replace(UNMAKEABLE)
        await settled()
        assert world.closed == [UNMAKEABLE]
        assert (world.app.given, await world.said()) == ("one", "one")
        assert len(world.app.parts) == 2


async def test_a_request_that_fails_is_over_too() -> None:
    world = World()
    async with world.app.lifespan_context(None):
        old = asyncio.create_task(world.said())
        await world.begun.wait()
        world.app.replace("two")
        old.cancel()
        with pytest.raises(asyncio.CancelledError):
            await old
        await settled()
        assert world.closed == ["one"]
