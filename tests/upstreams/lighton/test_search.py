"""One search: what is asked, what goes wrong, and how long it may take."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from typing import Any

import httpx
import orjson
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.effort import Effort
from proxy.core.search_tool import Search
from proxy.errors import (
    BadCredentials,
    BadReply,
    CircuitOpen,
    OutOfReach,
    Overloaded,
    RateLimited,
    Unreachable,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
)
from proxy.upstreams.http.breaker import BreakerRules
from proxy.upstreams.http.circuits import Circuit, Circuits
from proxy.upstreams.http.endpoint import pooled_transport
from proxy.upstreams.lighton.replies import NAME
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.search import LightOn
from tests.support.clock import LIMIT_S, idle, skipping_clock
from tests.support.shelves import Shelves
from tests.upstreams.http.test_breaker import Clock
from tests.upstreams.json_documents import json_values, unhurried
from tests.upstreams.lighton.samples import (
    ANYWHERE,
    BASE_URL,
    KEY,
    SEARCH,
    URL,
    found,
    item,
    lighton,
    retries,
)
from tests.upstreams.raw_server import PATIENCE_S, Connection, chunked, raw_server


@pytest.fixture
def route(router: respx.MockRouter) -> respx.Route:
    return router.post(URL)


@pytest.fixture
def upstream(router: respx.MockRouter) -> LightOn:
    return lighton(httpx.MockTransport(router.async_handler))


# What is asked


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (LightOnScope(), {}),
        (LightOnScope(workspace_id=(1, 2)), {"workspace_id": [1, 2]}),
        (LightOnScope(tag_id=(3,)), {"tag_id": [3]}),
        (LightOnScope(file_id=(7,)), {"file_id": [7]}),
        (
            LightOnScope(
                workspace_id=(1,), tag_id=(3,), content_type=("legal:*",), attribute=("a|b",)
            ),
            {
                "workspace_id": [1],
                "tag_id": [3],
                "content_type": ["legal:*"],
                "attribute": ["a|b"],
            },
        ),
        (
            LightOnScope(workspace_id=(1,), tag_id=(3,), file_id=(7,), attribute=("a",)),
            {"file_id": [7], "attribute": ["a"]},
        ),
        (LightOnScope(relevance_scoring="none"), {"relevance_scoring": "none"}),
        (LightOnScope(relevance_scoring="scoring_only"), {"relevance_scoring": "scoring_only"}),
        (
            LightOnScope(relevance_scoring="none", min_relevance=0.5),
            {"relevance_scoring": "scoring_only"},
        ),
        (LightOnScope(max_results=3), {}),
    ],
)
async def test_a_search_is_asked_for_within_its_scope(
    upstream: LightOn, route: respx.Route, scope: LightOnScope, expected: dict[str, Any]
) -> None:
    await found(upstream, route, scope=scope)
    request = route.calls.last.request
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert orjson.loads(request.content) == {
        "query": "notice period",
        "max_results": 5,
        **expected,
    }


async def test_a_search_is_asked_for_once_because_it_is_billed(
    upstream: LightOn, route: respx.Route
) -> None:
    route.side_effect = httpx.ReadTimeout("late")
    with pytest.raises(UpstreamTimeout):
        await upstream.search(SEARCH, ANYWHERE)
    assert route.call_count == 1


# Replies that are wrong


async def test_half_of_an_emoji_costs_one_character_and_not_the_search() -> None:
    body = orjson.dumps({"results": [item(content="thumbs @"), item(content="fine")]})
    reply = httpx.Response(200, content=body.replace(b"@", b"\\ud83d"))
    found = await lighton(httpx.MockTransport(lambda _: reply)).search(SEARCH, LightOnScope())
    assert [each.content for each in found.results] == [
        "thumbs \N{REPLACEMENT CHARACTER}",
        "fine",
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(200, html="<html>Sign in</html>"), "not JSON"),
        (httpx.Response(200, content=b""), "not JSON"),
        (httpx.Response(200, json=[item()]), "unknown shape"),
        (httpx.Response(200, content=b"null"), "unknown shape"),
        (httpx.Response(200, json={}), "cannot be read"),
        (httpx.Response(200, json={"results": None}), "cannot be read"),
        (httpx.Response(200, json={"results": {"0": item()}}), "cannot be read"),
        (httpx.Response(200, json={"results": [item(), None]}), "cannot be read"),
    ],
)
async def test_a_reply_of_another_shape_is_a_bad_reply(
    upstream: LightOn, route: respx.Route, answer: httpx.Response, message: str
) -> None:
    route.return_value = answer
    with pytest.raises(BadReply, match=message):
        await upstream.search(SEARCH, ANYWHERE)


MAINTENANCE = {
    "detail": "Back at noon.",
    "error": "service_maintenance",
    "mode": "full",
    "reason": None,
    "started_at": None,
}
INVALID = {
    "id": "e1",
    "code": 422,
    "error": "validation_error",
    "detail": "Invalid input.",
    "doc_url": "https://docs.test",
    "fields": {"query": [{"error": "max_length", "detail": "Too long."}], "mode": []},
}


@pytest.mark.parametrize(
    ("answer", "expected", "message"),
    [
        (
            httpx.Response(400, json={"detail": "Bad JSON."}),
            UpstreamRejected,
            "LightOn refused the request: Bad JSON.",
        ),
        (
            httpx.Response(422, json=INVALID),
            UpstreamRejected,
            "LightOn refused the request: Invalid input. (query) (mode)",
        ),
        (
            httpx.Response(422, json={"fields": {"query": 5}}),
            UpstreamRejected,
            "LightOn refused the request: (query)",
        ),
        (
            httpx.Response(429, json={"detail": "Slow."}),
            RateLimited,
            "LightOn's quota is used up: Slow.",
        ),
        (
            httpx.Response(500, json={"error": "oops"}),
            UpstreamError,
            "LightOn failed with HTTP 500.",
        ),
        (
            httpx.Response(503, json=MAINTENANCE),
            Overloaded,
            "LightOn is unavailable at the moment: Back at noon.",
        ),
        (httpx.Response(504, json={}), UpstreamTimeout, "LightOn timed out."),
        (httpx.Response(500, json=[1]), UpstreamError, "LightOn failed with HTTP 500."),
        (
            httpx.Response(500, json={"detail": ["x"], "fields": ["y"]}),
            UpstreamError,
            "LightOn failed with HTTP 500.",
        ),
        (httpx.Response(201, json={"results": []}), UpstreamError, "LightOn failed with HTTP 201."),
    ],
)
async def test_an_error_status_is_told_in_lightons_words(
    upstream: LightOn,
    route: respx.Route,
    answer: httpx.Response,
    expected: type[UpstreamError],
    message: str,
) -> None:
    route.return_value = answer
    with pytest.raises(expected) as caught:
        await upstream.search(SEARCH, ANYWHERE)
    assert type(caught.value) is expected
    assert caught.value.message == message


@pytest.mark.parametrize("status", [401, 403])
async def test_a_rejected_key_is_the_operators_to_mend(
    upstream: LightOn, route: respx.Route, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    route.respond(status, json={"detail": f"{KEY} is not known"})
    with pytest.raises(BadCredentials, match="LIGHTON_API_KEY"):
        await upstream.search(SEARCH, ANYWHERE)
    assert "[key] is not known" in caplog.text
    assert KEY not in caplog.text


async def test_a_scope_that_the_key_cannot_read_is_no_fault_of_the_key(
    upstream: LightOn, route: respx.Route, caplog: pytest.LogCaptureFixture
) -> None:
    route.respond(403, json={"detail": f"Nothing for {KEY}."})
    with pytest.raises(OutOfReach, match=r"Nothing for \[key\]\. Check workspace_id") as caught:
        await upstream.search(SEARCH, LightOnScope(workspace_id=(999,)))
    assert caught.value.status == 502
    assert not caplog.records


@pytest.mark.parametrize("status", [401, 422, 500])
async def test_only_a_403_is_about_the_scope(
    upstream: LightOn, route: respx.Route, status: int
) -> None:
    route.respond(status, json={"detail": "No."})
    with pytest.raises(UpstreamError) as caught:
        await upstream.search(SEARCH, LightOnScope(workspace_id=(999,)))
    assert not isinstance(caught.value, OutOfReach)


async def test_a_firewalls_403_is_not_taken_for_the_scopes(
    upstream: LightOn, route: respx.Route
) -> None:
    route.respond(403, html="<html>No</html>")
    with pytest.raises(BadCredentials):
        await upstream.search(SEARCH, LightOnScope(workspace_id=(999,)))


async def test_a_page_of_a_firewall_is_not_repeated(upstream: LightOn, route: respx.Route) -> None:
    route.respond(502, html="<html><title>Bad Gateway</title></html>")
    with pytest.raises(UpstreamError, match=r"^LightOn failed with HTTP 502\.$"):
        await upstream.search(SEARCH, ANYWHERE)


async def test_a_long_message_is_cut(upstream: LightOn, route: respx.Route) -> None:
    route.respond(400, json={"detail": "x" * 10_000})
    with pytest.raises(UpstreamRejected, match=r": x{2000}$"):
        await upstream.search(SEARCH, ANYWHERE)


@pytest.mark.parametrize(("headers", "expected"), [({"Retry-After": "8"}, 8), ({}, 5)])
async def test_a_used_up_quota_says_when_to_retry(
    upstream: LightOn, route: respx.Route, headers: dict[str, str], expected: float
) -> None:
    route.respond(429, headers=headers)
    with pytest.raises(RateLimited) as caught:
        await upstream.search(SEARCH, ANYWHERE)
    assert caught.value.retry_after_s == expected


@unhurried
@given(
    json_values(keys=("detail", "error", "fields", "code")),
    st.sampled_from([400, 401, 404, 422, 429, 500, 503]),
)
async def test_any_error_body_is_an_error_of_lighton(document: Any, status: int) -> None:
    router = respx.MockRouter()
    router.post(URL).respond(status, json=document)
    with pytest.raises(UpstreamError) as caught:
        await lighton(httpx.MockTransport(router.async_handler)).search(SEARCH, ANYWHERE)
    assert caught.value.upstream == NAME


# Retries


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_search_that_lighton_refused_is_made_again(
    upstream: LightOn, route: respx.Route, status: int
) -> None:
    answers = [httpx.Response(status), httpx.Response(200, json={"results": [item()]})]
    route.side_effect = answers
    effort = Effort()
    found = await replace(upstream, retries=retries(effort)).search(SEARCH, ANYWHERE)
    assert len(found.results) == 1
    assert effort.timeline.retry_causes == [f"status_{status}"]


async def test_a_search_that_is_out_of_reach_is_not(upstream: LightOn, route: respx.Route) -> None:
    route.respond(403, json={"detail": "No."})
    team = LightOnScope(workspace_id=(42,))
    with pytest.raises(OutOfReach):
        await replace(upstream, retries=retries(Effort())).search(SEARCH, team)
    assert route.call_count == 1


async def test_a_search_is_not_made_again_after_the_time_for_searches(
    upstream: LightOn, route: respx.Route
) -> None:
    route.respond(503)
    effort = Effort(searches_until=asyncio.get_running_loop().time())
    with pytest.raises(Overloaded):
        await replace(upstream, retries=retries(effort)).search(SEARCH, ANYWHERE)
    assert route.call_count == 1


async def test_a_search_that_may_have_been_billed_is_not_made_again(
    upstream: LightOn, route: respx.Route
) -> None:
    route.side_effect = httpx.ReadError("broke")
    with pytest.raises(Unreachable):
        await replace(upstream, retries=retries(Effort())).search(SEARCH, ANYWHERE)
    assert route.call_count == 1


# Time and connections


async def test_a_search_is_bounded_as_a_whole_however_its_bytes_trickle() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(b'{"results": ', content_type="application/json"))
        while True:
            await connection.send(b"1\r\n \r\n")
            await idle()
            clock.skip(LIMIT_S / 5)

    with skipping_clock() as clock:
        async with raw_server(script) as server:
            upstream = lighton(pooled_transport(), server.url, timeout_s=LIMIT_S)
            with pytest.raises(UpstreamTimeout, match="LightOn did not answer in time"):
                await upstream.search(SEARCH, ANYWHERE)
            await upstream.endpoint.aclose()


async def test_cancelling_a_search_closes_its_connection() -> None:
    asked = asyncio.Event()

    async def script(connection: Connection) -> None:
        await connection.request()
        asked.set()
        await connection.gone()

    async with raw_server(script) as server:
        upstream = lighton(pooled_transport(), server.url)
        searching = asyncio.create_task(upstream.search(SEARCH, ANYWHERE))
        await asyncio.wait_for(asked.wait(), PATIENCE_S)
        searching.cancel()
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
        with pytest.raises(asyncio.CancelledError):
            await searching
        await upstream.endpoint.aclose()


# What searches share


async def test_equal_searches_are_one_request(router: respx.MockRouter, route: respx.Route) -> None:
    upstream = lighton(httpx.MockTransport(router.async_handler), ttl_s=30)
    first = await found(upstream, route, item("a"))
    again = await upstream.search(SEARCH, LightOnScope())
    assert (first.is_shared, again) == (False, first._replace(is_shared=True))
    assert route.call_count == 1


OTHER_SCOPES = [
    LightOnScope(workspace_id=(1,)),
    LightOnScope(tag_id=(1,)),
    LightOnScope(file_id=(1,)),
    LightOnScope(content_type=("a",)),
    LightOnScope(attribute=("a",)),
    LightOnScope(max_results=4),
    LightOnScope(relevance_scoring="none"),
    LightOnScope(min_relevance=0.5),
    LightOnScope(unknown_relevance="drop"),
]


def test_every_field_of_a_scope_is_among_the_other_scopes() -> None:
    set_ones = {f.name for each in OTHER_SCOPES for f in fields(each) if getattr(each, f.name)}
    assert set_ones == {f.name for f in fields(LightOnScope)}


@pytest.mark.parametrize("other", OTHER_SCOPES)
async def test_searches_of_different_scopes_share_nothing(
    router: respx.MockRouter, route: respx.Route, other: LightOnScope
) -> None:
    upstream = lighton(httpx.MockTransport(router.async_handler), ttl_s=30)
    await found(upstream, route, item("a"))
    await upstream.search(SEARCH, other)
    assert route.call_count == 2


@pytest.mark.parametrize("other", [Search("notice period", 4), Search("Notice period", 5)])
async def test_searches_for_something_else_share_nothing(
    router: respx.MockRouter, route: respx.Route, other: Search
) -> None:
    upstream = lighton(httpx.MockTransport(router.async_handler), ttl_s=30)
    await found(upstream, route, item("a"))
    await upstream.search(other, ANYWHERE)
    assert route.call_count == 2


async def test_another_key_of_lighton_shares_nothing(
    router: respx.MockRouter, route: respx.Route
) -> None:
    upstream = lighton(httpx.MockTransport(router.async_handler), ttl_s=30)
    await found(upstream, route, item("a"))
    other = replace(upstream, vendor=replace(upstream.vendor, key="other"))
    await other.search(SEARCH, ANYWHERE)
    assert route.call_count == 2


async def test_a_failed_search_is_tried_again(router: respx.MockRouter, route: respx.Route) -> None:
    upstream = lighton(httpx.MockTransport(router.async_handler), ttl_s=30)
    route.mock(return_value=httpx.Response(503))
    with pytest.raises(Overloaded):
        await upstream.search(SEARCH, ANYWHERE)
    assert (await found(upstream, route, item("a"))).results


async def test_the_scope_of_another_vendor_is_not_searched(
    upstream: LightOn, route: respx.Route
) -> None:
    with pytest.raises(TypeError, match="filters of a Shelves"):
        await upstream.search(SEARCH, Shelves(("a",)))
    assert not route.called


# What keeps failing


def guarded(router: respx.MockRouter) -> tuple[LightOn, Clock]:
    clock = Clock()
    circuits = Circuits(BreakerRules(2), clock, lambda: 0.0)
    return replace(lighton(httpx.MockTransport(router.async_handler)), circuits=circuits), clock


@pytest.mark.parametrize(
    "fault",
    [
        httpx.Response(500),
        httpx.Response(503),
        httpx.Response(429, headers={"retry-after": "1"}),
        httpx.ReadTimeout("late"),
    ],
    ids=["500", "503", "429", "late"],
)
async def test_a_search_that_keeps_failing_is_not_sent_until_a_probe(
    router: respx.MockRouter, route: respx.Route, fault: httpx.Response | Exception
) -> None:
    upstream, clock = guarded(router)
    route.side_effect = [fault, fault, *[httpx.Response(200, json={"results": []})] * 2]
    for _ in range(2):
        with pytest.raises(UpstreamError):
            await upstream.search(SEARCH, ANYWHERE)
    with pytest.raises(CircuitOpen) as refused:
        await upstream.search(SEARCH, ANYWHERE)
    assert (refused.value.cause, refused.value.retry_after_s) == ("circuit_open", 1)
    with pytest.raises(CircuitOpen):  # whoever asks, and for whatever
        await replace(upstream, asker=("ann", "")).fetch("GET", "/api/v3/files/7")
    clock.now += 1
    for _ in range(2):
        await upstream.search(SEARCH, ANYWHERE)
    assert route.call_count == 4
    assert not upstream.circuits.enter(Circuit("search", BASE_URL)).is_watched


@pytest.mark.parametrize("status", [400, 401, 403, 422, 429])
async def test_what_one_search_is_refused_for_stops_no_other(
    router: respx.MockRouter, route: respx.Route, status: int
) -> None:
    upstream, _ = guarded(router)
    route.respond(status)
    for _ in range(5):
        with pytest.raises(UpstreamError) as failed:
            await upstream.search(SEARCH, ANYWHERE)
        assert not isinstance(failed.value, CircuitOpen)
