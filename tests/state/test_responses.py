"""Stored responses, in memory and in Redis: who finds which, and for how long."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from proxy.access.clients import ANYBODY, Person
from proxy.access.grants import Grant
from proxy.access.reach import Reach
from proxy.core.chat import MAX_MESSAGES
from proxy.core.responses.ids import Ids
from proxy.core.responses.wire import ResponseObject
from proxy.errors import (
    BadRequest,
    PayloadTooLarge,
    PreviousNotFound,
    StoreUnavailable,
    TooBusy,
)
from proxy.state.memory_store import MemoryStore
from proxy.state.redis_store import RedisStore
from proxy.state.responses import MOST_RESPONSES, MOST_SCOPES, Stored
from proxy.state.sealed import Sealed
from proxy.state.store import Store
from tests.state.hand_clock import HandClock
from tests.state.response_samples import (
    ANN,
    BOB,
    TTL_S,
    answer,
    asked,
    nobody_minds,
    said,
    stored_responses,
)
from tests.upstreams.raw_server import PATIENCE_S


@pytest.fixture(params=["memory", "redis"])
async def shared_store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    store: Store = MemoryStore(1_000_000)
    if request.param == "redis":
        home = RedisStore(request.getfixturevalue("redis_url"), timeout_s=PATIENCE_S)
        store = Sealed(home, b"key")
    async with aclosing(store):
        yield store


async def test_a_response_comes_back_as_it_was(shared_store: Store) -> None:
    responses = stored_responses(shared_store).of(ANN)
    stored = answer("1", "resp_0", "hr")
    await responses.keep(stored)
    assert await responses.read("resp_1", nobody_minds) == stored
    assert await responses.read("resp_2", nobody_minds) is None


async def test_what_one_process_keeps_another_one_finds(redis_url: str) -> None:
    async with (
        aclosing(Sealed(RedisStore(redis_url, timeout_s=PATIENCE_S), b"key")) as first,
        aclosing(Sealed(RedisStore(redis_url, timeout_s=PATIENCE_S), b"key")) as second,
    ):
        here, there = (stored_responses(store).of(ANN) for store in (first, second))
        await here.keep(answer("1"))
        await there.keep(answer("2", "resp_1"))
        told = await here.history("resp_2", nobody_minds)
        assert [each["id"] for each in told.items] == ["msg_q1", "msg_a1", "msg_q2", "msg_a2"]
        assert await there.forget("resp_1")
        assert await here.read("resp_1", nobody_minds) is None


async def test_a_response_is_out_of_reach_of_every_other_key_and_person(
    shared_store: Store,
) -> None:
    responses = stored_responses(shared_store)
    carol = replace(ANN, person=Person("carol"))
    later = replace(ANN, id="9")
    everyone = (ANN, BOB, ANYBODY, later, carol, replace(ANN, person=Person("dave")))
    for owner in everyone:
        await responses.of(owner).keep(answer("1"))
        for other in everyone:
            if other is owner:
                continue
            assert await responses.of(other).read("resp_1", nobody_minds) is None
            assert not await responses.of(other).forget("resp_1")
            with pytest.raises(PreviousNotFound):
                await responses.of(other).history("resp_1", nobody_minds)
        assert await responses.of(owner).forget("resp_1")


async def test_a_proxy_with_other_documents_finds_nothing(shared_store: Store) -> None:
    await stored_responses(shared_store).of(ANN).keep(answer("1"))
    others = stored_responses(shared_store, realm="theirs").of(ANN)
    assert await others.read("resp_1", nobody_minds) is None


@pytest.mark.parametrize(
    ("then", "now", "what"),
    [
        (None, None, "found"),
        (frozenset({1}), frozenset({1, 2}), "found"),
        (frozenset({1}), None, "found"),
        (frozenset({1, 2}), frozenset({1}), "gone"),
        (None, frozenset({1}), "gone"),
        (frozenset({1}), frozenset[int](), "gone"),
    ],
)
async def test_who_has_lost_a_workspace_does_not_read_back_what_may_rest_on_it(
    then: frozenset[int] | None, now: frozenset[int] | None, what: str
) -> None:
    responses = stored_responses()
    person = replace(ANN, person=Person("carol"))
    await responses.of(replace(person, of_person=Grant(then))).keep(answer("1"))
    by_now = responses.of(replace(person, of_person=Grant(now)))
    assert (await by_now.read("resp_1", nobody_minds) is not None) == (what == "found")
    if what == "found":
        assert len((await by_now.history("resp_1", nobody_minds)).items) == 2
    else:
        with pytest.raises(PreviousNotFound):
            await by_now.history("resp_1", nobody_minds)
    assert await by_now.forget("resp_1"), "it may delete what is its own"


async def test_who_has_lost_a_profile_does_not_read_back_what_it_said() -> None:
    responses = stored_responses()
    await responses.of(ANN).keep(answer("1", model="hr"))
    await responses.of(ANN).keep(answer("2", "resp_1", model="sales"))
    restricted = responses.of(replace(ANN, grant=Grant(profiles=frozenset({"sales"}))))
    assert await restricted.read("resp_1", nobody_minds) is None
    assert await restricted.read("resp_2", nobody_minds) is not None
    with pytest.raises(PreviousNotFound, match=r"'resp_1' not found\. 'resp_2' goes on from it"):
        await restricted.history("resp_2", nobody_minds)


async def test_a_profile_that_searches_elsewhere_by_now_leaves_its_responses_behind() -> None:
    responses = stored_responses()
    await responses.of(ANN).keep(answer("1"))
    changed = replace(responses, reach_of=lambda _model, _client: Reach("another scope"))
    assert await changed.of(ANN).read("resp_1", nobody_minds) is None


async def test_a_deleted_response_is_gone_and_takes_its_text_out_of_the_conversation(
    shared_store: Store,
) -> None:
    responses = stored_responses(shared_store).of(ANN)
    for stored in (answer("1"), answer("2", "resp_1"), answer("3", "resp_2")):
        await responses.keep(stored)
    assert await responses.forget("resp_2")
    assert not await responses.forget("resp_2")
    assert await responses.read("resp_2", nobody_minds) is None
    with pytest.raises(PreviousNotFound, match=r"'resp_2' not found\. 'resp_3' goes on from it"):
        await responses.history("resp_3", nobody_minds)
    assert len((await responses.history("resp_1", nobody_minds)).items) == 2


async def test_a_response_that_the_store_still_has_is_not_said_to_be_deleted() -> None:
    class ReadOnly(MemoryStore):
        async def write(self, name: str, value: bytes, ttl_s: float) -> None:
            if value:
                await super().write(name, value, ttl_s)

    responses = stored_responses(ReadOnly(1_000_000)).of(ANN)
    await responses.keep(answer("1"))
    with pytest.raises(StoreUnavailable, match="could not be deleted"):
        await responses.forget("resp_1")


async def test_nothing_takes_room_of_what_is_deleted() -> None:
    store = MemoryStore(1_000_000)
    responses = stored_responses(store).of(ANN)
    await responses.keep(answer("1"))
    assert await responses.forget("resp_1")
    await responses.keep(answer("2"))
    assert len(store._entries) == 2, "a frame and a turn"


async def test_a_response_ends_in_time_unless_the_conversation_goes_on() -> None:
    clock = HandClock()
    responses = stored_responses(MemoryStore(1_000_000, clock)).of(ANN)
    for stored in (answer("1"), answer("2", "resp_1"), answer("3")):
        await responses.keep(stored)
    clock.now += TTL_S - 1
    assert len((await responses.history("resp_2", nobody_minds)).items) == 4
    assert await responses.read("resp_3", nobody_minds) is not None
    clock.now += 1
    assert await responses.read("resp_3", nobody_minds) is None, (
        "to read a response does not prolong its life"
    )
    assert len((await responses.history("resp_2", nobody_minds)).items) == 4


async def test_the_memory_for_responses_is_bounded_and_the_latest_stay() -> None:
    responses = stored_responses(MemoryStore(5_000)).of(ANN)
    for n in range(100):
        await responses.keep(answer(str(n)))
    kept = [n for n in range(100) if await responses.read(f"resp_{n}", nobody_minds) is not None]
    assert kept == list(range(kept[0], 100))
    assert 3 < len(kept) < 20


async def test_a_conversation_is_its_turns_in_order() -> None:
    responses = stored_responses().of(ANN)
    for n in range(1, 6):
        await responses.keep(answer(str(n), f"resp_{n - 1}" if n > 1 else None))
    found = [each["id"] for each in (await responses.history("resp_5", nobody_minds)).items]
    assert found == [f"msg_{who}{n}" for n in range(1, 6) for who in "qa"]


async def test_a_conversation_tells_what_its_latest_responses_searched_within() -> None:
    responses = stored_responses().of(ANN)
    seen: list[Any] = [None, {"n": 1}, {"n": 1}, *({"n": n} for n in range(2, MOST_SCOPES + 2))]
    for n, scope in enumerate(seen):
        await responses.keep(replace(answer(str(n), f"resp_{n - 1}" if n else None), scope=scope))
    for last, latest in ((0, []), (2, [{"n": 1}]), (len(seen) - 1, seen[: -MOST_SCOPES - 1 : -1])):
        told = await responses.history(f"resp_{last}", nobody_minds)
        assert list(told.scopes) == latest


async def test_a_conversation_is_read_only_as_far_as_there_is_room_for_it() -> None:
    responses = stored_responses()
    for n in range(1, 6):
        await responses.of(ANN).keep(answer(str(n), f"resp_{n - 1}" if n > 1 else None))
    held: list[int] = []

    def hold(size: int) -> None:
        if len(held) == 2:
            raise TooBusy("No room.")
        held.append(size)

    with pytest.raises(TooBusy):
        await responses.of(ANN).history("resp_5", hold)
    most = sum(held)
    assert most > 400, "all that a response takes counts"
    small = replace(responses, most_bytes=most).of(ANN)
    assert len((await small.history("resp_2", nobody_minds)).items) == 4
    with pytest.raises(PayloadTooLarge, match=f"larger than {most} bytes") as caught:
        await small.history("resp_5", nobody_minds)
    assert caught.value.param == "previous_response_id"


async def test_an_agents_tools_and_instructions_take_no_room_of_its_conversation() -> None:
    """It sends them with each of its many requests, and each response repeats them."""
    rounds = 500
    instructions = "Be thorough. " * 5_000
    read: list[int] = []

    class Noting(MemoryStore):
        async def read(self, names: Any, **more: Any) -> dict[str, bytes]:
            found = await super().read(names, **more)
            read.extend(map(len, found.values()))
            return found

    responses = stored_responses(Noting(10**9), most_bytes=500 * rounds).of(ANN)
    for n in range(rounds):
        stored = answer(str(n), f"resp_{n - 1}" if n else None)
        stored.response["instructions"] = instructions
        await responses.keep(stored)
    held: list[int] = []
    assert len((await responses.history(f"resp_{rounds - 1}", held.append)).items) == 2 * rounds
    assert sum(held) == sum(read) < 500 * rounds, "they are not even loaded"
    found = await responses.read("resp_0", nobody_minds)
    assert found is not None
    assert found.response["instructions"] == instructions


async def test_what_was_answered_is_kept_once() -> None:
    store = MemoryStore(1_000_000)
    await stored_responses(store).of(ANN).keep(answer("1"))
    assert b"".join(each.value for each in store._entries.values()).count(b"Answer 1.") == 1


async def test_a_response_of_which_a_part_is_gone_is_not_found_and_can_be_deleted() -> None:
    for place in range(2):
        store = MemoryStore(1_000_000)
        responses = stored_responses(store).of(ANN)
        await responses.keep(answer("1"))
        store._drop(responses._names("resp_1")[place])
        assert await responses.read("resp_1", nobody_minds) is None
        assert await responses.forget("resp_1")
        assert not await responses.forget("resp_1")


async def test_a_conversation_has_no_more_items_than_a_request() -> None:
    responses = stored_responses(MemoryStore(10_000_000), most_bytes=10_000_000).of(ANN)
    for name, previous, count in (("1", None, MAX_MESSAGES - 1), ("2", "resp_1", 0)):
        items = (asked("m"),) * count
        await responses.keep(replace(answer(name, previous), items=items))
    assert len((await responses.history("resp_1", nobody_minds)).items) == MAX_MESSAGES
    with pytest.raises(BadRequest, match=f"more than {MAX_MESSAGES} items") as caught:
        await responses.history("resp_2", nobody_minds)
    assert caught.value.param == "previous_response_id"


async def test_a_conversation_has_a_bounded_number_of_responses() -> None:
    responses = stored_responses(most_bytes=10**9).of(ANN)
    circle = replace(answer("1", "resp_1"), items=(), response={"id": "resp_1", "output": []})
    await responses.keep(circle)
    with pytest.raises(BadRequest, match=f"more than {MOST_RESPONSES} responses") as caught:
        await responses.history("resp_1", nobody_minds)
    assert caught.value.param == "previous_response_id"
    strangers = (Ids(f"{n:032x}").mint("msg") for n in range(MOST_RESPONSES + 1))
    with pytest.raises(BadRequest, match=f"more than {MOST_RESPONSES} responses") as caught:
        await responses.items(strangers, nobody_minds)
    assert caught.value.param == "input"


def with_ids(number: int) -> tuple[Stored, list[str]]:
    """A response as a proxy makes it, and the ids of its items."""
    ids = Ids(f"{number:032x}")
    minted = [ids.mint("msg"), ids.mint("msg")]
    question, told = asked("q"), said("a")
    question["id"], told["id"] = minted
    response: ResponseObject = {"id": ids.response, "output": [told]}
    return Stored(response, (question,)), minted


async def test_items_are_found_by_their_ids_alone(shared_store: Store) -> None:
    responses = stored_responses(shared_store).of(ANN)
    (first, ids), (second, others) = with_ids(1), with_ids(2)
    for stored in (first, second):
        await responses.keep(stored)
    wanted = [ids[1], *others, with_ids(3)[1][0], f"{ids[0]}f", "msg_1"]
    found = await responses.items(wanted, nobody_minds)
    assert found == {ids[1]: first.turn[1], others[0]: second.turn[0], others[1]: second.turn[1]}
    assert await stored_responses(shared_store).of(BOB).items(wanted, nobody_minds) == {}
    assert await responses.forget(first.id)
    assert set(await responses.items(wanted, nobody_minds)) == set(others)


async def test_items_live_on_where_they_are_used_and_are_read_only_if_there_is_room() -> None:
    clock = HandClock()
    responses = stored_responses(MemoryStore(1_000_000, clock))
    stored, ids = with_ids(1)
    await responses.of(ANN).keep(stored)
    for _ in range(3):
        clock.now += TTL_S - 1
        assert len(await responses.of(ANN).items(ids, nobody_minds)) == 2
    held: list[int] = []
    await responses.of(ANN).items(ids, held.append)
    assert len(held) == 1, "a response is read once for all of its items"
    with pytest.raises(PayloadTooLarge) as caught:
        await replace(responses, most_bytes=held[0] - 1).of(ANN).items(ids, nobody_minds)
    assert caught.value.param == "input"


async def test_the_error_for_a_lost_response_is_openais() -> None:
    with pytest.raises(PreviousNotFound) as caught:
        await stored_responses().of(ANN).history("resp_1", nobody_minds)
    error = caught.value.body()["error"]
    assert error == {
        "message": "Previous response with id 'resp_1' not found. Send the conversation as "
        "'input' instead.",
        "type": "invalid_request_error",
        "param": "previous_response_id",
        "code": "previous_response_not_found",
    }
    assert caught.value.status == 404


@pytest.mark.parametrize(
    "id", ["", "resp_", "resp_1\n", "resp_é", "1", "resp_" + "1" * 65, "x" * 9_999]
)
async def test_what_is_no_id_is_not_looked_up_nor_repeated_at_length(id: str) -> None:
    class Untouched(MemoryStore):
        async def read(self, *_: Any, **__: Any) -> dict[str, bytes]:
            raise AssertionError("it was looked up")

    responses = stored_responses(Untouched(0)).of(ANN)
    assert await responses.read(id, nobody_minds) is None
    assert not await responses.forget(id)
    with pytest.raises(PreviousNotFound) as caught:
        await responses.history(id, nobody_minds)
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("written", [b"{", b"[]", b"{}", b'{"reach": 1}', b'{"reach": {}}'])
async def test_what_another_version_has_written_counts_as_missing(
    written: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore(1_000_000)
    responses = stored_responses(store).of(ANN)
    await responses.keep(answer("1"))
    _, name = responses._names("resp_1")
    await store.write(name, written, TTL_S)
    with caplog.at_level(logging.WARNING):
        assert await responses.read("resp_1", nobody_minds) is None
    assert "A stored response is unreadable" in caplog.text
    assert "resp_1" not in caplog.text


async def test_what_is_nested_too_deeply_to_be_written_is_not_stored() -> None:
    nested: Any = []
    for _ in range(400):
        nested = [nested]
    responses = stored_responses().of(ANN)
    await responses.keep(replace(answer("1"), items=({**asked("m"), "content": nested},)))
    assert await responses.read("resp_1", nobody_minds) is None


async def test_a_value_moved_to_another_clients_name_counts_as_missing(redis_url: str) -> None:
    async with aclosing(RedisStore(redis_url, timeout_s=PATIENCE_S)) as home:
        responses = stored_responses(Sealed(home, b"key"))
        ann, bob = responses.of(ANN), responses.of(BOB)
        await ann.keep(answer("1"))
        for mine, his in zip(ann._names("resp_1"), bob._names("resp_1"), strict=True):
            await home.write(his, (await home.read([mine]))[mine], TTL_S)
        assert await bob.read("resp_1", nobody_minds) is None


async def test_without_redis_an_answer_goes_on_and_nobody_says_that_a_response_is_gone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with aclosing(RedisStore("redis://127.0.0.1:1", timeout_s=PATIENCE_S)) as away:
        responses = stored_responses(Sealed(away, b"key")).of(ANN)
        await responses.keep(answer("1"))
        assert caplog.messages == ["Redis at 127.0.0.1:1 cannot answer: nothing listens there"]
        item = Ids("0" * 32).mint("msg")
        for work, param in (
            (responses.read("resp_1", nobody_minds), None),
            (responses.forget("resp_1"), None),
            (responses.history("resp_1", nobody_minds), "previous_response_id"),
            (responses.items([item], nobody_minds), "input"),
        ):
            with pytest.raises(StoreUnavailable, match=r"Try again in 5 seconds") as caught:
                await work
            assert (caught.value.param, caught.value.retry_after_s) == (param, 5)
            assert caught.value.retryable


async def test_a_response_is_not_said_to_be_deleted_by_a_store_that_went_away_meanwhile() -> None:
    class Going(MemoryStore):
        async def write(self, name: str, value: bytes, ttl_s: float) -> None:
            if value:
                await super().write(name, value, ttl_s)
            else:
                self.is_away = True

        async def find(self, names: Any, **more: Any) -> Any:
            return None if self.is_away else await super().find(names, **more)

        is_away = False

    responses = stored_responses(Going(1_000_000)).of(ANN)
    await responses.keep(answer("1"))
    with pytest.raises(StoreUnavailable):
        await responses.forget("resp_1")


def test_no_name_tells_whose_response_it_is() -> None:
    responses = stored_responses().of(replace(ANN, person=Person("carol")))
    for name in responses._names("resp_1"):
        assert "ann" not in name
        assert "carol" not in name
