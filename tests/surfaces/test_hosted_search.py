"""Stores that a hosted file search names: what is told of those that are not there, or not open."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from openai.types.responses import ResponseFileSearchToolCall

from proxy.access.grants import Grant
from tests.support.asgi import Answer
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.keyed import World
from tests.support.openai_schema import check_error

RETRIEVAL = ("tool", "context", "hybrid")


async def respond(world: World, *stores: str, key: str = "k", **body: Any) -> Answer:
    tools = [{"type": "file_search", "vector_store_ids": list(stores)}]
    document = {"input": "How many days?", "tools": tools, **body}
    return await world.post(key, "/v1/responses", document)


def not_found(answer: Answer) -> str:
    """What an answer without a store says."""
    assert answer.status == 404
    check_error(answer.json())
    error = answer.json()["error"]
    told = (error["type"], error["param"], error["code"])
    assert told == ("invalid_request_error", "tools[0].vector_store_ids", "not_found")
    return str(error["message"])


def world_of(grant: Grant | None = None, **more: Any) -> World:
    return World({"k": grant or Grant()}, **more)


@pytest.mark.parametrize("retrieval", RETRIEVAL)
@pytest.mark.parametrize("on_search_error", ["tell_model", "fail", "refuse"])
async def test_a_store_that_does_not_exist_is_not_found_in_openais_words(
    retrieval: str, on_search_error: str
) -> None:
    given = {"retrieval": retrieval, "on_search_error": on_search_error}
    world = world_of(settings=given, forbids=True)
    assert not_found(await respond(world, "ws_9")) == (
        "Vector store with id ['ws_9'] not found. GET /v1/vector_stores lists those that you can "
        "search."
    )
    assert world.paths.count("/api/v3/search") == 1
    await respond(world, "ws_9")
    assert world.paths.count("/api/v3/workspaces") == 1, "the list is kept"


@pytest.mark.parametrize("grant", [Grant(frozenset({1})), Grant(frozenset())])
async def test_a_store_that_is_not_open_is_told_in_the_same_words_before_anything_is_asked(
    grant: Grant,
) -> None:
    closed = world_of(grant)
    said = [not_found(await respond(closed, each)) for each in ("ws_42", "ws_9")]
    assert closed.paths == []
    absent = not_found(await respond(world_of(forbids=True), "ws_9"))
    assert said == [absent.replace("ws_9", "ws_42"), absent]


async def test_what_a_profile_leaves_out_is_not_open_either() -> None:
    world = world_of(settings={"profiles": {"hr": {"workspace_id": [1]}}})
    assert (await respond(world, "ws_1", model="hr")).status == 200
    not_found(await respond(world, "ws_42", model="hr"))


async def test_of_several_stores_those_that_are_open_are_searched() -> None:
    world = world_of(Grant(frozenset({1, 42})))
    assert (await respond(world, "ws_1", "ws_43")).status == 200
    assert world.searched[-1].workspaces == (1,)
    said = not_found(await respond(world, "ws_43", "ws_9"))
    assert "['ws_43', 'ws_9']" in said


async def test_whether_a_store_exists_that_is_not_open_cannot_be_found_out_beside_one_that_is() -> (
    None
):
    world = world_of(Grant(frozenset({9})), forbids=True)  # 9 is open, and there is no such store
    for other in ("ws_42", "ws_8"):  # the first one exists
        assert "'ws_9'" in not_found(await respond(world, "ws_9", other))


async def test_a_store_in_which_nothing_fits_is_searched_in_vain() -> None:
    answer = await respond(world_of(forbids=True), "ws_42", "ws_9")
    assert answer.status == 200
    (call, _) = answer.json()["output"]
    assert (call["type"], call["status"]) == ("file_search_call", "completed")
    assert answer.json()["lighton"]["searches"][0]["results"] == []


async def test_if_nobody_can_tell_whether_it_exists_the_search_has_failed() -> None:
    world = world_of(forbids=True, workspaces=None)
    answer = await respond(world, "ws_9")
    assert answer.status == 200
    (call, _) = answer.json()["output"]
    assert call["status"] == "failed"


async def test_a_search_that_takes_too_long_is_lightons_fault_as_on_chat(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "proxy.access")
    limits = {"budget_s": LIMIT_S, "search_timeout_s": 9 * LIMIT_S, "answer_timeout_s": 9 * LIMIT_S}
    given = {**limits, "retrieval": "context", "on_search_error": "fail"}
    with skipping_clock() as clock:
        asking = asyncio.ensure_future(respond(world_of(settings=given, is_deaf=True), "ws_42"))
        await clock.run_out()
        answer = await asking
    assert answer.status == 504
    assert "upstream=LightOn" in caplog.messages[-1]


async def test_results_have_the_attributes_of_their_documents_if_they_are_included() -> None:
    world = world_of(has_files=True, settings={"search_cache_ttl": 30})
    include = ["file_search_call.results"]
    for included in ([], include):  # also where an equal search without them is kept
        (call, _) = (await respond(world, "ws_42", include=included)).json()["output"]
    (found,) = call["results"]
    assert found["attributes"] == {"title": "Handbook"}
    ResponseFileSearchToolCall.model_validate(call, strict=True)
    assert len(world.searched) == 2


async def test_in_a_stream_that_has_begun_it_is_the_last_event() -> None:
    answer = await respond(world_of(forbids=True), "ws_9", stream=True)
    assert b"response.failed" in answer.body
    assert b"Vector store with id ['ws_9'] not found." in answer.body


@pytest.mark.parametrize(
    ("body", "headers"),
    [({"lighton": {"workspace_id": [1]}}, {}), ({}, {"x_lighton_workspace_id": "1"})],
)
async def test_who_narrows_a_request_by_another_name_is_told_that_name(
    body: Mapping[str, Any], headers: Mapping[str, str]
) -> None:
    tools = [{"type": "file_search", "vector_store_ids": ["ws_42"]}]
    document = {"input": "How many days?", "tools": tools, **body}
    answer = await world_of().post("k", "/v1/responses", document, **headers)
    error = answer.json()["error"]
    assert (answer.status, error["code"]) == (403, "empty_scope")
    assert error["param"] == "lighton.workspace_id"


async def test_a_chat_that_searches_where_nothing_is_goes_on_without() -> None:
    """It names no store of OpenAI's, so its model says that it could not search."""
    body = b'{"messages": [{"role": "user", "content": "Hi?"}], "lighton": {"workspace_id": [9]}}'
    assert (await world_of(forbids=True).chat("k", body)).status == 200
