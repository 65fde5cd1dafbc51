"""What counts and is recorded of vector stores and files; what they answer is tried in theirs."""

from __future__ import annotations

from typing import Any, cast

from proxy.access.grants import Limits
from proxy.state.memory_store import MemoryStore
from proxy.state.store import make_counters
from proxy.surfaces.limited import AllLimits, Limited
from proxy.surfaces.read_only import ReadOnly
from proxy.surfaces.store_routes import store_routes


def routes() -> dict[tuple[str, str], Any]:
    limits = AllLimits(make_counters(MemoryStore(0), None), Limits(), "")
    return {
        (method, route.path): route.app
        for route in store_routes(cast("Any", None), limits)
        for method in cast("set[str]", route.methods) - {"HEAD"}
    }


def test_passages_and_texts_are_recorded_and_lists_are_not() -> None:
    limited = {key: each for key, each in routes().items() if isinstance(each, Limited)}
    assert {key: each.is_recorded for key, each in limited.items()} == {
        ("POST", "/vector_stores/{store_id}/search"): True,
        ("GET", "/vector_stores"): False,
        ("GET", "/vector_stores/{store_id}"): False,
        ("GET", "/files/{file_id}"): True,
        ("GET", "/files/{file_id}/content"): True,
    }
    assert not any(each.makes_answers for each in limited.values())


def test_whatever_writes_is_refused() -> None:
    refusing = {path for (_, path), each in routes().items() if isinstance(each, ReadOnly)}
    assert refusing == {path for _, path in routes()} - {"/vector_stores/{store_id}/search"}
