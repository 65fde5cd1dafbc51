"""Surfaces within the limits of a client and of all."""

import asyncio
from collections.abc import Mapping

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.access.clients import ANYBODY, Client
from proxy.access.grants import Grant, Limits
from proxy.state.counters import MemoryCounters
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.limited import AllLimits, Limited
from proxy.surfaces.middleware import Requests
from proxy.surfaces.replies import ErrorReplies, JSONReply
from tests.support.asgi import Answer, ask


def client(name: str, id: str = "", **limits: int) -> Client:
    return Client(name, id, Grant(limits=Limits(**limits)))


class Site:
    """A surface behind limits. The header `x-key` says who asks."""

    def __init__(self, *clients: Client, surface: ASGIApp | None = None, **of_all: int) -> None:
        self.clients: Mapping[str, Client] = {str(n): each for n, each in enumerate(clients)}
        self.limits = AllLimits(MemoryCounters(), Limits(**of_all), "realm")
        self.limited = Limited(surface or JSONReply({}), self.limits)
        self.app = Requests(ErrorReplies(self._known))

    async def _known(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        exchange.client = self.clients.get(exchange.headers.get("x-key", ""), ANYBODY)
        await self.limited(scope, receive, send)

    async def ask(self, key: int = 0) -> Answer:
        return await ask(self.app, headers={"x-key": str(key)})

    async def statuses(self, *keys: int) -> list[int]:
        return [(await self.ask(key)).status for key in keys]


async def test_without_limits_there_is_no_slot_and_no_header() -> None:
    site = Site(client("a"))
    assert site.limits.slot_of(site.clients["0"]) is None
    assert not [name for name in (await site.ask()).headers if name.startswith("x-ratelimit")]


async def test_each_client_has_its_own_limits() -> None:
    site = Site(client("a", requests_per_minute=1), client("b", requests_per_minute=2), client("c"))
    assert await site.statuses(0, 0, 1, 1, 1, 2, 2, 2) == [200, 429, 200, 200, 429, 200, 200, 200]


async def test_the_limit_of_all_counts_all_clients_together() -> None:
    site = Site(client("a", requests_per_minute=5), client("b"), requests_per_minute=3)
    assert await site.statuses(0, 1, 0, 1, 0) == [200, 200, 200, 429, 429]


async def test_a_surface_that_makes_no_answers_counts_to_the_rates_of_requests_alone() -> None:
    most = client("a", requests_per_minute=3, concurrent=1, daily_tokens=1)
    site = Site(most, client("b", concurrent=1, daily_tokens=1))
    assert site.limits.slot_of(site.clients["1"], is_for_answer=False) is None
    taken = site.limits.slot_of(site.clients["0"])
    assert taken is not None
    await taken.begin()
    await taken.reserve(0, 1, searches=False)  # the day's tokens and the only place are gone
    site.limited = Limited(JSONReply({}), site.limits, makes_answers=False)
    answers = [await site.ask() for _ in range(3)]
    assert [each.status for each in answers] == [200, 200, 429]
    assert answers[0].headers["x-ratelimit-remaining-requests"] == "1"
    assert "x-ratelimit-remaining-tokens" not in answers[0].headers


async def test_another_key_of_the_same_name_has_counts_of_its_own() -> None:
    site = Site(client("a", "1", requests_per_minute=1), client("a", "2", requests_per_minute=1))
    assert await site.statuses(0, 1, 0, 1) == [200, 200, 429, 429]


async def test_a_rotated_key_keeps_its_counts() -> None:
    site = Site(client("a", "1", requests_per_minute=1), client("a", "1", requests_per_minute=1))
    assert await site.statuses(0, 1) == [200, 429]


async def test_a_reply_tells_the_tightest_limit_also_when_it_refuses() -> None:
    site = Site(client("a", requests_per_minute=2), requests_per_minute=100)
    first, _, last = [await site.ask() for _ in range(3)]
    assert first.headers["x-ratelimit-limit-requests"] == "2"
    assert first.headers["x-ratelimit-remaining-requests"] == "1"
    assert last.status == 429
    assert last.headers["x-ratelimit-remaining-requests"] == "0"
    assert 0 < int(last.headers["retry-after"]) <= 60
    assert last.json()["error"]["code"] == "rate_limit_exceeded"
    assert "x-should-retry" not in last.headers


async def test_a_used_budget_tells_sdks_not_to_try_again() -> None:
    async def surface(scope: Scope, receive: Receive, send: Send) -> None:
        slot = exchange_of(scope).slot
        assert slot is not None
        await slot.reserve(50, 60, searches=False)
        await JSONReply({})(scope, receive, send)

    answer = await Site(client("a", daily_tokens=100), surface=surface).ask()
    assert answer.status == 429
    assert answer.headers["x-should-retry"] == "false"
    assert answer.json()["error"]["type"] == "rate_limit_error"
    assert answer.json()["error"]["code"] == "insufficient_quota"


async def test_a_place_is_free_before_the_last_byte_of_the_reply() -> None:
    site = Site(client("a", concurrent=1))
    statuses: list[int] = []

    async def surface(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not statuses:
                statuses.append(0)
                statuses.append((await site.ask()).status)

        await JSONReply({})(scope, receive, sending)

    site.limited.surface = surface
    assert (await site.ask()).status == 200
    assert statuses == [0, 200]


async def test_a_place_is_taken_until_then() -> None:
    held, goes_on = asyncio.Event(), asyncio.Event()

    async def surface(scope: Scope, receive: Receive, send: Send) -> None:
        held.set()
        await goes_on.wait()
        await JSONReply({})(scope, receive, send)

    site = Site(client("a", concurrent=1), surface=surface)
    first = asyncio.create_task(site.ask())
    await held.wait()
    refused = await site.ask()
    assert refused.status == 429
    assert refused.headers["retry-after"] == "1"
    goes_on.set()
    assert (await first).status == 200
    assert (await site.ask()).status == 200


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), asyncio.CancelledError()])
async def test_a_request_that_fails_gives_its_place_back(fault: BaseException) -> None:
    async def surface(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise fault

    site = Site(client("a", concurrent=1), surface=surface)
    assert (
        await site.statuses(0, 0) == [503 if isinstance(fault, asyncio.CancelledError) else 500] * 2
    )
