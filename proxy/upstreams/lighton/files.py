"""LightOn: pages of a document out, if the scope reaches it.

LightOn's files know no filters but the key's. So a search proves that a document is in the scope,
unless one has brought it lately; and what the file says of itself must not contradict that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, NamedTuple

import orjson

from proxy.core.hidden import Found
from proxy.core.passages import Result
from proxy.core.read_call import Reading
from proxy.core.scope import Scope
from proxy.core.search_tool import Search
from proxy.errors import BadReply, EmptyScope, OutOfReach, UpstreamError
from proxy.upstreams.http.causes import SHAPE
from proxy.upstreams.lighton.replies import NAME, decode, fault_of, tag_id
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.search import LightOn, file_url

MAX_PAGE_CHARS: Final = 20_000
"""The most characters of one page. The text of old documents is stored as a single page."""

_OUT_OF_SCOPE: Final = "out_of_scope"
_GONE: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_PAGE_OF_URL: Final = re.compile(r"#page=[0-9]{1,9}\Z")


@dataclass(frozen=True, slots=True)
class LightOnFiles:
    """The reading upstream: a `ReadUpstream`."""

    search: LightOn

    @property
    def name(self) -> str:
        return self.search.name

    async def read(self, reading: Reading, scope: Scope) -> Found:
        """The pages that are asked for, perhaps those of an equal reading. Raises UpstreamError."""
        if not isinstance(scope, LightOnScope):
            raise TypeError(f"{NAME} cannot apply the filters of a {type(scope).__name__}.")
        await self.prove(reading, scope)
        is_shared = True

        def ask() -> Awaitable[bytes]:
            nonlocal is_shared
            is_shared = False
            return self.search.retries.of_search(lambda: self._ask(reading, scope))

        found = await self.search.shared.get(
            self._name(reading, scope), ask, read=lambda body: _found(decode(body), reading)
        )
        return found._replace(is_shared=is_shared)

    def _name(self, reading: Reading, scope: LightOnScope) -> str:
        """Who asks, and all that the pages depend on.

        What else a reading holds comes from the conversation.
        """
        search = self.search
        vendor = search.asker, search.endpoint.base_url, search.vendor.key
        pages = reading.file_id, reading.first, reading.last, reading.is_asked, reading.has_page
        asked = orjson.dumps((*vendor, *pages, scope))
        return f"pages:{hashlib.sha256(asked).hexdigest()}"

    async def prove(self, reading: Reading, scope: LightOnScope) -> None:
        """Return if the document is in `scope`. Raises OutOfReach if it is not."""
        if self.search.has_seen(scope, reading.file_id):
            return
        try:
            narrowed = scope.narrow(LightOnScope(file_id=(reading.file_id,)))
        except EmptyScope:
            raise _out_of_scope(reading) from None
        any_hit = replace(
            narrowed, relevance_scoring="none", min_relevance=None, unknown_relevance="keep"
        )
        query = " ".join(filter(None, (reading.title, reading.filename))) or reading.name
        found = await self.search.search(Search(query, 1), any_hit)
        if not found.results:  # a search of a file brings nothing of another one
            raise _out_of_scope(reading)

    async def _ask(self, reading: Reading, scope: LightOnScope) -> bytes:
        """LightOn's reply, without all that is not asked for: a file may be long."""
        path = f"/api/v3/files/{reading.file_id}?include_content=true"
        reply = await self.search.fetch("GET", path)
        if reply.status != HTTPStatus.OK:
            raise self._error(reply.status, reply.body, reply.headers)
        document = decode(reply.body)
        if not is_within(document, scope):
            raise _out_of_scope(reading)
        return orjson.dumps(_trimmed(document, reading))

    def _error(self, status: int, body: bytes, headers: Mapping[str, str]) -> UpstreamError:
        """LightOn says 403 to a bad key, too, and a firewall says it without LightOn's words."""
        vendor, fault = self.search.vendor, fault_of(body)
        if status in _GONE and fault:
            what = f"{NAME} has no such document that the proxy's key may read: "
            return OutOfReach(NAME, f"{what}{vendor.told(fault)}", cause=f"status_{status}")
        return vendor.error(status, fault, headers=headers)


def _out_of_scope(reading: Reading) -> OutOfReach:
    what = f"The document {reading.file_id} is not, or no longer, in the scope of this request."
    return OutOfReach(NAME, what, cause=_OUT_OF_SCOPE)


def is_within(document: Mapping[str, object], scope: LightOnScope) -> bool:
    """Whether a file's own workspace and tags, if it tells them, are those of the scope."""
    workspace, tags = document.get("workspace"), document.get("tags")
    if scope.workspace_id is not None and isinstance(workspace, dict):
        id_ = workspace.get("id")
        if type(id_) is not int or id_ not in scope.workspace_id:
            return False
    if scope.tag_id is None or not isinstance(tags, list):
        return True
    allowed = frozenset(scope.tag_id)
    return any(type(id_ := tag_id(tag)) is int and id_ in allowed for tag in tags)


def _trimmed(document: Mapping[str, object], reading: Reading) -> dict[str, object]:
    """A document of the same shape that holds the pages asked for, and `count`, how many it has.

    The text of a document that was stored without pages stands for any of them. It has no page.
    """
    texts = texts_of_pages(document.get("pages"))
    total = document.get("total_pages")
    is_whole = set(texts) == {1} and type(total) is int and total > 1
    wanted = texts if is_whole else range(reading.first, reading.last + 1)
    pages = [
        {"index": index, "markdown": texts[index][: MAX_PAGE_CHARS + 1]}
        for index in wanted
        if texts.get(index)
    ]
    return {"pages": pages, "count": max(texts, default=0), "is_whole": is_whole}


def texts_of_pages(pages: object) -> dict[int, str]:
    """The text of each page. A page of the wrong type counts as absent."""
    if pages is None:
        return {}
    if not isinstance(pages, list):
        raise BadReply(NAME, f"{NAME} sent pages that cannot be read.", cause=SHAPE)
    texts: dict[int, str] = {}
    for page in pages:
        index, text = (
            (page.get("index"), page.get("markdown")) if isinstance(page, dict) else (0, 0)
        )
        if type(index) is int and index > 0 and isinstance(text, str):
            texts.setdefault(index, text)
    return texts


class _Pages(NamedTuple):
    texts: dict[int, str]
    total: int
    is_whole: bool


def _found(document: Mapping[str, object], reading: Reading) -> Found:
    count = document.get("count")
    pages = _Pages(
        texts_of_pages(document.get("pages")),
        count if isinstance(count, int) else 0,
        document.get("is_whole") is True,
    )
    results = tuple(_result(reading, pages, index) for index in pages.texts)
    return Found(results, notes=(*_notes(reading, pages), *_cuts(pages)))


def _result(reading: Reading, pages: _Pages, index: int) -> Result:
    """A page; one that is all of a document without pages has its passage's own address."""
    text = pages.texts[index]
    is_passages = pages.total == 1 and not reading.has_page
    page = None if pages.is_whole or is_passages else index
    if len(text) > MAX_PAGE_CHARS:
        text = text[: MAX_PAGE_CHARS - 1] + "…"
    return Result(
        f"file-{reading.file_id}-page-{index}",
        text,
        None,
        reading.file_id,
        reading.title,
        reading.filename,
        reading.url if is_passages else _url(reading, page),
        page,
        page,
    )


def _url(reading: Reading, page: int | None) -> str:
    """The passage's address, with another page if it has one."""
    without = _PAGE_OF_URL.sub("", reading.url)
    if without == file_url(reading.file_id, None):
        return file_url(reading.file_id, page)
    return reading.url if without == reading.url else without + _fragment(page)


def _fragment(page: int | None) -> str:
    return "" if page is None else f"#page={page}"


def _notes(reading: Reading, pages: _Pages) -> list[str]:
    """What the model must know to ask for other pages."""
    if not pages.total:
        return ["No text of this document is stored. There is no more to read."]
    if pages.is_whole:
        return ["The text of this document is stored without its pages, as one."]
    many = "1 page" if pages.total == 1 else f"{pages.total} pages"
    notes = [f"The document has {many}."]
    if reading.is_asked and reading.last > pages.total:
        first = max(reading.first, pages.total + 1)
        notes.append(f"There is no page {first}.")
    asked = range(reading.first, min(reading.last, pages.total) + 1)
    empty = ", ".join(str(each) for each in asked if not pages.texts.get(each))
    return [*notes, f"Pages without text: {empty}."] if empty else notes


def _cuts(pages: _Pages) -> list[str]:
    """What the model must know of texts that it gets only the beginning of."""
    long = [index for index, text in pages.texts.items() if len(text) > MAX_PAGE_CHARS]
    limit = f"only its first {MAX_PAGE_CHARS:,} characters can be read."
    if pages.total == 1 or pages.is_whole:
        return [f"The text goes on: {limit}"] if long else []
    return [f"The text of page {index} goes on: {limit}" for index in long]
