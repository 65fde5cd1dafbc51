"""Attempts to use more than the limits allow, over the whole proxy, and what comes of them.

Each line of ATTEMPTS is a client that tries something. It says the settings, what is tried, and the
statuses that come of it. Attempts that need a hang-up or answers side by side have tests of their
own below.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import pytest

from proxy.access.clients import Client, Person
from proxy.access.grants import Grant, Limits
from proxy.app import Proxy, create_app
from proxy.settings import Settings
from tests.support.asgi import Answer, ask
from tests.support.keyed import GivenKeys, GivenRules
from tests.support.script import DONE, Round, delta_event, search_call
from tests.support.server import serving
from tests.support.upstreams import Upstreams
from tests.upstreams.raw_server import PATIENCE_S, Connection, chunk, chunked, raw_server

KEY: Final = "a-right-key-of-some-length"
HI: Final = {"messages": [{"role": "user", "content": "Hi"}]}
USUAL: Final = {"prompt_tokens": 60, "completion_tokens": 40, "total_tokens": 100}
IMAGE: Final = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9_000}}
SEARCHES: Final = Round(calls=(search_call("leave"),), finish_reason="tool_calls", usage=USUAL)
ANSWERS: Final = Round("It is 27.", usage=USUAL)


def settings(**limits: Any) -> Settings:
    return Settings(
        lighton_api_key="k",
        scaleway_api_key="k",
        scaleway_base_url="http://model.test/v1",
        **limits,
    )


def says(body: Mapping[str, Any]) -> Round:
    """A model that searches where it may, once, and then answers. Each round costs 100 tokens."""
    has_searched = any(each["role"] == "tool" for each in body["messages"])
    return ANSWERS if has_searched or not body.get("tools") else SEARCHES


def app_with(**limits: Any) -> Proxy:
    return create_app(settings(**limits), Upstreams(says).transport())


@dataclass(frozen=True)
class Attempt:
    """Requests one after the other, and their statuses."""

    what: str
    limits: dict[str, Any]
    statuses: list[int]
    body: dict[str, Any] = field(default_factory=dict)
    """What differs from a plain request, for all of them."""
    path: str = "/v1/chat/completions"
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    method: str = "POST"
    code: str = "rate_limit_exceeded"


RATE = {"requests_per_minute": 2}
OFF = {"lighton": {"retrieval": "off"}}

ATTEMPTS = [
    Attempt("one request too many", RATE, [200, 200, 429]),
    Attempt("the same as streams", RATE, [200, 200, 429], {"stream": True}),
    Attempt("a request without answer", RATE, [400, 400, 429], {"messages": []}),
    Attempt("a request that is no JSON", RATE, [400, 400, 429], content=b"{"),
    Attempt(
        "another spelling of the path", RATE, [200, 200, 429], path="//v1/v1/chat/completions/"
    ),
    Attempt("a path without its version", RATE, [200, 200, 429], path="/chat/completions"),
    Attempt("a name of one's own in `user`", RATE, [200, 200, 429], {"user": "somebody else"}),
    Attempt("an unknown model", RATE, [200, 200, 429], {"model": "qwen"}),
    Attempt("an id of a retried request", RATE, [200, 200, 429], headers={"x-request-id": "same"}),
    Attempt(
        "the header by which SDKs say that they retry",
        RATE,
        [200, 200, 429],
        headers={"x-stainless-retry-count": "2", "x-should-retry": "true"},
    ),
    Attempt(
        "the limit's own headers",
        RATE,
        [200, 200, 429],
        headers={"x-ratelimit-limit-requests": "9"},
    ),
    Attempt("the list of models is free", RATE, [200] * 4, path="/v1/models", method="GET"),
    Attempt(
        "one's own usage is no answer, but a request",
        RATE,
        [404, 404, 429],
        path="/v1/usage",
        method="GET",
    ),
    Attempt(
        "one's own usage takes no tokens",
        {"daily_tokens": 1, "max_concurrent_answers": 1},
        [404] * 4,
        path="/v1/usage",
        method="GET",
    ),
    Attempt("health is free", RATE, [200] * 4, path="/health", method="GET"),
    Attempt(
        "tokens by one answer after another", {"tokens_per_minute": 250}, [200] * 3 + [429], OFF
    ),
    Attempt("tokens of hidden rounds", {"tokens_per_minute": 250}, [200, 200, 429]),
    Attempt("the same as streams", {"tokens_per_minute": 250}, [200, 200, 429], {"stream": True}),
    Attempt(
        "a huge max_tokens",
        {"tokens_per_minute": 250},
        [429],
        {"max_tokens": 10**9},
        code="request_exceeds_limit",
    ),
    Attempt(
        "a huge max_completion_tokens",
        {"daily_tokens": 250},
        [429],
        {"max_completion_tokens": 10**18},
        code="insufficient_quota",
    ),
    Attempt(
        "max_tokens below 0", {"tokens_per_minute": 90}, [200, 429], {"max_tokens": -(10**9), **OFF}
    ),
    Attempt(
        "a long prompt",
        {"tokens_per_minute": 250},
        [429],
        {"messages": [{"role": "user", "content": "x" * 2_000}]},
        code="request_exceeds_limit",
    ),
    Attempt(
        "an image",
        {"tokens_per_minute": 900},
        [429],
        {"messages": [{"role": "user", "content": [IMAGE]}]},
        code="request_exceeds_limit",
    ),
    Attempt(
        "an image is not its characters",
        {"tokens_per_minute": 1_100},
        [200],
        {"messages": [{"role": "user", "content": [IMAGE]}], "max_tokens": 9, **OFF},
    ),
    Attempt(
        "a day's tokens", {"daily_tokens": 250}, [200, 200, 429, 429], code="insufficient_quota"
    ),
    Attempt("a month's tokens", {"monthly_tokens": 150}, [200, 429], code="insufficient_quota"),
    Attempt("refused requests use no tokens", {"daily_tokens": 50}, [400] * 9, {"messages": []}),
    Attempt("places come free again", {"max_concurrent_answers": 1}, [200] * 5, {"stream": True}),
]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.what)
async def test_an_attempt_to_use_more(attempt: Attempt) -> None:
    app = app_with(**attempt.limits)
    for status in attempt.statuses:
        answer = await ask(
            app,
            attempt.path,
            {**HI, **attempt.body},
            headers=attempt.headers,
            content=attempt.content,
            method=attempt.method,
        )
        assert answer.status == status, answer.body
        if status == 429:
            assert answer.json()["error"]["code"] == attempt.code
            assert answer.json()["error"]["message"].startswith("All clients together")


async def test_the_headers_of_a_stream_tell_what_is_left() -> None:
    app = app_with(requests_per_minute=2, tokens_per_minute=10_000)
    answer = await ask(app, document={**HI, "stream": True})
    assert answer.headers["x-ratelimit-remaining-requests"] == "1"
    assert int(answer.headers["x-ratelimit-remaining-tokens"]) < 9_000
    assert answer.headers["x-ratelimit-reset-tokens"] == "1m0s"


async def test_pages_may_read_the_headers_of_limits() -> None:
    app = app_with(requests_per_minute=1, api_keys=[KEY])
    headers = {"origin": "https://chat.example.com", "authorization": f"Bearer {KEY}"}
    answers = [await ask(app, document=HI, headers=headers) for _ in range(2)]
    assert [each.status for each in answers] == [200, 429]
    for answer in answers:
        exposed = answer.headers["access-control-expose-headers"]
        assert "server-timing" in exposed
        for name in ("retry-after", "x-ratelimit-limit-requests", "x-ratelimit-reset-tokens"):
            assert name in exposed


async def try_keys(app: Proxy, count: int, key: str = "a-wrong-key") -> list[Answer]:
    headers = {"authorization": f"Bearer {key}"}
    return [await ask(app, document=HI, headers=headers) for _ in range(count)]


async def test_wrong_keys_are_slowed_and_a_right_one_from_there_still_opens() -> None:
    app = app_with(api_keys=[KEY], requests_per_minute=100)
    answers = await try_keys(app, 12)
    assert [each.status for each in answers] == [401] * 10 + [429] * 2
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].headers["x-should-retry"] == "false"
    (right,) = await try_keys(app, 1, KEY)
    assert right.status == 200
    assert right.headers["x-ratelimit-remaining-requests"] == "99"  # wrong keys use nothing


async def test_requests_without_a_key_are_no_tries_of_one() -> None:
    app = app_with(api_keys=[KEY])
    assert {(await ask(app, document=HI)).status for _ in range(15)} == {401}


# People behind one key


def person(name: str, groups: tuple[str, ...] = (), **limits: int) -> Client:
    """Somebody behind the key `front`, whose limits are those of a rule."""
    rules = Grant(limits=Limits(**limits))
    return Client("front", "k1", OF_KEY, Person(name, frozenset(groups)), rules)


OF_KEY = Grant(limits=Limits(requests_per_minute=6))
ANN, BOB = (person(name, requests_per_minute=2) for name in ("ann", "bob"))


@dataclass(frozen=True)
class OfPeople:
    """Requests of people one after the other, and their statuses."""

    what: str
    who: list[Client]
    statuses: list[int]
    refused: str = "You may"
    """How the last refusal begins."""
    body: dict[str, Any] = field(default_factory=dict)


OF_PEOPLE = [
    OfPeople("one request too many", [ANN] * 3, [200, 200, 429]),
    OfPeople("another person", [ANN] * 3 + [BOB] * 3, [200, 200, 429] * 2),
    OfPeople(
        "one person after another",
        [person(f"p{n}", requests_per_minute=2) for n in range(8)],
        [200] * 6 + [429] * 2,
        "This key may",
    ),
    OfPeople(
        "another group and other rules of the same person",
        [ANN, person("ann", ("hr",), requests_per_minute=2), person("ann", requests_per_minute=2)],
        [200, 200, 429],
    ),
    OfPeople(
        "a person's day",
        [person("ann", daily_tokens=250)] * 3 + [person("bob", daily_tokens=250)],
        [200, 200, 429, 200],
    ),
    OfPeople("a person's month", [person("ann", monthly_tokens=150)] * 2, [200, 429]),
    OfPeople(
        "a huge max_tokens",
        [person("ann", tokens_per_minute=250)],
        [429],
        body={"max_tokens": 10**9},
    ),
    OfPeople(
        "a day's tokens, and no person",
        [person("ann", daily_tokens=150)] * 2 + [Client("front", "k1", OF_KEY)],
        [200, 429, 200],
    ),
    OfPeople(
        "a name that reads alike", [ANN, ANN, person("Ann", requests_per_minute=2)], [200] * 3
    ),
]


@pytest.mark.parametrize("attempt", OF_PEOPLE, ids=lambda attempt: attempt.what)
async def test_an_attempt_of_people_to_use_more(attempt: OfPeople) -> None:
    names = [str(number) for number in range(len(attempt.who))]
    keys = GivenKeys(dict.fromkeys(names, Grant()))
    for name, client in zip(names, attempt.who, strict=True):
        keys.change(name, client)
    app = create_app(settings(), Upstreams(says).transport(), keys=keys, rules=GivenRules())
    answers = [
        await ask(app, document={**HI, **attempt.body}, headers={"authorization": f"Bearer {name}"})
        for name in names
    ]
    assert [each.status for each in answers] == attempt.statuses
    refused = [each.json()["error"]["message"] for each in answers if each.status == 429]
    if refused:
        assert refused[-1].startswith(attempt.refused)


# Hang-ups, broken streams and answers side by side, over sockets


class Model:
    """A model that says one word of each stream, and then waits to be told how it ends."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[Connection] = asyncio.Queue()
        self.ends = asyncio.Event()
        self.last = chunk(delta_event({}, "stop") + DONE) + chunk(b"")

    async def __call__(self, connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(delta_event({"role": "assistant", "content": "x" * 400})))
        self.asked.put_nowait(connection)
        await self.ends.wait()
        await connection.send(self.last)


@dataclass
class Site:
    """A proxy on a socket, before such a model."""

    url: str
    model: Model
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def open(self) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
        """Begin a stream; its status, and the connection, which stays open."""
        host, port = self.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        self.writers.append(writer)
        content = orjson.dumps({**HI, **OFF, "stream": True})
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
        )
        writer.write(head % len(content) + content)
        line = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)
        return int(line.split()[1]), reader, writer


@asynccontextmanager
async def site_with(**limits: Any) -> AsyncIterator[Site]:
    model = Model()
    async with raw_server(model) as server:
        chosen = settings(**limits).model_copy(update={"scaleway_base_url": server.url})
        async with serving(create_app(chosen.model_copy(update={"keep_warm_s": 0}))) as url:
            site = Site(url, model)
            try:
                yield site
            finally:
                for writer in site.writers:
                    writer.close()


async def test_streams_at_once_are_as_many_as_there_are_places() -> None:
    async with site_with(max_concurrent_answers=3) as site:
        opened = await asyncio.gather(*(site.open() for _ in range(8)))
        assert sorted(status for status, _, _ in opened) == [200] * 3 + [429] * 5
        site.model.ends.set()
        for status, reader, writer in opened:
            if status == 200:
                await asyncio.wait_for(reader.readuntil(b"[DONE]"), PATIENCE_S)
                writer.transport.abort()
        status, _, writer = await site.open()
        writer.transport.abort()
        assert status == 200


async def test_a_client_that_reads_the_end_finds_its_place_free_at_once() -> None:
    async with site_with(max_concurrent_answers=1) as site:
        site.model.ends.set()
        for _ in range(20):
            status, reader, writer = await site.open()
            assert status == 200
            await asyncio.wait_for(reader.readuntil(b"[DONE]"), PATIENCE_S)
            writer.transport.abort()


async def test_a_hang_up_counts_what_was_said() -> None:
    async with site_with(daily_tokens=200) as site:
        status, reader, writer = await site.open()
        assert status == 200
        await asyncio.wait_for(reader.readuntil(b"xxxx"), PATIENCE_S)
        connection = await asyncio.wait_for(site.model.asked.get(), PATIENCE_S)
        writer.transport.abort()
        await asyncio.wait_for(connection.gone(), PATIENCE_S)
        status, reader, _ = await site.open()
        assert status == 200  # what was reserved beyond the 400 characters said is free again
        status, reader, _ = await site.open()
        assert status == 429
        assert b"200 tokens a day" in await asyncio.wait_for(reader.readuntil(b"}}"), PATIENCE_S)


async def test_a_hang_up_gives_the_place_to_the_next() -> None:
    async with site_with(max_concurrent_answers=1) as site:
        _, _, writer = await site.open()
        connection = await asyncio.wait_for(site.model.asked.get(), PATIENCE_S)
        writer.transport.abort()
        await asyncio.wait_for(connection.gone(), PATIENCE_S)
        status, _, _ = await site.open()
        assert status == 200


async def test_a_stream_that_breaks_off_counts_what_was_said() -> None:
    async with site_with(daily_tokens=100) as site:
        site.model.last = b""
        site.model.ends.set()
        status, reader, _ = await site.open()
        assert status == 200
        await asyncio.wait_for(reader.readuntil(b"upstream_error"), PATIENCE_S)
        status, _, _ = await site.open()
        assert status == 429


async def test_a_stream_without_usage_counts_what_was_said() -> None:
    async with site_with(daily_tokens=100) as site:
        site.model.ends.set()
        status, reader, _ = await site.open()
        assert status == 200
        await asyncio.wait_for(reader.readuntil(b"[DONE]"), PATIENCE_S)
        status, _, _ = await site.open()
        assert status == 429
