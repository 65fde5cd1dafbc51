"""Reading a document: what is asked, what comes back, and that the scope is never left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
import respx
from hypothesis import given

from proxy.core.effort import Effort
from proxy.core.hidden import Found
from proxy.core.read_call import Reading
from proxy.core.timeline import Timeline
from proxy.core.trace import Trace
from proxy.errors import BadCredentials, BadReply, OutOfReach, Overloaded, UpstreamTimeout
from proxy.upstreams.lighton.files import MAX_PAGE_CHARS, LightOnFiles
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.search import LightOn
from tests.support.clock import skipping_clock
from tests.support.shelves import Shelves
from tests.upstreams.json_documents import json_values, unhurried
from tests.upstreams.lighton.samples import (
    ANYWHERE,
    BASE_URL,
    KEY,
    SEARCH,
    URL,
    in_file,
    in_workspace,
    item,
    lighton,
    retries,
)
from tests.upstreams.raw_server import PATIENCE_S

FILE = f"{BASE_URL}/api/v3/files/7"
READING = Reading(1, 7, 3, 5, "Lease", "lease_1.pdf", "https://docs.test/lease.pdf")
TTL_S = 30
TEAM = LightOnScope(workspace_id=(42,))
IN_TEAM = in_workspace(42)


def page(index: int, text: str | None = None) -> dict[str, Any]:
    return {"index": index, "markdown": f"Text of page {index}." if text is None else text}


def file_of(*pages: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "filename": "lease_1.pdf",
        "workspace": {"id": 42, "name": "Team"},
        "tags": [{"id": 3, "name": "legal"}],
        "total_pages": len(pages),
        "content": "all of it",
        "pages": list(pages),
        **changes,
    }


NINE = file_of(*map(page, range(1, 10)))


class Vendor:
    """LightOn's two routes, and the upstreams that ask them."""

    def __init__(self, router: respx.MockRouter, ttl_s: float = TTL_S) -> None:
        self.searches = router.post(URL).respond(json={"results": [item()]})
        self.files = router.get(FILE).respond(json=NINE)
        self.search: LightOn = lighton(httpx.MockTransport(router.async_handler), ttl_s=ttl_s)
        self.reader = LightOnFiles(self.search)

    async def found(self, *items: Any, scope: LightOnScope = ANYWHERE) -> None:
        """Let a search find these."""
        self.searches.respond(json={"results": list(items)})
        await self.search.search(SEARCH, scope)

    async def read(self, document: Any = NINE, scope: LightOnScope = ANYWHERE) -> Found:
        self.files.respond(json=document)
        return await self.reader.read(READING, scope)

    @property
    def last_searched(self) -> Any:
        return orjson.loads(self.searches.calls.last.request.content)


@pytest.fixture
def vendor(router: respx.MockRouter) -> Vendor:
    return Vendor(router)


# What comes back


async def test_pages_come_back_as_results_of_the_document(vendor: Vendor) -> None:
    await vendor.found(item())
    found = await vendor.read()
    assert [(each.page_start, each.page_end, each.content) for each in found.results] == [
        (3, 3, "Text of page 3."),
        (4, 4, "Text of page 4."),
        (5, 5, "Text of page 5."),
    ]
    first = found.results[0]
    assert (first.file_id, first.title, first.filename) == (7, "Lease", "lease_1.pdf")
    assert (first.url, first.score) == ("https://docs.test/lease.pdf", None)
    assert len({each.chunk_id for each in found.results}) == 3
    assert found.notes == ("The document has 9 pages.",)
    request = vendor.files.calls.last.request
    assert request.url.params["include_content"] == "true"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert vendor.reader.name == "LightOn"


@pytest.mark.parametrize(
    ("url", "of_page_4"),
    [
        ("lighton://file/7", "lighton://file/7#page=4"),
        ("lighton://file/7#page=3", "lighton://file/7#page=4"),
        ("https://docs.test/a.pdf#page=3", "https://docs.test/a.pdf#page=4"),
        ("https://docs.test/a.pdf", "https://docs.test/a.pdf"),
        ("https://docs.test/a#part", "https://docs.test/a#part"),
    ],
)
async def test_an_address_that_has_a_page_gets_that_of_the_text(
    vendor: Vendor, url: str, of_page_4: str
) -> None:
    await vendor.found(item())
    found = await vendor.reader.read(READING._replace(url=url, first=4), ANYWHERE)
    assert found.results[0].url == of_page_4


@pytest.mark.parametrize(
    ("document", "pages", "notes"),
    [
        (
            file_of(*map(page, range(1, 5))),
            [3, 4],
            ("The document has 4 pages.", "There is no page 5."),
        ),
        (
            file_of(page(1), page(2)),
            [],
            ("The document has 2 pages.", "There is no page 3."),
        ),
        (file_of(page(1)), [], ("The document has 1 page.", "There is no page 3.")),
        (
            file_of(*map(page, (1, 2, 3)), page(4, ""), page(6)),
            [3],
            ("The document has 6 pages.", "Pages without text: 4, 5."),
        ),
        (file_of(), [], ("No text of this document is stored. There is no more to read.",)),
        (
            {"id": 7},
            [],
            ("No text of this document is stored. There is no more to read.",),
        ),
        (
            file_of(page(1, "All."), total_pages=9),
            [None],
            ("The text of this document is stored without its pages, as one.",),
        ),
    ],
)
async def test_the_model_is_told_what_pages_there_are(
    vendor: Vendor, document: Any, pages: list[int | None], notes: tuple[str, ...]
) -> None:
    await vendor.found(item())
    found = await vendor.read(document)
    assert ([each.page_start for each in found.results], found.notes) == (pages, notes)


async def test_a_long_page_is_cut(vendor: Vendor) -> None:
    await vendor.found(item())
    found = await vendor.read(
        file_of(page(1), page(2), page(3, "x" * 10**6), page(4, "y" * 20_000))
    )
    cut, whole = (each.content or "" for each in found.results)
    assert (len(cut), cut[-1]) == (MAX_PAGE_CHARS, "…")
    assert whole == "y" * 20_000


@pytest.mark.parametrize(
    ("texts", "first", "total", "told"),
    [
        (["", "", "x" * 20_001, "y" * 20_000, "z" * 10**5], 3, 5, ["page 3", "page 5"]),
        (["x" * 20_001], 1, 1, [""]),
        (["x" * 20_001], 1, 9, [""]),
        (["x" * 20_000], 1, 1, []),
        (["x" * 20_001, "y"], 2, 2, []),
    ],
)
async def test_the_model_is_told_which_texts_go_on(
    vendor: Vendor, texts: list[str], first: int, total: int, told: list[str]
) -> None:
    await vendor.found(item())
    pages = [page(index, text) for index, text in enumerate(texts, start=1)]
    vendor.files.respond(json=file_of(*pages, total_pages=total))
    found = await vendor.reader.read(READING._replace(first=first), ANYWHERE)
    assert [each for each in found.notes if "goes on" in each] == [
        f"The text{each and ' of '}{each} goes on: only its first 20,000 characters can be read."
        for each in told
    ]


async def test_pages_that_do_not_exist_are_told_of_only_if_they_were_asked_for(
    vendor: Vendor,
) -> None:
    await vendor.found(item())
    vendor.files.respond(json=file_of(*map(page, range(1, 5))))
    for is_asked, notes in ((True, ["There is no page 5."]), (False, [])):
        found = await vendor.reader.read(READING._replace(is_asked=is_asked), ANYWHERE)
        assert list(found.notes) == ["The document has 4 pages.", *notes]


@pytest.mark.parametrize("url", ["lighton://file/7", "https://docs.test/a#page=2"])
@pytest.mark.parametrize(
    ("count", "has_page", "is_passages"), [(1, False, True), (1, True, False), (2, False, False)]
)
async def test_the_one_page_of_a_passage_without_a_page_is_the_same_source(
    vendor: Vendor, url: str, count: int, *, has_page: bool, is_passages: bool
) -> None:
    await vendor.found(item())
    vendor.files.respond(json=file_of(*map(page, range(1, count + 1))))
    reading = READING._replace(first=1, url=url, has_page=has_page)
    found = (await vendor.reader.read(reading, ANYWHERE)).results[0]
    told = (found.url, found.page_start, found.page_end)
    assert (told == (url, None, None)) is is_passages
    assert is_passages or told == (f"{url.partition('#')[0]}#page=1", 1, 1)


@pytest.mark.parametrize("pages", ["text", {"1": "text"}, 3])
async def test_pages_of_an_unknown_shape_are_a_bad_reply(vendor: Vendor, pages: Any) -> None:
    await vendor.found(item())
    with pytest.raises(BadReply, match="pages that cannot be read"):
        await vendor.read(file_of(pages=pages))


async def test_a_page_of_the_wrong_type_counts_as_absent(vendor: Vendor) -> None:
    await vendor.found(item())
    numbers = [{"index": each, "markdown": "x"} for each in (-1, 0, "3", 3.0, True, None)]
    broken = [None, "x", {}, {"index": 4}, {"index": 4, "markdown": 4}, *numbers]
    found = await vendor.read(file_of(*broken, page(3), page(3, "again")))
    assert [each.content for each in found.results] == ["Text of page 3."]


@unhurried
@given(json_values(keys=("pages", "index", "markdown", "total_pages", "workspace", "tags")))
async def test_any_json_is_pages_or_a_bad_reply(document: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        body = document if request.method == "GET" else {"results": [item()]}
        return httpx.Response(200, json=body)

    reader = LightOnFiles(lighton(httpx.MockTransport(answer)))
    try:
        found = await reader.read(READING, ANYWHERE)
    except BadReply:
        return
    assert found.results or found.notes


# What goes wrong


@pytest.mark.parametrize("status", [403, 404])
async def test_a_document_that_the_key_may_not_read_is_out_of_reach(
    vendor: Vendor, status: int
) -> None:
    await vendor.found(item())
    vendor.files.respond(status, json={"detail": f"No such file for {KEY}."})
    with pytest.raises(OutOfReach, match="No such file") as raised:
        await vendor.reader.read(READING, ANYWHERE)
    assert raised.value.cause == f"status_{status}"
    assert KEY not in raised.value.message


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401, json={"detail": "Bad key."}), BadCredentials),
        (httpx.Response(403, html="<html>Sign in</html>"), BadCredentials),
        (httpx.Response(503, json={"detail": "Maintenance."}), Overloaded),
        (httpx.Response(200, html="<html>Sign in</html>"), BadReply),
    ],
)
async def test_other_errors_are_those_of_a_search(
    vendor: Vendor, answer: httpx.Response, error: type[Exception]
) -> None:
    await vendor.found(item())
    vendor.files.return_value = answer
    with pytest.raises(error):
        await vendor.reader.read(READING, ANYWHERE)


async def test_a_file_that_lighton_refused_is_asked_for_again(vendor: Vendor) -> None:
    await vendor.found(item())
    vendor.files.side_effect = [httpx.Response(503), httpx.Response(200, json=NINE)]
    effort = Effort()
    reader = LightOnFiles(replace(vendor.search, retries=retries(effort)))
    assert len((await reader.read(READING, ANYWHERE)).results) == 3
    assert effort.timeline.retry_causes == ["status_503"]


async def test_a_file_that_does_not_come_in_time_is_a_timeout(vendor: Vendor) -> None:
    await vendor.found(item())
    vendor.files.side_effect = httpx.ReadTimeout("late")
    with pytest.raises(UpstreamTimeout):
        await vendor.reader.read(READING, ANYWHERE)


async def test_a_scope_of_another_vendor_is_a_bug(vendor: Vendor) -> None:
    with pytest.raises(TypeError, match="filters of a Shelves"):
        await vendor.reader.read(READING, Shelves())


# The scope


async def test_what_a_search_has_just_found_is_read_without_another_one(vendor: Vendor) -> None:
    await vendor.found(IN_TEAM, scope=TEAM)
    await vendor.read(scope=TEAM)
    assert vendor.searches.call_count == 1


async def test_an_older_finding_is_proved_by_a_search_in_the_file_and_the_scope(
    vendor: Vendor,
) -> None:
    scope = LightOnScope(workspace_id=(42,), content_type=("legal",), min_relevance=0.9)
    with skipping_clock() as clock:
        await vendor.found(IN_TEAM, scope=LightOnScope(workspace_id=(42,)))
        clock.skip(TTL_S + 1)
        vendor.searches.respond(json={"results": [IN_TEAM]})
        found = await vendor.read(scope=scope)
    assert len(found.results) == 3
    assert vendor.last_searched == {
        "query": "Lease lease_1.pdf",
        "max_results": 1,
        "file_id": [7],
        "content_type": ["legal"],
        "relevance_scoring": "none",
    }


async def test_a_finding_is_young_for_as_long_as_results_are_shared(vendor: Vendor) -> None:
    with skipping_clock() as clock:
        await vendor.found(item())
        clock.skip(TTL_S - 1)
        await vendor.read()
        assert vendor.searches.call_count == 1
        clock.skip(2)
        await vendor.read()
        assert vendor.searches.call_count == 2


async def test_kept_results_have_no_age_that_is_known(router: respx.MockRouter) -> None:
    vendor = Vendor(router)
    await vendor.found(item())
    other = Vendor(router)  # another process, with the same store
    object.__setattr__(other.search.shared, "store", vendor.search.shared.store)
    await other.search.search(SEARCH, ANYWHERE)
    assert vendor.searches.call_count == 1
    await other.read()
    assert vendor.last_searched["file_id"] == [7]


async def test_where_nothing_is_shared_each_reading_is_proved(router: respx.MockRouter) -> None:
    vendor = Vendor(router, ttl_s=0)
    await vendor.found(item())
    await vendor.read()
    await vendor.read()
    assert (vendor.searches.call_count, vendor.files.call_count) == (3, 2)


@pytest.mark.parametrize(
    ("scope", "proof"),
    [
        (LightOnScope(), []),
        (LightOnScope(), [item(source=in_file(8))]),
        (LightOnScope(workspace_id=(1,)), [IN_TEAM]),
        (LightOnScope(workspace_id=(1,)), [item()]),
        (LightOnScope(workspace_id=(1,)), [in_workspace("1")]),
        (LightOnScope(workspace_id=(1,)), [in_workspace(1, source=in_file(8))]),
        (LightOnScope(tag_id=(3,)), [item()]),
        (LightOnScope(tag_id=(3,)), [item(source=in_file(tags=[{"id": 4, "name": "x"}]))]),
        (LightOnScope(file_id=(8,)), [item(source=in_file(8))]),
        (LightOnScope(file_id=(8,)), [item()]),
        (LightOnScope(content_type=("legal",)), []),
    ],
)
async def test_a_document_outside_of_the_scope_is_never_read(
    vendor: Vendor, scope: LightOnScope, proof: list[Any]
) -> None:
    vendor.searches.respond(json={"results": proof})
    with pytest.raises(OutOfReach, match="not, or no longer, in the scope") as raised:
        await vendor.read(scope=scope)
    assert raised.value.cause == "out_of_scope"
    assert vendor.files.call_count == 0


async def test_a_finding_in_one_scope_proves_nothing_for_another(vendor: Vendor) -> None:
    await vendor.found(IN_TEAM, scope=TEAM)
    with pytest.raises(OutOfReach):
        await vendor.read(scope=LightOnScope(workspace_id=(1,)))
    assert vendor.files.call_count == 0


async def test_results_that_the_scope_drops_are_no_findings(vendor: Vendor) -> None:
    scope = LightOnScope(workspace_id=(1,))
    await vendor.found(IN_TEAM, scope=scope)
    with pytest.raises(OutOfReach):
        await vendor.read(scope=scope)


@pytest.mark.parametrize(
    ("scope", "document"),
    [
        (TEAM, {"workspace": {"id": 1, "name": "Other"}}),
        (TEAM, {"workspace": {"id": None}}),
        (LightOnScope(tag_id=(5,)), {}),
        (LightOnScope(tag_id=(5,)), {"tags": []}),
    ],
)
async def test_a_file_that_says_it_has_moved_out_of_the_scope_is_not_read(
    vendor: Vendor, scope: LightOnScope, document: Any
) -> None:
    tagged = in_workspace(42, source=in_file(tags=[{"id": 5, "name": "x"}]))
    await vendor.found(tagged, scope=scope)
    with pytest.raises(OutOfReach):
        await vendor.read(file_of(page(3), **document), scope=scope)
    await vendor.read(file_of(page(3), workspace=None, tags=None), scope=scope)


async def test_a_failed_proof_reads_nothing(vendor: Vendor) -> None:
    vendor.searches.respond(503, json={"detail": "Busy."})
    with pytest.raises(Overloaded):
        await vendor.reader.read(READING, ANYWHERE)
    assert vendor.files.call_count == 0


# Shared


async def test_equal_readings_share_a_file_and_others_do_not(vendor: Vendor) -> None:
    await vendor.found(IN_TEAM, scope=TEAM)
    await vendor.found(IN_TEAM)
    both = [await vendor.read(scope=TEAM), await vendor.read(file_of(page(3)), scope=TEAM)]
    assert both[1] == both[0]._replace(is_shared=True)
    assert not both[0].is_shared
    assert vendor.files.call_count == 1
    await vendor.reader.read(READING._replace(n=2), TEAM)
    assert vendor.files.call_count == 1
    await vendor.reader.read(READING._replace(last=4), TEAM)
    await vendor.reader.read(READING, ANYWHERE)
    assert vendor.files.call_count == 3


@pytest.mark.parametrize(
    "changed", [READING._replace(is_asked=False), READING._replace(has_page=False)]
)
async def test_readings_that_are_told_of_in_other_words_share_nothing(
    vendor: Vendor, changed: Reading
) -> None:
    begun = asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        await asyncio.wait_for(begun.wait(), PATIENCE_S)
        return httpx.Response(200, json=file_of(page(1)))

    await vendor.found(item())
    vendor.files.side_effect = answer
    both = [vendor.reader.read(each._replace(first=1), ANYWHERE) for each in (READING, changed)]
    tasks = [asyncio.ensure_future(each) for each in both]
    asyncio.get_running_loop().call_soon(begun.set)  # both wait by then
    one, other = await asyncio.gather(*tasks)
    assert one != other


async def test_no_more_of_a_file_is_kept_than_was_asked_for(vendor: Vendor) -> None:
    await vendor.found(item())
    pages = (page(index, "z" * 10**5) for index in range(1, 100))
    await vendor.read(file_of(*pages))
    store: Any = vendor.search.shared.store
    assert max(len(each.value) for each in store._entries.values()) < 4 * MAX_PAGE_CHARS


# Which trace it belongs to


async def test_the_search_that_proves_a_document_belongs_to_the_span_of_the_reading(
    vendor: Vendor,
) -> None:
    ids = iter((5, 6))
    effort = Effort(timeline=Timeline(trace=Trace(1, 2, lambda: next(ids))))
    effort.timeline.run(0.0, SEARCH.job, "LightOn")
    effort.timeline.run(0.0, READING.job, "LightOn")
    vendor.searches.respond(json={"results": [IN_TEAM]})
    search = replace(vendor.search, retries=retries(effort))
    await LightOnFiles(search).read(READING, TEAM)
    for route in (vendor.searches, vendor.files):
        told = route.calls.last.request.headers["traceparent"]
        assert told.split("-")[2] == f"{6:016x}"
