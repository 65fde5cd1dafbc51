"""People behind one key share nothing, and neither do people and the key itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access.clients import Client, Person
from proxy.access.grants import Grant
from tests.support.keyed import World, page_of, passage_of, searching
from tests.support.script import Call, Round, search_call
from tests.test_attempts import SETTINGS, TOOL
from tests.test_attempts_to_cross import NEXT, READ_42, WAITING_FOR_A_TOOL
from tests.upstreams.raw_server import PATIENCE_S

OPEN: Final = Grant(frozenset({42}))
CLIENTS: Final = {
    "key": Client("front", "k1", OPEN),
    "ann": Client("front", "k1", OPEN, Person("ann")),
    "bob": Client("front", "k1", OPEN, Person("bob")),
    "person with the name of the key": Client("front", "k1", OPEN, Person("front")),
    "person with the id of the key": Client("front", "k1", OPEN, Person("k1")),
    "ann behind a later key of the name": Client("front", "k2", OPEN, Person("ann")),
    "ann behind a key without an id": Client("front", "", OPEN, Person("ann")),
    "key without an id": Client("front", "", OPEN),
    "key with the name of a person": Client("ann", "k1", OPEN),
    "ann of the issuer": Client("oidc", "", OPEN, Person("ann")),
}
NAMES: Final = tuple(CLIENTS)
QUESTIONS: Final = ("How many days of leave?", "Who must approve it?")
SAID: Final = {"role": "assistant", "content": "It is in the documents [1]."}


def world(say: Any, **more: Any) -> World:
    made = World(
        dict.fromkeys(CLIENTS, OPEN), {**SETTINGS, **TOOL, **more}, say=say, has_files=True
    )
    for name, client in CLIENTS.items():
        made.keys.change(name, client)
    return made


def once(body: Mapping[str, Any]) -> Round:
    """A model that searches for what the first question asks, and for nothing else."""
    questions = [each["content"] for each in body["messages"] if each["role"] == "user"]
    if len(questions) > 1:
        return Round("As I said.")
    if any(each["role"] == "tool" for each in body["messages"]):
        return Round(SAID["content"])
    return Round(calls=(search_call(questions[0]),), finish_reason="tool_calls")


async def chat(world: World, who: str, *messages: Mapping[str, Any], **more: Any) -> Any:
    world.asked.clear()
    answer = await world.chat(who, {"messages": messages, **more})
    assert answer.status == 200
    return answer


def question(number: int) -> dict[str, str]:
    return {"role": "user", "content": QUESTIONS[number]}


Step = tuple[str, int, bool, bool]
"""Who, which question, whether the conversation goes on after its answer, and streamed or not."""
STEPS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(range(2)), st.booleans(), st.booleans()),
    max_size=14,
)


@given(STEPS)
def test_whatever_is_asked_in_whatever_order_each_meets_only_what_is_their_own(
    steps: list[Step],
) -> None:
    async def play() -> None:
        site, own = world(once), set[tuple[str, int]]()
        for who, number, goes_on, stream in steps:
            if goes_on:
                await chat(site, who, question(number), SAID, NEXT, stream=stream)
                assert (passage_of(42) in str(site.asked)) is ((who, number) in own)
            else:
                await chat(site, who, question(number), stream=stream)
                own.add((who, number))
            assert len(site.searched) == len(own)

    asyncio.run(play())


@pytest.mark.parametrize("stream", [False, True])
async def test_all_that_search_for_the_same_at_once_search_for_themselves(*, stream: bool) -> None:
    site = world(once)
    site.wait_for = len(CLIENTS)
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        for who in (*NAMES, *NAMES):
            tasks.create_task(chat(site, who, question(0), stream=stream))
    assert len(site.searched) == len(CLIENTS)


@pytest.mark.parametrize("other", [name for name in NAMES if name != "ann"])
async def test_the_call_ids_of_another_one_s_answer_open_nothing(other: str) -> None:
    def say(body: Mapping[str, Any]) -> Round:
        if any(each["role"] == "tool" for each in body["messages"]):
            return Round("Done.")
        calls = (search_call("leave"), Call("calendar", "{}", "w" * 9))
        return Round(calls=calls, finish_reason="tool_calls")

    site, tools = world(say), {"tools": [WAITING_FOR_A_TOOL]}
    answer = await chat(site, "ann", question(0), **tools)
    message = orjson.loads(answer.body)["choices"][0]["message"]
    called = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "Monday."}
    for who, knows in ((other, False), ("ann", True)):
        await chat(site, who, question(0), message, called, **tools)
        assert (passage_of(42) in str(site.asked)) is knows


@pytest.mark.parametrize("other", [name for name in NAMES if name != "ann"])
async def test_nobody_reads_on_by_the_number_that_another_one_was_shown(other: str) -> None:
    def say(body: Mapping[str, Any]) -> Round:
        if sum(each["role"] == "user" for each in body["messages"]) == 1:
            return searching()(dict(body))
        is_read = page_of(42) in str(body["messages"])
        return Round("So.") if is_read else Round(calls=(READ_42,), finish_reason="tool_calls")

    site = world(say, read_documents=True, max_rounds=2)
    await chat(site, "ann", question(0))
    for who, read in ((other, []), ("ann", [42])):
        await chat(site, who, question(0), SAID, NEXT)
        assert site.read == read


async def test_a_person_keeps_what_is_theirs_in_other_groups_and_under_other_rules() -> None:
    site = world(once)
    await chat(site, "ann", question(0))
    rules = Grant(profiles=frozenset({"hr"}), models=frozenset({"llama"}))
    person = Person("ann", frozenset({"hr"}))
    site.keys.change("ann", Client("front", "k1", OPEN, person, rules))
    await chat(site, "ann", question(0), SAID, NEXT)
    assert passage_of(42) in str(site.asked)
    narrowed = Grant(frozenset({42, 43}), profiles=frozenset({"hr"}), models=frozenset({"llama"}))
    site.keys.change("ann", Client("front", "k1", Grant(), person, narrowed))
    await chat(site, "ann", question(0), SAID, NEXT)
    assert passage_of(42) not in str(site.asked)  # another scope, so what it found is not its own
