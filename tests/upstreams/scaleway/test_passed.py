from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
import respx

from proxy.errors import BadReply, ModelNotFound, UpstreamRejected, UpstreamTimeout
from proxy.tasks import Steps
from proxy.upstreams.http import endpoint as endpoints
from proxy.upstreams.http.endpoint import Endpoint
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.models import ScalewayModels
from proxy.upstreams.scaleway.passed import ScalewayPassed
from proxy.upstreams.scaleway.replies import CREDENTIALS, NAME
from proxy.upstreams.scaleway.vectors import Reading
from tests.upstreams.endpoints import way_over
from tests.upstreams.scaleway.samples import BASE_URL, KEY

ASKED = {"model": "m", "input": "one", "user": "kim"}


@pytest.fixture
def route(router: respx.MockRouter) -> respx.Route:
    return router.post(f"{BASE_URL}/embeddings")


@pytest.fixture
def upstream(router: respx.MockRouter) -> ScalewayPassed:
    transport = httpx.MockTransport(router.async_handler)
    endpoint = Endpoint(NAME, BASE_URL, KEY, way_over(transport), 5)
    vendor = Vendor(NAME, CREDENTIALS, 5, KEY)
    models = ScalewayModels(endpoint, vendor, 60)
    dropped = frozenset({"user"})
    dropped = frozenset({"user"})
    return ScalewayPassed(endpoint, vendor, models, dropped, 5, "/embeddings", read)


def read(_vendor: Vendor, body: bytes, _asked: object) -> Steps[Reading]:
    """Takes any reply as it is."""
    yield
    return Reading(orjson.loads(body), body)


async def test_a_request_goes_to_its_path_with_the_proxys_key(
    upstream: ScalewayPassed, route: respx.Route
) -> None:
    route.respond(json={"model": "m2", "usage": {"prompt_tokens": 3, "total_tokens": 3}})
    told: list[Any] = []
    upstream.told = lambda model, headers: told.append((model, headers["content-type"]))
    passed = await upstream.pass_on(ASKED)
    request = route.calls.last.request
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert orjson.loads(request.content) == {"model": "m", "input": "one"}
    assert passed.model == "m2"
    assert passed.usage == {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3}
    assert told == [("m", "application/json")]


async def test_a_reply_that_stays_as_it_is_has_the_same_bytes(
    upstream: ScalewayPassed, route: respx.Route
) -> None:
    content = b'{ "a" : 1.50 }'
    route.respond(content=content)
    assert (await upstream.pass_on(ASKED)).body == content


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (None, {}),
        ({}, {}),
        ({"total_tokens": "7"}, {}),
        ({"prompt_tokens": -3, "total_tokens": 0}, {}),
        ({"total_tokens": 9}, (9, 0, 9)),
        ({"prompt_tokens": 4}, (4, 0, 4)),
        ({"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}, (4, 2, 6)),
        ({"completion_tokens": 8, "total_tokens": 6}, (0, 8, 6)),
    ],
)
async def test_tokens_are_counted_as_far_as_the_upstream_tells(
    upstream: ScalewayPassed, route: respx.Route, usage: Any, counts: Any
) -> None:
    route.respond(json={"usage": usage})
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    assert (await upstream.pass_on(ASKED)).usage == (
        dict(zip(names, counts, strict=True)) if counts else {}
    )


async def test_a_model_that_is_not_listed_is_not_found(
    upstream: ScalewayPassed, route: respx.Route, router: respx.MockRouter
) -> None:
    router.get(f"{BASE_URL}/models").respond(json={"data": [{"id": "other"}]})
    route.respond(422, json={"message": "No."})
    with pytest.raises(ModelNotFound):
        await upstream.pass_on(ASKED)


async def test_a_refusal_of_a_model_that_is_listed_is_told(
    upstream: ScalewayPassed, route: respx.Route, router: respx.MockRouter
) -> None:
    router.get(f"{BASE_URL}/models").respond(json={"data": [{"id": "m"}]})
    route.respond(422, json={"message": "No."})
    with pytest.raises(UpstreamRejected, match="No"):
        await upstream.pass_on(ASKED)


async def test_silence_is_told_as_that_of_a_round(
    upstream: ScalewayPassed, route: respx.Route
) -> None:
    route.mock(side_effect=httpx.ReadTimeout("late"))
    with pytest.raises(UpstreamTimeout, match="nothing of its answer for 5 seconds") as caught:
        await upstream.pass_on(ASKED)
    assert caught.value.cause == "round_idle"


async def test_a_reply_that_is_too_long_says_what_helps(
    upstream: ScalewayPassed, route: respx.Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints.Reply.__init__, "__defaults__", (10, None))
    route.respond(content=b"{" + b" " * 20 + b"}")
    with pytest.raises(BadReply, match="fewer inputs") as caught:
        await upstream.pass_on(ASKED)
    assert (caught.value.cause, caught.value.retryable) == ("too_long", False)
