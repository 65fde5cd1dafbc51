"""A client of LightOn, and search results for it."""

from __future__ import annotations

from typing import Any

import httpx
import respx

from proxy.core.addresses import ANY_HOST, HostRule
from proxy.core.effort import Effort
from proxy.core.hidden import Found
from proxy.core.search_tool import Search
from proxy.state.memory_store import MemoryStore
from proxy.state.shared import Shared
from proxy.upstreams.http.endpoint import Endpoint, Transport
from proxy.upstreams.http.retries import Retries
from proxy.upstreams.http.retry_policy import SEARCH_STATUSES, RetryPolicy
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.lighton.replies import CREDENTIALS, NAME
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.search import LightOn
from tests.upstreams.endpoints import way_over
from tests.upstreams.raw_server import PATIENCE_S

KEY = "upstream-secret"
BASE_URL = "https://lighton.test"
URL = f"{BASE_URL}/api/v3/search"
SEARCH = Search("notice period", 5)
ANYWHERE = LightOnScope()


def lighton(
    transport: Transport | httpx.AsyncBaseTransport,
    base_url: str = BASE_URL,
    *,
    timeout_s: float = PATIENCE_S,
    ttl_s: float = 0,
    hosts: HostRule = ANY_HOST,
) -> LightOn:
    endpoint = Endpoint(NAME, base_url, KEY, way_over(transport), 5)
    shared = Shared[Found](MemoryStore(1_000_000), ttl_s)
    return LightOn(endpoint, Vendor(NAME, CREDENTIALS, 5, KEY), timeout_s, shared, hosts)


def retries(effort: Effort) -> Retries:
    """Two of them, without a wait."""
    return Retries(RetryPolicy(2, SEARCH_STATUSES, chance=lambda: 0.0), effort)


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
    upstream: LightOn,
    route: respx.Route,
    *items: Any,
    scope: LightOnScope = ANYWHERE,
    **document: Any,
) -> Found:
    """What a search brings whose reply holds `items`."""
    route.respond(json={"results": list(items), **document})
    return await upstream.search(SEARCH, scope)


async def ids(
    upstream: LightOn, route: respx.Route, *items: Any, scope: LightOnScope = ANYWHERE
) -> list[str]:
    results = (await found(upstream, route, *items, scope=scope)).results
    return [result.chunk_id for result in results]
