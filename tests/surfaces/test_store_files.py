"""The documents of a workspace as files of a vector store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.vector_stores import FileContentResponse, VectorStoreFile

from proxy.access.grants import Grant
from tests.support.asgi import Answer
from tests.support.keyed import World, page_of
from tests.support.server import serving

PATH = "/v1/vector_stores/ws_42/files"
GRANTS = {
    "k": Grant(workspaces=frozenset({42})),
    "open": Grant(),
    "profiles": Grant(profiles=frozenset({"hr", "it"}), models=frozenset()),
}


def world(**changes: Any) -> World:
    return World(GRANTS, **{"has_files": True, **changes})


async def ids(vendor: World, query: str = "", key: str = "k") -> list[str]:
    answer = await vendor.get(key, f"{PATH}{query}")
    assert answer.status == 200, answer.json()
    return [each["id"] for each in answer.json()["data"]]


async def test_a_list_holds_openais_objects() -> None:
    document = (await world().get("k", PATH)).json()
    for each in document["data"]:
        VectorStoreFile.model_validate(each, strict=True)
    assert document["data"][0] == {
        "id": "44",
        "object": "vector_store.file",
        "usage_bytes": 0,
        "created_at": 120,
        "vector_store_id": "ws_42",
        "status": "failed",
        "last_error": {"code": "server_error", "message": "LightOn could not read the file."},
        "attributes": {"title": "File 44"},
    }
    assert (document["object"], document["first_id"], document["has_more"]) == ("list", "44", False)


async def test_it_comes_in_pages_and_by_state() -> None:
    vendor = world()
    assert await ids(vendor) == ["44", "42"]
    assert await ids(vendor, "?order=asc&limit=1") == ["42"]
    assert await ids(vendor, "?after=44") == ["42"]
    assert await ids(vendor, "?filter=failed") == ["44"]
    assert await ids(vendor, "?filter=cancelled") == []
    assert vendor.paths == ["/api/v3/workspaces", "/api/v3/files"], "it is kept"


@pytest.mark.parametrize(
    ("query", "param"), [("filter=x", "filter"), ("limit=0", "limit"), ("x=1", "x")]
)
async def test_what_cannot_be_listed_is_named(query: str, param: str) -> None:
    answer = await world().get("k", f"{PATH}?{query}")
    assert (answer.status, answer.json()["error"]["param"]) == (400, param)


def missing(answer: Answer, store_id: str) -> str:
    assert (answer.status, answer.json()["error"]["param"]) == (404, "vector_store_id")
    return str(answer.json()["error"]["message"]).replace(store_id, "X")


@pytest.mark.parametrize("behind", ["", "/42", "/42/content"])
async def test_a_store_out_of_scope_is_missing_in_the_same_words_as_any_other(behind: str) -> None:
    said = set()
    for store_id in ("ws_43", "ws_7", "nonsense"):  # LightOn has the first one
        answer = await world().get("k", f"/v1/vector_stores/{store_id}/files{behind}")
        said.add(missing(answer, store_id))
    assert len(said) == 1


async def test_a_store_that_lighton_does_not_have_has_no_list() -> None:
    missing(await world().get("open", "/v1/vector_stores/ws_7/files"), "ws_7")


async def test_what_only_a_search_can_tell_is_not_listed() -> None:
    answer = await world(settings={"attribute": ["year:2026"]}).get("k", PATH)
    assert (answer.status, answer.json()["error"]["code"]) == (403, "forbidden")


async def test_another_profile_that_can_be_listed_does_not_make_this_store_seem_empty() -> None:
    profiles = {
        "hr": {"workspace_id": [42], "attribute": ["year:2026"]},
        "it": {"workspace_id": [1]},
    }
    settings = {"workspace_id": [42, 1], "profiles": profiles, "default_model": "hr"}
    answer = await world(settings=settings).get("profiles", PATH)
    assert (answer.status, answer.json()["error"]["code"]) == (403, "forbidden")


async def test_one_file_and_its_text_are_openais_objects() -> None:
    vendor = world()
    found = (await vendor.get("k", f"{PATH}/42")).json()
    VectorStoreFile.model_validate(found, strict=True)
    assert (found["id"], found["vector_store_id"]) == ("42", "ws_42")
    page = (await vendor.get("k", f"{PATH}/42/content")).json()
    assert page == {
        "object": "vector_store.file_content.page",
        "data": [{"type": "text", "text": page_of(42)}],
        "has_more": False,
        "next_page": None,
    }
    FileContentResponse.model_validate(page["data"][0], strict=True)


@pytest.mark.parametrize("behind", ["", "/content"])
async def test_a_file_of_another_store_is_missing_in_the_same_words_as_any_other(
    behind: str,
) -> None:
    said = set()
    for file_id in ("43", "999", "x"):
        answer = await world().get("open", f"{PATH}/{file_id}{behind}")
        assert (answer.status, answer.json()["error"]["param"]) == (404, "file_id")
        said.add(answer.json()["error"]["message"].replace(file_id, "X"))
    assert len(said) == 1


async def test_records_tell_of_a_text_and_not_of_a_list(tmp_path: Path) -> None:
    usage = tmp_path / "usage.jsonl"
    vendor = world(settings={"usage_file": str(usage)})
    await vendor.get("k", PATH)
    await vendor.get("k", f"{PATH}/42/content")
    async with vendor.app.lifespan_context(vendor.app):
        pass
    (line,) = map(json.loads, usage.read_text().splitlines())
    assert line["route"] == "/vector_stores/{store_id}/files/{file_id}/content"


async def test_the_official_client_lists_and_reads_them() -> None:
    vendor = world()
    async with serving(vendor.app) as url:
        client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)
        files = client.vector_stores.files
        seen = [each.id async for each in files.list("ws_42", limit=1)]
        assert seen == ["44", "42"]
        assert (await files.retrieve("42", vector_store_id="ws_42")).id == "42"
        content = await files.content("42", vector_store_id="ws_42")
        assert [each.text for each in content.data] == [page_of(42)]
        with pytest.raises(openai.APIStatusError, match="Manage workspaces and files in LightOn"):
            await files.create("ws_42", file_id="42")
        await client.close()
