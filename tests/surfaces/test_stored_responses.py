"""The routes of stored responses, by themselves and in the application."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx
import openai
import pytest
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.access.clients import ANYBODY, Client
from proxy.access.grants import Limits
from proxy.app import create_app
from proxy.core.inflight import InFlight
from proxy.settings import Settings
from proxy.settings.policies import Policies
from proxy.state.counters import MemoryCounters
from proxy.state.responses import Stored, StoredResponses
from proxy.state.store import make_store
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.limited import AllLimits
from proxy.surfaces.middleware import Paths, Requests
from proxy.surfaces.replies import ErrorReplies
from proxy.surfaces.stored_responses import routes_of
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.whose import realm_of, seal_of
from tests.state.response_samples import ANN, answer, asked, stored_responses
from tests.support.asgi import Answer, ask
from tests.support.openai_schema import check_error
from tests.support.server import serving


@dataclass
class House:
    """The routes behind the middleware that an application has, without keys."""

    limits: Limits = field(default_factory=Limits)
    asking: Client = ANN
    stored: StoredResponses = field(default_factory=stored_responses)
    inflight: InFlight = field(default_factory=InFlight)

    @property
    def app(self) -> ASGIApp:
        limits = AllLimits(MemoryCounters(), self.limits, "realm")
        router: ASGIApp = Router(
            routes_of(self.stored, limits, self.inflight), redirect_slashes=False
        )

        async def as_client(scope: Scope, receive: Receive, send: Send) -> None:
            exchange_of(scope).client = self.asking
            await router({**scope, "app": router}, receive, send)

        return Requests(ErrorReplies(Paths(as_client)))

    async def keep(self, *stored: Stored) -> None:
        for each in stored:
            await self.stored.of(self.asking).keep(each)

    async def ask(self, path: str, method: str = "GET") -> Answer:
        return await ask(self.app, f"/v1/responses/{path}", method=method, content=b"")


def refused(answer: Answer, status: int, param: str | None = None) -> str:
    """The message of an error."""
    assert answer.status == status
    check_error(answer.json())
    error = answer.json()["error"]
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"
    return str(error["message"])


async def test_a_response_is_read_back_as_it_was_told() -> None:
    house = House()
    await house.keep(answer("1"))
    for path in ("resp_1", "resp_1/", "resp_1?include[]=file_search_call.results&stream=false"):
        found = await house.ask(path)
        assert (found.status, found.json()) == (200, answer("1").response)
        assert found.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("resp_2", "GET"),
        ("resp_2", "DELETE"),
        ("resp_2/input_items", "GET"),
        ("resp_2/cancel", "POST"),
        ("input_tokens", "GET"),
    ],
)
async def test_an_unknown_response_is_not_found_in_openais_words(path: str, method: str) -> None:
    wanted = path.partition("/")[0]
    said = refused(await House().ask(path, method), 404)
    assert said == f"Response with id '{wanted}' not found."


async def test_another_clients_response_is_unknown() -> None:
    house = House()
    await house.keep(answer("1"))
    house.asking = Client("ann", "2")
    assert (await house.ask("resp_1")).status == 404
    assert (await house.ask("resp_1", "DELETE")).status == 404
    house.asking = ANN
    assert (await house.ask("resp_1")).status == 200


async def test_a_deleted_response_is_gone() -> None:
    house = House()
    await house.keep(answer("1"), answer("2"))
    told = await house.ask("resp_1", "DELETE")
    assert told.json() == {"id": "resp_1", "object": "response", "deleted": True}
    assert (await house.ask("resp_1", "DELETE")).status == 404
    assert (await house.ask("resp_1")).status == 404
    assert (await house.ask("resp_2")).status == 200


async def test_the_input_is_listed_page_by_page() -> None:
    house = House()
    await house.keep(Stored({"id": "resp_1", "output": []}, tuple(asked(str(n)) for n in range(3))))
    listed = (await house.ask("resp_1/input_items")).json()
    assert [each["id"] for each in listed["data"]] == ["msg_2", "msg_1", "msg_0"]
    query = "order=asc&limit=1&after=msg_0&include[0]=x"
    listed = (await house.ask(f"resp_1/input_items?{query}")).json()
    assert listed == {
        "object": "list",
        "data": [asked("1")],
        "first_id": "msg_1",
        "last_id": "msg_1",
        "has_more": True,
    }


async def test_what_has_ended_cannot_be_cancelled() -> None:
    house = House()
    await house.keep(answer("1"))
    said = refused(await house.ask("resp_1/cancel", "POST"), 400)
    assert said.startswith("Cannot cancel a synchronous response.")


@pytest.mark.parametrize(
    ("path", "param", "words"),
    [
        ("resp_1?stream=true", "stream", "cannot be streamed again"),
        ("resp_1?strem=true", "strem", "but include, include_obfuscation, starting_after, stream"),
        ("resp_1/input_items?limit=0", "limit", "from 1 to 100"),
        ("resp_1/input_items?limit=1&limit=2", "limit", "more than once"),
        ("resp_1/input_items?stream=1", "stream", "but after, before, include, limit, order"),
    ],
)
async def test_parameters_that_cannot_be_followed_are_named(
    path: str, param: str, words: str
) -> None:
    house = House()
    await house.keep(answer("1"))
    assert words in refused(await house.ask(path), 400, param)


async def test_no_parameter_goes_with_a_deletion() -> None:
    house = House()
    await house.keep(answer("1"))
    refused(await house.ask("resp_1?really=1", "DELETE"), 400, "really")
    assert (await house.ask("resp_1")).status == 200


@pytest.mark.parametrize("name", ["input_tokens", "compact"])
async def test_what_openai_has_there_and_the_proxy_has_not_is_named(name: str) -> None:
    said = refused(await House().ask(name, "POST"), 404)
    assert said.startswith(f"This proxy has no /v1/responses/{name}. ")


async def test_the_requests_count_to_the_limit_of_requests_and_take_no_place_of_answers() -> None:
    house = House(limits=Limits(requests_per_minute=2, concurrent=0))
    app = house.app
    await house.keep(answer("1"))
    paths = ("/responses/resp_1", "/responses/resp_1/input_items", "/responses/resp_1")
    told = [(await ask(app, path, method="GET", content=b"")).status for path in paths]
    assert told == [200, 200, 429]


async def test_a_response_that_the_memory_has_no_room_for_now_is_told_to_be_asked_for_later() -> (
    None
):
    house = House(inflight=InFlight(most=1_000, retry_after_s=5))
    await house.keep(answer("1"))
    told = await house.ask("resp_1")
    assert (told.status, told.json()["error"]["code"]) == (503, "overloaded")
    house.inflight.most = 10_000
    assert (await house.ask("resp_1")).status == 200
    assert house.inflight.bytes == 0, "it holds nothing when the reply is over"


def settings(**more: Any) -> Settings:
    return Settings(
        lighton_base_url="https://lighton.test",
        lighton_api_key="lighton-secret",
        scaleway_base_url="https://scaleway.test/v1",
        scaleway_api_key="scaleway-secret",
        **more,
    )


async def no_upstream(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked")


async def test_processes_with_one_redis_share_responses_and_the_official_client_reads_them(
    redis_url: str,
) -> None:
    given = settings(redis_url=redis_url)
    first, second = (create_app(given, httpx.MockTransport(no_upstream)) for _ in range(2))
    async with first.lifespan_context(None), second.lifespan_context(None):
        await _kept_by_a_process(given, answer("shared"))
        async with serving(first) as one, serving(second) as other:
            here, there = (_client(url) for url in (one, other))
            for client in (here, there):
                found = await client.responses.retrieve("resp_shared")
                assert found.output_text.startswith("Answer shared.")
                page = await client.responses.input_items.list("resp_shared", order="asc", limit=5)
                assert [each.id for each in page.data] == ["msg_qshared"]
                with pytest.raises(openai.BadRequestError, match="Cannot cancel a synchronous"):
                    await client.responses.cancel("resp_shared")
            await here.responses.delete("resp_shared")
            with pytest.raises(openai.NotFoundError, match="'resp_shared' not found"):
                await there.responses.retrieve("resp_shared")
            for client in (here, there):
                await client.close()


async def _kept_by_a_process(given: Settings, stored: Stored) -> None:
    """As the application keeps it when it has answered."""
    seal = seal_of(given)
    assert given.redis_url is not None
    store = make_store(given.redis_url.get_secret_value(), 0, seal)
    async with aclosing(store):
        reach_of = Policies(given, LightOnScope).reach
        realm = realm_of(given)
        await StoredResponses(store, 60, realm, reach_of, 1_000).of(ANYBODY).keep(stored)


def _client(url: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
