"""One search: what is made of its results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.addresses import HostRule
from proxy.core.hidden import Found
from proxy.core.passages import PassageBook, Result
from proxy.errors import BadReply, ProxyError
from proxy.upstreams.lighton.scope import LightOnScope, UnknownRelevance
from proxy.upstreams.lighton.search import LightOn
from tests.core.samples import FENCE
from tests.upstreams.json_documents import objects, spoiled, unhurried
from tests.upstreams.lighton.samples import (
    KEY,
    SEARCH,
    URL,
    found,
    ids,
    in_file,
    in_workspace,
    item,
    lighton,
)


@pytest.fixture
def route(router: respx.MockRouter) -> respx.Route:
    return router.post(URL)


@pytest.fixture
def upstream(router: respx.MockRouter) -> LightOn:
    return lighton(httpx.MockTransport(router.async_handler))


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


async def test_an_empty_title_is_no_title(upstream: LightOn, route: respx.Route) -> None:
    [result] = (await found(upstream, route, item(source=in_file(title="")))).results
    assert (result.title, result.name) == (None, "lease_1.pdf")


async def test_results_without_an_id_are_told_apart_by_what_they_hold(
    upstream: LightOn, route: respx.Route
) -> None:
    first, second = item(content="one"), item(content="two")
    del first["chunk_id"]
    second["chunk_id"] = None
    one, two, again = await ids(upstream, route, first, second, first)
    assert one == again != two
    assert "one" not in one


@pytest.mark.parametrize("wrong", ["7", 7.5, True, [7], {}])
async def test_a_number_that_is_none_counts_as_not_given(
    upstream: LightOn, route: respx.Route, wrong: Any
) -> None:
    source = in_file(page_start=wrong, page_end=wrong) | {"file_id": wrong}
    score = True if wrong is True else "high"
    results = (await found(upstream, route, item(source=source, score=score))).results
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


async def test_a_warning_tells_its_code_and_reason_without_the_key(
    upstream: LightOn, route: respx.Route
) -> None:
    warning = {"code": "x", "reason": f"sent {KEY}", "trace": {"deep": []}}
    outcome = await found(upstream, route, warnings=[warning])
    assert outcome.warnings == ({"code": "x", "reason": "sent [key]"},)


async def test_more_results_than_were_asked_for_are_cut(
    upstream: LightOn, route: respx.Route
) -> None:
    items = [item(str(number)) for number in range(SEARCH.max_results + 3)]
    assert len(await ids(upstream, route, *items)) == SEARCH.max_results


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
        ({"external_url": "HTTP://dms.test/a b"}, 2, "http://dms.test/a%20b"),
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
        ({"external_url": "http://127.1/"}, 2, "lighton://file/7#page=2"),
        ({"external_url": "https://dms.test@evil.test/"}, 2, "lighton://file/7#page=2"),
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


async def test_with_a_list_of_hosts_a_citation_leads_to_no_other(
    router: respx.MockRouter, route: respx.Route
) -> None:
    rule = HostRule.of(["10.0.0.7"])
    upstream = lighton(httpx.MockTransport(router.async_handler), hosts=rule)
    urls = ("https://dms.test/7", "http://10.0.0.7/7")
    sources = [in_file(external_metadata={"external_url": each}) for each in urls]
    results = (await found(upstream, route, *(item(source=each) for each in sources))).results
    assert [each.url for each in results] == ["lighton://file/7", "http://10.0.0.7/7"]


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
    assert await ids(upstream, route, *items, scope=LightOnScope(min_relevance=least)) == expected


UNKNOWN = [
    item("null"),
    item("no scores", scores=None),
    item("older", score={"retrieval": 0.9, "reranking": None}, scores=None),
    item("raw", score={"retrieval": 0.9, "reranking": 3.2}, scores=None),
    item("text", scores={"relevance": "0.9"}),
]


@pytest.mark.parametrize("unknown", ["keep", "drop"])
@pytest.mark.parametrize("result", UNKNOWN, ids=lambda each: each["chunk_id"])
async def test_where_relevance_is_unknown_it_is_said_and_the_scope_decides(
    upstream: LightOn, route: respx.Route, result: dict[str, Any], unknown: UnknownRelevance
) -> None:
    sure = item("sure", scores={"relevance": 0.9})
    scope = LightOnScope(min_relevance=0.5, unknown_relevance=unknown)
    outcome = await found(upstream, route, sure, result, scope=scope)
    kept = {"keep": [result["chunk_id"]], "drop": []}[unknown]
    assert [each.chunk_id for each in outcome.results] == ["sure", *kept]
    (warning,) = outcome.warnings
    assert warning["code"] == "relevance_unknown"
    assert str(warning["reason"]).endswith(f"unknown_relevance is {unknown}")
    assert str(warning["reason"]).startswith("results without a relevance score: 1, ")


async def test_without_a_least_relevance_nothing_is_said_of_it(
    upstream: LightOn, route: respx.Route
) -> None:
    outcome = await found(upstream, route, *UNKNOWN, scope=LightOnScope(unknown_relevance="drop"))
    assert len(outcome.results) == len(UNKNOWN)
    assert outcome.warnings == ()


async def test_the_scores_of_older_deployments_are_read(
    upstream: LightOn, route: respx.Route
) -> None:
    def older(name: str, **score: Any) -> dict[str, Any]:
        return {**item(name, score=score), "scores": None}

    items = [
        older("a", retrieval=12.5, reranking=0.8),
        older("b", retrieval=12.5, reranking=0.2),
        older("c", retrieval=12.5),
    ]
    everything = await found(upstream, route, *items)
    assert [each.score for each in everything.results] == [0.8, 0.2, 12.5]
    assert await ids(upstream, route, *items, scope=LightOnScope(min_relevance=0.5)) == ["a", "c"]
    known = LightOnScope(min_relevance=0.2, unknown_relevance="drop")
    assert await ids(upstream, route, *items, scope=known) == ["a", "b"]


async def test_what_is_out_of_scope_is_not_counted_among_the_unknown(
    upstream: LightOn, route: respx.Route
) -> None:
    elsewhere = item("x", source=in_file(9))
    scope = LightOnScope(file_id=(7,), min_relevance=0.5)
    assert (await found(upstream, route, elsewhere, scope=scope)).warnings == ()


async def test_results_of_other_workspaces_are_dropped(
    upstream: LightOn, route: respx.Route
) -> None:
    items = [in_workspace(1), in_workspace(2), in_workspace("1"), item("unknown"), in_workspace(3)]
    scope = LightOnScope(workspace_id=(1, 3))
    assert await ids(upstream, route, *items, scope=scope) == ["w1", "unknown", "w3"]


async def test_without_a_workspace_in_the_scope_all_workspaces_are_welcome(
    upstream: LightOn, route: respx.Route
) -> None:
    assert await ids(upstream, route, in_workspace(1), item("unknown")) == ["w1", "unknown"]


async def test_what_was_dropped_is_said_as_a_warning(upstream: LightOn, route: respx.Route) -> None:
    items = [in_workspace(1), in_workspace(2), in_workspace(3)]
    warning = {"code": "degraded"}
    outcome = await found(
        upstream, route, *items, scope=LightOnScope(workspace_id=(1,)), warnings=[warning]
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
        (LightOnScope(file_id=(7, 8)), ["a", "b", "c"]),
        (LightOnScope(file_id=(7,)), ["a", "b"]),
        (LightOnScope(file_id=(7, 8), workspace_id=(1,)), ["a", "c"]),
        (LightOnScope(file_id=(7, 8), workspace_id=(9,)), []),
        (LightOnScope(file_id=(7, 8), tag_id=(3,)), ["a"]),
        (LightOnScope(file_id=(7, 8), tag_id=(3, 4)), ["a", "c"]),
        (LightOnScope(file_id=(7, 8), tag_id=(4,), workspace_id=(1,)), ["c"]),
        (LightOnScope(file_id=(7, 8), min_relevance=0.5), ["c"]),
    ],
)
async def test_results_of_single_files_must_prove_to_be_within_the_scope(
    upstream: LightOn, route: respx.Route, scope: LightOnScope, expected: list[str]
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
        LightOnScope(),
        LightOnScope(workspace_id=(1,), min_relevance=0.5),
        LightOnScope(workspace_id=(1,), tag_id=(1,), file_id=(1, 2)),
    ]
)


@unhurried
@given(spoiled(REPLIES), SCOPES)
async def test_any_reply_can_be_shown_to_the_model_or_is_an_error(
    document: Any, scope: LightOnScope
) -> None:
    router = respx.MockRouter()
    router.post(URL).respond(json=document)
    try:
        outcome = await lighton(httpx.MockTransport(router.async_handler)).search(SEARCH, scope)
    except ProxyError as error:
        assert type(error) is BadReply  # noqa: PT017  # raising it is one of two right outcomes
        return
    listing = PassageBook(1000).add(outcome.results)
    listing.render(FENCE)
    orjson.dumps([*(each.as_trace() for each in listing.passages), *outcome.warnings])
    if scope.workspace_id:
        assert len(outcome.results) <= sum(map(may_be_in_workspace_1, document["results"]))


def may_be_in_workspace_1(item: Any) -> bool:
    workspace = item.get("workspace")
    id_ = workspace.get("id") if isinstance(workspace, dict) else None
    return id_ is None or (type(id_) is int and id_ == 1)


# What is too long


async def test_long_names_are_cut(upstream: LightOn, route: respx.Route) -> None:
    source = in_file(7, title="t" * 10_000, filename="f" * 10_000)
    (one,) = (await found(upstream, route, item(source=source))).results
    assert one.title == "t" * 299 + "…"
    assert one.filename == "f" * 299 + "…"


async def test_a_name_as_long_as_the_limit_is_whole(upstream: LightOn, route: respx.Route) -> None:
    (one,) = (await found(upstream, route, item(source=in_file(7, title="t" * 300)))).results
    assert one.title == "t" * 300


@pytest.mark.parametrize(("size", "is_used"), [(2_048, True), (2_049, False), (1_000_000, False)])
async def test_a_long_address_is_not_used(
    upstream: LightOn,
    route: respx.Route,
    size: int,
    is_used: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    url = "https://dms.test/".ljust(size, "x")
    source = in_file(7, page_start=2, external_metadata={"external_url": url})
    (one,) = (await found(upstream, route, item(source=source))).results
    assert one.url == (url if is_used else "lighton://file/7#page=2")


async def test_a_long_address_gives_way_to_the_other_one(
    upstream: LightOn, route: respx.Route
) -> None:
    more = {"url": "https://dms.test/short"}
    metadata = {"external_url": "https://dms.test/" + "x" * 3_000, "additional_metadata": more}
    source = in_file(7, external_metadata=metadata)
    (one,) = (await found(upstream, route, item(source=source))).results
    assert one.url == "https://dms.test/short"


async def test_chunks_with_long_ids_are_told_apart(upstream: LightOn, route: respx.Route) -> None:
    items = [item("x" * 10_000 + last) for last in "aba"]
    ids = [each.chunk_id for each in (await found(upstream, route, *items)).results]
    assert ids[0] == ids[2] != ids[1]
    assert max(map(len, ids)) <= 200


async def test_of_many_warnings_the_first_are_shown_and_the_rest_counted(
    upstream: LightOn, route: respx.Route
) -> None:
    warnings = [{"code": f"w{number}"} for number in range(1_000)]
    route.respond(json={"results": [], "warnings": warnings})
    shown = (await upstream.search(SEARCH, LightOnScope())).warnings
    assert shown[:20] == tuple(warnings[:20])
    assert shown[20:] == (
        {"code": "warnings_dropped", "reason": "980 more warnings are not shown"},
    )


class Counted(int):
    """A number that counts how often it is compared."""

    compared = 0
    __hash__ = int.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return int(self) == other


@pytest.mark.parametrize("name", ["workspace_id", "tag_id", "file_id"])
async def test_a_result_is_not_compared_with_each_entry_of_the_scope(
    upstream: LightOn, route: respx.Route, name: str
) -> None:
    entries: Any = tuple(map(Counted, range(1_000)))
    scope = replace(LightOnScope(file_id=(7,)), **{name: entries})
    tags = [{"id": number} for number in range(999, 2_000)]
    many = [in_workspace(999, source=in_file(7, tags=tags))] * 5
    Counted.compared = 0
    assert len((await found(upstream, route, *many, scope=scope)).results) == 5
    assert Counted.compared < 100


@pytest.mark.parametrize("odd", [True, 1.0, "1", [1], {"x": 1}])
async def test_what_is_no_number_is_in_no_scope(
    upstream: LightOn, route: respx.Route, odd: Any
) -> None:
    in_odd_workspace = item("w") | {"workspace": {"id": odd}}
    scope = LightOnScope(workspace_id=(1,))
    assert (await found(upstream, route, in_odd_workspace, scope=scope)).results == ()
    assert len((await found(upstream, route, in_odd_workspace)).results) == 1
    with_odd_tag = in_workspace(1, source=in_file(7, tags=[{"id": odd}, odd]))
    scope = LightOnScope(file_id=(7,), tag_id=(1,))
    assert (await found(upstream, route, with_odd_tag, scope=scope)).results == ()
