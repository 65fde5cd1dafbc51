"""One model round: what is asked, what is answered, what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.wire import ChatRequest
from proxy.errors import (
    BadCredentials,
    BadReply,
    ModelNotFound,
    ProxyError,
    RateLimited,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
)
from proxy.upstreams.scaleway.client import Scaleway
from tests.support.script import DONE, event
from tests.upstreams.json_documents import json_values, unhurried
from tests.upstreams.scaleway.samples import (
    ASKED,
    BASE_URL,
    EVENTS,
    KEY,
    MODEL,
    ONE,
    STREAMED,
    TWO,
    Heard,
    asking,
    chunks,
    groups,
    saying,
    scaleway,
    stream_of,
)

COMPLETION = orjson.dumps({"choices": [{"message": {"content": "hi"}}]})


@pytest.fixture
def route(router: respx.MockRouter) -> respx.Route:
    return router.post(f"{BASE_URL}/chat/completions")


@pytest.fixture
def upstream(router: respx.MockRouter) -> Scaleway:
    return scaleway(httpx.MockTransport(router.async_handler))


# What is asked


async def test_a_request_is_made_fit_and_sent_to_the_projects_address(
    upstream: Scaleway, route: respx.Route
) -> None:
    route.respond(json={"choices": []})
    mistral: Any = {
        "model": "mistral-small-3.2-24b-instruct-2506",
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "user", "content": "two"},
            {"role": "developer", "content": "be brief"},
        ],
        "n": 1,
        "user": "u",
        "temperature": 0.5,
    }
    await chunks(upstream, mistral)
    request = route.calls.last.request
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert orjson.loads(request.content) == {
        "model": "mistral-small-3.2-24b-instruct-2506",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "one\n\ntwo"},
        ],
        "temperature": 0.5,
    }


# What is answered


async def test_a_plain_reply_is_a_stream_of_one_chunk(
    upstream: Scaleway, route: respx.Route
) -> None:
    message: dict[str, Any] = {"role": "assistant", "content": "hi", "tool_calls": []}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "stop_reason": None}
    route.respond(json={"id": "1", "model": MODEL, "choices": [choice], "usage": {}})
    delta = {"index": 0, "delta": message, "finish_reason": "stop", "stop_reason": None}
    assert await groups(upstream, ASKED) == [
        [{"id": "1", "model": MODEL, "choices": [delta], "usage": {}}]
    ]


async def test_a_plain_reply_serves_also_when_a_stream_was_asked_for(
    upstream: Scaleway, route: respx.Route
) -> None:
    route.respond(json={"choices": [{"message": {"content": "hi"}}]})
    assert await groups(upstream, STREAMED) == [[{"choices": [{"delta": {"content": "hi"}}]}]]


async def test_chunks_come_in_the_groups_they_arrived_in(
    upstream: Scaleway, route: respx.Route
) -> None:
    route.return_value = stream_of(event(ONE) + event(TWO), event(ONE)[:9], event(ONE)[9:], DONE)
    assert await groups(upstream) == [[ONE, TWO], [ONE]]


async def test_an_error_comes_after_the_good_chunks_that_arrived_with_it(
    upstream: Scaleway, route: respx.Route
) -> None:
    fault = event({"error": {"message": "gone", "code": 500}})
    route.return_value = stream_of(event(ONE) + event(TWO) + fault + event(ONE))
    heard = Heard()
    with pytest.raises(UpstreamError, match="gone"):
        await upstream.ask(STREAMED, heard.hear)
    assert heard.groups == [[ONE, TWO]]


@pytest.mark.parametrize("end", [DONE, DONE + DONE, DONE + b": bye\n\n" + event(TWO), b""])
async def test_a_stream_ends_with_done_whatever_follows(
    upstream: Scaleway, route: respx.Route, end: bytes
) -> None:
    route.return_value = stream_of(event(ONE) + end)
    assert await chunks(upstream) == [ONE]


async def test_what_arrives_after_done_is_not_heard(upstream: Scaleway, route: respx.Route) -> None:
    route.return_value = stream_of(event(ONE) + DONE, event(TWO), b"data: {")
    assert await groups(upstream) == [[ONE]]


async def test_an_empty_stream_is_a_stream_of_nothing(
    upstream: Scaleway, route: respx.Route
) -> None:
    route.return_value = stream_of()
    assert await chunks(upstream) == []


async def test_a_stream_may_be_cut_anywhere(upstream: Scaleway, route: respx.Route) -> None:
    data = b": hello\r\n\r\n" + event(saying("é 🙂")) + event(TWO) + DONE
    route.return_value = stream_of(*(data[i : i + 1] for i in range(len(data))))
    assert await chunks(upstream) == [saying("é 🙂"), TWO]


async def test_an_event_without_data_is_not_heard(upstream: Scaleway, route: respx.Route) -> None:
    route.return_value = stream_of(b"event: ping\ndata:\n\n" + event(ONE), b"data: \n\n", DONE)
    assert await groups(upstream) == [[ONE]]


async def test_a_chunk_with_usage_and_no_choices_passes(
    upstream: Scaleway, route: respx.Route
) -> None:
    usage = {"model": MODEL, "choices": [], "usage": {"total_tokens": 3}}
    route.return_value = stream_of(event(ONE), event(usage), DONE)
    assert await chunks(upstream) == [ONE, usage]


@pytest.mark.parametrize("body", [ASKED, STREAMED])
async def test_a_round_ends_only_when_whoever_hears_it_has_caught_up(
    upstream: Scaleway, route: respx.Route, body: ChatRequest
) -> None:
    if body is STREAMED:
        route.return_value = stream_of(event(ONE))
    else:
        route.respond(json={"choices": [{"message": {"content": "hi"}}]})
    heard = Heard()
    behind = heard.behind = asyncio.get_running_loop().create_future()
    async with asking(upstream, heard, body) as task:
        await heard.until(1)
        await asyncio.wait([task], timeout=0)
        assert not task.done()
        behind.set_result(None)
        await task


async def test_cancelling_a_round_leaves_the_future_of_whoever_hears_it(
    upstream: Scaleway, route: respx.Route
) -> None:
    route.respond(json={"choices": [{"message": {"content": "hi"}}]})
    heard = Heard()
    behind = heard.behind = asyncio.get_running_loop().create_future()
    async with asking(upstream, heard, ASKED) as task:
        await heard.until(1)
        task.cancel()
        await asyncio.wait([task])
        assert not behind.done()


async def test_what_hears_a_round_may_object(upstream: Scaleway, route: respx.Route) -> None:
    route.return_value = stream_of(event(ONE), event(TWO))

    def hear(_: Any) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        await upstream.ask(STREAMED, hear)


@pytest.mark.parametrize("body", [ASKED, STREAMED])
async def test_a_silent_redirect_shows_as_the_model_that_answered(
    upstream: Scaleway, route: respx.Route, body: ChatRequest
) -> None:
    other = "mistral-small-3.2-24b-instruct-2506"
    if body is STREAMED:
        route.return_value = stream_of(event(saying("hi") | {"model": other}), DONE)
    else:
        route.respond(json={"model": other, "choices": [{"message": {"content": "hi"}}]})
    [answer] = await chunks(upstream, {**body, "model": "llama-3.1-8b-instruct"})
    assert answer["model"] == other


# Replies that are wrong


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(200, html="<title>Sign in</title>"), BadReply),
        (httpx.Response(200, json=[]), BadReply),
        (httpx.Response(200, json={"choices": 5}), BadReply),
        (httpx.Response(200, json={"error": {"message": "no", "code": 429}}), RateLimited),
        (stream_of(b"data: {\n\n"), BadReply),
        (stream_of(event([ONE])), BadReply),
        (stream_of(event({"choices": [{"delta": {"content": 5}}]})), BadReply),
        (stream_of(event({"error": {"message": "no", "code": 504}})), UpstreamTimeout),
        (stream_of(b"event: error\n" + event({"object": "error", "code": 400})), UpstreamRejected),
    ],
)
async def test_a_reply_that_began_well_and_is_wrong_is_an_error(
    upstream: Scaleway, route: respx.Route, answer: httpx.Response, expected: type[UpstreamError]
) -> None:
    route.return_value = answer
    with pytest.raises(expected) as caught:
        await chunks(upstream)
    assert type(caught.value) is expected


async def test_an_error_in_the_middle_of_a_stream_comes_after_what_was_good(
    upstream: Scaleway, route: respx.Route
) -> None:
    route.return_value = stream_of(event(ONE), event({"error": {"message": "gone", "code": 500}}))
    heard = Heard()
    with pytest.raises(UpstreamError, match="gone"):
        await upstream.ask(STREAMED, heard.hear)
    assert heard.groups == [[ONE]]


async def test_an_event_without_end_is_a_bad_reply(upstream: Scaleway, route: respx.Route) -> None:
    route.return_value = stream_of(b"data: ", *[b"x" * (8 << 20)] * 5)
    with pytest.raises(BadReply, match="a stream that cannot be read"):
        await chunks(upstream)


@unhurried
@given(
    st.one_of(json_values(keys=("error", "choices", "usage", "object", "code"))),
    st.sampled_from([200, 400, 404, 422, 429, 500]),
    st.booleans(),
)
async def test_any_document_is_a_chunk_or_an_error(
    document: Any,
    status: int,
    streams: bool,  # noqa: FBT001  # hypothesis passes it
) -> None:
    router = respx.MockRouter()
    router.get(f"{BASE_URL}/models").respond(json={"data": []})
    body = event(document) if streams else orjson.dumps(document)
    headers = EVENTS if streams else {}
    router.post(f"{BASE_URL}/chat/completions").respond(status, content=body, headers=headers)
    try:
        for each in await chunks(scaleway(httpx.MockTransport(router.async_handler))):
            assert isinstance(each, dict)
    except ProxyError:
        pass


# Errors


@pytest.mark.parametrize(
    "document",
    [
        {"error": {"message": "No luck.", "type": "t", "param": None, "code": 400}},
        {"object": "error", "message": "No luck.", "type": "t", "param": None, "code": 400},
        {"status": 400, "error": "BAD", "message": "No luck."},
        [{"loc": ["body"], "msg": "No luck.", "type": "t"}],
    ],
)
async def test_the_client_hears_what_the_upstream_finds_wrong(
    upstream: Scaleway, route: respx.Route, document: Any
) -> None:
    route.respond(400, json=document)
    with pytest.raises(UpstreamRejected) as caught:
        await chunks(upstream)
    assert caught.value.message == "Scaleway refused the request: No luck."


async def test_a_page_of_a_firewall_is_told_by_its_title(
    upstream: Scaleway, route: respx.Route
) -> None:
    route.respond(502, html="<html><title>Bad Gateway</title></html>")
    with pytest.raises(UpstreamError, match=r"^Scaleway failed with HTTP 502: Bad Gateway$"):
        await chunks(upstream)


@pytest.mark.parametrize(("headers", "expected"), [({"Retry-After": "8"}, 8), ({}, 5)])
async def test_a_used_up_quota_says_when_to_retry(
    upstream: Scaleway, route: respx.Route, headers: dict[str, str], expected: float
) -> None:
    route.respond(429, json={"status": 429, "error": "INSUFFICIENT QUOTA"}, headers=headers)
    with pytest.raises(RateLimited) as caught:
        await chunks(upstream)
    assert caught.value.retry_after_s == expected


async def test_a_rejected_key_shows_in_the_log_and_not_the_key(
    upstream: Scaleway, route: respx.Route, caplog: pytest.LogCaptureFixture
) -> None:
    route.respond(401, json={"message": f"bad key {KEY}"})
    with pytest.raises(BadCredentials):
        await chunks(upstream)
    assert "bad key [key]" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("status", [404, 422])
async def test_a_model_that_the_upstream_does_not_list_is_not_found(
    router: respx.MockRouter, upstream: Scaleway, route: respx.Route, status: int
) -> None:
    route.respond(status, json={"error": {"message": "no such model", "param": "model"}})
    router.get(f"{BASE_URL}/models").respond(json={"data": [{"id": MODEL}]})
    with pytest.raises(ModelNotFound) as caught:
        await chunks(upstream, {**STREAMED, "model": "gpt-4o"})
    assert caught.value.param == "model"
    assert "'gpt-4o'" in caught.value.message


@pytest.mark.parametrize(("status", "expected"), [(404, UpstreamError), (422, UpstreamRejected)])
async def test_a_model_that_is_listed_is_not_at_fault(
    router: respx.MockRouter,
    upstream: Scaleway,
    route: respx.Route,
    status: int,
    expected: type[UpstreamError],
) -> None:
    route.respond(status, json={"message": "no"})
    router.get(f"{BASE_URL}/models").respond(json={"data": [{"id": MODEL}]})
    with pytest.raises(expected) as caught:
        await chunks(upstream)
    assert type(caught.value) is expected


async def test_without_a_list_no_model_is_called_unknown(
    router: respx.MockRouter, upstream: Scaleway, route: respx.Route
) -> None:
    route.respond(422, json={"message": "no"})
    router.get(f"{BASE_URL}/models").respond(500)
    with pytest.raises(UpstreamRejected):
        await chunks(upstream)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (400, {"message": "no"}),
        (500, {"message": "no"}),
        (422, [{"loc": ["body", "temperature"], "msg": "too hot"}]),
    ],
)
async def test_the_list_is_not_asked_for_when_the_model_is_not_at_fault(
    router: respx.MockRouter, upstream: Scaleway, route: respx.Route, status: int, document: Any
) -> None:
    route.respond(status, json=document)
    listing = router.get(f"{BASE_URL}/models").respond(json={"data": []})
    with pytest.raises(UpstreamError):
        await chunks(upstream)
    assert not listing.called


@pytest.mark.parametrize(
    ("is_stream", "held"), [(True, [0, 0, 0]), (False, [0, 9, len(COMPLETION)])]
)
async def test_a_completion_that_is_kept_whole_counts_and_a_stream_does_not(
    *, is_stream: bool, held: list[int]
) -> None:
    whole = event(ONE) + DONE if is_stream else COMPLETION
    found: list[int] = []

    class Counting(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for part in (whole[:9], whole[9:]):
                found.append(model.endpoint.inflight.bytes)
                yield part
            found.append(model.endpoint.inflight.bytes)

    headers = EVENTS if is_stream else {}
    answer = httpx.Response(200, headers=headers, stream=Counting())
    model = scaleway(httpx.MockTransport(lambda _: answer))
    await chunks(model)
    assert (found, model.endpoint.inflight.bytes) == (held, 0)
