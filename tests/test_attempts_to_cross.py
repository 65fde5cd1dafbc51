"""Attempts to get what is another key's, each made streamed and plain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from proxy.access.clients import Client
from proxy.access.grants import EVERYTHING, Grant
from tests.support.asgi import Answer
from tests.support.keyed import PROXYS_KEY, World, page_of, passage_of, searching
from tests.support.script import Call, Round, search_call
from tests.test_attempts import (
    ANY,
    CLOSED,
    HR,
    MESSAGES,
    OF_ACME,
    SETTINGS,
    TOOL,
    error_in,
    lighton,
)
from tests.upstreams.raw_server import PATIENCE_S

HIDDEN = ("legal", "plain", "private", "qwen", "llama")
"""Names that exist and that HR may not use."""
TWO = {"ann": ANY, "bob": ANY}
WAITING_FOR_A_TOOL = {"type": "function", "function": {"name": "calendar", "parameters": {}}}


def once(body: Mapping[str, Any]) -> Round:
    """A model that searches for the first question only."""
    questions = [each for each in body["messages"] if each["role"] == "user"]
    return searching()(dict(body)) if len(questions) == 1 else Round("As I said.")


def asking(*messages: Mapping[str, Any], stream: bool = False, **more: Any) -> dict[str, Any]:
    return {"messages": [*MESSAGES, *messages], "stream": stream, **more}


async def first_answer(world: World, stream: bool) -> dict[str, str]:  # noqa: FBT001
    """What ann is told, as her client sends it back."""
    answer = await world.chat("ann", asking(stream=stream))
    assert answer.status == 200
    assert passage_of(42) in str(world.asked)
    return {"role": "assistant", "content": "It is in the documents [1]."}


NEXT = {"role": "user", "content": "And then?"}


async def knows_more(world: World, key: str, said: Mapping[str, Any], *, stream: bool) -> bool:
    """Whether the model is shown a passage when `key` goes on with a conversation."""
    world.asked.clear()
    answer = await world.chat(key, asking(said, NEXT, stream=stream))
    assert answer.status == 200
    return passage_of(42) in str(world.asked)


async def cached_search(*, stream: bool) -> None:
    world = World(TWO, SETTINGS)
    for key in ("ann", "ann", "bob"):
        await world.chat(key, asking(stream=stream))
    assert len(world.searched) == 2


async def search_at_once(*, stream: bool) -> None:
    world = World(TWO, SETTINGS, wait_for=2)
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        for key in ("ann", "bob", "ann"):
            tasks.create_task(world.chat(key, asking(stream=stream)))
    assert len(world.searched) == 2


async def same_conversation(*, stream: bool) -> None:
    world = World(TWO, {**SETTINGS, **TOOL}, say=once)
    said = await first_answer(world, stream)
    assert not await knows_more(world, "bob", said, stream=stream)
    assert await knows_more(world, "ann", said, stream=stream)


async def after_narrowing(*, stream: bool) -> None:
    wide = Grant(frozenset({42, 43}))
    world = World({"ann": wide}, {**SETTINGS, **TOOL}, say=once)
    said = await first_answer(world, stream)
    ann = Client("ann", "id-ann", Grant(frozenset({43})))
    world.keys.change("ann", ann)
    assert not await knows_more(world, "ann", said, stream=stream)
    world.keys.change("ann", replace(ann, grant=CLOSED))
    world.asked.clear()
    off = asking(said, NEXT, stream=stream, **lighton(retrieval="off"))
    assert (await world.chat("ann", off)).status == 200
    assert passage_of(42) not in str(world.asked)
    world.keys.change("ann", replace(ann, grant=wide))
    assert await knows_more(world, "ann", said, stream=stream)


async def later_key_of_the_same_name(*, stream: bool) -> None:
    world = World({"ann": ANY}, {**SETTINGS, **TOOL}, say=once)
    said = await first_answer(world, stream)
    world.keys.change("ann", Client("ann", "another", ANY))
    assert not await knows_more(world, "ann", said, stream=stream)


async def ids_of_another_keys_calls(*, stream: bool) -> None:
    """Ann's answer waits for a tool of her client; Bob sends a result for it."""

    def say(body: Mapping[str, Any]) -> Round:
        if any(each["role"] == "tool" for each in body["messages"]):
            return Round("Done.")
        calls = (search_call("leave"), Call("calendar", "{}", "w" * 9))
        return Round(calls=calls, finish_reason="tool_calls")

    world = World(TWO, {**SETTINGS, **TOOL}, say=say)
    tools: dict[str, Any] = {"tools": [WAITING_FOR_A_TOOL]}
    answer = await world.chat("ann", asking(**tools))
    message = answer.json()["choices"][0]["message"]
    (call,) = message["tool_calls"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "Monday."}
    for key, knows in (("bob", False), ("ann", True)):
        world.asked.clear()
        answer = await world.chat(key, asking(message, result, stream=stream, **tools))
        assert answer.status == 200
        assert (passage_of(42) in str(world.asked)) is knows


async def another_lighton_key(*, stream: bool) -> None:
    world = World({"acme": OF_ACME, "ann": ANY}, SETTINGS, {"ACME_KEY": "acmes-secret"})
    for key in ("ann", "acme", "ann", "acme"):
        await world.chat(key, asking(stream=stream))
    assert [each.key for each in world.searched] == [PROXYS_KEY, "acmes-secret"]


async def lighton_key_in_an_error(*, stream: bool) -> None:
    fault = {"detail": "The key acmes-secret is odd."}
    failing = {**SETTINGS, "on_search_error": "fail"}
    world = World({"acme": OF_ACME}, failing, {"ACME_KEY": "acmes-secret"}, fault=fault)
    answer = await world.chat("acme", asking(stream=stream))
    assert b"[key] is odd" in answer.body
    assert b"acmes-secret" not in answer.body


# Reading on


READS: dict[str, Any] = {**SETTINGS, "read_documents": True}
READ_42 = Call("lighton_read", '{"n": 1, "pages": "2", "file_id": 42}')


def reading(body: Mapping[str, Any]) -> Round:
    """A model that reads on in passage 1 and names file 42, if it may read."""
    has_read = "Page of workspace" in str(body["messages"])
    names = {each["function"]["name"] for each in body.get("tools", ())}
    if has_read or "lighton_read" not in names:
        return Round("So it says.")
    return Round(calls=(READ_42,), finish_reason="tool_calls")


async def document_of_another_key(*, stream: bool) -> None:
    grants = {"ann": ANY, "bob": Grant(frozenset({43}))}
    world = World(grants, {**READS, "retrieval": "hybrid"}, say=reading, has_files=True)
    for key, own, others in (("ann", 42, 43), ("bob", 43, 42)):
        world.asked.clear()
        assert (await world.chat(key, asking(stream=stream))).status == 200
        assert page_of(own) in str(world.asked)
        assert page_of(others) not in str(world.asked)
    assert world.read == [42, 43]


async def number_shown_to_another_key(*, stream: bool) -> None:
    def say(body: Mapping[str, Any]) -> Round:
        """Searches for the first question, and reads on in what it found at the second."""
        questions = [each for each in body["messages"] if each["role"] == "user"]
        if len(questions) == 1:
            return searching()(dict(body))
        is_read = page_of(42) in str(body["messages"])
        return Round("So.") if is_read else Round(calls=(READ_42,), finish_reason="tool_calls")

    world = World(TWO, {**READS, **TOOL, "max_rounds": 2}, say=say, has_files=True)
    said = await first_answer(world, stream)
    for key, read in (("bob", []), ("ann", [42])):
        await world.chat(key, asking(said, NEXT, stream=stream))
        assert world.read == read


async def follow_up(*, stream: bool) -> None:
    world = World(TWO, SETTINGS)
    said = {"role": "assistant", "content": "It is in the documents."}
    for key, searches in (("ann", 2), ("ann", 2), ("bob", 4)):
        await world.chat(key, asking(said, NEXT, stream=stream))
        assert len(world.searched) == searches


async def progress(*, stream: bool) -> None:
    grants = {"ann": ANY, "bob": Grant(frozenset({43}))}
    world = World(grants, {**SETTINGS, "progress": "open-webui"}, wait_for=2)
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        ann, bob = (tasks.create_task(world.chat(key, asking(stream=stream))) for key in grants)
    for answer, own, others in ((ann.result(), 42, 43), (bob.result(), 43, 42)):
        assert (passage_of(own).encode() in answer.body) or not stream
        assert passage_of(others).encode() not in answer.body


# Names that are hidden


def differing_in_name(one: Answer, name: str, other: Answer, other_name: str) -> bool:
    """Whether two refusals are the same but for the name that each was asked for."""
    own = dict.fromkeys(("x-request-id", "server-timing"))  # each request's own
    headers = [{**each.headers, **own} for each in (one, other)]
    is_same_body = one.body.replace(name.encode(), b"?") == other.body.replace(
        other_name.encode(), b"?"
    )
    return one.status == other.status and is_same_body and headers[0] == headers[1]


async def hidden_names_in_a_chat(*, stream: bool) -> None:
    world = World({"ann": HR}, SETTINGS)
    nowhere = await world.chat("ann", asking(stream=stream, model="nowhere"))
    assert (nowhere.status, error_in(nowhere)["code"]) == (404, "model_not_found")
    for name in (*HIDDEN, "Legal", "LLAMA"):
        answer = await world.chat("ann", asking(stream=stream, model=name))
        if len(name) == len("nowhere"):
            assert differing_in_name(answer, name, nowhere, "nowhere")
        assert error_in(answer)["message"] == error_in(nowhere)["message"].replace("nowhere", name)
    assert world.paths == []


async def hidden_names_of_a_key_of_any_model(*, stream: bool) -> None:
    world = World({"ann": Grant(frozenset({42}), frozenset({"hr"}))}, SETTINGS)
    nowhere = await world.chat("ann", asking(stream=stream, model="nowhere"))
    asked = len(world.paths)
    assert error_in(nowhere)["code"] == "model_not_found"
    for name in ("legal", "Legal", "private"):
        answer = await world.chat("ann", asking(stream=stream, model=name))
        assert error_in(answer)["message"] == error_in(nowhere)["message"].replace("nowhere", name)
    assert len(world.paths) == asked
    assert world.searched == []


async def hints(*, stream: bool) -> None:
    world = World({"ann": HR}, SETTINGS)
    hint = error_in(await world.chat("ann", asking(stream=stream, model="H-R")))["message"]
    assert "the profile 'hr'" in hint
    assert not [name for name in HIDDEN if name in hint]
    default = error_in(await world.chat("ann", asking(stream=stream)))["message"]
    assert not [name for name in HIDDEN if name in default]


async def listed_models(*, stream: bool) -> None:  # noqa: ARG001 - a list is no stream
    some = {
        "hr": HR,
        "closed": Grant(CLOSED.workspaces, frozenset(), frozenset()),
        "one": Grant(profiles=frozenset(), models=frozenset({"qwen", "private", "gone"})),
        "any": Grant(profiles=frozenset({"hr"})),
        "all": EVERYTHING,
    }
    world = World(some, SETTINGS)
    shown = {
        key: [each["id"] for each in (await world.get(key, "/v1/models")).json()["data"]]
        for key in some
    }
    profiles = ["hr", "wide", "legal", "plain", "private"]
    assert shown == {
        "hr": ["hr", "wide"],
        "closed": [],
        "one": ["qwen"],
        "any": ["hr", "llama", "qwen"],
        "all": [*profiles, "llama", "qwen"],
    }


async def one_listed_model(*, stream: bool) -> None:  # noqa: ARG001 - as above
    grants = {"hr": HR, "any": Grant(profiles=frozenset({"hr"}))}
    world = World(grants, SETTINGS)
    for key in grants:
        assert (await world.get(key, "/v1/models/hr")).status == 200
        nowhere = await world.get(key, "/v1/models/nowhere")
        for name in ("private", "legal", "Legal"):
            answer = await world.get(key, f"/v1/models/{name}")
            expected = error_in(nowhere)["message"].replace("nowhere", name)
            assert (answer.status, error_in(answer)["message"]) == (404, expected)
    assert (await world.get("hr", "/v1/models/llama")).status == 404
    assert (await world.get("any", "/v1/models/llama")).status == 200


CROSSING = (
    ("an equal search is in the cache of another key", "two searches", cached_search),
    ("two keys search for the same at once", "two searches", search_at_once),
    ("a key goes on with another key's conversation", "none of its passages", same_conversation),
    ("a key that was narrowed goes on with its conversation", "none of them", after_narrowing),
    ("a key takes the name of a revoked one", "none of its passages", later_key_of_the_same_name),
    ("a key sends the call ids of another key", "none of its passages", ids_of_another_keys_calls),
    (
        "a key searches where another one has a LightOn key",
        "its own LightOn key",
        another_lighton_key,
    ),
    (
        "the model names a file that another key may read",
        "reads what its own search found",
        document_of_another_key,
    ),
    (
        "a key goes on to read by the number that another key was shown",
        "reads nothing",
        number_shown_to_another_key,
    ),
    ("two keys ask the same short follow-up", "two searches each", follow_up),
    ("two keys search at once, and progress is shown", "each sees its own", progress),
    ("LightOn's error repeats the LightOn key of a key", "`[key]`", lighton_key_in_an_error),
    ("a key of some profiles tries other names", "404, as for no name", hidden_names_in_a_chat),
    (
        "a key of any model tries profiles",
        "404, as for no name",
        hidden_names_of_a_key_of_any_model,
    ),
    ("a wrong spelling asks for hints", "only names of its own", hints),
    ("a key lists the models", "only its own", listed_models),
    ("a key looks at one model", "404, as for no name", one_listed_model),
)
"""What is tried, what comes of it, and the test of it."""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("attempt", CROSSING, ids=lambda each: each[0])
async def test_a_key_gets_nothing_that_is_another_keys(attempt: Any, *, stream: bool) -> None:
    _, _, run = attempt
    await run(stream=stream)
