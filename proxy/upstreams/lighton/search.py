"""LightOn: a query and a scope in, results out."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, NamedTuple

import orjson

from proxy.core.addresses import ANY_HOST, HostRule, citation_url
from proxy.core.hidden import Found
from proxy.core.passages import Result
from proxy.core.scope import Scope
from proxy.core.search_tool import Search
from proxy.core.trace import Headers
from proxy.errors import BadReply, OutOfReach, UpstreamError
from proxy.state.shared import Shared
from proxy.upstreams.http.causes import SHAPE
from proxy.upstreams.http.circuits import (
    NEVER_OPEN,
    Circuit,
    Circuits,
    OpenCircuitError,
    Passage,
    not_asked,
)
from proxy.upstreams.http.endpoint import Endpoint, Reply
from proxy.upstreams.http.retries import Retries
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.lighton.attributes import attributes_in
from proxy.upstreams.lighton.replies import NAME, decode, fault_of, tag_id, texts_of
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.sightings import Sightings

_FILTERS: Final = ("workspace_id", "tag_id", "file_id", "content_type", "attribute")
_EXCLUDED_BY_FILE: Final = frozenset({"workspace_id", "tag_id"})
"""LightOn answers 422 to these beside file_id. The proxy checks the results instead."""

_LONGEST_NAME: Final = 300
"""The most characters of a title or a file name. Every citation repeats it."""
_LONGEST_ID: Final = 200
"""The most characters of a chunk's id: a fingerprint replaces a longer one. LightOn's are UUIDs."""
_MOST_WARNINGS: Final = 20

_IN_NO_SCOPE: Final = -1
"""Stands for a workspace whose id is no number."""
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LightOn:
    """The search upstream, as one client uses it: see `ClientSearches`."""

    endpoint: Endpoint
    vendor: Vendor
    timeout_s: float
    shared: Shared[Found]
    hosts: HostRule = ANY_HOST
    """Where citations may lead."""
    sightings: Sightings = field(default_factory=Sightings)
    circuits: Circuits = NEVER_OPEN
    asker: tuple[str, ...] = ("", "")
    """The `identity` of the client: it shares its results with no other one."""
    retries: Retries = field(default_factory=Retries)
    """Those of the answer that the searches are for."""

    @property
    def name(self) -> str:
        return self.vendor.name

    async def search(self, search: Search, scope: Scope, *, in_full: bool = False) -> Found:
        """The results of one search, perhaps those of an equal one of the same client.

        Those that come `in_full` have the attributes of their documents. Raises UpstreamError.
        """
        if not isinstance(scope, LightOnScope):
            raise TypeError(f"{NAME} cannot apply the filters of a {type(scope).__name__}.")
        asked_s: list[float] = []
        retries = self.retries.within(search.job)

        def ask() -> Awaitable[bytes]:
            asked_s.append(_now())
            return retries.of_search(lambda: self._ask(search, scope, retries.headers))

        found = await self.shared.get(
            self._name(search, scope, in_full=in_full),
            make=ask,
            read=lambda body: self._found(body, search, scope, in_full=in_full),
        )
        for at_s in asked_s:  # not if the results were kept: their age is unknown
            ids = (each.file_id for each in found.results if each.file_id is not None)
            self.sightings.note(self._whose, scope, ids, at_s)
        return found if asked_s else found._replace(is_shared=True)

    def _name(self, search: Search, scope: LightOnScope, *, in_full: bool) -> str:
        """Who asks, and all that the results depend on: the question, all of the scope, the key."""
        asked = orjson.dumps((self.asker, self.endpoint.base_url, self.vendor.key, *search, scope))
        return f"search{':full' if in_full else ''}:{hashlib.sha256(asked).hexdigest()}"

    async def _ask(self, search: Search, scope: LightOnScope, more: Headers) -> bytes:
        """LightOn's reply, as it came."""
        content = orjson.dumps(_request(search, scope))
        reply = await self.fetch("POST", "/api/v3/search", content, more)
        if reply.status != HTTPStatus.OK:
            raise self._error(reply.status, reply.body, reply.headers, scope)
        return reply.body

    async def fetch(
        self, method: str, path: str, body: bytes | None = None, more: Headers = ()
    ) -> Reply:
        """The reply to a request, whatever its status. Raises UpstreamError.

        `more` are headers of this request alone. All clients share one breaker: their keys differ,
        but not what answers them.
        """
        try:
            passage = self.circuits.enter(Circuit("search", self.endpoint.base_url))
        except OpenCircuitError as fault:
            raise not_asked(NAME, NAME, fault) from None
        with passage:
            try:
                reply = await self._fetch(method, path, body, more)
            except UpstreamError as error:
                passage.judge(error)
                raise
            self._judge(reply, passage)
            return reply

    def _judge(self, reply: Reply, passage: Passage) -> None:
        if reply.status == HTTPStatus.OK:
            passage.succeed()
        elif reply.status >= HTTPStatus.TOO_MANY_REQUESTS:
            passage.judge(self.vendor.error(reply.status, "", headers=reply.headers))

    async def _fetch(self, method: str, path: str, body: bytes | None, more: Headers) -> Reply:
        limit_s = self.timeout_s
        return await self.endpoint.request(
            method, path, body=body, timeout_s=limit_s, within_s=limit_s, more=more
        )

    @property
    def _whose(self) -> tuple[str, ...]:
        return *self.asker, self.vendor.key

    def has_seen(self, scope: LightOnScope, file_id: int) -> bool:
        """Whether a search within `scope` has brought the document, `shared.ttl_s` ago at most."""
        return self.sightings.since(self._whose, scope, file_id, _now() - self.shared.ttl_s)

    def _found(self, body: bytes, search: Search, scope: LightOnScope, *, in_full: bool) -> Found:
        document = decode(body)
        items = document.get("results")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise BadReply(NAME, f"{NAME} sent search results that cannot be read.", cause=SHAPE)
        hits = tuple(_hit(item, self.hosts) for item in items[: search.max_results])
        warnings = self._warnings(document.get("warnings"))
        if scope.file_id or scope.workspace_id is not None or scope.min_relevance is not None:
            hits, ours = _allowed(hits, scope)
            warnings += ours
        attributes = tuple(attributes_in(hit.source) for hit in hits) if in_full else ()
        results = tuple(hit.result for hit in hits)
        return Found(results, tuple(warnings), attributes=attributes)

    def _warnings(self, given: object) -> list[dict[str, str]]:
        """The warnings for the reply: LightOn's codes and reasons, and nothing else."""
        if not isinstance(given, list):
            return []
        read = [
            texts_of(each, "code", "reason")
            for each in given[:_MOST_WARNINGS]
            if type(each) is dict
        ]
        told = [{name: self.vendor.told(text) for name, text in each.items()} for each in read]
        if len(given) > _MOST_WARNINGS:
            reason = f"{len(given) - _MOST_WARNINGS} more warnings are not shown"
            told.append({"code": "warnings_dropped", "reason": reason})
        return told

    def _error(
        self, status: int, body: bytes, headers: Mapping[str, str], scope: LightOnScope
    ) -> UpstreamError:
        """LightOn says 403 to a bad key, and to filters that leave nothing the key may read."""
        fault = fault_of(body)
        if status == HTTPStatus.FORBIDDEN and fault and has_filters(scope):
            return OutOfReach(
                NAME,
                f"{NAME} has nothing in the scope of this search that the proxy's key may read: "
                f"{self.vendor.told(fault)} Check workspace_id and the other scope fields.",
                cause=f"status_{status}",
            )
        return self.vendor.error(status, fault, headers=headers)


def _now() -> float:
    return asyncio.get_running_loop().time()


def has_filters(scope: LightOnScope) -> bool:
    """Whether it keeps out any document that the key may read."""
    return any(getattr(scope, name) is not None for name in _FILTERS)


def _request(search: Search, scope: LightOnScope) -> dict[str, object]:
    request: dict[str, object] = {"query": search.query, "max_results": search.max_results}
    for name in _FILTERS:
        values = getattr(scope, name)
        if values is not None and not (scope.file_id and name in _EXCLUDED_BY_FILE):
            request[name] = list(values)
    if scope.scoring is not None:
        request["relevance_scoring"] = scope.scoring
    return request


class _Hit(NamedTuple):
    """A result, and what LightOn says of it that only the check against the scope needs."""

    result: Result
    relevance: float | None
    workspace_id: int | None
    tag_ids: tuple[int, ...]
    source: Mapping[str, object]


def _allowed(
    hits: tuple[_Hit, ...], scope: LightOnScope
) -> tuple[tuple[_Hit, ...], list[dict[str, str]]]:
    """The hits that are relevant enough and within the scope, and warnings about the others."""
    allowed = tuple(filter(_Limits(scope).allow, hits))
    warnings = []
    if len(allowed) < len(hits) and not scope.file_id:
        dropped = len(hits) - len(allowed)
        reason = f"{dropped} results were below min_relevance or out of scope"
        warnings.append({"code": "results_dropped", "reason": reason})
    known = tuple(hit for hit in allowed if hit.relevance is not None)
    if scope.min_relevance is not None and len(known) < len(allowed):
        is_kept = scope.unknown_relevance == "keep"
        reason = (
            f"results without a relevance score: {len(allowed) - len(known)}, "
            f"{'kept' if is_kept else 'dropped'}, as unknown_relevance is {scope.unknown_relevance}"
        )
        warnings.append({"code": "relevance_unknown", "reason": reason})
        allowed = allowed if is_kept else known
    return allowed, warnings


class _Limits:
    """Checks that a hit is in the scope, and not known to be less relevant than it must be.

    LightOn takes no workspaces or tags beside file_id, so then a hit must prove to be within them.
    Otherwise LightOn has filtered already, and only a hit that says another workspace is dropped.
    """

    def __init__(self, scope: LightOnScope) -> None:
        self._least = scope.min_relevance
        self._workspaces = _set(scope.workspace_id)
        self._tags = _set(scope.tag_id)
        self._files = _set(scope.file_id)

    def allow(self, hit: _Hit) -> bool:
        least, relevance = self._least, hit.relevance
        if least is not None and relevance is not None and relevance < least:
            return False
        in_workspace = _is_in(self._workspaces, hit.workspace_id)
        if not self._files:
            return hit.workspace_id is None or in_workspace
        has_tag = self._tags is None or not self._tags.isdisjoint(hit.tag_ids)
        return in_workspace and has_tag and _is_in(self._files, hit.result.file_id)


def _set(values: tuple[int, ...] | None) -> frozenset[int] | None:
    return None if values is None else frozenset(values)


def _is_in(allowed: frozenset[int] | None, value: int | None) -> bool:
    return allowed is None or (type(value) is int and value in allowed)


def _hit(item: Mapping[str, object], hosts: HostRule) -> _Hit:
    """One search result. A value of the wrong type counts as absent.

    The types are looked at here, field by field: a call for each field costs twice the time.
    """
    source = value if type(value := item.get("source")) is dict else _NOTHING
    chunk_id = value if type(value := item.get("chunk_id")) is str else ""
    if len(chunk_id) > _LONGEST_ID:
        chunk_id = _fingerprint(chunk_id)
    content = value if type(value := item.get("content")) is str else ""
    file_id = value if type(value := source.get("file_id")) is int else None
    title = value if type(value := source.get("title")) is str else ""
    filename = value if type(value := source.get("filename")) is str else ""
    page_start = value if type(value := source.get("page_start")) is int else None
    page_end = value if type(value := source.get("page_end")) is int else None
    score, relevance = _scores(item)
    result = Result(
        chunk_id or _fingerprint(file_id, page_start, content or None),
        content or None,
        score,
        file_id,
        _cut(title) or None,
        _cut(filename) or None,
        _url(source, file_id, page_start, hosts),
        page_start,
        page_end,
    )
    tags = value if type(value := source.get("tags")) is list else ()
    tag_ids = tuple(id_ for tag in tags if type(id_ := tag_id(tag)) is int)
    workspace_id = value.get("id") if type(value := item.get("workspace")) is dict else None
    if workspace_id is not None and type(workspace_id) is not int:
        workspace_id = _IN_NO_SCOPE  # it is not absent, which would be in every scope
    return _Hit(result, relevance, workspace_id, tag_ids, source)


def _scores(item: Mapping[str, object]) -> tuple[float | None, float | None]:
    """Score and relevance."""
    scores = value if type(value := item.get("scores")) is dict else _NOTHING
    value = scores.get("relevance")
    relevance = value if type(value) is float or type(value) is int else None
    value = item.get("score")
    if type(value) is dict:
        score, older = _older_scores(value)
        return score, older if relevance is None else relevance
    return value if type(value) is float or type(value) is int else None, relevance


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _older_scores(scores: Mapping[str, object]) -> tuple[float | None, float | None]:
    """Score and relevance from `{retrieval, reranking}`, as older deployments write them.

    Reranking is the relevance scoring of today under its former name: LightOn's schema reads the
    old `skip_rerank` as `relevance_scoring`. But only today's is said to lie between 0 and 1, so a
    number outside of that is a model's raw score, and no relevance to compare with a minimum.
    """
    retrieval, reranking = _number(scores.get("retrieval")), _number(scores.get("reranking"))
    relevance = reranking if reranking is not None and 0 <= reranking <= 1 else None
    return (retrieval if reranking is None else reranking), relevance


def _fingerprint(*parts: object) -> str:
    """A name for a chunk that has none."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _url(
    source: Mapping[str, object], file_id: int | None, page: int | None, hosts: HostRule
) -> str:
    """Where a citation leads: the document's own address, else a name for it in LightOn."""
    metadata = source.get("external_metadata")
    if isinstance(metadata, dict):
        additional = metadata.get("additional_metadata")
        further = additional.get("url") if isinstance(additional, dict) else None
        for url in (metadata.get("external_url"), further):
            if isinstance(url, str) and (fit := citation_url(url, hosts)) is not None:
                return fit
    return file_url(file_id, page)


def file_url(file_id: int | None, page: int | None) -> str:
    """The name of a document in LightOn, and of a page of it."""
    return f"lighton://file/{file_id}" + ("" if page is None else f"#page={page}")


def _number(value: object) -> float | None:
    return value if type(value) is float or type(value) is int else None
