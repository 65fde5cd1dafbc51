"""Requests that are passed on, with the upstream substituted at the transport."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from openai.types import CreateEmbeddingResponse
from starlette.types import Message, Receive, Scope, Send

from proxy.access.grants import Grant, Limits
from proxy.app import Proxy, create_app
from proxy.core.inflight import InFlight
from proxy.core.passed import Passed
from proxy.settings import Settings
from proxy.settings.model_names import ModelNames
from proxy.surfaces.middleware import Requests
from proxy.surfaces.passthrough import EMBEDDINGS, Passthrough
from proxy.upstreams.lighton.wish import WISHES
from tests.support.asgi import Answer, Headers, ask
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.keyed import GivenKeys
from tests.support.openai_schema import check_error

EMBED = {"model": "embedder", "input": ["one", "two"]}
RANK = {"model": "embedder", "query": "one", "documents": ["one", "two"], "top_n": 1}
PATIENCE_S = 60
CHAT = {"model": "embedder", "messages": [{"role": "user", "content": "Hello"}]}
VECTORS: dict[str, Any] = {
    "object": "list",
    "model": "embedder-v2",
    "data": [
        {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]},
        {"object": "embedding", "index": 1, "embedding": [0.0, 1.0]},
    ],
    "usage": {"prompt_tokens": 7, "total_tokens": 7},
}
RANKED = {
    "id": "rerank-1",
    "model": "embedder-v2",
    "usage": {"total_tokens": 9},
    "results": [{"index": 1, "document": {"text": "two"}, "relevance_score": 0.6}],
}
BOTH = pytest.mark.parametrize(
    ("path", "document", "reply"),
    [("/v1/embeddings", EMBED, VECTORS), ("/v1/rerank", RANK, RANKED)],
)


class Scaleway:
    """Answers what it is told to, one reply after the other; the last one again and again."""

    def __init__(self, *replies: Any) -> None:
        self._replies = list(replies)
        self.asked: list[tuple[str, Any]] = []
        self.gate: asyncio.Event | None = None
        self.hung_up = asyncio.Event()
        self.began = asyncio.Event()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "embedder"}]})
        self.asked.append((request.url.path, orjson.loads(request.content)))
        if self.gate is not None:
            self.began.set()
            try:
                await self.gate.wait()
            finally:
                self.hung_up.set()
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)


def app_of(upstream: Scaleway, grants: Mapping[str, Grant] | None = None, **more: Any) -> Proxy:
    settings = {
        "lighton_base_url": "https://lighton.test",
        "lighton_api_key": "lighton-secret",
        "scaleway_base_url": "https://scaleway.test/v1",
        "scaleway_api_key": "scaleway-secret",
        "profiles": {"hr": {"model": "llama"}},
        "model_retries": 0,
        **more,
    }
    keys = None if grants is None else GivenKeys(grants)
    return create_app(Settings(**settings), httpx.MockTransport(upstream.answer), keys=keys)


async def play(
    upstream: Scaleway,
    document: Any = EMBED,
    path: str = "/v1/embeddings",
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Answer:
    return await ask(app_of(upstream, **more), path, document, headers=headers)


def error(answer: Answer) -> dict[str, Any]:
    check_error(answer.json())
    found: dict[str, Any] = answer.json()["error"]
    return found


@BOTH
async def test_a_request_and_its_reply_pass_as_they_are(
    path: str, document: Any, reply: Any
) -> None:
    upstream = Scaleway(reply)
    answer = await play(upstream, document, path)
    assert (answer.status, answer.json()) == (200, reply)
    assert answer.headers["content-type"] == "application/json"
    assert re.fullmatch(
        r"queue;dur=0, search;dur=0, total;dur=\d+", answer.headers["server-timing"]
    )
    assert upstream.asked == [(path, document)]


async def test_the_bytes_of_base64_are_those_of_the_upstream() -> None:
    data = [{**each, "embedding": "AAAAPw=="} for each in VECTORS["data"]]
    content = orjson.dumps({**VECTORS, "data": data}, option=orjson.OPT_INDENT_2)
    upstream = Scaleway(httpx.Response(200, content=content))
    answer = await play(upstream, {**EMBED, "encoding_format": "base64"})
    assert answer.body == content
    assert upstream.asked[0][1]["encoding_format"] == "base64"


async def test_a_reply_has_the_form_of_openais_whatever_the_upstream_left_out() -> None:
    bare = {"data": [{"embedding": [1.0]}, {"embedding": [2.0]}], "usage": None}
    body = (await play(Scaleway(bare))).json()
    reply = CreateEmbeddingResponse.model_validate(body, strict=True)
    assert [each.index for each in reply.data] == [0, 1]
    assert (reply.model, reply.usage.total_tokens) == ("embedder", 0)


async def test_what_scaleway_does_not_support_is_left_out() -> None:
    upstream = Scaleway(VECTORS)
    await play(upstream, {**EMBED, "user": "kim"})
    assert upstream.asked[0][1] == EMBED


@BOTH
async def test_documents_are_passed_on_though_chats_may_bring_none(
    path: str, document: Any, reply: Any
) -> None:
    """`refused_params` is about prompts, and here is none."""
    more = {"truncate_prompt_tokens": 5}
    upstream = Scaleway(reply)
    assert (await play(upstream, {**document, **more}, path)).status == 200
    assert upstream.asked[0][1] == {**document, **more}


@pytest.mark.parametrize(
    ("path", "document", "param"),
    [
        ("/v1/embeddings", {"input": "one"}, "model"),
        ("/v1/embeddings", {"model": "", "input": "one"}, "model"),
        ("/v1/embeddings", {"model": None, "input": "one"}, "model"),
        ("/v1/embeddings", {"model": 7, "input": "one"}, "model"),
        ("/v1/embeddings", {"model": "m" * 300, "input": "one"}, "model"),
        ("/v1/embeddings", {"model": "embedder"}, "input"),
        ("/v1/embeddings", {"model": "embedder", "input": 7}, "input"),
        ("/v1/embeddings", [], None),
        ("/v1/embeddings", {str(n): n for n in range(2_000)}, None),
        ("/v1/rerank", {"model": "embedder", "documents": []}, "query"),
        ("/v1/rerank", {"model": "embedder", "query": ["a"], "documents": []}, "query"),
        ("/v1/rerank", {"model": "embedder", "query": "one"}, "documents"),
        ("/v1/rerank", {"model": "embedder", "query": "a", "documents": "b"}, "documents"),
    ],
)
async def test_what_is_missing_or_wrong_is_named(path: str, document: Any, param: Any) -> None:
    upstream = Scaleway(VECTORS)
    answer = await play(upstream, document, path)
    assert (answer.status, error(answer)["param"]) == (400, param)
    assert not upstream.asked


@pytest.mark.parametrize(
    ("path", "document", "said"),
    [
        ("/v1/embeddings", {"model": "embedder", "input": None}, "'input' is required."),
        ("/v1/embeddings", {"model": "embedder", "input": ""}, "'input' must not be empty."),
        ("/v1/rerank", {"model": "embedder", "query": ""}, "'query' must not be empty."),
    ],
)
async def test_what_is_empty_is_not_called_missing(path: str, document: Any, said: str) -> None:
    assert error(await play(Scaleway(VECTORS), document, path))["message"] == said


@BOTH
@pytest.mark.parametrize(
    "wish",
    [
        {"lighton": {"workspace_id": [1]}},
        {"lighton": None},
        {"lightonn": {}},
        {"workspace_id": [1]},
        {"extra_body": {"lighton": {}}},
        {"tool_choice": "none"},
        {"Model": "hr"},
    ],
)
async def test_what_asks_to_narrow_a_search_is_refused(
    path: str, document: Any, reply: Any, wish: dict[str, Any]
) -> None:
    upstream = Scaleway(reply)
    answer = await play(upstream, {**document, **wish}, path)
    assert (answer.status, error(answer)["param"]) == (400, next(iter(wish)))
    assert "searches nothing" in error(answer)["message"]
    assert not upstream.asked


@BOTH
@pytest.mark.parametrize(
    "headers",
    [
        {"x-lighton-workspace-id": "1"},
        {"x-lighton-retrieval": "off"},
        {"x-lighton-workspace": "1"},
        Headers({"x-lighton-retrieval": "off"}, [(b"x-lighton-retrieval", b"tool")]),
    ],
)
async def test_headers_that_ask_to_narrow_a_search_are_refused(
    path: str, document: Any, reply: Any, headers: Mapping[str, str]
) -> None:
    upstream = Scaleway(reply)
    answer = await play(upstream, document, path, headers)
    assert answer.status == 400
    assert error(answer)["param"].lower() == next(iter(headers))
    assert not upstream.asked


async def test_an_address_that_asks_to_narrow_a_search_is_refused() -> None:
    upstream = Scaleway(VECTORS)
    assert (await play(upstream, path="/v1/embeddings?workspace_id=1")).status == 400
    assert not upstream.asked


# Models


async def test_a_profile_is_no_model_that_embeds() -> None:
    upstream = Scaleway(VECTORS)
    answer = await play(upstream, {**EMBED, "model": "hr"})
    assert (answer.status, error(answer)["code"]) == (404, "model_not_found")
    assert "profile" in error(answer)["message"]
    assert not upstream.asked


@pytest.mark.parametrize(
    ("grant", "status"),
    [
        (Grant(), 200),
        (Grant(models=frozenset({"embedder"})), 200),
        (Grant(models=frozenset({"llama"})), 404),
        (Grant(models=frozenset()), 404),
        (Grant(workspaces=frozenset(), retrieval=frozenset({"tool"})), 200),
    ],
)
async def test_a_key_embeds_with_the_models_that_it_may_use(grant: Grant, status: int) -> None:
    upstream = Scaleway(VECTORS)
    app = app_of(upstream, {"a": grant})
    answer = await ask(app, "/v1/embeddings", EMBED, headers={"authorization": "Bearer a"})
    assert answer.status == status
    assert len(upstream.asked) == (status == 200)


async def test_a_model_that_the_upstream_does_not_have_is_not_found() -> None:
    refusal = {"status": 422, "error": "MODEL NOT FOUND", "message": "The model x does not exist."}
    upstream = Scaleway(httpx.Response(422, json=refusal))
    answer = await play(upstream, {**EMBED, "model": "x"})
    assert (answer.status, error(answer)["code"]) == (404, "model_not_found")


# Failures


@BOTH
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, (400, "upstream_rejected")),
        (403, (502, "upstream_credentials")),
        (429, (429, "rate_limit_exceeded")),
        (500, (502, "upstream_error")),
        (503, (503, "upstream_unavailable")),
        (504, (504, "upstream_timeout")),
    ],
)
async def test_errors_of_the_upstream_are_told_as_those_of_answers(
    path: str, document: Any, reply: Any, status: int, expected: tuple[int, str]
) -> None:
    fault = {"error": {"message": "Because.", "type": "x", "param": None, "code": None}}
    answer = await play(Scaleway(httpx.Response(status, json=fault), reply), document, path)
    assert (answer.status, error(answer)["code"]) == expected


async def test_a_request_that_was_refused_for_the_moment_is_sent_again() -> None:
    upstream = Scaleway(httpx.Response(503, headers={"retry-after": "0"}), VECTORS)
    answer = await play(upstream, model_retries=1)
    assert (answer.status, len(upstream.asked)) == (200, 2)


@BOTH
@pytest.mark.parametrize(
    "reply_of",
    [
        lambda _: httpx.Response(200, content=b"<html>"),
        lambda _: httpx.Response(200, content=b'{"data": [NaN]}'),
        lambda _: [],
        lambda _: {},
        lambda reply: {**reply, "data": None, "results": None},
        lambda reply: {**reply, "data": [], "results": [7]},
        lambda reply: {**reply, "data": [7, 7], "results": [{"index": 2, "relevance_score": 1}]},
        lambda reply: {**reply, "data": [{}, {}], "results": [{"relevance_score": 1}]},
        lambda reply: {**reply, "data": [{"embedding": ["a"]}] * 2, "results": [{"index": 0}]},
        lambda reply: {**reply, "data": [{"embedding": "AAAA"}] * 2, "results": {}},
    ],
)
async def test_a_reply_that_cannot_be_read_is_an_error(
    path: str, document: Any, reply: Any, reply_of: Callable[[Any], Any]
) -> None:
    answer = await play(Scaleway(reply_of(reply)), document, path)
    assert (answer.status, error(answer)["code"]) == (502, "upstream_bad_reply")


async def test_an_error_in_a_reply_with_status_200_is_an_error() -> None:
    told = {"object": "error", "message": "Out of memory.", "code": 503}
    answer = await play(Scaleway(told))
    assert (answer.status, error(answer)["code"]) == (503, "upstream_unavailable")


async def test_a_model_that_keeps_failing_is_not_asked() -> None:
    upstream = Scaleway(httpx.Response(503))
    app = app_of(upstream, breaker_failures=2)
    codes = [error(await ask(app, "/v1/embeddings", EMBED))["code"] for _ in range(3)]
    assert codes == ["upstream_unavailable", "upstream_unavailable", "upstream_circuit_open"]
    assert len(upstream.asked) == 2


async def test_a_request_ends_when_its_time_is_over() -> None:
    upstream = Scaleway(VECTORS)
    upstream.gate = asyncio.Event()
    with skipping_clock() as clock:
        asking = asyncio.create_task(play(upstream, answer_timeout_s=LIMIT_S))
        await upstream.began.wait()
        await clock.run_out()
        answer = await asking
    assert (answer.status, error(answer)["code"]) == (504, "answer_timeout")
    assert upstream.hung_up.is_set()


async def test_a_client_that_hangs_up_ends_the_request_to_the_upstream() -> None:
    upstream = Scaleway(VECTORS)
    upstream.gate = asyncio.Event()
    hangs_up = asyncio.Event()
    asking = asyncio.create_task(ask(app_of(upstream), "/v1/embeddings", EMBED, hangs_up=hangs_up))
    await upstream.began.wait()
    hangs_up.set()
    await asyncio.wait_for(asking, PATIENCE_S)
    assert upstream.hung_up.is_set()


async def test_requests_take_the_slots_of_the_model_as_answers_do() -> None:
    upstream = Scaleway(VECTORS)
    upstream.gate = asyncio.Event()
    app = app_of(upstream, max_concurrent_model_requests=1, queue_length=0)
    first = asyncio.create_task(ask(app, "/v1/embeddings", EMBED))
    await upstream.began.wait()
    for path, document in (("/v1/rerank", RANK), ("/v1/chat/completions", CHAT)):
        answer = await ask(app, path, document)
        assert (answer.status, error(answer)["code"]) == (429, "queue_full")
    upstream.gate.set()
    assert (await first).status == 200
    assert len(upstream.asked) == 1


# What it costs


async def test_tokens_count_to_the_limits_of_a_key() -> None:
    upstream = Scaleway({**VECTORS, "usage": {"prompt_tokens": 70, "total_tokens": 70}})
    grants = {"a": Grant(limits=Limits(tokens_per_minute=100))}
    app = app_of(upstream, grants)
    headers = {"authorization": "Bearer a"}
    answers = [await ask(app, "/v1/embeddings", EMBED, headers=headers) for _ in range(3)]
    assert [each.status for each in answers] == [200, 200, 429]
    assert error(answers[2])["code"] == "rate_limit_exceeded"


async def test_a_large_input_is_refused_before_anything_is_asked() -> None:
    upstream = Scaleway(VECTORS)
    app = app_of(upstream, {"a": Grant(limits=Limits(tokens_per_minute=100))})
    document = {**EMBED, "input": "word " * 200}
    answer = await ask(app, "/v1/embeddings", document, headers={"authorization": "Bearer a"})
    assert (answer.status, error(answer)["code"]) == (429, "request_exceeds_limit")
    assert not upstream.asked


async def lines_of(
    tmp_path: Path, upstream: Scaleway, *asked: tuple[str, Any], **more: Any
) -> tuple[list[Any], list[Any]]:
    """The usage lines and the audit lines of requests."""
    files = tmp_path / "usage", tmp_path / "audit"
    more |= {"usage_file": str(files[0]), "audit_file": str(files[1])}
    app = app_of(upstream, **more)
    async with app.lifespan_context(app):
        for path, document in asked:
            await ask(app, path, document)
    usage, audit = (
        [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
        for path in files
    )
    return usage, audit


async def test_the_usage_file_has_a_line_with_the_route_and_the_audit_has_none(
    tmp_path: Path,
) -> None:
    prices = {"embedder-v2": {"input": 1, "output": 2}}
    upstream = Scaleway(VECTORS, RANKED)
    asked = ("//v1/embeddings/", EMBED), ("/rerank", RANK)
    (embedded, ranked), audit = await lines_of(tmp_path, upstream, *asked, prices=prices)
    assert (
        embedded
        | {
            "route": "/embeddings",
            "profile": "",
            "model": "embedder",
            "answered_by": "embedder-v2",
            "rounds": 1,
            "uncounted_rounds": 0,
            "searches": 0,
            "tokens_in": 7,
            "tokens_out": 0,
            "tokens": 7,
            "outcome": "ok",
            "cost": 0.000007,
        }
        == embedded
    )
    assert (ranked["route"], ranked["tokens_in"], ranked["tokens"]) == ("/rerank", 9, 9)
    assert not audit


@pytest.mark.parametrize(
    ("reply", "uncounted"),
    [
        ({**VECTORS, "usage": None}, 1),
        (httpx.Response(500), 1),
        (httpx.Response(429), 0),
        (httpx.Response(400), 0),
    ],
)
async def test_what_nobody_counts_is_estimated_unless_it_was_refused(
    tmp_path: Path, reply: Any, uncounted: int
) -> None:
    (line,), _ = await lines_of(tmp_path, Scaleway(reply), ("/v1/embeddings", EMBED))
    assert line["uncounted_rounds"] == uncounted
    assert line["tokens"] == 0
    assert (line["estimated_tokens"] > 0) == bool(uncounted)


async def test_what_the_queue_refuses_costs_nothing(tmp_path: Path) -> None:
    upstream = Scaleway(VECTORS)
    upstream.gate = asyncio.Event()
    usage = tmp_path / "usage"
    slots: dict[str, Any] = {"max_concurrent_model_requests": 1, "queue_length": 0}
    app = app_of(upstream, usage_file=str(usage), **slots)
    async with app.lifespan_context(app):
        first = asyncio.create_task(ask(app, "/v1/embeddings", EMBED))
        await upstream.began.wait()
        await ask(app, "/v1/embeddings", EMBED)
        upstream.gate.set()
        await first
    refused, answered = map(orjson.loads, usage.read_bytes().splitlines())
    assert (refused["error"], answered["error"]) == ("queue_full", "")
    assert (refused["uncounted_rounds"], refused["estimated_tokens"]) == (0, 0)


async def test_a_reply_counts_among_the_bytes_that_are_held_until_it_is_sent() -> None:
    inflight, held = InFlight(), []
    body = b"[" + b" " * 10_000 + b"]"

    async def pass_on(*_: object) -> Passed:
        return Passed(body, "", {})

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            held.append(inflight.bytes)
            await send(message)

        await surface(scope, receive, sending)

    settings = Settings(lighton_api_key="a", scaleway_api_key="b")
    surface = Passthrough(pass_on, EMBEDDINGS, settings, ModelNames(()), WISHES, inflight)
    assert (await ask(Requests(counted), "/embeddings", EMBED)).body == body
    assert min(held) > len(body)
    assert inflight.bytes == 0


async def test_the_log_line_tells_path_model_and_tokens(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="proxy.access")
    await play(Scaleway(VECTORS))
    (line,) = [each.message for each in caplog.records if each.name == "proxy.access"]
    assert line.startswith("POST /v1/embeddings status=200")
    assert "model=embedder answered_by=embedder-v2" in line
    assert "tokens=7" in line
