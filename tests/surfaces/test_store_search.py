"""The search of a vector store. `test_stores.py` says which of them a client reaches."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from openai.types import VectorStoreSearchResponse

from proxy.access.grants import Grant, Limits
from tests.support.asgi import Answer
from tests.support.keyed import World, passage_of
from tests.support.script import result

PATH = "/v1/vector_stores/ws_42/search"
OPEN = {"k": Grant(workspaces=frozenset({42, 43}))}


async def search(world: World, path: str = PATH, **body: Any) -> Answer:
    return await world.post("k", path, {"query": "leave", **body})


async def test_the_page_holds_openai_s_results_and_what_lighton_knows_besides() -> None:
    answer = await search(World(OPEN, has_files=True))
    document = answer.json()
    (found,) = document.pop("data")
    VectorStoreSearchResponse.model_validate(found, strict=True)
    assert document == {
        "object": "vector_store.search_results.page",
        "search_query": ["leave"],
        "has_more": False,
        "next_page": None,
    }
    assert found == {
        "file_id": "42",
        "filename": "Handbook",
        "score": 0.5,
        "attributes": {"title": "Handbook"},
        "content": [{"type": "text", "text": passage_of(42)}],
        "lighton": {
            "chunk_id": "c42",
            "score": 0.5,
            "filename": "handbook.pdf",
            "page_start": 1,
            "page_end": 1,
            "url": "lighton://file/42#page=1",
        },
    }
    assert answer.headers["x-lighton-searches"] == "1"
    assert re.fullmatch(
        r"queue;dur=0, search;dur=\d+, total;dur=\d+", answer.headers["server-timing"]
    )


async def test_several_queries_are_searches_whose_passages_come_once() -> None:
    world = World(OPEN, wait_for=3)  # side by side
    document = (await search(world, query=["a", "b", "c"])).json()
    assert document["search_query"] == ["a", "b", "c"]
    assert len(document["data"]) == 1
    assert len(world.searched) == 3


async def test_of_several_queries_the_best_passages_come_first_each_with_its_best_score() -> None:
    found = {
        "a": [result("x", score=0.4), result("w", score=0.1), result("v", score=0.05)],
        "b": [result("w", score=0.5), result("x", score=0.3), result("z", score=0.2)],
    }
    world = World(OPEN, found=found)
    page = (await search(world, query=["a", "b"], max_num_results=3)).json()["data"]
    assert [(each["lighton"]["chunk_id"], each["score"]) for each in page] == [
        ("w", 0.5),
        ("x", 0.4),
        ("z", 0.2),
    ]


async def test_the_passages_of_one_query_keep_lightons_order_without_what_has_no_text() -> None:
    found = {"leave": [result("image", None), result("x", score=0.2), result("y", score=0.3)]}
    page = (await search(World(OPEN, found=found))).json()["data"]
    assert [each["lighton"]["chunk_id"] for each in page] == ["x", "y"]


@pytest.mark.parametrize(("asked", "given"), [(None, 5), (3, 3), (50, 5)])
async def test_no_more_results_are_asked_for_than_the_scope_has(
    asked: int | None, given: int
) -> None:
    world = World(OPEN, {"max_results": 5})
    await search(world, max_num_results=asked)
    assert [each["max_results"] for each in world.bodies] == [given]


async def test_filters_narrow_what_the_settings_say() -> None:
    world = World(OPEN, {"attribute": ["status:active"]})
    await search(world, filters={"type": "eq", "key": "year", "value": 2026})
    assert world.bodies[0]["attribute"] == ["status:active", "year:2026"]


async def test_the_field_of_the_proxy_s_own_narrows_as_on_chat() -> None:
    world = World(OPEN)
    assert (await search(world, lighton={"workspace_id": [42]})).status == 200
    assert (await search(world, lighton={"workspace_id": [43]})).status == 404
    assert (await search(world, lighton={"retrieval": "off"})).status == 400
    assert len(world.searched) == 1


async def test_a_scope_in_which_nothing_fits_brings_nothing() -> None:
    world = World(OPEN, forbids=True)
    assert (await search(world)).json()["data"] == []


async def test_a_workspace_that_the_search_s_key_cannot_see_is_missing() -> None:
    world = World(OPEN, forbids=True, workspaces=(1,))
    answer = await search(world)
    assert (answer.status, answer.json()["error"]["code"]) == (404, "not_found")


async def test_a_body_that_is_wrong_makes_no_search() -> None:
    world = World(OPEN)
    bodies: list[dict[str, Any]] = [
        {"query": ""},
        {"filters": {"type": "ne"}},
        {"filter": {}},
    ]
    for wrong in bodies:
        answer = await search(world, **wrong)
        assert answer.status == 400
        assert answer.json()["error"]["param"]
    assert world.paths == []


async def test_a_fault_of_lighton_s_is_told_as_on_chat() -> None:
    world = World(OPEN, fault={"detail": "No such tag.", "fields": {"tag_id": []}})
    answer = await search(world)
    assert (answer.status, answer.json()["error"]["code"]) == (400, "upstream_rejected")


# Limits and records


async def test_a_search_counts_as_a_request_and_takes_no_tokens() -> None:
    limits = Limits(requests_per_minute=1, daily_tokens=1, concurrent=1)
    world = World({"k": Grant(limits=limits)})
    assert [(await search(world)).status for _ in range(2)] == [200, 429]


def content(path: Path) -> bytes:
    return path.read_bytes()


async def lines(world: World, path: Path) -> list[dict[str, Any]]:
    """The lines of a file once the application has ended, which writes them all."""
    async with world.app.lifespan_context(world.app):
        pass
    return list(map(json.loads, content(path).splitlines()))


async def test_usage_has_a_line_with_the_price_of_each_query(tmp_path: Path) -> None:
    path = tmp_path / "usage.jsonl"
    settings = {"usage_file": str(path), "prices": {"search": 0.01}, "profiles": {"llama": {}}}
    world = World(OPEN, settings)
    await search(world, query=["a", "b"])
    await search(world, filters=5)
    world.fault = {"detail": "No."}
    await search(world)
    written = await lines(world, path)
    told = [
        (each["retrieval"], each["searches"], each["failed_searches"], each["cost"], each["status"])
        for each in written
    ]
    assert told == [("search", 2, 0, 0.02, 200), ("", 0, 0, 0.0, 400), ("search", 1, 1, 0.0, 400)]
    assert {(each["profile"], each["model"], each["rounds"]) for each in written} == {("", "", 0)}


async def test_the_audit_has_a_line_with_the_documents_that_were_shown(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    world = World(OPEN, {"audit_file": str(path), "audit_texts": True}, has_files=True)
    await search(world)
    (line,) = await lines(world, path)
    assert line["scope"]["workspace_id"] == [42]
    assert line["queries"] == [{"tool": "lighton_search", "query": "leave", "outcome": "ok"}]
    assert line["shown"] == [{"file_id": 42, "title": "Handbook", "pages": ["1"]}]
    assert (line["cited"], line["question"], line["answer"]) == ([], "leave", "")
