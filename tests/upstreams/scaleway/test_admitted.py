"""Which models answer: by the list, or asked once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest
import respx

from proxy.errors import (
    BadCredentials,
    ModelNotFound,
    Overloaded,
    ProxyError,
    RateLimited,
    UpstreamError,
    UpstreamRejected,
)
from proxy.upstreams.scaleway.client import Scaleway
from tests.support.clock import skipping_clock
from tests.upstreams.raw_server import PATIENCE_S
from tests.upstreams.scaleway.samples import BASE_URL, scaleway

TTL_S = 60
GONE = "mistral-nemo-instruct-2407"
SAID = {"model": "successor", "choices": [{"index": 0, "message": {"content": "Hi"}}]}


@pytest.fixture
def listing(router: respx.MockRouter) -> respx.Route:
    return router.get(f"{BASE_URL}/models").respond(json={"data": [{"id": "listed"}]})


@pytest.fixture
def chat(router: respx.MockRouter) -> respx.Route:
    return router.post(f"{BASE_URL}/chat/completions").respond(json=SAID)


@pytest.fixture
def upstream(router: respx.MockRouter, listing: respx.Route, chat: respx.Route) -> Scaleway:
    assert not listing.called
    assert not chat.called
    return scaleway(httpx.MockTransport(router.async_handler))


def refused(status: int = 404, message: str = "no such model") -> httpx.Response:
    return httpx.Response(status, json={"message": message})


async def test_a_listed_model_is_not_asked(
    upstream: Scaleway, listing: respx.Route, chat: respx.Route
) -> None:
    for _ in range(3):
        await upstream.require("listed")
    assert (listing.call_count, chat.call_count) == (1, 0)


async def test_another_is_asked_once_with_one_token_and_nothing_of_the_clients(
    upstream: Scaleway, chat: respx.Route
) -> None:
    for _ in range(3):
        await upstream.require(GONE)
    (call,) = chat.calls
    assert orjson.loads(call.request.content) == {
        "model": GONE,
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 1,
    }


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(404), ModelNotFound),
        (refused(422), ModelNotFound),
        (refused(400, "no chat model"), UpstreamRejected),
    ],
)
async def test_a_refusal_is_remembered_with_what_the_upstream_said(
    upstream: Scaleway, chat: respx.Route, answer: httpx.Response, kind: type[ProxyError]
) -> None:
    chat.return_value = answer
    errors = []
    for _ in range(3):
        with pytest.raises(kind) as caught:
            await upstream.require("gpt-4o")
        errors.append(caught.value)
    assert chat.call_count == 1
    assert len({(str(each), each.status, each.param) for each in errors}) == 1
    assert len({id(each) for each in errors}) == 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(429), RateLimited),
        (refused(503), Overloaded),
        (refused(401), BadCredentials),
        (httpx.Response(200, json={"error": {"message": "down", "code": 500}}), UpstreamError),
    ],
)
async def test_a_failure_is_no_refusal_and_the_model_is_asked_again(
    upstream: Scaleway, chat: respx.Route, answer: httpx.Response, kind: type[ProxyError]
) -> None:
    chat.side_effect = [answer, httpx.Response(200, json=SAID)]
    with pytest.raises(kind):
        await upstream.require(GONE)
    await upstream.require(GONE)
    assert chat.call_count == 2


@pytest.mark.parametrize("answer", [httpx.Response(200, json=SAID), refused()])
async def test_what_is_remembered_is_asked_again_when_its_time_is_over(
    upstream: Scaleway, chat: respx.Route, answer: httpx.Response
) -> None:
    chat.return_value = answer
    with skipping_clock() as clock:
        for wait_s, asked in ((0, 1), (TTL_S - 1, 1), (2, 2), (1, 2)):
            clock.skip(wait_s)
            await asyncio.gather(upstream.require(GONE), return_exceptions=True)
            assert chat.call_count == asked


async def test_without_a_list_the_model_is_asked(
    upstream: Scaleway, listing: respx.Route, chat: respx.Route
) -> None:
    listing.respond(503)
    for _ in range(3):
        await upstream.require("listed")
    assert chat.call_count == 1


async def test_a_list_that_does_not_come_is_not_waited_for(
    upstream: Scaleway, listing: respx.Route, chat: respx.Route
) -> None:
    ended = asyncio.Event()
    with skipping_clock() as clock:

        async def hang(_: httpx.Request) -> httpx.Response:
            asyncio.get_running_loop().call_soon(clock.skip, 3)
            try:
                return await asyncio.Future()
            finally:
                ended.set()

        listing.side_effect = hang
        await asyncio.wait_for(upstream.require("listed"), PATIENCE_S)
    assert ended.is_set()
    assert chat.call_count == 1


class Held:
    """A model that answers when it is let."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = iter(answers)
        self.asked = asyncio.Queue[asyncio.Event]()

    async def __call__(self, _: httpx.Request) -> httpx.Response:
        gate = asyncio.Event()
        self.asked.put_nowait(gate)
        await gate.wait()
        return next(self.answers)


def waiting(upstream: Scaleway, number: int) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(upstream.require(GONE)) for _ in range(number)]


@pytest.mark.parametrize("answer", [httpx.Response(200, json=SAID), refused(), refused(503)])
async def test_all_who_wait_share_one_question_and_its_answer(
    upstream: Scaleway, chat: respx.Route, answer: httpx.Response
) -> None:
    held = Held(answer)
    chat.side_effect = held
    tasks = waiting(upstream, 5)
    gate = await asyncio.wait_for(held.asked.get(), PATIENCE_S)
    gate.set()
    results: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
    assert len({str(each) for each in results}) == 1
    assert held.asked.empty()


async def test_if_the_one_who_asks_goes_another_asks(upstream: Scaleway, chat: respx.Route) -> None:
    held = Held(httpx.Response(200, json=SAID))
    chat.side_effect = held
    first, *others = waiting(upstream, 3)
    await asyncio.wait_for(held.asked.get(), PATIENCE_S)
    first.cancel()
    gate = await asyncio.wait_for(held.asked.get(), PATIENCE_S)
    gate.set()
    await asyncio.wait_for(asyncio.gather(*others), PATIENCE_S)
    assert first.cancelled()
    assert held.asked.empty()


async def test_what_is_remembered_is_bounded_and_the_oldest_goes_first(
    upstream: Scaleway, chat: respx.Route
) -> None:
    for number in range(1001):
        await upstream.require(f"model-{number}")
    await upstream.require("model-1")
    assert chat.call_count == 1001
    await upstream.require("model-0")
    assert chat.call_count == 1002


async def test_a_very_long_id_is_not_remembered(upstream: Scaleway, chat: respx.Route) -> None:
    for _ in range(2):
        await upstream.require("m" * 501)
    assert chat.call_count == 2
