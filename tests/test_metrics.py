"""Metrics of the whole application: what answers, errors and hostile clients leave in them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from starlette.routing import Route

from proxy.app import Proxy, create_app
from proxy.settings import Settings
from proxy.settings.reloading import Given
from proxy.telemetry.label_values import codes
from proxy.telemetry.metrics import MOST_MODELS
from tests.support.asgi import ask
from tests.support.script import Round, result, search_call
from tests.support.upstreams import Upstreams
from tests.upstreams.raw_server import PATIENCE_S

HI = {"messages": [{"role": "user", "content": "How long is the notice period?"}]}
KEYS = {"lighton_api_key": "k", "scaleway_api_key": "k", "default_model": "llama"}


def settings(**more: Any) -> Settings:
    return Settings(**{**KEYS, **more})


async def counted(app: Proxy) -> dict[tuple[str, ...], float]:
    """Each sample's value by its name and the values of its labels, in the order of their names."""
    page = await ask(app, "/metrics", method="GET")
    return {
        (each.name, *(value for _, value in sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(page.body.decode())
        for each in family.samples
    }


async def test_an_answer_with_a_search_is_counted_in_all_its_parts() -> None:
    rounds = [Round(calls=(search_call("notice"),)), Round("27 days.")]
    app = create_app(settings(), Upstreams(rounds, [result("c1", "27 days.")]).transport())
    assert (await ask(app, document={**HI, "stream": True})).status == 200
    found = await counted(app)
    answer = ("llama", "")
    expected = {
        ("rag_proxy_requests_total", "", "", "", *answer, "/chat/completions", "200"): 1,
        ("rag_proxy_answer_seconds_count", *answer, "/chat/completions"): 1,
        ("rag_proxy_time_to_first_token_seconds_count", *answer): 1,
        ("rag_proxy_rounds_sum", *answer, "/chat/completions"): 2,
        ("rag_proxy_searches_total", "", "lighton_search"): 1,
        ("rag_proxy_search_seconds_count", "lighton_search"): 1,
        ("rag_proxy_upstream_requests_total", "", "200", "LightOn"): 1,
        ("rag_proxy_upstream_requests_total", "", "200", "Scaleway"): 2,
        ("rag_proxy_cache_total", "search", "miss"): 1,
        ("rag_proxy_queue_seconds_count",): 1,
        ("rag_proxy_queue_length",): 0,
        ("rag_proxy_open_streams",): 0,
    }
    assert {key: found.get(key) for key in expected} == expected
    tokens = [key[1:] for key in found if key[0] == "rag_proxy_tokens_total"]
    assert tokens == [("", "completion", *answer), ("", "prompt", *answer)]


async def test_what_fails_upstream_is_counted_with_its_retries_and_breaker() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(503, headers={"retry-after": "0"}))
    app = create_app(
        settings(retrieval="off", model_retries=1, breaker_failures=2, keep_warm_s=0), transport
    )
    assert (await ask(app, document=HI)).status == 503
    found = await counted(app)
    expected = {
        ("rag_proxy_upstream_requests_total", "status_503", "503", "Scaleway"): 2,
        ("rag_proxy_retries_total", "status_503", "Scaleway"): 1,
        ("rag_proxy_breaker_state", "model", "llama"): 2,
    }
    assert {key: found.get(key) for key in expected} == expected
    (request,) = [key for key in found if key[0] == "rag_proxy_requests_total"]
    assert request[1:3] == ("status_503", "upstream_unavailable")


class HalfWell:
    """Upstreams that lack a model and list no workspaces. They count by status and upstream."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()

    def reply(self, request: httpx.Request) -> httpx.Response:
        reply = self._reply(request)
        name = "Scaleway" if "scaleway" in request.url.host else "LightOn"
        self.asked[str(reply.status_code), name] += 1
        return reply

    def _reply(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path.endswith("/workspaces"):
            return httpx.Response(503, headers={"retry-after": "0"})
        if request.method == "GET" or path.endswith("/search"):
            return httpx.Response(200, json={"data": [], "results": []})
        if json.loads(request.content)["model"] == "llama":
            return httpx.Response(404, json={"error": {"message": "no such model"}})
        return httpx.Response(200, json=Round("Hi.").completion())


@pytest.mark.parametrize(
    ("path", "document", "upstreams"),
    [
        ("/v1/chat/completions", {**HI, "model": "both"}, {"Scaleway", "LightOn"}),
        ("/v1/models", None, {"Scaleway"}),
        ("/v1/vector_stores/ws_42/search", {"query": "notice"}, {"LightOn"}),
        ("/v1/files/7", None, {"LightOn"}),
        ("/v1/vector_stores", None, {"LightOn"}),
        ("/v1/embeddings", {"model": "bge", "input": "Hi."}, {"Scaleway"}),
    ],
)
async def test_each_request_to_an_upstream_is_counted_once_whoever_makes_it(
    path: str, document: Any, upstreams: set[str]
) -> None:
    half_well = HalfWell()
    both = {"both": {"models": ["llama", "qwen"], "retrieval": "context"}}
    scoped = settings(profiles=both, workspace_id=[42], search_retries=1, keep_warm_s=0)
    app = create_app(scoped, httpx.MockTransport(half_well.reply))
    await ask(app, path, document, method="POST" if document else "GET")
    found = await counted(app)
    name = "rag_proxy_upstream_requests_total"
    assert {key[2:]: n for key, n in found.items() if key[0] == name} == half_well.asked
    assert {upstream for _, upstream in half_well.asked} == upstreams
    retried = found.get(("rag_proxy_retries_total", "status_503", "LightOn"), 0)
    assert retried == (path == "/v1/vector_stores")


async def test_what_only_looks_whether_upstreams_are_there_is_not_counted() -> None:
    app = create_app(settings(keep_warm_s=10), httpx.MockTransport(HalfWell().reply))
    async with app.lifespan_context(None):
        assert (await ask(app, "/ready", method="GET")).status == 200
        found = await counted(app)
    assert not [key for key in found if key[0] == "rag_proxy_upstream_requests_total"]


async def test_a_stream_that_goes_on_is_a_gauge() -> None:
    may_answer, asked = asyncio.Event(), asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        asked.set()
        await may_answer.wait()
        return httpx.Response(200, json=Round("Hi.").completion())

    app = create_app(settings(retrieval="off", keep_warm_s=0), httpx.MockTransport(answer))
    running = asyncio.create_task(ask(app, document={**HI, "stream": True}))
    async with asyncio.timeout(PATIENCE_S):
        await asked.wait()
    assert (await counted(app))["rag_proxy_open_streams",] == 1
    may_answer.set()
    await running
    assert (await counted(app))["rag_proxy_open_streams",] == 0


async def test_counts_go_on_when_the_settings_are_read_again() -> None:
    app = create_app(settings(retrieval="off"), Upstreams(lambda _: Round("Hi.")).transport())
    async with app.lifespan_context(None):
        await ask(app, document=HI)
        app.replace(Given(settings(retrieval="off", breaker_failures=9, default_model="qwen")))
        await ask(app, document=HI)
        await ask(app, document=HI)
        found = await counted(app)
    rest = ("", "/chat/completions", "200")
    of = ("rag_proxy_requests_total", "", "", "")
    assert (found[*of, "llama", *rest], found[*of, "qwen", *rest]) == (1, 2)


async def test_settings_that_are_read_again_make_no_room_for_more_names_of_models() -> None:
    app = create_app(settings(retrieval="off"), Upstreams(lambda _: Round("Hi.")).transport())
    async with app.lifespan_context(None):
        for number in range(MOST_MODELS):
            await ask(app, document={**HI, "model": f"m{number}"})
        app.replace(Given(settings(retrieval="off", breaker_failures=9)))
        for name in ("m1", "one-more"):
            await ask(app, document={**HI, "model": name})
        found = await counted(app)
    of, rest = ("rag_proxy_requests_total", "", "", ""), ("", "/chat/completions", "200")
    assert (found[*of, "m1", *rest], found[*of, "other", *rest]) == (2, 1)


async def test_nothing_is_counted_that_nobody_asked_to_count() -> None:
    app = create_app(settings(metrics=False), Upstreams(lambda _: Round("Hi.")).transport())
    async with app.lifespan_context(None):
        assert (await ask(app, document=HI)).status == 200
        assert "Gauges" not in {part.make.__name__ for part in app.parts._alive}


ROUTES = {
    route.path_format for route in create_app(settings()).current.routes if isinstance(route, Route)
}
names = st.text(min_size=1, max_size=20)
hostile = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["/v1/chat/completions", "/v1/responses", "/v1/embeddings"])
        | st.from_regex(r"/[\w./%-]{0,20}", fullmatch=True),
        "method": st.sampled_from(["GET", "POST", "DELETE", "BREW"]),
        "document": st.fixed_dictionaries(
            {"model": names}, optional={"messages": st.just(HI["messages"]), "input": names}
        ),
        "headers": st.fixed_dictionaries(
            {}, optional={"authorization": names, "x-request-id": names, "user-agent": names}
        ),
    }
)


def _refuse(request: httpx.Request) -> httpx.Response:
    """A model upstream that has one model only."""
    if request.method == "GET":
        return httpx.Response(200, json={"data": [{"id": "llama"}]})
    return httpx.Response(404, json={"error": {"message": "no such model"}})


@examples(max_examples=25, deadline=None)
@given(st.lists(hostile, min_size=1, max_size=8))
def test_no_request_of_any_kind_brings_a_label_of_its_own(requests: list[dict[str, Any]]) -> None:
    for key in asyncio.run(_play(requests)):
        if key[0] == "rag_proxy_requests_total":
            _, cause, code, client, model, profile, route, status = key
            assert (profile, client) == ("", "")
            assert model in {"", "llama", "other"}
            assert route == "other" or route in ROUTES
            assert status in {"200", "400", "403", "404", "405", "415"}
            assert code in codes() | {""}
            assert cause in {"", "status_404"}


async def _play(requests: list[dict[str, Any]]) -> dict[tuple[str, ...], float]:
    app = create_app(settings(retrieval="off", keep_warm_s=0), httpx.MockTransport(_refuse))
    for each in requests:
        headers = {
            name: value.encode("ascii", "ignore").decode()
            for name, value in each["headers"].items()
        }
        await ask(app, each["path"], each["document"], method=each["method"], headers=headers)
    return await counted(app)
