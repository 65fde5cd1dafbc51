"""Documents as files, and their text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openai.types import FileObject

from proxy.access.grants import Grant, Limits
from tests.support.keyed import World, page_of

GRANTS = {"k": Grant(workspaces=frozenset({42})), "open": Grant()}


def world(**changes: Any) -> World:
    return World(GRANTS, has_files=True, **changes)


async def test_a_file_is_openai_s_object() -> None:
    document = (await world().get("k", "/v1/files/42")).json()
    FileObject.model_validate(document, strict=True)
    assert (document["id"], document["filename"], document["status"]) == (
        "42",
        "file 42",
        "uploaded",
    )


async def test_its_content_is_the_stored_text() -> None:
    answer = await world().get("k", "/v1/files/42/content")
    assert answer.body.decode() == page_of(42)
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "total;dur=" in answer.headers["server-timing"]


@pytest.mark.parametrize("path", ["/v1/files/{}", "/v1/files/{}/content"])
async def test_a_file_out_of_scope_is_missing_in_the_same_words_as_any_other(path: str) -> None:
    said = set()
    for file_id in ("43", "999", "file-42", "042", "../42"):  # 43 is in another workspace
        answer = await world().get("k", path.format(file_id))
        assert answer.status == 404
        if answer.json()["error"]["param"]:
            said.add(answer.json()["error"]["message"].replace(file_id, "X"))
    assert said == {"No file found with id 'X'."}


async def test_what_can_be_no_file_is_not_asked_for() -> None:
    vendor = world()
    await vendor.get("k", "/v1/files/file-42")
    await vendor.get("k", "/v1/files/x/content")
    assert vendor.paths == []


async def test_a_client_to_whom_nothing_is_open_gets_no_file() -> None:
    vendor = World({"k": Grant(workspaces=frozenset())}, has_files=True)
    assert (await vendor.get("k", "/v1/files/42")).status == 404
    assert vendor.paths == []


async def test_headers_narrow_which_files_there_are() -> None:
    narrow = {"x-lighton-workspace-id": "1"}
    assert (await world().get("open", "/v1/files/42")).status == 200
    assert (await world().get("open", "/v1/files/42", narrow)).status == 404


async def test_a_file_counts_as_a_request() -> None:
    limited = World({"k": Grant(limits=Limits(requests_per_minute=1))}, has_files=True)
    assert [(await limited.get("k", "/v1/files/42")).status for _ in range(2)] == [200, 429]


async def test_records_tell_of_each_file_and_of_the_search_that_proved_it(tmp_path: Path) -> None:
    usage, audit = tmp_path / "usage.jsonl", tmp_path / "audit.jsonl"
    files = {"usage_file": str(usage), "audit_file": str(audit), "search_cache_ttl": 0}
    vendor = world(settings=files)
    for path in ("/v1/files/42", "/v1/files/42/content", "/v1/files/43/content"):
        await vendor.get("k", path)
    async with vendor.app.lifespan_context(vendor.app):
        pass
    told = [json.loads(line) for line in usage.read_text().splitlines()]
    assert [
        (each["retrieval"], each["searches"], each["reads"], each["status"]) for each in told
    ] == [("file", 1, 0, 200), ("file", 1, 1, 200), ("file", 0, 0, 404)]
    shown = [json.loads(line)["shown"] for line in audit.read_text().splitlines()]
    assert shown == [[], [{"file_id": 42, "title": "file 42", "pages": []}], []]
