"""Which routes there are, and what records call them."""

from __future__ import annotations

import json
from pathlib import Path

from proxy.access.grants import Grant
from tests.support.keyed import World


async def test_records_name_routes_without_ids(tmp_path: Path) -> None:
    usage = tmp_path / "usage.jsonl"
    world = World({"k": Grant()}, {"usage_file": str(usage)}, has_files=True)
    await world.get("k", "/v1/vector_stores")
    await world.get("k", "/v1/vector_stores/ws_1")
    await world.post("k", "/v1/vector_stores/ws_1/search", {"query": "leave"})
    await world.get("k", "/v1/files/1")
    await world.get("k", "/v1/files/1/content")
    async with world.app.lifespan_context(world.app):
        pass
    assert [json.loads(line)["route"] for line in usage.read_text().splitlines()] == [
        "/vector_stores/{store_id}/search",
        "/files/{file_id}",
        "/files/{file_id}/content",
    ]


async def test_what_only_refuses_is_not_offered() -> None:
    answer = await World({"k": Grant()}).get("k", "/v1/files")
    assert answer.status == 404
    said = answer.json()["error"]["message"]
    assert "POST /v1/vector_stores/{store_id}/search" in said
    assert "GET /v1/files/{file_id}/content" in said
    assert "GET /v1/vector_stores/{store_id}/files" in said
    assert "POST /v1/files" not in said
    assert "DELETE /v1/vector_stores" not in said
