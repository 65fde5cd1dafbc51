"""Surfaces within the limits of a client and of all."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.access.clients import ANYBODY, Client, Person
from proxy.access.grants import Grant, Limits
from proxy.state.counters import MemoryCounters
from proxy.surfaces import limited
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.limited import AllLimits, Limited
from proxy.surfaces.middleware import Requests
from proxy.surfaces.replies import ErrorReplies, JSONReply
from tests.support.asgi import Answer, ask


def client(name: str, id: str = "", **limits: int) -> Client:
    return Client(name, id, Grant(limits=Limits(**limits)))


def person(name: str, of_key: Client, **limits: int) -> Client:
    """Somebody behind a key, with limits of their own."""
    rules = Grant(limits=Limits(**limits))
    return replace(of_key, person=Person(name), of_person=rules)


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


async def test_each_person_has_limits_of_their_own() -> None:
    key = client("front", "1")
    ann, bob = (person(name, key, requests_per_minute=2) for name in ("ann", "bob"))
    site = Site(ann, bob)
    assert await site.statuses(0, 0, 0, 1, 1, 1) == [200, 200, 429, 200, 200, 429]
    assert (await site.ask()).json()["error"]["message"].startswith("You may use 2 requests")


async def test_the_limit_of_a_key_counts_all_its_people_together() -> None:
    key = client("front", "1", requests_per_minute=3)
    site = Site(person("ann", key, requests_per_minute=2), person("bob", key), key)
    assert await site.statuses(0, 0, 0, 1, 1, 0) == [200, 200, 429, 200, 429, 429]
    assert (await site.ask(1)).json()["error"]["message"].startswith("This key may use 3")
    assert (await site.ask(2)).status == 429  # one that asks for itself has the same count


async def test_who_is_refused_for_the_key_s_sake_uses_nothing_of_their_own() -> None:
    key = client("front", "1", requests_per_minute=1)
    ann = person("ann", key, requests_per_minute=2)
    site = Site(person("bob", key), ann, replace(ann, grant=Grant()))
    assert await site.statuses(0, 1, 1, 1, 1) == [200, 429, 429, 429, 429]
    assert await site.statuses(2, 2, 2) == [200, 200, 429]


async def test_a_person_of_the_same_name_behind_another_key_is_another_one() -> None:
    keys = (client("front", "1"), client("front", "2"), client("other"), client("third"))
    site = Site(*(person("ann", key, requests_per_minute=1) for key in keys))
    assert await site.statuses(0, 1, 2, 3, 0, 1, 2, 3) == [200] * 4 + [429] * 4


async def test_a_person_s_name_stands_for_no_key() -> None:
    named = client("ann", "1", requests_per_minute=1)
    site = Site(person("ann", client("", "1"), requests_per_minute=1), named)
    assert await site.statuses(0, 1, 0, 1) == [200, 200, 429, 429]


async def test_rules_without_a_person_limit_nobody() -> None:
    site = Site(replace(person("ann", client("front"), requests_per_minute=1), person=None))
    assert await site.statuses(0, 0, 0) == [200] * 3


async def test_limits_that_change_hold_at_once_and_what_was_used_still_counts() -> None:
    key = client("front", "1")
    ann = person("ann", key, requests_per_minute=2)
    site = Site(ann, person("ann", key, requests_per_minute=3), person("ann", key))
    assert await site.statuses(0, 0, 0, 1, 1, 2) == [200, 200, 429, 200, 429, 200]


async def test_very_many_people_have_right_limits_in_a_bounded_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limited, "MOST_KNOWN", 10)
    key = client("front", "1")
    site = Site(*(person(f"p{n}", key, requests_per_minute=2) for n in range(50)))
    for expected in (200, 200, 429):
        assert await site.statuses(*range(50)) == [expected] * 50
    assert len(site.limits._known) == 10


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


@pytest.mark.parametrize(
    ("given", "recorded"),
    [
        ({}, True),
        ({"makes_answers": False}, False),
        ({"makes_answers": False, "is_recorded": True}, True),
    ],
)
async def test_a_surface_may_be_recorded_without_making_answers(
    given: dict[str, Any], recorded: object
) -> None:
    heard: list[bool] = []

    async def surface(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append(exchange_of(scope).wants_answer)
        await JSONReply({})(scope, receive, send)

    site = Site(client("a"))
    site.limited = Limited(surface, site.limits, **given)
    await site.ask()
    assert heard == [recorded]
