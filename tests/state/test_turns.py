from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from uuid import uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access.clients import ANYBODY, Client, Person
from proxy.access.grants import Grant
from proxy.core.kept import Context, Findings, KeptJob, KeptTurn
from proxy.core.passages import Passage
from proxy.core.scope import NOTHING
from proxy.core.search_tool import Search
from proxy.core.wire import Function, Message, MessageCall
from proxy.state.memory_store import MemoryStore
from proxy.state.redis_store import RedisStore
from proxy.state.sealed import Sealed
from proxy.state.store import Store
from proxy.state.turns import KeptTurns
from proxy.upstreams.lighton.scope import LightOnScope
from tests.core.samples import result
from tests.upstreams.raw_server import PATIENCE_S

SEARCH = Search("leave", 5).job
TURN = KeptTurn(
    text="And now?",
    heard="Let me see.\n\nAnd now? é🦊\x00",
    before=(
        {"role": "assistant", "content": None, "tool_calls": [{"id": "s1", "function": {}}]},
        {"role": "tool", "tool_call_id": "s1", "content": "Leave is 27 days."},
    ),
    calls=({"id": "w1", "type": "function", "function": {"name": "f", "arguments": "{}"}},),
    answers={"s2": "Found [1]."},
    context=Context((SEARCH,), "passages"),
    findings=Findings(
        (
            Passage(1, result("a", title=None), ""),
            Passage(2, result("b", page_start=3, page_end=4, score=None), ""),
        ),
        (KeptJob(SEARCH, (1, 2), left_out=3),),
        7,
    ),
)
WIDE = LightOnScope()
NARROW = LightOnScope(workspace_id=(42,))
ANN, BOB = Client("ann"), Client("bob")


def kept_turns(store: Store | None = None, realm: str = "ours") -> KeptTurns:
    return KeptTurns(store or MemoryStore(1_000_000), 60, realm)


async def test_a_turn_comes_back_as_it_was() -> None:
    turns = kept_turns().of(ANN, WIDE)
    await turns.keep("one", TURN)
    assert await turns.recall(["one", "gone"]) == {"one": TURN}


async def test_a_turn_is_out_of_reach_of_another_key() -> None:
    turns = kept_turns()
    await turns.of(ANN, WIDE).keep("one", TURN)
    assert await turns.of(BOB, WIDE).recall(["one"]) == {}
    assert await turns.of(ANYBODY, WIDE).recall(["one"]) == {}


async def test_a_turn_is_out_of_reach_of_a_later_key_of_the_same_name() -> None:
    turns = kept_turns()
    first, later = Client("ann", "1"), Client("ann", "2")
    await turns.of(first, WIDE).keep("one", TURN)
    for other in (later, ANN, Client("1", "ann")):
        assert await turns.of(other, WIDE).recall(["one"]) == {}
    assert await turns.of(replace(first, grant=Grant(frozenset({1}))), WIDE).recall(["one"])


PEOPLE = [
    replace(key, person=person)
    for key in (ANN, Client("ann", "1"), Client("ann", "2"), Client("", "ann"))
    for person in (None, Person("ann"), Person("bob"), Person("1"))
]


@given(st.lists(st.tuples(st.sampled_from(range(16)), st.sampled_from("ab")), max_size=30))
def test_people_and_keys_have_turns_of_their_own_under_the_same_handles(
    steps: list[tuple[int, str]],
) -> None:
    async def play() -> None:
        turns, own = kept_turns(), dict[tuple[int, str], KeptTurn]()
        for who, handle in steps:
            turn = own[who, handle] = replace(TURN, text=f"{who} {handle}")
            await turns.of(PEOPLE[who], WIDE).keep(handle, turn)
        for who, client in enumerate(PEOPLE):
            expected = {handle: own[who, handle] for handle in "ab" if (who, handle) in own}
            assert await turns.of(client, WIDE).recall("ab") == expected

    asyncio.run(play())


async def test_a_turn_is_out_of_reach_where_nothing_may_be_searched() -> None:
    turns = kept_turns()
    await turns.of(ANN, WIDE).keep("one", TURN)
    assert await turns.of(ANN, NOTHING).recall(["one"]) == {}


@pytest.mark.parametrize(
    "other",
    [
        LightOnScope(workspace_id=(43,)),
        LightOnScope(workspace_id=(42, 43)),
        LightOnScope(workspace_id=(42,), tag_id=(1,)),
        LightOnScope(workspace_id=(42,), file_id=(1,)),
        LightOnScope(workspace_id=(42,), content_type=("a",)),
        LightOnScope(workspace_id=(42,), attribute=("a",)),
        LightOnScope(workspace_id=(42,), max_results=3),
        LightOnScope(workspace_id=(42,), relevance_scoring="none"),
        LightOnScope(workspace_id=(42,), min_relevance=0.5),
        LightOnScope(tag_id=(42,)),
        WIDE,
    ],
)
async def test_a_turn_is_not_put_back_in_another_scope(other: LightOnScope) -> None:
    turns = kept_turns()
    await turns.of(ANN, NARROW).keep("one", TURN)
    assert await turns.of(ANN, other).recall(["one"]) == {}
    await turns.of(ANN, other).keep("two", TURN)
    assert await turns.of(ANN, NARROW).recall(["two"]) == {}


async def test_a_turn_comes_back_where_its_conversation_may_still_see_what_it_holds() -> None:
    turns, other = kept_turns(), LightOnScope(workspace_id=(43,))
    await turns.of(ANN, NARROW).keep("one", TURN)
    for now in (WIDE, LightOnScope(workspace_id=(42, 43))):
        assert await turns.of(ANN, now, [other, NARROW]).recall(["one"]) == {"one": TURN}
        assert await turns.of(ANN, now, [other]).recall(["one"]) == {}, "it is not of this one"
        assert await turns.of(BOB, now, [NARROW]).recall(["one"]) == {}
    for less in (other, NOTHING, LightOnScope(workspace_id=(42,), min_relevance=0.5)):
        assert await turns.of(ANN, less, [NARROW, WIDE]).recall(["one"]) == {}


async def test_of_turns_with_one_handle_that_of_the_scope_itself_counts() -> None:
    turns, newer = kept_turns(), replace(TURN, text="newer")
    await turns.of(ANN, NARROW).keep("one", TURN)
    both = turns.of(ANN, WIDE, [NARROW, WIDE])
    await both.keep("one", newer)
    assert await both.recall(["one"]) == {"one": newer}
    await both.keep("one", replace(newer, text="another"))
    assert await both.recall(["one"]) == {}, "an ambiguous one does not bring back an older one"


async def test_a_turn_is_out_of_reach_of_another_realm_with_the_same_store() -> None:
    store = MemoryStore(1_000_000)
    await kept_turns(store).of(ANN, WIDE).keep("one", TURN)
    assert await kept_turns(store, realm="theirs").of(ANN, WIDE).recall(["one"]) == {}


@pytest.mark.parametrize(
    ("client", "scope", "partition"),
    [
        (
            Client("key"),
            LightOnScope(workspace_id=(1, 2)),
            "70079ccd7dbbd3d60452d9174863e026dc92595c25cb85d54f611764e9f712e6",
        ),
        (
            ANYBODY,
            LightOnScope(),
            "e3e09e53564026db21da8b765a3c5d2db565cd17d08dff8c269303109890abd9",
        ),
    ],
)
def test_turns_that_older_versions_kept_are_found(
    client: Client, scope: LightOnScope, partition: str
) -> None:
    assert kept_turns().of(client, scope).partition == partition


async def test_the_order_of_a_scope_makes_no_difference() -> None:
    turns = kept_turns()
    await turns.of(ANN, LightOnScope(workspace_id=(1, 2))).keep("one", TURN)
    same = LightOnScope(workspace_id=(2, 1, 2))
    assert await turns.of(ANN, same).recall(["one"]) == {"one": TURN}


async def test_a_turn_lives_on_from_its_last_use() -> None:
    now_s = 0.0
    turns = kept_turns(MemoryStore(1_000_000, lambda: now_s)).of(ANN, WIDE)
    await turns.keep("one", TURN)
    for _ in range(3):
        now_s += 50
        assert await turns.recall(["one"])
    now_s += 61
    assert await turns.recall(["one"]) == {}


async def test_what_another_version_has_written_counts_as_gone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = MemoryStore(1_000_000)
    turns = kept_turns(store).of(ANN, WIDE)
    await turns.keep("two", TURN)
    await store.write(f"turn:{turns.partition}:one", b'{"answer": "of the future"}', 60)
    with caplog.at_level(logging.WARNING):
        assert await turns.recall(["one", "two"]) == {"two": TURN}
    assert "counts as missing: turn:" in caplog.text
    assert turns.partition not in caplog.text


async def test_a_first_search_that_an_older_version_kept_counts_as_gone_and_the_rest_is_there() -> (
    None
):
    store = MemoryStore(1_000_000)
    turns = kept_turns(store).of(ANN, WIDE)
    await turns.keep("one", TURN)
    await turns.keep("two", replace(TURN, context=None))
    for handle in ("one", "two"):
        name = f"turn:{turns.partition}:{handle}"
        written = orjson.loads((await store.read((name,), renew_s=60))[name])
        if written["context"]:
            (written["context"]["job"],) = written["context"].pop("jobs")
        await store.write(name, orjson.dumps(written), 60)
    assert await turns.recall(["one", "two"]) == {"two": replace(TURN, context=None)}


@pytest.fixture(params=["memory", "redis"])
async def shared_store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    store: Store = MemoryStore(1_000_000)
    if request.param == "redis":
        home = RedisStore(request.getfixturevalue("redis_url"), timeout_s=PATIENCE_S)
        store = Sealed(home, b"key")
    async with aclosing(store):
        yield store


def with_calls_named(id: str) -> KeptTurn:
    function: Function = {"name": "lighton_search", "arguments": "{}"}
    calls: list[MessageCall] = [{"id": id, "type": "function", "function": function}]
    answered: Message = {"role": "tool", "tool_call_id": id, "content": "Leave is 27 days."}
    asked: Message = {"role": "assistant", "content": None, "tool_calls": calls}
    return KeptTurn("27.", "27.", before=(asked, answered))


async def test_two_answers_of_one_handle_are_both_dropped_whoever_comes_again(
    shared_store: Store,
) -> None:
    turns = kept_turns(shared_store, realm=str(uuid4())).of(ANN, WIDE)
    other = replace(TURN, answers={"s2": "Found [2]."})
    await turns.keep("one", TURN)
    assert await turns.recall(["one"]) == {"one": TURN}
    for each in (other, TURN, other, other):
        await turns.keep("one", each)
        assert await turns.recall(["one"]) == {}


async def test_the_same_answer_to_the_same_conversation_stays_whatever_ids_its_calls_have(
    shared_store: Store,
) -> None:
    turns = kept_turns(shared_store, realm=str(uuid4())).of(ANN, WIDE)
    first = with_calls_named("call_a")
    for each in (first, first, with_calls_named("call_b")):
        await turns.keep("one", each)
        assert await turns.recall(["one"]) == {"one": first}


@pytest.mark.parametrize("same", [True, False])
async def test_of_many_writers_at_once_none_is_taken_for_another(
    shared_store: Store, *, same: bool
) -> None:
    turns = kept_turns(shared_store, realm=str(uuid4())).of(ANN, WIDE)
    kept = [replace(TURN, text="same" if same else str(number)) for number in range(10)]
    for _ in range(20):
        handle = str(uuid4())
        await asyncio.gather(*(turns.keep(handle, each) for each in kept))
        assert await turns.recall([handle]) == ({handle: kept[0]} if same else {})
