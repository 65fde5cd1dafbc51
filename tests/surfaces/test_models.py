from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import respx
from starlette.types import ASGIApp

from proxy.access.grants import Grant
from proxy.app import create_app
from proxy.settings import Settings
from tests.support.asgi import Answer, ask
from tests.support.keyed import World
from tests.support.openai_schema import check_error
from tests.upstreams.raw_server import PATIENCE_S

UPSTREAM = "https://scaleway.test/v1/models"
LLAMA = {"id": "llama", "object": "model", "created": 7, "owned_by": "meta"}
SLASHED = {"id": "org/qwen:7b", "object": "model", "created": 8, "owned_by": "alibaba"}
HR = {"id": "hr-assistant", "object": "model", "created": 0, "owned_by": "rag-proxy"}


@pytest.fixture
def router() -> respx.MockRouter:
    return respx.MockRouter()


@pytest.fixture
def upstream(router: respx.MockRouter) -> respx.Route:
    return router.get(UPSTREAM).respond(json={"data": [LLAMA, SLASHED]})


def app(router: respx.MockRouter, *profiles: str) -> ASGIApp:
    settings = Settings(
        lighton_base_url="https://lighton.test",
        lighton_api_key="lighton-secret",
        scaleway_base_url="https://scaleway.test/v1",
        scaleway_api_key="scaleway-secret",
        profiles={name: {"model": "llama"} for name in profiles},
    )
    return create_app(settings, httpx.MockTransport(router.async_handler))


async def get(router: respx.MockRouter, path: str, *profiles: str) -> Answer:
    return await ask(app(router, *profiles), path, method="GET", content=b"")


def check_not_found(answer: Answer, model: str) -> None:
    assert answer.status == 404
    check_error(answer.json())
    error: dict[str, Any] = answer.json()["error"]
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert repr(model) in error["message"]


@pytest.mark.usefixtures("upstream")
async def test_the_list_holds_profiles_first_and_then_the_upstreams_models(
    router: respx.MockRouter,
) -> None:
    answer = await get(router, "/v1/models", "hr-assistant")
    assert answer.status == 200
    assert answer.json() == {"object": "list", "data": [HR, LLAMA, SLASHED]}


@pytest.mark.usefixtures("upstream")
async def test_a_profile_hides_the_upstreams_model_of_the_same_id(router: respx.MockRouter) -> None:
    ours = {**HR, "id": "llama"}
    assert (await get(router, "/v1/models", "llama")).json()["data"] == [ours, SLASHED]
    assert (await get(router, "/v1/models/llama", "llama")).json() == ours


@pytest.mark.usefixtures("upstream")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/models/llama", LLAMA),
        ("/models/llama", LLAMA),
        ("/v1/models/llama/", LLAMA),
        ("/v1/models/org/qwen:7b", SLASHED),
        ("/v1/models/hr-assistant", HR),
    ],
)
async def test_one_model_is_found_by_its_id(
    router: respx.MockRouter, path: str, expected: dict[str, Any]
) -> None:
    answer = await get(router, path, "hr-assistant")
    assert (answer.status, answer.json()) == (200, expected)


@pytest.mark.usefixtures("upstream")
@pytest.mark.parametrize("model", ["gpt-4o", "Llama", "llama/x", "org", "org x"])
async def test_an_unknown_model_is_not_found(router: respx.MockRouter, model: str) -> None:
    check_not_found(await get(router, f"/v1/models/{model}", "hr-assistant"), model)


async def test_a_profile_is_found_while_the_upstream_fails(router: respx.MockRouter) -> None:
    route = router.get(UPSTREAM).respond(503)
    assert (await get(router, "/v1/models/hr-assistant", "hr-assistant")).json() == HR
    assert not route.called


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/llama"])
async def test_without_the_upstreams_list_there_is_none(
    router: respx.MockRouter, path: str
) -> None:
    router.get(UPSTREAM).respond(503, html="<title>Maintenance</title>")
    answer = await get(router, path, "hr-assistant")
    assert answer.status == 503
    check_error(answer.json())
    assert "Maintenance" in answer.json()["error"]["message"]


async def test_the_upstreams_list_is_asked_for_once(
    router: respx.MockRouter, upstream: respx.Route
) -> None:
    proxy = app(router)
    for path in ("/v1/models", "/v1/models/llama", "/v1/models/gpt-4o", "/v1/models"):
        await ask(proxy, path, method="GET", content=b"")
    assert upstream.call_count == 1


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/llama"])
async def test_a_client_that_hangs_up_ends_the_request_made_for_it(path: str) -> None:
    asked, ended, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hang(_: httpx.Request) -> httpx.Response:
        asked.set()
        try:
            await asyncio.Future()
        finally:
            ended.set()
        raise AssertionError("a future that nobody sets has no end")

    router = respx.MockRouter()
    router.get(UPSTREAM).mock(side_effect=hang)
    asking = asyncio.create_task(ask(app(router), path, method="GET", content=b"", hangs_up=gone))
    await asyncio.wait_for(asked.wait(), PATIENCE_S)
    gone.set()
    await asyncio.wait_for(ended.wait(), PATIENCE_S)
    assert (await asking).status == 0


ONLY_HR = Grant(profiles=frozenset({"hr"}), models=frozenset())
ANY_MODEL = Grant(profiles=frozenset({"hr"}))
PROFILES: dict[str, Any] = {"profiles": {"hr": {}, "legal": {}}}


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/hr", "/v1/models/llama"])
async def test_a_key_of_profiles_alone_needs_no_list_of_the_upstream(path: str) -> None:
    world = World({"ann": ONLY_HR}, PROFILES, has_list=False)
    assert (await world.get("ann", path)).status == (404 if path.endswith("llama") else 200)
    assert world.paths == []


async def test_without_the_upstreams_list_a_hidden_profile_is_like_a_name_that_is_nowhere() -> None:
    world = World({"ann": ANY_MODEL}, PROFILES, has_list=False)
    hidden, nowhere = [await world.get("ann", f"/v1/models/{name}") for name in ("legal", "gpt")]
    assert (hidden.status, hidden.json()) == (nowhere.status, nowhere.json())
    assert (await world.get("ann", "/v1/models/hr")).status == 200
