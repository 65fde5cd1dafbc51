from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from proxy.core.kept import Context, Findings, KeptSearch, KeptTurn
from proxy.core.passages import Passage
from proxy.core.scope import Scope
from proxy.core.search_tool import Search
from proxy.state.memory_store import MemoryStore
from proxy.state.turns import KeptTurns
from tests.core.samples import result

SEARCH = Search("leave", 5)
TURN = KeptTurn(
    text="And now?",
    heard="Let me see.\n\nAnd now? é🦊\x00",
    before=(
        {"role": "assistant", "content": None, "tool_calls": [{"id": "s1", "function": {}}]},
        {"role": "tool", "tool_call_id": "s1", "content": "Leave is 27 days."},
    ),
    calls=({"id": "w1", "type": "function", "function": {"name": "f", "arguments": "{}"}},),
    answers={"s2": "Found [1]."},
    context=Context(SEARCH, "passages"),
    findings=Findings(
        (
            Passage(1, result("a", title=None, relevance=0.25, workspace_id=3, tag_ids=(1, 2)), ""),
            Passage(2, result("b", page_start=3, page_end=4, score=None), ""),
        ),
        (KeptSearch(SEARCH, (1, 2), left_out=3),),
        7,
    ),
)
WIDE = Scope()
NARROW = Scope(workspace_id=(42,))


def kept_turns(
    store: MemoryStore | None = None, realm: str = "ours", secret: bytes = b"seal"
) -> KeptTurns:
    return KeptTurns(store or MemoryStore(1_000_000), 60, realm, secret)


async def test_a_turn_comes_back_as_it_was() -> None:
    turns = kept_turns().of("key", WIDE)
    await turns.keep("one", TURN)
    assert await turns.recall(["one", "gone"]) == {"one": TURN}


async def test_a_turn_is_out_of_reach_of_another_key() -> None:
    turns = kept_turns()
    await turns.of("key", WIDE).keep("one", TURN)
    assert await turns.of("other", WIDE).recall(["one"]) == {}
    assert await turns.of("", WIDE).recall(["one"]) == {}


@pytest.mark.parametrize(
    "other",
    [
        Scope(workspace_id=(43,)),
        Scope(workspace_id=(42, 43)),
        Scope(workspace_id=(42,), tag_id=(1,)),
        Scope(workspace_id=(42,), file_id=(1,)),
        Scope(workspace_id=(42,), content_type=("a",)),
        Scope(workspace_id=(42,), attribute=("a",)),
        Scope(workspace_id=(42,), max_results=3),
        Scope(workspace_id=(42,), relevance_scoring="none"),
        Scope(workspace_id=(42,), min_relevance=0.5),
        Scope(tag_id=(42,)),
        WIDE,
    ],
)
async def test_a_turn_is_not_put_back_in_another_scope(other: Scope) -> None:
    turns = kept_turns()
    await turns.of("key", NARROW).keep("one", TURN)
    assert await turns.of("key", other).recall(["one"]) == {}
    await turns.of("key", other).keep("two", TURN)
    assert await turns.of("key", NARROW).recall(["two"]) == {}


async def test_a_turn_is_out_of_reach_of_another_realm_with_the_same_store() -> None:
    store = MemoryStore(1_000_000)
    await kept_turns(store).of("key", WIDE).keep("one", TURN)
    assert await kept_turns(store, realm="theirs").of("key", WIDE).recall(["one"]) == {}


async def test_the_order_of_a_scope_makes_no_difference() -> None:
    turns = kept_turns()
    await turns.of("key", Scope(workspace_id=(1, 2))).keep("one", TURN)
    same = Scope(workspace_id=(2, 1, 2))
    assert await turns.of("key", same).recall(["one"]) == {"one": TURN}


async def test_a_turn_lives_on_from_its_last_use() -> None:
    now_s = 0.0
    turns = kept_turns(MemoryStore(1_000_000, lambda: now_s)).of("key", WIDE)
    await turns.keep("one", TURN)
    for _ in range(3):
        now_s += 50
        assert await turns.recall(["one"])
    now_s += 61
    assert await turns.recall(["one"]) == {}


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b'{"version": 2}',
        lambda value: value[:-1],
        lambda value: value.replace(b"27 days", b"99 days"),
        lambda value: value[:32] + b'{"text": "", "heard": "", "calls": [{}]}',
    ],
)
async def test_what_was_damaged_or_made_up_counts_as_gone(
    caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    store = MemoryStore(1_000_000)
    turns = kept_turns(store).of("key", WIDE)
    await turns.keep("one", TURN)
    await turns.keep("two", TURN)
    name = f"turn:{turns.partition}:one"
    value = (await store.read([name]))[name]
    await store.write(name, damage(value), 60)
    with caplog.at_level(logging.WARNING):
        assert await turns.recall(["one", "two"]) == {"two": TURN}
    assert "counts as gone: turn:" in caplog.text
    assert turns.partition not in caplog.text


async def test_a_turn_cannot_be_moved_to_another_name() -> None:
    store = MemoryStore(1_000_000)
    turns = kept_turns(store)
    theirs, ours = turns.of("their key", WIDE), turns.of("our key", WIDE)
    await theirs.keep("one", TURN)
    name = f"turn:{theirs.partition}:one"
    value = (await store.read([name]))[name]
    await store.write(f"turn:{ours.partition}:one", value, 60)
    assert await ours.recall(["one"]) == {}


async def test_what_another_version_has_sealed_counts_as_gone() -> None:
    store = MemoryStore(1_000_000)
    turns = kept_turns(store).of("key", WIDE)
    name = f"turn:{turns.partition}:one"
    written = b'{"answer": "of the future"}'
    await store.write(name, turns._seal(name, written) + written, 60)
    assert await turns.recall(["one"]) == {}


def test_the_secret_is_not_shown() -> None:
    assert "seal" not in repr(kept_turns()) + repr(kept_turns().of("key", WIDE))
