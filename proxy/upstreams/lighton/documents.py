"""LightOn's workspaces and documents, as one client sees them in one request: `Documents`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

from proxy.core.hidden import Failed, Found, Job
from proxy.core.names import READ_TOOL
from proxy.core.read_call import Reading
from proxy.core.scope import Scope
from proxy.core.search_tool import Search
from proxy.core.stores import StoredFile, Workspace
from proxy.errors import Forbidden, OutOfReach, UpstreamError
from proxy.upstreams.lighton.file_list import LightOnFileList
from proxy.upstreams.lighton.files import LightOnFiles, is_within
from proxy.upstreams.lighton.lists import Lists
from proxy.upstreams.lighton.replies import NAME, decode, fault_of
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.search import LightOn, has_filters
from proxy.upstreams.lighton.stored_file import file_in, is_told
from proxy.upstreams.lighton.workspaces import LightOnWorkspaces

_GONE: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


@dataclass(slots=True)
class LightOnDocuments:
    """See `Documents`. It counts the searches of its request."""

    upstream: LightOn
    lists: Lists
    searches: int = 0
    causes: list[str] = field(default_factory=list)

    async def workspaces(self) -> tuple[Workspace, ...]:
        return await LightOnWorkspaces(self.upstream, self.lists).all()

    async def search(self, search: Search, scope: Scope) -> Found:
        self.searches += 1
        noted = self.upstream.retries.effort.timeline.run(_now(), search.job, NAME)
        try:
            found = await self.find(search, scope, in_full=True)
        except UpstreamError as error:
            noted.end(_now(), Failed(error))
            self.causes.append(error.cause)
            raise
        noted.end(_now(), found)
        return found

    async def find(self, search: Search, scope: Scope, *, in_full: bool) -> Found:
        return await self.upstream.search(search, scope, in_full=in_full)

    async def files(self, workspace_id: int, scopes: Sequence[Scope]) -> tuple[StoredFile, ...]:
        told = [each for each in scopes if isinstance(each, LightOnScope) and is_told(each)]
        if not told:
            raise Forbidden(
                "Not all files of this vector store are open to this client, and only a search "
                "tells which are. Search it instead.",
                param="vector_store_id",
            )
        listed = await LightOnFileList(self.upstream, self.lists).of(workspace_id)
        return tuple(each.file for each in listed if any(map(each.is_in, told)))

    async def file(self, file_id: int, scopes: Sequence[Scope], *, has_text: bool) -> StoredFile:
        """What the file says of itself must lie in the scope, and a search in it must find it.

        A search has the final word, as LightOn's files know no filters but the key's: see `files`.
        None is made if the scope has no filters either, or one has brought the file lately.
        """
        job = Job(READ_TOOL, (file_id,))
        noted = self.upstream.retries.effort.timeline.run(_now(), job, NAME)
        upstream = replace(self.upstream, retries=self.upstream.retries.within(job))
        try:
            file = await self._reached(upstream, file_id, scopes, has_text=has_text)
        except UpstreamError as error:
            noted.end(_now(), Failed(error))
            raise
        noted.ended, noted.results = _now(), 1
        return file

    async def _reached(
        self, upstream: LightOn, file_id: int, scopes: Sequence[Scope], *, has_text: bool
    ) -> StoredFile:
        document = await upstream.retries.of_search(
            lambda: _asked(upstream, file_id, has_text=has_text)
        )
        file = file_in(file_id, document)
        for scope in scopes:
            if not isinstance(scope, LightOnScope):
                raise TypeError(f"{NAME} cannot apply the filters of a {type(scope).__name__}.")
            is_named = scope.file_id is None or file_id in scope.file_id
            if is_named and is_within(document, scope) and await self._is_in(upstream, scope, file):
                return file
        raise _absent(file_id)

    async def _is_in(self, upstream: LightOn, scope: LightOnScope, file: StoredFile) -> bool:
        if not has_filters(scope) or upstream.has_seen(scope, file.id):
            return True
        reading = Reading(0, file.id, 1, 1, file.name, file.filename, "")
        self.searches += 1
        try:
            await LightOnFiles(upstream).prove(reading, scope)
        except OutOfReach:
            return False
        except UpstreamError as error:
            self.causes.append(error.cause)
            raise
        return True


async def _asked(upstream: LightOn, file_id: int, *, has_text: bool) -> Mapping[str, object]:
    query = "?include_content=true" if has_text else ""
    path = f"/api/v3/files/{file_id}{query}"
    reply = await upstream.fetch("GET", path, more=upstream.retries.headers)
    if reply.status == HTTPStatus.OK:
        return decode(reply.body)
    fault = fault_of(reply.body)
    if reply.status in _GONE and fault:  # without its words, it is no reply of LightOn's
        raise _absent(file_id)
    raise upstream.vendor.error(reply.status, fault, headers=reply.headers)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _absent(file_id: int) -> OutOfReach:
    return OutOfReach(NAME, f"There is no file {file_id} in this scope.", cause="out_of_scope")
