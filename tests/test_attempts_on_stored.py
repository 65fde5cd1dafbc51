"""Attempts to get at stored responses that are another's, each made streamed and plain."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from proxy.access.clients import Client, Person
from proxy.access.grants import Grant
from tests.support.asgi import Answer, ask
from tests.support.keyed import QUESTION, World, passage_of
from tests.test_attempts import SETTINGS, TOOL, lighton
from tests.test_attempts_to_cross import TWO, once

PATH = "/v1/responses"
WIDE = Grant(frozenset({42, 43}))
ANN = Client("ann", "id-ann", WIDE)
NOBODYS = "resp_00000000000000000000000000000000"


async def respond(world: World, key: str, stream: bool, **body: Any) -> Answer:  # noqa: FBT001
    return await world.post(key, PATH, {"input": QUESTION, "stream": stream, **body})


async def stored(world: World, stream: bool, **body: Any) -> dict[str, Any]:  # noqa: FBT001
    """A response to ann, which rests on a passage of workspace 42."""
    answer = await respond(world, "ann", stream, **body)
    assert answer.status == 200
    assert passage_of(42) in str(world.asked)
    if not stream:
        return dict(answer.json())
    last = answer.body.decode().rstrip().rpartition("data: ")[2]
    return dict(json.loads(last)["response"])


async def reads(world: World, key: str, response_id: str) -> list[Answer]:
    """What a key is told that reads a response, or what belongs to it."""
    found = [
        await world.get(key, f"{PATH}/{response_id}{behind}") for behind in ("", "/input_items")
    ]
    return [*found, await world.post(key, f"{PATH}/{response_id}/cancel", {})]


async def delete(world: World, key: str, response_id: str) -> Answer:
    headers = {"authorization": f"Bearer {key}"}
    path = f"{PATH}/{response_id}"
    return await ask(world.app, path, method="DELETE", headers=headers, content=b"")


def said(answer: Answer, name: str) -> tuple[int, str]:
    """Status and message of a refusal, without the name in it."""
    message = (answer.json().get("error") or {}).get("message", "")
    return answer.status, message.replace(name, "?")


async def told(world: World, key: str, response_id: str) -> list[tuple[int, str]]:
    """What a key is told that reads a response, and that goes on from it."""
    gone_on = await respond(world, key, stream=False, previous_response_id=response_id)
    return [said(each, response_id) for each in (*await reads(world, key, response_id), gone_on)]


async def is_gone(world: World, key: str, response_id: str) -> bool:
    """Whether it is for a key as if there were none."""
    absent = await told(world, key, NOBODYS)
    assert {status for status, _ in absent} == {404}
    return await told(world, key, response_id) == absent


async def reading(*, stream: bool) -> None:
    world = World(TWO, SETTINGS)
    response = await stored(world, stream)
    assert await is_gone(world, "bob", response["id"])
    assert (await delete(world, "bob", response["id"])).status == 404
    assert [each.status for each in await reads(world, "ann", response["id"])] == [200, 200, 400]


async def item_of_another(*, stream: bool) -> None:
    world = World(TWO, SETTINGS)
    item = (await stored(world, stream))["output"][0]["id"]
    asked = [{"type": "item_reference", "id": item}, {"role": "user", "content": "And?"}]
    refused = await respond(world, "bob", stream, input=asked)
    assert said(refused, item)[0] == 400
    assert (await respond(world, "ann", stream, input=asked)).status == 200


async def after_narrowing(*, stream: bool) -> None:
    world = World({"ann": WIDE}, SETTINGS)
    response = await stored(world, stream)
    for grant in (Grant(frozenset({43})), Grant(frozenset({42}))):  # it may rest on both
        world.keys.change("ann", replace(ANN, grant=grant))
        assert await is_gone(world, "ann", response["id"])
    world.keys.change("ann", ANN)
    assert not await is_gone(world, "ann", response["id"])


async def after_losing_a_profile(*, stream: bool) -> None:
    world = World({"ann": WIDE}, SETTINGS)
    response = await stored(world, stream, model="hr")
    world.keys.change("ann", replace(ANN, grant=replace(WIDE, profiles=frozenset({"wide"}))))
    assert await is_gone(world, "ann", response["id"])


async def later_key_of_the_same_name(*, stream: bool) -> None:
    world = World({"ann": WIDE}, SETTINGS)
    response = await stored(world, stream)
    world.keys.change("ann", replace(ANN, id="another"))
    assert await is_gone(world, "ann", response["id"])


async def another_person(*, stream: bool) -> None:
    world = World({"ann": WIDE}, SETTINGS)
    world.keys.change("ann", replace(ANN, person=Person("carol")))
    response = await stored(world, stream)
    world.keys.change("ann", replace(ANN, person=Person("dave")))
    assert await is_gone(world, "ann", response["id"])


async def in_a_narrower_scope(*, stream: bool) -> None:
    """What the model is shown of an earlier search, if the next request may search less."""
    world = World({"ann": WIDE}, {**SETTINGS, **TOOL, "search_memory": True}, say=once)
    response = await stored(world, stream, **lighton(workspace_id=[42]))
    for wish, knows in (([43], False), ([42, 43], True)):
        world.asked.clear()
        more = {"previous_response_id": response["id"], "input": "And?"}
        answer = await respond(world, "ann", stream, **more, **lighton(workspace_id=wish))
        assert answer.status == 200
        assert (passage_of(42) in str(world.asked)) is knows


ON_STORED = (
    ("a key reads, deletes or goes on from another key's response", "404, as for none", reading),
    ("a key refers to an item of another key's response", "400", item_of_another),
    ("a key that was narrowed asks for its response", "404, as for none", after_narrowing),
    (
        "a key asks for what a profile said that it has lost",
        "404, as for none",
        after_losing_a_profile,
    ),
    (
        "a key takes the name of a revoked one, and asks for its responses",
        "404, as for none",
        later_key_of_the_same_name,
    ),
    ("a person asks for a response of another one", "404, as for none", another_person),
    (
        "a request goes on from a response, and may search less",
        "none of its passages",
        in_a_narrower_scope,
    ),
)
"""What is tried, what comes of it, and the test of it."""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("attempt", ON_STORED, ids=lambda each: each[0])
async def test_nobody_gets_at_a_stored_response_of_another(attempt: Any, *, stream: bool) -> None:
    _, _, run = attempt
    await run(stream=stream)
