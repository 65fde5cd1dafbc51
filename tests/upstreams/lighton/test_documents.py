"""Documents as one client sees them: what proves that a file is in a scope, and what is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.hidden import Job
from proxy.core.scope import NOTHING
from proxy.core.search_tool import Search
from proxy.core.stores import StoredFile
from proxy.errors import BadCredentials, Forbidden, OutOfReach, Overloaded
from proxy.state.memory_store import MemoryStore
from proxy.upstreams.lighton.documents import LightOnDocuments
from proxy.upstreams.lighton.lists import Lists
from proxy.upstreams.lighton.scope import LightOnScope
from tests.upstreams.lighton.samples import (
    ANYWHERE,
    BASE_URL,
    SEARCH,
    URL,
    in_file,
    in_workspace,
    item,
    lighton,
)

FILE = f"{BASE_URL}/api/v3/files/7"
TEAM = LightOnScope(workspace_id=(42,))
DOCUMENT = {
    "id": 7,
    "filename": "lease_1.pdf",
    "title": "Lease",
    "size": 900,
    "status": "embedded",
    "created_at": "1970-01-01T00:01:00Z",
    "workspace": {"id": 42, "name": "Team"},
    "tags": [{"id": 3, "name": "legal"}],
    "pages": [{"index": 2, "markdown": "Two."}, {"index": 1, "markdown": "One."}],
}


class Vendor:
    """LightOn's routes, and the documents of one request."""

    def __init__(self, router: respx.MockRouter) -> None:
        self.searches = router.post(URL).respond(json={"results": []})
        self.files = router.get(FILE).respond(json=DOCUMENT)
        upstream = lighton(httpx.MockTransport(router.async_handler), ttl_s=30)
        self.documents = LightOnDocuments(upstream, Lists(MemoryStore(0), 0))

    def finds(self, *items: Any) -> None:
        self.searches.respond(json={"results": list(items)})

    async def file(self, *scopes: LightOnScope, has_text: bool = False) -> StoredFile:
        return await self.documents.file(7, scopes, has_text=has_text)

    @property
    def bodies(self) -> list[Any]:
        return [orjson.loads(call.request.content) for call in self.searches.calls]


@pytest.fixture
def vendor(router: respx.MockRouter) -> Vendor:
    return Vendor(router)


async def test_a_search_brings_the_attributes_of_each_result_s_document(vendor: Vendor) -> None:
    vendor.finds(
        item("c1", source=in_file(7, title="Lease")),
        in_workspace(1),  # not in the scope
        item("c2", source=in_file(8, mime_type="pdf")),
    )
    found = await vendor.documents.search(SEARCH, TEAM)
    assert [each.chunk_id for each in found.results] == ["c1", "c2"]
    assert found.attributes == ({"title": "Lease"}, {"mime_type": "pdf"})
    assert (vendor.documents.searches, vendor.documents.causes) == (1, [])
    (job,) = vendor.documents.upstream.retries.effort.timeline.jobs
    assert (job.job, job.upstream, job.results, job.cause) == (SEARCH.job, "LightOn", 2, "")


async def test_a_search_in_full_is_not_answered_by_one_that_was_not(vendor: Vendor) -> None:
    vendor.finds(item(source=in_file(title="Lease")))
    assert (await vendor.documents.upstream.search(SEARCH, TEAM)).attributes == ()
    assert (await vendor.documents.search(SEARCH, TEAM)).attributes == ({"title": "Lease"},)


async def test_a_failed_search_is_counted_with_its_cause(vendor: Vendor) -> None:
    vendor.searches.respond(503, json={"detail": "Later."})
    with pytest.raises(Overloaded):
        await vendor.documents.search(Search("x", 1), TEAM)
    assert (vendor.documents.searches, vendor.documents.causes) == (1, ["status_503"])
    (job,) = vendor.documents.upstream.retries.effort.timeline.jobs
    assert (job.cause, job.ended is None) == ("status_503", False)


async def test_where_nothing_but_the_key_limits_it_a_file_needs_no_proof(vendor: Vendor) -> None:
    assert await vendor.file(ANYWHERE) == StoredFile(
        *(7, "Lease", "lease_1.pdf", 900, 60, "processed", "One.\n\nTwo."),
        attributes={"title": "Lease", "tags": "legal"},
    )
    assert vendor.bodies == []


async def test_the_text_comes_only_if_it_is_asked_for(vendor: Vendor) -> None:
    for has_text in (False, True):
        await vendor.file(ANYWHERE, has_text=has_text)
        asked = vendor.files.calls.last.request.url.params
        assert ("include_content" in asked) == has_text


async def test_a_search_within_the_scope_proves_that_a_file_is_in_it(vendor: Vendor) -> None:
    vendor.finds(in_workspace(42))
    scope = LightOnScope(workspace_id=(42,), attribute=("status:active",))
    assert (await vendor.file(scope)).id == 7
    (body,) = vendor.bodies
    assert (body["file_id"], body["attribute"]) == ([7], ["status:active"])
    assert body["query"] == "Lease lease_1.pdf"
    assert vendor.documents.searches == 1
    (job,) = vendor.documents.upstream.retries.effort.timeline.jobs  # the proof is a part of it
    assert (job.job, job.results, job.cause) == (Job("lighton_read", (7,)), 1, "")
    assert job.ended is not None


async def test_a_file_that_a_search_has_brought_lately_is_proved_already(vendor: Vendor) -> None:
    vendor.finds(in_workspace(42))
    await vendor.documents.search(SEARCH, TEAM)
    await vendor.file(TEAM)
    assert vendor.documents.searches == 1


async def test_a_file_that_the_search_does_not_find_is_out_of_reach(vendor: Vendor) -> None:
    with pytest.raises(OutOfReach):
        await vendor.file(LightOnScope(attribute=("status:active",)))
    vendor.searches.respond(403, json={"detail": "Nothing.", "error": "x"})
    with pytest.raises(OutOfReach):
        await vendor.file(TEAM)
    jobs = vendor.documents.upstream.retries.effort.timeline.jobs
    assert [(each.cause, each.results) for each in jobs] == [("out_of_scope", 0)] * 2


@pytest.mark.parametrize(
    "scope",
    [LightOnScope(workspace_id=(1,)), LightOnScope(tag_id=(9,)), LightOnScope(file_id=(8,))],
)
async def test_a_file_that_says_itself_that_it_is_elsewhere_is_not_searched_for(
    vendor: Vendor, scope: LightOnScope
) -> None:
    vendor.finds(in_workspace(1, source=in_file(tags=[{"id": 9}])))
    with pytest.raises(OutOfReach):
        await vendor.file(scope)
    assert (vendor.bodies, vendor.documents.searches) == ([], 0)


async def test_one_of_several_scopes_is_enough(vendor: Vendor) -> None:
    vendor.finds(in_workspace(42))
    assert (await vendor.file(LightOnScope(workspace_id=(1,)), TEAM)).id == 7
    with pytest.raises(OutOfReach):
        await vendor.file()


@pytest.mark.parametrize("status", [403, 404])
async def test_what_lighton_does_not_have_is_out_of_reach(vendor: Vendor, status: int) -> None:
    vendor.files.respond(status, json={"detail": "No.", "error": "x"})
    with pytest.raises(OutOfReach):
        await vendor.file(ANYWHERE)


async def test_a_firewall_s_403_is_no_missing_file(vendor: Vendor) -> None:
    vendor.files.respond(403, html="<h1>Blocked</h1>")
    with pytest.raises(BadCredentials):
        await vendor.file(ANYWHERE)


async def test_a_failed_proof_is_counted_with_its_cause(vendor: Vendor) -> None:
    vendor.searches.respond(503, json={"detail": "Later."})
    with pytest.raises(Overloaded):
        await vendor.file(TEAM)
    assert vendor.documents.causes == ["status_503"]


async def test_the_sight_of_another_client_proves_nothing(vendor: Vendor) -> None:
    vendor.finds(in_workspace(42))
    await vendor.documents.search(SEARCH, TEAM)
    vendor.finds()
    upstream = replace(vendor.documents.upstream, asker=("k2", "other"))
    other = replace(vendor.documents, upstream=upstream)
    with pytest.raises(OutOfReach):
        await other.file(7, (TEAM,), has_text=False)


@pytest.mark.parametrize(
    ("status", "told"),
    [("embedded", "processed"), ("parsing", "uploaded"), ("fail", "error"), (None, "uploaded")],
)
async def test_a_status_is_told_in_openai_s_words(
    vendor: Vendor, status: object, told: str
) -> None:
    vendor.files.respond(json={**DOCUMENT, "status": status})
    assert (await vendor.file(ANYWHERE)).status == told


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.integers() | st.text() | st.booleans()
            for name in ("filename", "title", "size", "status", "created_at")
        },
    )
)
async def test_what_is_of_the_wrong_type_counts_as_absent(document: dict[str, Any]) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=document))
    documents = LightOnDocuments(lighton(transport), Lists(MemoryStore(0), 0))
    file = await documents.file(7, (ANYWHERE,), has_text=True)
    assert (file.id, file.text) == (7, "")
    assert file.name
    assert file.size >= 0


LIST = f"{BASE_URL}/api/v3/files"
OTHER = {**DOCUMENT, "id": 8, "tags": []}


@pytest.mark.parametrize(
    ("scopes", "ids"),
    [
        ([ANYWHERE], [7, 8]),
        ([TEAM], [7, 8]),
        ([LightOnScope(workspace_id=(42,), tag_id=(3, 4))], [7]),
        ([LightOnScope(workspace_id=(42,), file_id=(8, 9))], [8]),
        ([LightOnScope(tag_id=(3,)), LightOnScope(file_id=(8,))], [7, 8]),
        ([LightOnScope(workspace_id=(43,))], []),
        ([LightOnScope(attribute=("year:2026",)), LightOnScope(tag_id=(3,))], [7]),
        ([LightOnScope(workspace_id=(42,), min_relevance=0.5, max_results=1)], [7, 8]),
    ],
)
async def test_the_files_of_a_workspace_are_those_that_prove_to_be_in_scope(
    router: respx.MockRouter, vendor: Vendor, scopes: list[LightOnScope], ids: list[int]
) -> None:
    route = router.get(LIST, params={"workspace_id": "42"})
    route.respond(json={"count": 2, "results": [DOCUMENT, OTHER]})
    assert [each.id for each in await vendor.documents.files(42, scopes)] == ids
    assert vendor.bodies == []


@pytest.mark.parametrize(
    "scope", [LightOnScope(attribute=("year:2026",)), LightOnScope(content_type=("hr",)), NOTHING]
)
async def test_where_only_a_search_tells_what_is_in_scope_nothing_is_listed(
    vendor: Vendor, scope: Any
) -> None:
    with pytest.raises(Forbidden, match="Search it instead") as caught:
        await vendor.documents.files(42, [scope])
    assert caught.value.param == "vector_store_id"
