"""What narrows a search is never overlooked: it is heeded, or refused and sent to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import orjson
import pytest
import respx

from proxy.app import create_app
from proxy.settings import Settings
from tests.support.asgi import Answer, ask
from tests.support.openai_schema import check_error
from tests.support.script import Round
from tests.support.upstreams import Upstreams

QUESTION = [{"role": "user", "content": "How many days of leave?"}]
BODY: dict[str, Any] = {"model": "llama", "messages": QUESTION}
WISH = {"workspace_id": [43]}
HR = {"model": "llama", "workspace_id": [42], "retrieval": "context"}
SCALEWAY = "http://scaleway.test/v1"
PATH = "/v1/chat/completions"


def settings(**more: Any) -> Settings:
    upstreams = {
        "lighton_base_url": "http://lighton.test",
        "lighton_api_key": "lighton-secret",
        "scaleway_base_url": SCALEWAY,
        "scaleway_api_key": "scaleway-secret",
    }
    return Settings(**{**upstreams, "workspace_id": [42, 43], "retrieval": "context", **more})


async def refused(
    status: int,
    body: bytes | dict[str, Any],
    headers: Mapping[str, str] | None = None,
    path: str = PATH,
    **more: Any,
) -> dict[str, Any]:
    """The error of a request that reaches neither the model nor the search."""
    upstreams = Upstreams([Round("27.")])
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    app = create_app(settings(**more), upstreams.transport())
    answer = await ask(app, path, content=content, headers=headers)
    assert answer.status == status
    assert not upstreams.asked
    assert not upstreams.searched
    check_error(answer.json())
    found: dict[str, Any] = answer.json()["error"]
    return found


# Fields, headers, addresses


@pytest.mark.parametrize(
    "name",
    [
        "Lighton",
        "LIGHTON",
        "light_on",
        "light-on",
        "lighton_",
        "lighton ",
        "LightOn\u200b",
        "x-lighton",
    ],
)
@pytest.mark.parametrize("value", [WISH, None])
async def test_a_field_that_is_nearly_ours_is_refused(name: str, value: Any) -> None:
    error = await refused(400, {**BODY, name: value})
    assert error["param"] == name
    assert "'lighton'" in error["message"]


async def test_a_wish_beside_a_misspelt_one_does_not_make_up_for_it() -> None:
    assert (await refused(400, {**BODY, "lighton": {}, "LightOn": WISH}))["param"] == "LightOn"


async def test_options_of_an_sdk_that_hold_a_wish_are_refused() -> None:
    error = await refused(400, {**BODY, "extra_body": {"top_k": 1, "lighton": WISH}})
    assert error["param"] == "extra_body"


async def test_a_model_under_a_misspelt_name_is_refused() -> None:
    body = {"messages": QUESTION, "Model": "hr"}
    assert (await refused(400, body, profiles={"hr": HR}))["param"] == "Model"


@pytest.mark.parametrize("field", ["lighton", "model"])
async def test_a_field_that_is_there_twice_is_refused(field: str) -> None:
    one = {"lighton": b'{"workspace_id": [43]}', "model": b'"hr"'}[field]
    other = {"lighton": b"null", "model": b'"llama"'}[field]
    key = orjson.dumps(field)
    body = b"{%b: %b, %b: %b, %b" % (key, one, key, other, orjson.dumps({"messages": QUESTION})[1:])
    assert (await refused(400, body, profiles={"hr": HR}))["param"] == field


@pytest.mark.parametrize("field", ["workspace_id", "progress"])
async def test_a_field_of_a_wish_that_is_there_twice_is_refused(field: str) -> None:
    one = {"workspace_id": b"[42]", "progress": b'"off"'}[field]
    other = {"workspace_id": b"[43]", "progress": b'"reasoning"'}[field]
    key, rest = orjson.dumps(field), orjson.dumps({"messages": QUESTION})[1:]
    body = b'{"lighton": {%b: %b, %b: %b}, %b' % (key, one, key, other, rest)
    assert (await refused(400, body))["param"] == f"lighton.{field}"


@pytest.mark.parametrize(
    "name",
    [
        "x_lighton_workspace_id",
        "x-light-on-workspace-id",
        "x-ligthon-workspace-id",
        "x-lihton-retrieval",
        "lighton-workspace-id",
        "xlighton",
    ],
)
async def test_a_header_that_is_nearly_ours_is_refused(name: str) -> None:
    error = await refused(400, BODY, {name: "43"})
    assert error["param"] == name
    assert "x-lighton-workspace-id" in error["message"]


@pytest.mark.parametrize(
    "query", ["lighton=43", "X-LightOn-Workspace-Id=43", "workspace_id=43", "model=hr"]
)
async def test_a_wish_in_the_address_is_refused(query: str) -> None:
    assert (await refused(400, BODY, path=f"{PATH}?{query}"))["param"] == query.partition("=")[0]


async def test_a_body_of_very_many_fields_is_refused() -> None:
    await refused(400, BODY | {f"field_{number}": 1 for number in range(1000)})


async def answered(
    upstreams: Upstreams, body: dict[str, Any], path: str = PATH, **more: Any
) -> Answer:
    answer = await ask(create_app(settings(**more), upstreams.transport()), path, body)
    assert answer.status == 200
    return answer


async def test_what_means_nothing_to_the_proxy_passes_to_the_model() -> None:
    others = {
        "extra_body": {"top_k": 1},
        "chat_template_kwargs": {"thinking": True},
        "labels": {"lighton": "a label of the client's own"},
    }
    upstreams = Upstreams([Round("27.")])
    await answered(upstreams, BODY | others | {"lighton": None}, f"{PATH}?api-version=2024-10-21")
    (asked,) = upstreams.asked
    assert {name: asked[name] for name in others} == others
    assert "lighton" not in asked


# Profiles


@pytest.mark.parametrize(
    "model", ["HR-assistant", " hr-assistant", "hr-assistant\u200b", "hr assistant"]
)
async def test_a_model_that_is_nearly_a_profile_is_not_found(model: str) -> None:
    error = await refused(404, {**BODY, "model": model}, profiles={"hr-assistant": HR})
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert "'hr-assistant'" in error["message"]


async def test_a_listed_model_that_is_nearly_a_profile_is_neither_found_nor_shown() -> None:
    await refused(404, BODY, profiles={"Llama": HR})
    app = create_app(settings(profiles={"Llama": HR}), Upstreams().transport())
    shown = (await ask(app, "/v1/models", method="GET", content=b"")).json()["data"]
    assert [each["id"] for each in shown] == ["Llama", "llama-3.3-70b-instruct", "qwen"]
    one = await ask(app, "/v1/models/llama", method="GET", content=b"")
    assert one.status == 404
    assert "'Llama'" in one.json()["error"]["message"]


async def test_an_exact_profile_is_answered_also_beside_one_that_reads_alike() -> None:
    for name, workspace in (("hr", 42), ("HR", 43)):
        upstreams = Upstreams([Round("27.")])
        profiles = {"hr": HR, "HR": {**HR, "workspace_id": [43]}}
        await answered(upstreams, {**BODY, "model": name}, profiles=profiles)
        assert upstreams.searched[0]["workspace_id"] == [workspace]


# Models that are on no list


@pytest.fixture
def router() -> respx.MockRouter:
    router = respx.MockRouter(assert_all_called=False)
    router.get(f"{SCALEWAY}/models", name="list").respond(json={"data": [{"id": "llama"}]})
    router.post(f"{SCALEWAY}/chat/completions", name="chat").respond(json=Round("27.").completion())
    router.post("http://lighton.test/api/v3/search", name="search").respond(json={"results": []})
    return router


def application(router: respx.MockRouter, **more: Any) -> Any:
    return create_app(settings(**more), httpx.MockTransport(router.async_handler))


def order(router: respx.MockRouter) -> list[str]:
    return [call.request.url.path.rpartition("/")[2] for call in router.calls]


@pytest.mark.parametrize("mode", ["context", "hybrid"])
@pytest.mark.parametrize("stream", [False, True])
async def test_nothing_is_searched_for_a_model_that_the_upstream_refuses(
    router: respx.MockRouter, mode: str, *, stream: bool
) -> None:
    router["chat"].respond(404, json={"message": "no such model"})
    app = application(router, retrieval=mode)
    for _ in range(2):
        answer = await ask(app, document={**BODY, "model": "gpt-4o", "stream": stream})
        assert answer.status == 404
        assert answer.json()["error"]["code"] == "model_not_found"
    assert order(router).count("completions") == 1
    assert not router["search"].called


async def test_a_model_on_no_list_that_answers_is_asked_once_and_then_served(
    router: respx.MockRouter,
) -> None:
    app = application(router, search_cache_ttl=0)
    for _ in range(2):
        answer = await ask(app, document={**BODY, "model": "retired"})
        assert answer.json()["usage"]["total_tokens"] == 15  # of one round, not of the question
    assert order(router) == ["models", "completions", *(["search", "completions"] * 2)]


async def test_a_listed_model_costs_no_further_request(router: respx.MockRouter) -> None:
    app = application(router, search_cache_ttl=0)
    for _ in range(2):
        await ask(app, document=BODY)
    assert order(router) == ["models", *(["search", "completions"] * 2)]


@pytest.mark.parametrize("mode", ["tool", "off"])
async def test_where_the_model_is_asked_first_nothing_else_is_asked(
    router: respx.MockRouter, mode: str
) -> None:
    await ask(application(router, retrieval=mode), document={**BODY, "model": "retired"})
    assert order(router) == ["completions"]


@pytest.mark.parametrize(
    "more", [{"default_model": "retired"}, {"profiles": {"hr": {"model": "retired"}}}]
)
async def test_an_operators_own_model_is_treated_like_any(
    router: respx.MockRouter, more: dict[str, Any]
) -> None:
    router["chat"].respond(404, json={"message": "no such model"})
    model = {"model": "hr"} if "profiles" in more else {}
    answer = await ask(application(router, **more), document={"messages": QUESTION, **model})
    assert answer.status == 404
    assert not router["search"].called


async def test_without_a_list_the_model_is_asked_and_the_answer_is_given(
    router: respx.MockRouter,
) -> None:
    router["list"].respond(503)
    answer = await ask(application(router), document=BODY)
    assert answer.status == 200
    assert order(router) == ["models", "completions", "search", "completions"]
