"""Traces of the whole application, as a collector gets them on a real socket."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from proxy.app import Proxy, create_app
from proxy.settings import Settings
from tests.support.asgi import Answer, ask
from tests.support.collector import Collector, Told, collecting
from tests.support.script import Round, result, search_call
from tests.support.upstreams import Upstreams, searching_first

QUESTION = "How long is the notice period of Flat Seven?"
QUERY = "notice period"
PASSAGE = "The tenant gives ninety days of notice."
ANSWER = "Ninety days [1]."
ASKED = {"messages": [{"role": "user", "content": QUESTION}]}
KEYS = {"lighton_api_key": "lighton-key-of-tests", "scaleway_api_key": "scaleway-key-of-tests"}
SEARCHING = Round(calls=(search_call(QUERY),), finish_reason="tool_calls")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
NO_HEADERS: Mapping[str, str] = {}
HEADERS = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=opaque"}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "TRACES_ENDPOINT", "PROTOCOL", "HEADERS"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        yield collector


class World:
    """An application, and the requests that its upstreams got."""

    def __init__(self, upstreams: Upstreams | None = None, **settings: Any) -> None:
        self.upstreams = upstreams or Upstreams(
            searching_first(SEARCHING, Round(ANSWER)), [result("c1", PASSAGE)]
        )
        self.requests: list[httpx.Request] = []
        self.failing: list[tuple[str, int]] = []
        """Paths, each with the status of the next reply there."""
        self.settings = {"traces": True, **KEYS, "model_retries": 1, **settings}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        """The application. Its last spans have arrived when it is over."""
        proxy = create_app(Settings(**self.settings), httpx.MockTransport(self._answer))
        async with proxy.lifespan_context(None):
            yield proxy

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        for failure in self.failing:
            if request.url.path.endswith(failure[0]):
                self.failing.remove(failure)
                return httpx.Response(failure[1], json={"error": {"message": "no"}})
        transport = self.upstreams.transport()
        return await transport.handle_async_request(request)

    def heard(self, path: str) -> list[str]:
        """The `traceparent` of each request to a path; "" if it had none."""
        return [
            each.headers.get("traceparent", "")
            for each in self.requests
            if each.url.path.endswith(path)
        ]


async def one(
    world: World, document: Mapping[str, Any] = ASKED, headers: Mapping[str, str] = NO_HEADERS
) -> Answer:
    async with world.running() as proxy:
        return await ask(proxy, document=document, headers=headers)


def named(spans: list[Told], name: str) -> list[Told]:
    return [span for span in spans if span.name == name]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_is_one_tree_of_rounds_and_searches(
    collector: Collector, *, stream: bool
) -> None:
    answer = await one(World(), {**ASKED, "stream": stream, "model": "llama"})
    assert answer.status == 200
    tool = ["execute_tool lighton_search", ["retrieval"]]
    rounds = ["chat llama"], ["chat llama"]
    assert collector.tree() == [["POST /v1/chat/completions", *rounds, tool]]
    assert collector.paths == ["/v1/traces"]
    assert collector.resource["service.name"] == "rag-proxy"
    spans = collector.spans
    assert len({each.trace_id for each in spans}) == 1
    request, first, last, *_ = spans
    assert (request.kind, first.kind) == ("server", "client")
    assert request.parent_id == ""
    assert all(request.began_ns <= each.began_ns <= each.ended_ns for each in spans)
    assert all(each.ended_ns <= request.ended_ns for each in spans)
    assert last.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert last.attributes["gen_ai.usage.input_tokens"] == 10
    assert last.attributes["gen_ai.usage.output_tokens"] == 5
    assert ("gen_ai.response.time_to_first_chunk" in last.attributes) == stream
    assert not any(each.is_error for each in spans)


async def test_responses_and_what_is_passed_on_are_traced_as_chats_are(
    collector: Collector,
) -> None:
    async with World().running() as proxy:
        document = {"model": "llama", "input": QUESTION}
        answer = await ask(proxy, "/v1/responses", document)
        assert answer.status == 200
    names = [each.name for each in collector.spans]
    assert names[0] == "POST /v1/responses"
    assert "execute_tool lighton_search" in names


async def test_a_search_without_a_model_and_what_is_passed_on_have_traces_too(
    collector: Collector,
) -> None:
    world = World()
    world.upstreams.play(lambda _: Round(ANSWER))
    async with world.running() as proxy:
        document = {"query": QUERY}
        found = await ask(proxy, "/v1/vector_stores/ws_7/search", document, headers=HEADERS)
        assert found.status in {200, 404}
        document = {"model": "bge", "input": QUESTION}
        await ask(proxy, "/v1/embeddings", document, headers=HEADERS)
        await ask(proxy, "/v1/files/7", method="GET", headers=HEADERS)
    searched, _, passed, embedded, _, read = collector.spans
    assert collector.tree() == [
        ["POST /v1/vector_stores/{store_id}/search", ["retrieval"]],
        ["POST /v1/embeddings", ["embeddings bge"]],
        ["GET /v1/files/{file_id}", ["retrieval"]],
    ]
    assert world.heard("/files/7")[0].split("-")[2] == read.id
    assert world.heard("/api/v3/search")[0].split("-")[2] == collector.spans[1].id
    assert world.heard("/embeddings")[0].split("-")[2] == embedded.id
    assert searched.attributes["http.route"] == "/v1/vector_stores/{store_id}/search"
    assert not {"gen_ai.operation.name"} & {*searched.attributes, *passed.attributes}


async def test_a_round_tells_what_the_client_asked_of_it_and_a_tool_which_call_it_answers(
    collector: Collector,
) -> None:
    more = {"temperature": 0.5, "max_tokens": 90, "response_format": {"type": "json_object"}}
    await one(World(trace_contents=True), {**ASKED, **more})
    rounds = [each.attributes for each in collector.spans if each.name.startswith("chat")]
    assert {each["gen_ai.request.temperature"] for each in rounds} == {0.5}
    assert {each["gen_ai.request.max_tokens"] for each in rounds} == {90}
    # no format goes with a round that may search
    assert [each.get("gen_ai.output.type") for each in rounds] == [None, None, "json"]
    (called,) = json.loads(rounds[0]["gen_ai.output.messages"])
    (tool,) = named(collector.spans, "execute_tool lighton_search")
    assert tool.attributes["gen_ai.tool.call.id"] == called["parts"][0]["id"]


async def test_a_request_belongs_to_the_trace_of_its_client(collector: Collector) -> None:
    await one(World(), headers=HEADERS)
    spans = collector.spans
    assert {each.trace_id for each in spans} == {TRACE}
    assert spans[0].parent_id == PARENT
    assert {each.state for each in spans} == {"vendor=opaque"}


async def test_upstreams_hear_of_the_span_that_asks_them(collector: Collector) -> None:
    world = World()
    await one(world, headers=HEADERS)
    spans = collector.spans
    rounds = [each for each in spans if each.name.startswith("chat")]
    told = [f"00-{TRACE}-{each.id}-01" for each in rounds]
    assert world.heard("/chat/completions") == told
    (search,) = named(spans, "retrieval")
    assert world.heard("/api/v3/search") == [f"00-{TRACE}-{search.id}-01"]
    assert all(
        each.headers["tracestate"] == "vendor=opaque"
        for each in world.requests
        if "traceparent" in each.headers
    )


async def test_upstreams_hear_of_a_trace_that_nobody_keeps(collector: Collector) -> None:
    world = World()
    await one(world, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    assert collector.spans == []
    heard = world.heard("/chat/completions")
    assert heard
    assert all(each.startswith(f"00-{TRACE}-") and each.endswith("-00") for each in heard)
    assert PARENT not in "".join(heard)


async def test_without_traces_upstreams_hear_of_none_whatever_the_client_sends() -> None:
    world = World(traces=False)
    await one(world, headers=HEADERS)
    assert {each.headers.get("traceparent") for each in world.requests} == {None}
    assert {each.headers.get("tracestate") for each in world.requests} == {None}


async def test_without_propagators_traces_stay_here(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_PROPAGATORS", "none")
    world = World()
    await one(world, headers=HEADERS)
    assert collector.spans[0].parent_id == ""
    assert collector.spans[0].trace_id != TRACE
    assert set(world.heard("/chat/completions")) == {""}


async def test_the_sampler_of_the_variables_decides(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    await one(World(), headers=HEADERS)
    assert collector.spans == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fails", [False, True])
async def test_no_text_and_no_secret_is_in_a_trace_by_default(
    collector: Collector, *, stream: bool, fails: bool
) -> None:
    world = World(api_keys=("client-key-of-tests",))
    if fails:
        world.failing = [("/chat/completions", 500)] * 5
    key = {"authorization": "Bearer client-key-of-tests"}
    await one(world, {**ASKED, "stream": stream}, key)
    assert collector.spans
    sent = b"".join(collector.bodies)
    secrets = (*KEYS.values(), "client-key-of-tests")
    for text in (QUESTION, QUERY, PASSAGE, ANSWER, "Flat Seven", "Handbook", *secrets):
        assert text.encode() not in sent


async def test_texts_are_in_a_trace_if_the_operator_says_so(collector: Collector) -> None:
    await one(World(trace_contents=True), {**ASKED, "stream": True})
    request, first, last, tool, search = collector.spans
    asked = {"role": "user", "parts": [{"type": "text", "content": QUESTION}]}
    assert json.loads(request.attributes["gen_ai.input.messages"]) == [asked]
    (told,) = json.loads(request.attributes["gen_ai.output.messages"])
    assert told["parts"] == [{"type": "text", "content": ANSWER}]
    assert asked in json.loads(first.attributes["gen_ai.input.messages"])
    (called,) = json.loads(first.attributes["gen_ai.output.messages"])
    assert called["parts"][0]["name"] == "lighton_search"
    assert PASSAGE in last.attributes["gen_ai.input.messages"]
    assert json.loads(tool.attributes["gen_ai.tool.call.arguments"]) == {"query": QUERY}
    assert search.attributes["gen_ai.retrieval.query.text"] == QUERY
    (document,) = json.loads(search.attributes["gen_ai.retrieval.documents"])
    assert (document["id"], document["content"]) == ("c1", PASSAGE)


async def test_a_round_that_fails_says_so_in_its_span_and_in_that_of_the_request(
    collector: Collector,
) -> None:
    world = World(model_retries=0)
    world.failing = [("/chat/completions", 500)]
    answer = await one(world)
    assert answer.status >= 500
    request, failed = collector.spans
    assert request.is_error
    assert failed.is_error
    assert failed.attributes["error.type"] == "status_500"
    assert request.attributes["error.type"] == "status_500"
    assert request.attributes["http.response.status_code"] == answer.status


async def test_a_failed_search_says_so_and_the_answer_is_none(collector: Collector) -> None:
    world = World(search_retries=0)
    world.failing = [("/search", 500)]
    assert (await one(world)).status == 200
    request, *_ = collector.spans
    (search,) = named(collector.spans, "retrieval")
    assert search.attributes["error.type"] == "status_500"
    assert search.is_error
    assert not request.is_error


async def test_a_wrong_request_is_no_error_of_the_servers(collector: Collector) -> None:
    assert (await one(World(), {"messages": 3})).status == 400
    (request,) = collector.spans
    assert not request.is_error
    assert request.attributes["http.response.status_code"] == 400
    assert request.attributes["rag_proxy.outcome"] == "error"


async def test_a_retry_has_a_span_within_what_is_retried_and_the_same_parent_upstream(
    collector: Collector,
) -> None:
    world = World(retry_after_s=0)
    world.failing = [("/chat/completions", 503), ("/search", 503)]
    assert (await one(world)).status == 200
    spans = collector.spans
    first = next(each for each in spans if each.name.startswith("chat"))
    (search,) = named(spans, "retrieval")
    of_model, of_search = named(spans, "retry")
    assert (of_model.parent_id, of_search.parent_id) == (first.id, search.id)
    assert of_model.attributes["rag_proxy.cause"] == "status_503"
    heard = world.heard("/chat/completions")
    assert heard[0] == heard[1] == f"00-{first.trace_id}-{first.id}-01"
    assert len(set(world.heard("/search"))) == 1


async def test_a_client_that_hangs_up_leaves_a_trace_of_how_far_its_answer_came(
    collector: Collector,
) -> None:
    world, hangs_up = World(), asyncio.Event()
    reached = asyncio.Event()

    async def hang(_: httpx.Request) -> httpx.Response:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    proxy = create_app(Settings(**world.settings), httpx.MockTransport(hang))
    async with proxy.lifespan_context(None):
        asking = asyncio.create_task(ask(proxy, document=ASKED, hangs_up=hangs_up))
        await reached.wait()
        hangs_up.set()
        await asking
    request, unfinished = collector.spans
    assert request.attributes["rag_proxy.outcome"] == "client_gone"
    assert unfinished.attributes["rag_proxy.is_unfinished"] is True
    assert unfinished.ended_ns == request.ended_ns
    assert not request.is_error


async def test_answers_that_are_made_at_the_same_time_do_not_mix(collector: Collector) -> None:
    world = World(search_cache_ttl=0)
    traces = [f"{n:032x}" for n in range(1, 9)]
    async with world.running() as proxy:
        answers = [
            ask(
                proxy,
                document={**ASKED, "stream": n % 2 == 0},
                headers={"traceparent": f"00-{trace}-{PARENT}-01"},
            )
            for n, trace in enumerate(traces)
        ]
        await asyncio.gather(*answers)
    by_trace = {trace: [e for e in collector.spans if e.trace_id == trace] for trace in traces}
    for trace, spans in by_trace.items():
        assert len(spans) == 5
        heard = [each for each in world.heard("/chat/completions") if trace in each]
        rounds = [each.id for each in spans if each.name.startswith("chat")]
        assert [each.split("-")[2] for each in heard] == rounds
        (search,) = named(spans, "retrieval")
        assert [e.split("-")[2] for e in world.heard("/search") if trace in e] == [search.id]
    ids = [each.id for each in collector.spans]
    assert len(set(ids)) == len(ids)


async def test_searches_of_one_round_are_told_apart(collector: Collector) -> None:
    queries = ("notice period", "deposit", "pets")
    calls = tuple(replace(search_call(each), id=f"call-{each}") for each in queries)
    searching = Round(calls=calls, finish_reason="tool_calls")
    world = World(Upstreams(searching_first(searching, Round(ANSWER)), [result("c1", PASSAGE)]))
    world.settings["trace_contents"] = True
    await one(world, {**ASKED, "stream": True})
    told = {
        json.loads(each.content)["query"]: each.headers["traceparent"].split("-")[2]
        for each in world.requests
        if each.url.path == "/api/v3/search"
    }
    spans = named(collector.spans, "retrieval")
    assert told == {each.attributes["gen_ai.retrieval.query.text"]: each.id for each in spans}
    assert set(told) == set(queries)


async def test_a_shared_search_asks_nobody(collector: Collector) -> None:
    async with World().running() as proxy:
        await ask(proxy, document=ASKED)
        await ask(proxy, document=ASKED)
    tools = named(collector.spans, "execute_tool lighton_search")
    assert [each.attributes["rag_proxy.is_shared"] for each in tools] == [False, True]
    assert [each.parent_id for each in named(collector.spans, "retrieval")] == [tools[0].id]


async def test_a_collector_that_hangs_neither_slows_an_answer_nor_the_end_of_the_proxy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("proxy.telemetry.otlp.CLOSE_S", 0.05)
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "4")
    with collecting(is_held=True) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        async with World().running() as proxy:
            await ask(proxy, document=ASKED)
            await asyncio.to_thread(collector.asked.wait, 60)
            for _ in range(10):
                assert (await ask(proxy, document=ASKED)).json()["choices"]
        assert collector.bodies == []
    assert "The last traces are lost" in caplog.text


async def test_a_collector_that_refuses_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    with collecting(status=401) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        assert (await one(World())).status == 200
        assert len(collector.bodies) > 1
    (line,) = [
        each for each in caplog.records if "opentelemetry" in each.name or "race" in each.msg
    ]
    assert "401" in line.getMessage()
    assert line.name == "proxy.traces"


@pytest.mark.parametrize("path", ["/health", "/v1/models"])
async def test_requests_for_no_answer_leave_no_trace(collector: Collector, path: str) -> None:
    async with World().running() as proxy:
        await ask(proxy, path, method="GET", content=b"")
    assert collector.bodies == []


async def test_an_answer_in_the_log_names_its_trace(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "proxy.access")
    async with World().running() as proxy:
        await ask(proxy, document=ASKED)
        await ask(proxy, "/v1/models", method="GET", content=b"")
    answer, models = (each.getMessage() for each in caplog.records if each.name == "proxy.access")
    assert f"trace={collector.spans[0].trace_id}" in answer
    assert "trace=" not in models


def test_without_traces_nothing_of_opentelemetry_is_loaded() -> None:
    program = (
        "import sys; from proxy.app import create_app; from proxy.settings import Settings\n"
        "import proxy.commands.serve; create_app(Settings())\n"
        "print([each for each in sys.modules if each.split('.')[0] == 'opentelemetry'])"
    )
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=120
    )
    assert run.stdout.strip() == b"[]"
