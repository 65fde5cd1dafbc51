"""The routes of vector stores and files."""

from __future__ import annotations

from functools import partial
from typing import Final

from starlette.routing import Route
from starlette.types import ASGIApp

from proxy.surfaces.files import OneFile
from proxy.surfaces.limited import AllLimits, Limited
from proxy.surfaces.read_only import ReadOnly
from proxy.surfaces.store_files import StoreFile, StoreFiles
from proxy.surfaces.store_search import VectorStoreSearch
from proxy.surfaces.stores import Stores
from proxy.surfaces.vector_stores import OneVectorStore, VectorStoreList

_STORES: Final = "/vector_stores"
_STORE: Final = "/vector_stores/{store_id}"
_SEARCH: Final = "/vector_stores/{store_id}/search"
_STORE_FILES: Final = "/vector_stores/{store_id}/files"
_STORE_FILE: Final = "/vector_stores/{store_id}/files/{file_id}"
_STORE_CONTENT: Final = "/vector_stores/{store_id}/files/{file_id}/content"
_FILE: Final = "/files/{file_id}"
_CONTENT: Final = "/files/{file_id}/content"
_FILES: Final = "/files"
"""There is no list of the files of all stores."""
_WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")


def routes_of_stores(stores: Stores, limits: AllLimits) -> list[Route]:
    """What brings passages or texts is in the records of usage and audit; lists are not.

    The routes of what would change documents only refuse, so no list of routes names them.
    """
    limited = partial(Limited, limits=limits, makes_answers=False)
    reads: dict[str, ASGIApp] = {
        _STORES: limited(VectorStoreList(stores)),
        _STORE: limited(OneVectorStore(stores)),
        _STORE_FILES: limited(StoreFiles(stores)),
        _STORE_FILE: limited(StoreFile(stores), is_recorded=True),
        _STORE_CONTENT: limited(StoreFile(stores, has_content=True), is_recorded=True),
        _FILE: limited(OneFile(stores), is_recorded=True),
        _CONTENT: limited(OneFile(stores, has_content=True), is_recorded=True),
    }
    search = limited(VectorStoreSearch(stores), is_recorded=True)
    return [
        Route(_SEARCH, search, methods=["POST"]),
        *(Route(path, surface, methods=["GET"]) for path, surface in reads.items()),
        *(Route(path, ReadOnly(), methods=_WRITES, include_in_schema=False) for path in reads),
        Route(_FILES, ReadOnly(()), methods=_WRITES, include_in_schema=False),
    ]
