"""When an issuer is asked for its keys, and what holds while it cannot be asked."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from proxy.access.issuer_keys import FRESH_S, UNKNOWN_EVERY_S, USABLE_S, IssuerKeys
from proxy.access.signatures import Head, head_of
from proxy.errors import IdentityUnavailable, UpstreamError, UpstreamTimeout
from tests.support.issuer import Issuer
from tests.upstreams.raw_server import PATIENCE_S


class World:
    """An issuer, a clock that stands still, and how often the issuer was asked."""

    def __init__(self) -> None:
        self.issuer = Issuer()
        self.now = 0.0
        self.asked = 0
        self.fault: UpstreamError | None = None
        self.document: Any = None
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.keys = IssuerKeys(self.fetch, lambda: self.now)

    async def fetch(self) -> object:
        self.asked += 1
        await self.is_open.wait()
        if self.fault is not None:
            raise self.fault.again()
        return self.document or self.issuer.jwks()

    def break_down(self, why: str = "issuer.test does not answer.") -> None:
        self.fault = UpstreamTimeout("issuer.test", why)

    @property
    def head(self) -> Head:
        """The header of a token of now."""
        return head_of(self.issuer.token())

    async def knows(self, head: Head | None = None) -> bool:
        return bool(await self.keys.find(self.head if head is None else head))


async def test_keys_are_fetched_when_the_first_token_comes_and_kept_for_ten_minutes() -> None:
    world = World()
    assert not world.keys.is_fresh
    assert world.asked == 0
    assert await world.knows()
    world.now = FRESH_S - 1
    assert await world.knows()
    assert (world.asked, world.keys.is_fresh) == (1, True)
    world.now = FRESH_S
    assert await world.knows()
    assert world.asked == 2


async def test_a_key_that_is_withdrawn_ends_after_ten_minutes() -> None:
    world = World()
    old = world.head
    assert await world.knows(old)
    world.issuer.rotate()
    world.now = FRESH_S - 1
    assert await world.knows(old)
    world.now = FRESH_S
    assert not await world.knows(old)


async def test_a_new_key_is_found_at_once() -> None:
    world = World()
    assert await world.knows()
    world.issuer.rotate()
    world.now = 1
    assert await world.knows()
    assert world.asked == 2


async def test_names_that_are_made_up_lead_to_one_fetch_a_minute() -> None:
    world = World()
    assert await world.knows()
    for number in range(50):
        assert not await world.knows(Head("ES256", f"made-up-{number}"))
    assert world.asked == 2
    world.issuer.rotate()
    world.now = UNKNOWN_EVERY_S - 1
    assert not await world.knows()
    world.now = UNKNOWN_EVERY_S
    assert await world.knows()
    assert world.asked == 3


async def test_the_first_token_of_an_unknown_key_leads_to_one_fetch_alone() -> None:
    world = World()
    assert not await world.knows(Head("ES256", "made-up"))
    assert world.asked == 1


async def test_requests_at_the_same_time_share_a_fetch() -> None:
    world = World()
    world.is_open.clear()
    waiting = [asyncio.create_task(world.knows()) for _ in range(20)]
    await asyncio.sleep(0)
    world.is_open.set()
    assert all(await asyncio.gather(*waiting))
    assert world.asked == 1


async def test_requests_with_a_new_key_wait_for_the_fetch_that_one_of_them_began() -> None:
    world = World()
    assert await world.knows()
    world.issuer.rotate()
    world.is_open.clear()
    waiting = [asyncio.create_task(world.knows()) for _ in range(20)]
    await asyncio.sleep(0)
    world.is_open.set()
    assert all(await asyncio.gather(*waiting))
    assert world.asked == 2


async def test_a_request_that_ends_leaves_the_fetch_to_the_next() -> None:
    world = World()
    world.is_open.clear()
    first, second = [asyncio.create_task(world.knows()) for _ in range(2)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    world.is_open.set()
    assert await second
    assert world.asked == 2


async def test_without_keys_nobody_can_tell_and_the_issuer_is_asked_again_after_a_pause() -> None:
    world = World()
    world.break_down()
    with pytest.raises(IdentityUnavailable) as caught:
        await world.knows()
    assert caught.value.retry_after_s == 10
    world.now = 9
    with pytest.raises(IdentityUnavailable) as caught:
        await world.knows()
    assert (caught.value.retry_after_s, world.asked) == (1, 1)
    world.fault, world.now = None, 10
    assert await world.knows()


async def test_known_keys_serve_for_a_day_while_the_issuer_is_down() -> None:
    world = World()
    assert await world.knows()
    world.break_down()
    world.now = FRESH_S
    assert await world.knows()
    assert await world.knows()
    assert world.asked == 2
    world.now = USABLE_S - 1
    assert await world.knows()
    world.now = USABLE_S
    with pytest.raises(IdentityUnavailable):
        await world.knows()


async def test_a_key_that_may_be_withdrawn_waits_for_the_fetch_that_tells() -> None:
    world = World()
    assert await world.knows()
    head = world.head
    world.issuer.rotate()
    world.is_open.clear()
    world.now = FRESH_S
    waiting = [asyncio.create_task(world.knows(head)) for _ in range(2)]
    await asyncio.sleep(0)
    world.is_open.set()
    assert await asyncio.gather(*waiting) == [False, False]


async def test_nobody_waits_for_an_issuer_that_hangs_but_the_one_who_asks_it_again() -> None:
    world = World()
    assert await world.knows()
    world.break_down()
    world.now = FRESH_S
    assert await world.knows()
    world.now += 60
    world.is_open.clear()
    asking = asyncio.create_task(world.knows())
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        assert await world.knows()
        with pytest.raises(IdentityUnavailable):
            await world.knows(Head("ES256", "made-up"))
    assert (world.asked, asking.done()) == (3, False)
    world.is_open.set()
    assert await asking


async def test_without_keys_too_only_one_waits_for_an_issuer_that_hangs() -> None:
    world = World()
    world.break_down()
    with pytest.raises(IdentityUnavailable):
        await world.knows()
    world.fault, world.now = None, 10
    world.is_open.clear()
    asking = asyncio.create_task(world.knows())
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(IdentityUnavailable) as caught:
            await world.knows()
    assert caught.value.retry_after_s == 1
    world.is_open.set()
    assert await asking
    assert await world.knows()


async def test_a_new_key_is_neither_right_nor_wrong_while_the_issuer_is_down() -> None:
    world = World()
    assert await world.knows()
    world.issuer.rotate()
    world.break_down()
    for _ in range(2):
        with pytest.raises(IdentityUnavailable) as caught:
            await world.knows()
        assert caught.value.retry_after_s == 60
    assert world.asked == 2
    world.fault, world.now = None, 60
    assert await world.knows()


async def test_the_log_says_once_why_there_are_no_keys_and_once_that_there_are_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    world.break_down()
    for world.now in (0, 20, 40):
        with pytest.raises(IdentityUnavailable):
            await world.knows()
    world.fault, world.now = None, 60
    assert await world.knows()
    why, again = [each.getMessage() for each in caplog.records]
    assert why == (
        "The keys of the issuer of tokens cannot be had: issuer.test does not answer. No token "
        "opens."
    )
    assert again == "The issuer of tokens answers again."
    world.break_down()
    world.now += FRESH_S
    assert await world.knows()
    assert caplog.records[-1].getMessage().endswith("The keys that it sent before serve.")


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"error": "x"}, "What it sent as its keys has no list of keys."),
        ({"keys": []}, "What it sent as its keys holds none that can check a signature."),
        ({"keys": [{"kty": "oct", "k": "AAAA"}]}, "What it sent as its keys holds none that"),
    ],
)
async def test_a_reply_without_keys_replaces_none_that_are_known(
    document: object, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    assert await world.knows()
    world.document, world.now = document, FRESH_S
    assert await world.knows()
    assert why in caplog.text
