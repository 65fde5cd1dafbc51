"""The composition: which routes there are, who may ask, and what pages of other origins may do."""

from __future__ import annotations

import re
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from proxy.access.clients import ANYBODY, Client, Person
from proxy.access.rules import Rules
from proxy.app import create_app, make_people
from proxy.core.instructions import SEARCHING
from proxy.errors import EmptyScope
from proxy.settings import Settings
from proxy.settings.named_secrets import NamedSecrets
from proxy.settings.reloading import Origin
from tests.access.key_samples import OTHER, SECRET, table, write
from tests.support.asgi import Answer, ask
from tests.support.openai_schema import check_error, check_model, check_model_list
from tests.support.script import Round, result
from tests.support.server import serving
from tests.support.upstreams import Upstreams

HI_AT_LENGTH = {"messages": [{"role": "user", "content": "How long is the notice period?"}]}
HI = {"messages": [{"role": "user", "content": "Hi"}]}
KEY = {"authorization": "Bearer client-key"}


def settings(**more: Any) -> Settings:
    upstreams = {
        "lighton_base_url": "http://lighton.test",
        "lighton_api_key": "k",
        "scaleway_base_url": "http://scaleway.test/v1",
        "scaleway_api_key": "k",
    }
    return Settings(**{**upstreams, **more})


def models_upstream(request: httpx.Request) -> httpx.Response:
    assert request.url.path == "/v1/models"
    return httpx.Response(200, json={"data": [{"id": "llama", "object": "model"}, {"id": "hr"}]})


async def chat(headers: dict[str, str] | None = None, **more: Any) -> Answer:
    app = create_app(settings(**more), Upstreams([Round("Hi.")]).transport())
    return await ask(app, document=HI, headers=headers)


async def get(path: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    app = create_app(settings(**more), httpx.MockTransport(models_upstream))
    return await ask(app, path, method="GET", headers=headers)


async def test_the_log_names_a_client_by_a_hash_that_depends_on_the_deployments_keys(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "proxy.access")
    deployments: list[dict[str, Any]] = [
        {},
        {},
        {"lighton_api_key": "l"},
        {"scaleway_api_key": "l"},
    ]
    for deployment in deployments:
        await chat(KEY, api_keys=["client-key"], **deployment)
    names = [re.findall(" key=([0-9a-f]{12}) ", each)[0] for each in caplog.messages]
    assert names[0] == names[1]
    assert len(set(names)) == 3


def test_records_name_a_person_by_a_hash_that_depends_on_the_deployments_keys() -> None:
    ann = Client("front-end", "k_1", person=Person("ann@example.com"))

    def name(**more: Any) -> str:
        return make_people(settings(**more)).name_of(ann)

    others = (name(scaleway_api_key="other"), name(lighton_api_key="other"))
    assert len({name(), *others}) == 3
    assert name() == name(api_keys=["client-key"], port=1)
    assert name(people_in_records="given") == "ann@example.com"


@pytest.mark.parametrize(
    ("given", "said"),
    [(None, SEARCHING), ("Search all.", "Search all."), ("", "You are a helpful assistant.")],
)
async def test_the_model_is_told_to_search_in_the_operators_words(
    given: str | None, said: str
) -> None:
    upstreams = Upstreams([Round("Hi.")])
    app = create_app(settings(search_instructions=given), upstreams.transport())
    await ask(app, document=HI)
    (system,) = [each["content"] for each in upstreams.asked[0]["messages"][:-1]]
    assert system == said


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/chat/completions/",
        "//v1//chat/completions",
        "/v1/v1/chat/completions",
    ],
)
async def test_the_chat_route_is_found_in_every_form_of_its_path(path: str) -> None:
    app = create_app(settings(), Upstreams([Round("Hi.")]).transport())
    assert (await ask(app, path, HI)).status == 200


async def test_models_are_the_profiles_and_the_upstreams_own() -> None:
    answer = await get("/v1/models", profiles={"hr": {"model": "llama"}})
    check_model_list(answer.json())
    assert [each["id"] for each in answer.json()["data"]] == ["hr", "llama"]
    one = await get("/v1/models/hr", profiles={"hr": {}})
    check_model(one.json())
    assert one.json()["owned_by"] == "rag-proxy"
    missing = await get("/models/none/such")
    assert (missing.status, missing.json()["error"]["code"]) == (404, "model_not_found")


async def test_a_profile_that_allows_nothing_is_refused_at_start() -> None:
    with pytest.raises(EmptyScope):
        create_app(settings(workspace_id=[1], profiles={"hr": {"workspace_id": [2]}}))


async def test_search_results_that_somebody_has_put_into_redis_are_shown_to_nobody(
    redis_url: str,
) -> None:
    """Two proxies share what was found. A value of anybody else's is as if it were not there."""
    upstreams = Upstreams((), [result("c1", "Leave is 27 days.")])
    shared = {
        "redis_url": redis_url,
        "lighton_api_key": str(uuid4()),
        "retrieval": "context",
        "search_memory": False,
    }

    async def told_to_model() -> bytes:
        upstreams.play([Round("27 days.")])
        app = create_app(settings(**shared), upstreams.transport())
        async with serving(app):  # which closes what it opened
            assert (await ask(app, document=HI, headers=KEY)).status == 200
        return orjson.dumps(upstreams.asked[-1])

    async with aclosing(Redis.from_url(redis_url)) as redis:
        before = set(await redis.keys())
        assert await told_to_model() == await told_to_model()
        assert len(upstreams.searched) == 1
        (name,) = set(await redis.keys()) - before
        made_up = orjson.dumps({"results": [result("c1", "Leave is 99 days.")]})
        sealed = await redis.get(name)
        assert isinstance(sealed, bytes)
        for value in (made_up, sealed[:32] + made_up):
            await redis.set(name, value, ex=60)
            told = await told_to_model()
            assert b"27 days" in told
            assert b"99 days" not in told
    assert len(upstreams.searched) == 3


async def test_health_needs_no_key_and_no_upstream() -> None:
    answer = await get("/health", api_keys=["client-key"])
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


async def test_ready_says_which_upstream_does_not_answer() -> None:
    def half(request: httpx.Request) -> httpx.Response:
        if request.url.host == "scaleway.test":
            raise httpx.ConnectError("down")
        return httpx.Response(404)

    answer = await ask(create_app(settings(), httpx.MockTransport(half)), "/ready", method="GET")
    assert answer.status == 503
    upstreams = answer.json()["upstreams"]
    assert upstreams["LightOn"] == "ok"
    assert "could not be reached" in upstreams["Scaleway"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/embeddings", 405, "method_not_allowed"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("POST", "/v1/models", 405, "method_not_allowed"),
    ],
)
async def test_other_routes_and_methods_are_json_errors(
    method: str, path: str, status: int, code: str
) -> None:
    app = create_app(settings(), Upstreams().transport())
    answer = await ask(app, path, method=method, content=b"")
    check_error(answer.json())
    assert (answer.status, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "client-key"}]
)
async def test_without_a_known_key_nothing_is_answered(headers: dict[str, str]) -> None:
    answer = await chat(headers, api_keys=["client-key"])
    assert (answer.status, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert "x-request-id" in answer.headers


async def test_a_known_key_is_let_in_from_any_host() -> None:
    headers = {**KEY, "host": "rag.example.com", "origin": "https://chat.example.com"}
    answer = await chat(headers, api_keys=["client-key"])
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


async def preflight(origin: str, **more: Any) -> Answer:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type, x-stainless-os",
    }
    app = create_app(settings(**more), Upstreams().transport())
    return await ask(app, "/v1/chat/completions", method="OPTIONS", headers=headers, content=b"")


async def test_a_preflight_passes_without_a_key() -> None:
    answer = await preflight("https://chat.example.com", api_keys=["client-key"])
    assert answer.status == 200
    assert "x-stainless-os" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-methods"] == "GET, POST, DELETE"


async def test_without_keys_only_loopback_pages_pass_a_preflight() -> None:
    assert (await preflight("http://localhost:3000")).status == 200
    evil = await preflight("https://evil.example.com")
    assert evil.status >= 400
    assert "access-control-allow-origin" not in evil.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example.com"},
        {"origin": "null"},
        {"host": "evil.example.com"},
        {"host": "127.0.0.1.evil.example.com"},
    ],
)
async def test_without_keys_no_page_of_another_machine_is_answered(headers: dict[str, str]) -> None:
    answer = await chat(headers)
    assert (answer.status, answer.json()["error"]["code"]) == (403, "forbidden")


async def test_an_origin_named_in_the_settings_is_let_in() -> None:
    headers = {"origin": "https://chat.example.com"}
    answer = await chat(headers, cors_origins=["https://chat.example.com"])
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://chat.example.com"
    assert (await chat({"origin": "https://b.example.com"}, cors_origins=["*"])).status == 403


async def test_an_error_can_be_read_by_the_page_that_caused_it() -> None:
    headers = {"origin": "https://chat.example.com"}
    answer = await chat(headers, api_keys=["client-key"])
    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_the_clients_request_id_comes_back() -> None:
    answer = await chat({"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    assert (await chat()).headers["x-request-id"].startswith("req_")


OWN_KEY = 'workspaces = [42]\nretrieval = ["context"]\nlighton_key_env = "ACME_KEY"'


async def test_a_key_of_the_key_file_opens_what_its_table_says(tmp_path: Path) -> None:
    asked: list[tuple[str, Any]] = []
    path = write(tmp_path / "keys.toml", table("acme", more=OWN_KEY), table("other", OTHER))

    def upstream(request: httpx.Request) -> httpx.Response:
        if request.url.host == "scaleway.test":
            return httpx.Response(200, json=Round("Hi.").completion())
        asked.append((request.headers["authorization"], orjson.loads(request.content)))
        return httpx.Response(200, json={"results": []})

    app = create_app(
        settings(keys_file=str(path), workspace_id=[42, 43]),
        httpx.MockTransport(upstream),
        secrets=NamedSecrets({"ACME_KEY": "acmes"}),
    )
    statuses = [
        (await ask(app, document=body, headers={"authorization": f"Bearer {key}"})).status
        for key, body in (
            (SECRET, HI_AT_LENGTH),
            (SECRET, {**HI_AT_LENGTH, "lighton": {"workspace_id": [43]}}),
            (SECRET, {**HI_AT_LENGTH, "lighton": {"retrieval": "off"}}),
            (OTHER, HI_AT_LENGTH),
        )
    ]
    assert statuses == [200, 403, 403, 403]
    ((key, body),) = asked
    assert (key, body["workspace_id"]) == ("Bearer acmes", [42])


async def test_a_search_key_that_is_named_and_not_set_is_an_error_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "keys.toml", table("acme", more=OWN_KEY))
    create_app(settings(keys_file=str(path)), Upstreams().transport())
    errors = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert len(errors) == 1
    assert "keys.acme.lighton_key_env: ACME_KEY is not set" in errors[0]


async def test_each_of_the_settings_keys_has_searches_of_its_own() -> None:
    upstreams = Upstreams(lambda _: Round("Hi."), [result("c1")])
    keys = ["first-client-key", "second-client-key"]
    app = create_app(settings(api_keys=keys, retrieval="context"), upstreams.transport())
    for key in (*keys, *keys):
        await ask(app, document=HI_AT_LENGTH, headers={"authorization": f"Bearer {key}"})
    assert len(upstreams.searched) == 2


def test_rules_of_a_settings_file_that_has_changed_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "rag-proxy.toml"
    path.write_text('[[access]]\nuser = "ann"\nworkspace_id = [7]\n')
    rules = Rules()
    create_app(Settings(), rules=rules, origin=Origin(path))
    assert rules.admit(ANYBODY, Person("ann")).of_person.workspaces == frozenset({7})
