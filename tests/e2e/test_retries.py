"""What is sent again and what clients are told, over real sockets, when upstreams fail a while.

The upstreams ask for waits of a millisecond, so no test waits for long.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import openai
import orjson
import pytest

from proxy.app import create_app
from proxy.settings import Settings
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.peers import refusing, stalling, unreachable
from tests.support.script import Round, event, result, search_call
from tests.support.server import serving
from tests.upstreams.raw_server import PATIENCE_S, Connection, chunked, raw_server, reply

SOON = "retry-after-ms: 1"
ASKED = [{"role": "user", "content": "How many days of leave?"}]
FOUND = reply(orjson.dumps({"results": [result("c1", "Leave is 27 days.")]}))
SEARCH = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
ANSWER = Round("It is 27 [1].")

Say = bytes | Callable[[Connection], bytes | None] | Round
"""A reply, what makes one or ends the connection, or a round in the way it was asked for."""


def refused(status: int = 429, *headers: str) -> bytes:
    return reply(b'{"detail": "Not now."}', *(headers or (SOON,)), status=f"{status} No")


def half_a_head(connection: Connection) -> None:
    connection._writer.write(b"HTTP/1.1 200 OK\r\ncontent-")
    connection.reset()


class Upstream:
    """Plays what is said to each request in turn, the last for ever. `came` has their bodies."""

    def __init__(self, *says: Say) -> None:
        self._says = list(says)
        self.came: list[Any] = []

    async def script(self, connection: Connection) -> None:
        while True:
            head, _, body = (await connection.request()).partition(b"\r\n\r\n")
            if head.startswith(b"GET"):
                await connection.send(reply(orjson.dumps({"data": []})))
                continue
            self.came.append(orjson.loads(body))
            say = self._says.pop(0) if len(self._says) > 1 else self._says[0]
            told = self._told(say, connection)
            if told is None:
                return
            await connection.send(told)

    def _told(self, say: Say, connection: Connection) -> bytes | None:
        if isinstance(say, Round):
            return _round(say, is_stream=self.came[-1].get("stream") is True)
        return say if isinstance(say, bytes) else say(connection)


def _round(one: Round, *, is_stream: bool) -> bytes:
    if is_stream:
        return chunked(one.stream()) + b"0\r\n\r\n"
    return reply(orjson.dumps(one.completion()), "content-type: application/json")


@asynccontextmanager
async def proxied(model: str, search: str, **more: Any) -> AsyncIterator[str]:
    settings = Settings(
        scaleway_base_url=f"{model}/v1",
        scaleway_api_key="a-key",
        lighton_base_url=search,
        lighton_api_key="a-key",
        keep_warm_s=0,
        **{"commit_after_s": PATIENCE_S, **more},
    )
    async with serving(create_app(settings)) as url:
        yield url


@asynccontextmanager
async def asking(
    model: Upstream, search: Upstream | None = None, **more: Any
) -> AsyncIterator[httpx.AsyncClient]:
    searching = Upstream(FOUND) if search is None else search
    async with (
        raw_server(model.script) as one,
        raw_server(searching.script) as two,
        proxied(one.url, two.url, **more) as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client,
    ):
        yield client


async def ask(client: httpx.AsyncClient, *, stream: bool) -> httpx.Response:
    body = {"messages": ASKED, "stream": stream}
    return await client.post("/v1/chat/completions", json=body)


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"].startswith("application/json"):
        return str(answer.json()["choices"][0]["message"]["content"])
    events = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert events[-1] == "[DONE]"
    chunks = [orjson.loads(each) for each in events[:-1]]
    deltas = (choice["delta"] for chunk in chunks for choice in chunk["choices"])
    return "".join(each.get("content") or "" for each in deltas)


BOTH = pytest.mark.parametrize("stream", [False, True])


@BOTH
@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_round_that_was_refused_once_is_an_answer(
    caplog: pytest.LogCaptureFixture, status: int, *, stream: bool
) -> None:
    caplog.set_level("INFO", "proxy.access")
    model = Upstream(refused(status), Round("Yes."))
    async with asking(model, retrieval="off") as client:
        assert text_of(await ask(client, stream=stream)) == "Yes."
    assert len(model.came) == 2
    assert model.came[0] == model.came[1]
    assert f"retries=1 retry_causes=status_{status}" in caplog.messages[-1]


@BOTH
async def test_three_refusals_are_an_error_that_sdks_do_not_repeat(
    caplog: pytest.LogCaptureFixture, *, stream: bool
) -> None:
    caplog.set_level("INFO", "proxy.access")
    model = Upstream(refused(503, "retry-after: 90", SOON))
    async with asking(model, retrieval="off", retry_after_max_s=20) as client:
        answer = await ask(client, stream=stream)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "false")
    assert answer.headers["retry-after"] == "1"
    assert len(model.came) == 3
    assert "retries=2 retry_causes=status_503 error=upstream_unavailable" in caplog.messages[-1]


@BOTH
async def test_a_wait_that_is_too_long_is_told_to_the_client_at_once(*, stream: bool) -> None:
    model = Upstream(refused(429, "retry-after: 90"))
    async with asking(model, retrieval="off", retry_after_max_s=20) as client:
        answer = await ask(client, stream=stream)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (429, "false")
    assert answer.headers["retry-after"] == "20"
    assert len(model.came) == 1


async def test_without_retries_of_ours_sdks_keep_theirs() -> None:
    model = Upstream(refused(503))
    async with asking(model, retrieval="off", model_retries=0) as client:
        answer = await ask(client, stream=False)
    assert "x-should-retry" not in answer.headers
    assert len(model.came) == 1


async def test_openais_sdk_does_not_multiply_the_retries() -> None:
    model = Upstream(refused(503))
    async with (
        raw_server(model.script) as one,
        proxied(one.url, refusing(), retrieval="off") as url,
        openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=4) as client,
    ):
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "Hi"}]
            )
    assert len(model.came) == 3


@BOTH
@pytest.mark.parametrize("instead", [Connection.reset, half_a_head])
async def test_what_broke_after_it_was_sent_is_not_sent_again(
    instead: Callable[[Connection], None], *, stream: bool
) -> None:
    model = Upstream(instead, Round("Yes."))
    async with asking(model, retrieval="off") as client:
        answer = await ask(client, stream=stream)
    assert (answer.status_code, len(model.came)) == (502, 1)
    assert "x-should-retry" not in answer.headers


@BOTH
@pytest.mark.parametrize("instead", [Connection.reset, half_a_head])
async def test_it_is_if_the_operator_says_so(
    instead: Callable[[Connection], None], *, stream: bool
) -> None:
    model = Upstream(instead, Round("Yes."))
    async with asking(model, retrieval="off", retry_unsure=True) as client:
        assert text_of(await ask(client, stream=stream)) == "Yes."
    assert len(model.came) == 2


@pytest.mark.parametrize(("unsure", "status", "asked"), [(False, 503, 1), (True, 200, 2)])
async def test_an_error_inside_a_reply_is_one_of_which_nobody_is_sure(
    *, unsure: bool, status: int, asked: int
) -> None:
    failed = chunked(event({"error": {"message": "Later.", "code": 503}})) + b"0\r\n\r\n"
    model = Upstream(failed, Round("Yes."))
    async with asking(model, retrieval="off", retry_unsure=unsure) as client:
        answer = await ask(client, stream=True)
    assert (answer.status_code, len(model.came)) == (status, asked)


async def test_a_stream_of_which_something_was_heard_is_never_asked_for_again() -> None:
    begun = chunked(Round("Half of").stream().partition(b'"finish_reason":"stop"')[0])

    def break_off(connection: Connection) -> None:
        connection._writer.write(begun)
        connection._writer.close()

    model = Upstream(break_off, Round("Yes."))
    async with asking(model, retrieval="off", retry_unsure=True) as client:
        answer = await ask(client, stream=True)
    assert "Half of" in answer.text
    assert "upstream_" in answer.text
    assert "[DONE]" not in answer.text
    assert len(model.came) == 1


async def test_a_slow_model_is_a_time_out_and_asked_once() -> None:
    with skipping_clock() as clock:
        async with (
            raw_server(stalling(clock)) as one,
            proxied(one.url, refusing(), retrieval="off", round_idle_s=LIMIT_S) as url,
            httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client,
        ):
            answer = await ask(client, stream=False)
    assert (answer.status_code, one.connections) == (504, 1)


async def test_a_connection_that_is_refused_is_tried_again() -> None:
    async with (
        proxied(refusing(), refusing(), retrieval="off") as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client,
    ):
        answer = await ask(client, stream=False)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (502, "false")


async def test_a_connection_that_is_not_made_in_time_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "proxy.access")
    with unreachable() as model:
        async with (
            proxied(
                model, refusing(), retrieval="off", connect_timeout_s=LIMIT_S, model_retries=1
            ) as url,
            httpx.AsyncClient(base_url=url, timeout=10 * PATIENCE_S) as client,
        ):
            answer = await ask(client, stream=False)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (504, "false")
    assert "retries=1 retry_causes=connect_timeout" in caplog.messages[-1]


async def test_a_list_of_models_that_was_refused_once_is_a_list() -> None:
    listed = reply(orjson.dumps({"data": [{"id": "llama"}]}))
    answers = iter([refused(503), listed])

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(next(answers))

    async with (
        raw_server(script) as one,
        proxied(one.url, refusing()) as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client,
    ):
        models = (await client.get("/v1/models")).json()["data"]
    assert [each["id"] for each in models] == ["llama"]


# Searches


@BOTH
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_search_that_was_refused_once_still_grounds_the_answer(
    status: int, *, stream: bool
) -> None:
    model, search = Upstream(ANSWER), Upstream(refused(status), FOUND)
    async with asking(model, search, retrieval="context") as client:
        answer = await ask(client, stream=stream)
    assert "It is 27 [1]." in text_of(answer)
    assert len(search.came) == 2
    assert search.came[0] == search.came[1]
    assert '"retries":1' in answer.text
    assert "Leave is 27 days." in orjson.dumps(model.came[-1]).decode()


@BOTH
async def test_a_search_that_stays_refused_is_told_of_after_three(*, stream: bool) -> None:
    model, search = Upstream(ANSWER), Upstream(refused(503))
    async with asking(model, search, retrieval="context") as client:
        answer = await ask(client, stream=stream)
    assert len(search.came) == 3
    assert "LightOn is unavailable" in answer.text


async def test_a_search_that_ends_the_answer_is_not_repeated_by_sdks() -> None:
    model, search = Upstream(ANSWER), Upstream(refused(429))
    async with asking(model, search, retrieval="context", on_search_error="fail") as client:
        answer = await ask(client, stream=False)
    assert (answer.status_code, answer.headers["x-should-retry"]) == (429, "false")
    assert len(search.came) == 3


async def test_a_search_has_no_retry_after_the_answers_budget() -> None:
    model, search = Upstream(ANSWER), Upstream(refused(429, "retry-after: 50"))
    async with asking(model, search, retrieval="context", budget_s=40) as client:
        answer = await ask(client, stream=False)
    assert "It is 27" in text_of(answer)
    assert "quota is used up" in answer.json()["lighton"]["searches"][0]["error"]
    assert len(search.came) == 1


@BOTH
async def test_work_that_was_paid_for_outlives_a_refusal_of_a_later_round(*, stream: bool) -> None:
    model, search = Upstream(SEARCH, refused(429), ANSWER), Upstream(FOUND)
    async with asking(model, search, retrieval="tool") as client:
        answer = await ask(client, stream=stream)
    assert "It is 27 [1]." in text_of(answer)
    assert (len(model.came), len(search.came)) == (3, 1)
    assert '"retries":1' in answer.text


# A client that goes


class Waiting(logging.Handler):
    """Sets an event once the log has a line with these words."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self.came = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self._words in record.getMessage():
            self.came.set()


@BOTH
async def test_a_client_that_goes_ends_the_wait(
    caplog: pytest.LogCaptureFixture, *, stream: bool
) -> None:
    caplog.set_level("INFO", "proxy.access")
    has_come, gone = asyncio.Event(), Waiting("client=gone")

    def refuse(_connection: Connection) -> bytes:
        has_come.set()
        return refused(429, "retry-after: 50")

    model = Upstream(refuse)
    logging.getLogger("proxy.access").addHandler(gone)
    try:
        async with asking(model, retrieval="off") as client:
            asked = asyncio.ensure_future(ask(client, stream=stream))
            await asyncio.wait_for(has_come.wait(), PATIENCE_S)
            asked.cancel()
            await asyncio.wait_for(gone.came.wait(), PATIENCE_S)
    finally:
        logging.getLogger("proxy.access").removeHandler(gone)
    assert len(model.came) == 1
