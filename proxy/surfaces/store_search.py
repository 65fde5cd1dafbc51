"""POST /v1/vector_stores/{id}/search: passages of a workspace, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from proxy.core.hidden import Found
from proxy.core.inflight import Hold
from proxy.core.names import FIELD, SEARCH_COUNT
from proxy.core.passages import Result
from proxy.core.scope import Scope as Searched
from proxy.core.scope import common_scope
from proxy.core.search_tool import Search
from proxy.core.store_search import StoreSearch, read_store_search
from proxy.core.stores import Attributes, Documents, scores_of
from proxy.errors import OutOfReach, ProxyError
from proxy.surfaces.exchange import exchange_of
from proxy.surfaces.replies import JSONReply
from proxy.surfaces.request_body import read_document
from proxy.surfaces.server_timing import timed
from proxy.surfaces.stores import Reach, Stores, facts_of, no_such_store, within
from proxy.tasks import TaskScope
from proxy.telemetry.trail import Trail, trail_of_search

_Hit = tuple[Result, Attributes]


@dataclass(frozen=True, slots=True)
class VectorStoreSearch:
    """The surface. Each query is a search of the vendor's, and counts as one."""

    stores: Stores

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.stores.inflight.hold() as held:
            await self._answer(scope, receive, send, held)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, held: Hold) -> None:
        stores, exchange = self.stores, exchange_of(scope)
        store_id = scope["path_params"]["store_id"]
        body = await read_document(scope, receive, held, stores.settings, stores.wishes)
        search = read_store_search(
            body.content, stores.terms, stores.wishes, stores.settings.query_chars
        )
        reach = within(stores.reach(exchange.client, exchange.headers), search.wish)
        searched = common_scope(stores.of_store(reach, store_id), *search.narrower)
        effort = stores.effort(exchange)
        run = _Run(stores, store_id, reach, stores.documents_of(exchange.client, effort))
        work = run.reply(search, searched, scope, receive, send)
        try:
            await stores.reply(work, effort, receive)
        finally:
            exchange.answer = facts_of(run.documents, effort, "search")
            if stores.keeps_trails:
                exchange.trail = run.trail(search, searched)


@dataclass(slots=True)
class _Run:
    """One request, as far as it has come."""

    stores: Stores
    store_id: str
    reach: Reach
    documents: Documents
    hits: list[_Hit] = field(default_factory=list)
    has_ended: bool = False

    async def reply(
        self, search: StoreSearch, searched: Searched, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            found = await self._found(search, searched)
        finally:
            self.has_ended = True
        self.hits = _best(found, search.max_results)
        document = {
            "object": "vector_store.search_results.page",
            "search_query": search.queries,
            "data": list(map(_described, self.hits, scores_of(hit[0] for hit in self.hits))),
            "has_more": False,
            "next_page": None,
        }
        if warnings := [warning for each in found for warning in each.warnings]:
            document[FIELD] = {"warnings": warnings}
        headers = {SEARCH_COUNT.lower(): str(self.documents.searches)}
        reply = JSONReply(document, headers=headers)
        await timed(reply, exchange_of(scope).timeline)(scope, receive, send)

    async def _found(self, search: StoreSearch, searched: Searched) -> list[Found]:
        """What each query finds. Raises NotFound for a store that the search's key cannot see."""
        most = min(search.max_results, searched.results_limit)
        try:
            outcomes: dict[str, Found | ProxyError] = {}
            async with TaskScope() as tasks:
                asked = [Search(query, most) for query in search.queries]
                for begun in [tasks.start(self._ask(each, searched, outcomes)) for each in asked]:
                    await begun
            return [_found_in(outcomes[query]) for query in search.queries]
        except OutOfReach:  # or there is nothing in it that fits
            if self.store_id not in await self.stores.seen(self.documents, self.reach):
                raise no_such_store(self.store_id) from None
            return []

    async def _ask(
        self, search: Search, searched: Searched, outcomes: dict[str, Found | ProxyError]
    ) -> None:
        """Note what comes of a search. A task that held its own error would be a cycle."""
        try:
            outcomes[search.query] = await self.documents.search(search, searched)
        except ProxyError as error:
            outcomes[search.query] = error.with_traceback(None)

    def trail(self, search: StoreSearch, searched: Searched) -> Trail:
        shown = [result for result, _ in self.hits]
        cause = next(iter(self.documents.causes), "")
        return trail_of_search(
            searched.identity, search.queries, shown, cause, has_ended=self.has_ended
        )


def _found_in(outcome: Found | ProxyError) -> Found:
    if isinstance(outcome, ProxyError):
        raise outcome.again()  # a copy: this frame holds the other one
    return outcome


def _best(found: Sequence[Found], most: int) -> list[_Hit]:
    """Each passage with a text once, with its best score; of several queries, the best first."""
    hits: dict[str, _Hit] = {}
    for each in found:
        for result, attributes in zip(each.results, each.attributes, strict=True):
            hit, known = (result, attributes), hits.get(result.chunk_id)
            if result.content and (known is None or _score(hit) > _score(known)):
                hits[result.chunk_id] = hit
    best = list(hits.values())
    if len(found) > 1:
        best.sort(key=_score, reverse=True)
    return best[:most]


def _score(hit: _Hit) -> float:
    return hit[0].score or 0.0


def _described(hit: _Hit, score: float) -> dict[str, Any]:
    result, attributes = hit
    return {
        "file_id": "" if result.file_id is None else str(result.file_id),
        "filename": result.name,
        "score": score,
        "attributes": attributes,
        "content": [{"type": "text", "text": result.content}],
        FIELD: {
            "chunk_id": result.chunk_id,
            "score": result.score,
            "filename": result.filename,
            "page_start": result.page_start,
            "page_end": result.page_end,
            "url": result.url,
        },
    }
