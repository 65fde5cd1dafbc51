"""Lists, and what they hold: models, vector stores, files, search results, items."""

from __future__ import annotations

from proxy.core.names import FIELD
from proxy.schemas.parts import (
    Schema,
    const,
    either,
    flag,
    number,
    or_null,
    record,
    ref,
    some,
    table,
    text,
    whole,
)


def list_schemas() -> dict[str, Schema]:
    return {
        "ModelList": record({"object": const("list"), "data": some(ref("Model"))}),
        "ItemList": _page("Item"),
        "VectorStore": _store(),
        "VectorStoreList": _page("VectorStore"),
        "File": _file(),
        "SearchResults": _results(),
    }


def _page(name: str) -> Schema:
    fields = {
        "object": const("list"),
        "data": some(ref(name)),
        "first_id": or_null(text()),
        "last_id": or_null(text()),
        "has_more": flag("Whether more follows. Ask for it with `after`."),
    }
    return record(fields)


def _store() -> Schema:
    counts = ("in_progress", "completed", "failed", "cancelled", "total")
    fields = {
        "id": text("`ws_42` is the workspace 42 of LightOn."),
        "object": const("vector_store"),
        "created_at": whole("Seconds since 1970; 0 if nobody knows."),
        "name": text(),
        "usage_bytes": whole(),
        "file_counts": record({name: whole() for name in counts}),
        "status": const("completed"),
        "expires_after": {"type": "null"},
        "expires_at": {"type": "null"},
        "last_active_at": or_null(whole()),
        "metadata": table(text()),
    }
    return record(fields, "A workspace that the client may search.")


def _file() -> Schema:
    fields = {
        "id": text(),
        "object": const("file"),
        "bytes": whole(),
        "created_at": whole(),
        "expires_at": {"type": "null"},
        "filename": text(),
        "purpose": const("assistants"),
        "status": text(enum=["uploaded", "processed", "error"]),
        "status_details": {"type": "null"},
    }
    return record(fields, "A document that the client may search.")


def _results() -> Schema:
    content = record({"type": const("text"), "text": text()})
    place = {
        "chunk_id": text(),
        "filename": text(),
        "page_start": or_null(whole()),
        "page_end": or_null(whole()),
        "url": or_null(text()),
    }
    hit = {
        "file_id": text(),
        "filename": text(),
        "score": number(),
        "attributes": table(either(text(), number(), flag())),
        "content": some(content),
        FIELD: record(place, "Where the passage stands."),
    }
    fields = {
        "object": const("vector_store.search_results.page"),
        "search_query": some(text()),
        "data": some(record(hit)),
        "has_more": flag(),
        "next_page": {"type": "null"},
        FIELD: record({"warnings": some(table(text()))}),
    }
    return record(fields, "Passages, the best ones first.", optional=FIELD)
