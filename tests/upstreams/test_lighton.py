from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.desk import Found
from proxy.core.passages import PassageBook, Result
from proxy.core.scope import Scope
from proxy.core.search_tool import Search
from proxy.errors import (
    BadCredentials,
    BadReply,
    Overloaded,
    ProxyError,
    RateLimited,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
)
from proxy.upstreams.http import Endpoint, Transport, aiohttp_transport
from proxy.upstreams.lighton import CREDENTIALS, NAME, LightOn
from proxy.upstreams.status import Vendor
from tests.upstreams.json_documents import json_values, objects, spoiled, unhurried
from tests.upstreams.raw_server import PATIENCE_S, Connection, chunked, raw_server

KEY = "upstream-secret"
BASE_URL = "https://lighton.test"
URL = f"{BASE_URL}/api/v3/search"
SEARCH = Search("notice period", 5)
ANYWHERE = Scope()


def lighton(
    transport: Transport, base_url: str = BASE_URL, *, timeout_s: float = PATIENCE_S
) -> LightOn:
    endpoint = Endpoint(NAME, base_url, KEY, transport, 5)
    return LightOn(endpoint, Vendor(NAME, CREDENTIALS, 5, KEY), timeout_s)


@pytest.fixture
def router() -> respx.MockRouter:
    return respx.MockRouter()


@pytest.fixture
def route(router: respx.MockRouter) -> respx.Route:
    return router.post(URL)


@pytest.fixture
def upstream(router: respx.MockRouter) -> LightOn:
    return lighton(httpx.MockTransport(router.async_handler))


def item(chunk_id: str = "c1", content: str | None = "Text.", **changes: Any) -> dict[str, Any]:
    """A search result with every nullable field null."""
    return {
        "chunk_id": chunk_id,
        "content": content,
        "score": 0.75,
        "scores": {
            "text": None,
            "vision": None,
            "keyword": None,
            "multivector": None,
            "relevance": None,
        },
        "workspace": None,
        "source": {
            "file_id": 7,
            "filename": "lease_1.pdf",
            "title": None,
            "mime_type": None,
            "size_bytes": None,
            "page_start": None,
            "page_end": None,
            "total_pages": 9,
            "tags": [],
            "external_metadata": None,
        },
        **changes,
    }


def in_file(file_id: int = 7, **source: Any) -> dict[str, Any]:
    return {**item()["source"], "file_id": file_id, **source}


def in_workspace(workspace_id: Any, **changes: Any) -> dict[str, Any]:
    return item(f"w{workspace_id}", workspace={"id": workspace_id, "name": "x"}, **changes)


async def found(
    upstream: LightOn, route: respx.Route, *items: Any, scope: Scope = ANYWHERE, **document: Any
) -> Found:
    """What a search brings whose reply holds `items`."""
    route.respond(json={"results": list(items), **document})
    return await upstream.search(SEARCH, scope)


async def ids(
    upstream: LightOn, route: respx.Route, *items: Any, scope: Scope = ANYWHERE
) -> list[str]:
    results = (await found(upstream, route, *items, scope=scope)).results
    return [result.chunk_id for result in results]


# What is asked


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(), {}),
        (Scope(workspace_id=(1, 2)), {"workspace_id": [1, 2]}),
        (Scope(tag_id=(3,)), {"tag_id": [3]}),
        (Scope(file_id=(7,)), {"file_id": [7]}),
        (
            Scope(workspace_id=(1,), tag_id=(3,), content_type=("legal:*",), attribute=("a|b",)),
            {
                "workspace_id": [1],
                "tag_id": [3],
                "content_type": ["legal:*"],
                "attribute": ["a|b"],
            },
        ),
        (
            Scope(workspace_id=(1,), tag_id=(3,), file_id=(7,), attribute=("a",)),
            {"file_id": [7], "attribute": ["a"]},
        ),
        (Scope(relevance_scoring="none"), {"relevance_scoring": "none"}),
        (Scope(relevance_scoring="scoring_only"), {"relevance_scoring": "scoring_only"}),
        (
            Scope(relevance_scoring="none", min_relevance=0.5),
            {"relevance_scoring": "scoring_only"},
        ),
        (Scope(max_results=3), {}),
    ],
)
async def test_a_search_is_asked_for_within_its_scope(
    upstream: LightOn, route: respx.Route, scope: Scope, expected: dict[str, Any]
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


# What is found


async def test_a_result_is_read_with_all_that_it_says(
    upstream: LightOn, route: respx.Route
) -> None:
    source = in_file(
        title="Lease",
        page_start=2,
        page_end=3,
        tags=[{"id": 3, "name": "legal"}, 4],
        external_metadata={"external_id": "x", "external_url": "https://dms.test/7"},
    )
    complete = in_workspace(1, source=source, scores={"text": 0.1, "relevance": 1})
    assert await found(upstream, route, complete) == Found(
        (
            Result(
                chunk_id="w1",
                content="Text.",
                score=0.75,
                relevance=1.0,
                workspace_id=1,
                tag_ids=(3, 4),
                file_id=7,
                title="Lease",
                filename="lease_1.pdf",
                page_start=2,
                page_end=3,
                url="https://dms.test/7",
            ),
        )
    )


async def test_a_result_may_be_null_nearly_everywhere(
    upstream: LightOn, route: respx.Route
) -> None:
    [result] = (await found(upstream, route, item(content=None))).results
    assert result == Result(
        chunk_id="c1",
        content=None,
        score=0.75,
        file_id=7,
        title=None,
        filename="lease_1.pdf",
        url="lighton://file/7",
    )


async def test_results_without_an_id_are_told_apart_by_what_they_hold(
    upstream: LightOn, route: respx.Route
) -> None:
    first, second = item(content="one"), item(content="two")
    del first["chunk_id"]
    second["chunk_id"] = None
    assert await ids(upstream, route, first, second, first) == [
        "7/None/one",
        "7/None/two",
        "7/None/one",
    ]


@pytest.mark.parametrize("wrong", ["7", 7.5, True, [7], {}])
async def test_a_number_that_is_none_counts_as_not_given(
    upstream: LightOn, route: respx.Route, wrong: Any
) -> None:
    source = in_file(page_start=wrong, page_end=wrong) | {"file_id": wrong}
    results = (await found(upstream, route, item(source=source, score="high"))).results
    assert results == (
        Result(
            chunk_id="c1",
            content="Text.",
            score=None,
            file_id=None,
            title=None,
            filename="lease_1.pdf",
            url="lighton://file/None",
        ),
    )


async def test_warnings_are_passed_on(upstream: LightOn, route: respx.Route) -> None:
    warnings = [{"code": "reranker_unavailable", "reason": "busy"}, {"code": "x"}]
    outcome = await found(upstream, route, warnings=[*warnings, "not an object"])
    assert outcome.warnings == tuple(warnings)


@pytest.mark.parametrize("warnings", [None, [], 5, "careful", {"code": "x"}])
async def test_warnings_may_be_missing(
    upstream: LightOn, route: respx.Route, warnings: Any
) -> None:
    assert (await found(upstream, route, item(), warnings=warnings)).warnings == ()


# Where a citation leads


@pytest.mark.parametrize(
    ("metadata", "page", "expected"),
    [
        ({"external_url": "https://dms.test/7"}, 2, "https://dms.test/7"),
        ({"external_url": "HTTP://dms.test/a b"}, 2, "HTTP://dms.test/a b"),
        (
            {"external_url": None, "additional_metadata": {"url": "http://dms.test/7"}},
            2,
            "http://dms.test/7",
        ),
        (
            {
                "external_url": "https://dms.test/7",
                "additional_metadata": {"url": "https://other.test"},
            },
            2,
            "https://dms.test/7",
        ),
        (
            {
                "external_url": "javascript:alert(1)",
                "additional_metadata": {"url": "https://other.test"},
            },
            2,
            "https://other.test",
        ),
        ({"additional_metadata": {"url": "javascript:alert(1)"}}, 2, "lighton://file/7#page=2"),
        ({"external_url": "JavaScript:alert(1)//https://dms.test"}, 2, "lighton://file/7#page=2"),
        ({"external_url": "data:text/html,x"}, 2, "lighton://file/7#page=2"),
        ({"external_url": "file:///etc/passwd"}, 2, "lighton://file/7#page=2"),
        ({"external_url": "//dms.test/7"}, 2, "lighton://file/7#page=2"),
        ({"external_url": "https:///7"}, 2, "lighton://file/7#page=2"),
        ({"external_url": "https://[dms"}, 2, "lighton://file/7#page=2"),
        ({"external_url": "ht\ntps://dms.test"}, 2, "lighton://file/7#page=2"),
        ({"external_url": "https://dms.test/\n\nIgnore this."}, 2, "lighton://file/7#page=2"),
        ({"external_url": ""}, 2, "lighton://file/7#page=2"),
        ({"external_url": 5, "additional_metadata": "x"}, 2, "lighton://file/7#page=2"),
        (None, 2, "lighton://file/7#page=2"),
        (None, None, "lighton://file/7"),
    ],
)
async def test_a_citation_leads_to_the_document_by_a_safe_address(
    upstream: LightOn, route: respx.Route, metadata: Any, page: int | None, expected: str
) -> None:
    source = in_file(external_metadata=metadata, page_start=page)
    [result] = (await found(upstream, route, item(source=source))).results
    assert result.url == expected


# What is kept


@pytest.mark.parametrize(
    ("least", "expected"),
    [(None, ["a", "b", "c", "none"]), (0.5, ["b", "c", "none"]), (0.51, ["c", "none"])],
)
async def test_results_below_the_least_relevance_are_dropped(
    upstream: LightOn, route: respx.Route, least: float | None, expected: list[str]
) -> None:
    items = [
        item("a", scores={"relevance": 0.2}),
        item("b", scores={"relevance": 0.5}),
        item("c", scores={"relevance": 0.9}),
        item("none", scores=None),
    ]
    assert await ids(upstream, route, *items, scope=Scope(min_relevance=least)) == expected


async def test_results_of_other_workspaces_are_dropped(
    upstream: LightOn, route: respx.Route
) -> None:
    items = [in_workspace(1), in_workspace(2), in_workspace("1"), item("unknown"), in_workspace(3)]
    scope = Scope(workspace_id=(1, 3))
    assert await ids(upstream, route, *items, scope=scope) == ["w1", "unknown", "w3"]


async def test_without_a_workspace_in_the_scope_all_workspaces_are_welcome(
    upstream: LightOn, route: respx.Route
) -> None:
    assert await ids(upstream, route, in_workspace(1), item("unknown")) == ["w1", "unknown"]


async def test_what_was_dropped_is_said_as_a_warning(upstream: LightOn, route: respx.Route) -> None:
    items = [in_workspace(1), in_workspace(2), in_workspace(3)]
    warning = {"code": "degraded"}
    outcome = await found(
        upstream, route, *items, scope=Scope(workspace_id=(1,)), warnings=[warning]
    )
    assert outcome.warnings == (
        warning,
        {
            "code": "results_dropped",
            "reason": "2 results were below min_relevance or out of scope",
        },
    )


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(file_id=(7, 8)), ["a", "b", "c"]),
        (Scope(file_id=(7,)), ["a", "b"]),
        (Scope(file_id=(7, 8), workspace_id=(1,)), ["a", "c"]),
        (Scope(file_id=(7, 8), workspace_id=(9,)), []),
        (Scope(file_id=(7, 8), tag_id=(3,)), ["a"]),
        (Scope(file_id=(7, 8), tag_id=(3, 4)), ["a", "c"]),
        (Scope(file_id=(7, 8), tag_id=(4,), workspace_id=(1,)), ["c"]),
        (Scope(file_id=(7, 8), min_relevance=0.5), ["c"]),
    ],
)
async def test_results_of_single_files_must_prove_to_be_within_the_scope(
    upstream: LightOn, route: respx.Route, scope: Scope, expected: list[str]
) -> None:
    low, high, here = {"relevance": 0.1}, {"relevance": 0.9}, {"id": 1, "name": "x"}
    items = [
        item("a", source=in_file(7, tags=[{"id": 3, "name": "t"}]), workspace=here, scores=low),
        item("b", source=in_file(7), workspace=None, scores=low),
        item("c", source=in_file(8, tags=[4]), workspace=here, scores=high),
        item("d", source=in_file(9, tags=[3, 4]), workspace=here, scores=low),
    ]
    outcome = await found(upstream, route, *items, scope=scope)
    assert [result.chunk_id for result in outcome.results] == expected
    assert outcome.warnings == ()


# Replies that are wrong


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


async def test_a_page_of_a_firewall_is_not_repeated(upstream: LightOn, route: respx.Route) -> None:
    route.respond(502, html="<html><title>Bad Gateway</title></html>")
    with pytest.raises(UpstreamError, match=r"^LightOn failed with HTTP 502\.$"):
        await upstream.search(SEARCH, ANYWHERE)


async def test_a_long_message_is_cut(upstream: LightOn, route: respx.Route) -> None:
    route.respond(400, json={"detail": "x" * 10_000})
    with pytest.raises(UpstreamRejected, match=r": x{500}$"):
        await upstream.search(SEARCH, ANYWHERE)


@pytest.mark.parametrize(("headers", "expected"), [({"Retry-After": "8"}, 8), ({}, 5)])
async def test_a_used_up_quota_says_when_to_retry(
    upstream: LightOn, route: respx.Route, headers: dict[str, str], expected: float
) -> None:
    route.respond(429, headers=headers)
    with pytest.raises(RateLimited) as caught:
        await upstream.search(SEARCH, ANYWHERE)
    assert caught.value.retry_after_s == expected


# Anything at all

SOURCES = objects(
    file_id=st.integers(1, 3),
    filename=st.text(),
    title=st.text(),
    page_start=st.integers(1, 3),
    page_end=st.integers(1, 3),
    tags=st.lists(st.integers(1, 3) | objects(id=st.integers(1, 3)), max_size=2),
    external_metadata=objects(
        external_url=st.text(), additional_metadata=objects(url=st.just("https://dms.test"))
    ),
)
ITEMS = objects(
    chunk_id=st.text(),
    content=st.text(),
    score=st.floats(0, 1),
    scores=objects(relevance=st.floats(0, 1)),
    workspace=objects(id=st.integers(1, 3)),
    source=SOURCES,
)
REPLIES = st.fixed_dictionaries(
    {"results": st.lists(ITEMS, max_size=3)},
    optional={"warnings": st.lists(objects(code=st.text()), max_size=2)},
)
SCOPES = st.sampled_from(
    [
        Scope(),
        Scope(workspace_id=(1,), min_relevance=0.5),
        Scope(workspace_id=(1,), tag_id=(1,), file_id=(1, 2)),
    ]
)


@unhurried
@given(spoiled(REPLIES), SCOPES)
async def test_any_reply_can_be_shown_to_the_model_or_is_an_error(
    document: Any, scope: Scope
) -> None:
    router = respx.MockRouter()
    router.post(URL).respond(json=document)
    try:
        outcome = await lighton(httpx.MockTransport(router.async_handler)).search(SEARCH, scope)
    except ProxyError as error:
        assert type(error) is BadReply  # noqa: PT017  # raising it is one of two right outcomes
        return
    listing = PassageBook(1000).add(outcome.results)
    listing.render()
    orjson.dumps([*(each.as_trace() for each in listing.passages), *outcome.warnings])
    for result in outcome.results:
        assert result.workspace_id in (None, 1) or not scope.workspace_id


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


# Time and connections


async def test_a_search_is_bounded_as_a_whole_however_its_bytes_trickle() -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(chunked(b'{"results": ', content_type="application/json"))
        while True:
            await connection.send(b"1\r\n \r\n")
            await asyncio.sleep(0.01)

    async with raw_server(script) as server:
        upstream = lighton(aiohttp_transport(), server.url, timeout_s=0.2)
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
        upstream = lighton(aiohttp_transport(), server.url)
        searching = asyncio.create_task(upstream.search(SEARCH, ANYWHERE))
        await asyncio.wait_for(asked.wait(), PATIENCE_S)
        searching.cancel()
        await asyncio.wait_for(server.hung_up.wait(), PATIENCE_S)
        with pytest.raises(asyncio.CancelledError):
            await searching
        await upstream.endpoint.aclose()
