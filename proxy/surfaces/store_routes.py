"""The routes of vector stores and files."""

from __future__ import annotations

from functools import partial

from starlette.routing import Route
from starlette.types import ASGIApp

from proxy.surfaces.files import OneFile
from proxy.surfaces.limited import AllLimits, Limited
from proxy.surfaces.read_only import WRITES, ReadOnly
from proxy.surfaces.store_search import VectorStoreSearch
from proxy.surfaces.stores import Stores
from proxy.surfaces.vector_stores import OneVectorStore, VectorStoreList


def store_routes(stores: Stores, limits: AllLimits) -> tuple[Route, ...]:
    """What brings passages or texts is in the records of usage and audit; lists are not."""
    listed = partial(Limited, limits=limits, makes_answers=False)
    recorded = partial(listed, is_recorded=True)
    reads: dict[str, ASGIApp] = {
        "/vector_stores": listed(VectorStoreList(stores)),
        "/vector_stores/{store_id}": listed(OneVectorStore(stores)),
        "/files/{file_id}": recorded(OneFile(stores)),
        "/files/{file_id}/content": recorded(OneFile(stores, has_content=True)),
    }
    search = recorded(VectorStoreSearch(stores))
    return (
        Route("/vector_stores/{store_id}/search", search, methods=["POST"]),
        *(Route(path, surface, methods=["GET"]) for path, surface in reads.items()),
        *(Route(path, ReadOnly(), methods=WRITES) for path in (*reads, "/files")),
    )
