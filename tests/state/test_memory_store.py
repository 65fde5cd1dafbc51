"""The store in memory: times, the bound, and both against a model that is plainly right."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.state.memory_store import MemoryStore
from tests.state.hand_clock import HandClock


async def names_in(store: MemoryStore, *names: str) -> list[str]:
    """Which of them are there; asking makes them the most recently used."""
    return list(await store.read(names))


async def test_a_value_is_gone_when_its_time_is_over() -> None:
    clock = HandClock()
    store = MemoryStore(100, clock)
    await store.write("a", b"1", 10)
    clock.now += 9.9
    assert await store.read(["a"]) == {"a": b"1"}
    clock.now += 0.1
    assert await store.read(["a"]) == {}


async def test_reading_renews_only_when_told_to() -> None:
    clock = HandClock()
    store = MemoryStore(100, clock)
    for name in ("read", "renewed"):
        await store.write(name, b"1", 10)
    clock.now += 9
    await store.read(["read"])
    await store.read(["renewed"], renew_s=10)
    clock.now += 9
    assert await names_in(store, "read", "renewed") == ["renewed"]
    clock.now += 1
    assert await names_in(store, "read", "renewed") == []


async def test_a_renewal_can_shorten_the_time() -> None:
    clock = HandClock()
    store = MemoryStore(100, clock)
    await store.write("a", b"1", 10)
    await store.read(["a"], renew_s=1)
    clock.now += 1
    assert await names_in(store, "a") == []


async def test_what_is_gone_is_not_renewed() -> None:
    clock = HandClock()
    store = MemoryStore(100, clock)
    await store.write("a", b"1", 10)
    clock.now += 10
    assert await store.read(["a"], renew_s=10) == {}
    assert await store.read(["a"]) == {}


@pytest.mark.parametrize("renew_s", [None, 60.0])
async def test_the_least_recently_used_goes_first(renew_s: float | None) -> None:
    store = MemoryStore(6, HandClock())
    for name in ("a", "b", "c"):
        await store.write(name, b"1", 60)
    await store.read(["a"], renew_s=renew_s)
    await store.write("d", b"1", 60)
    assert await names_in(store, "a", "b", "c", "d") == ["a", "c", "d"]


async def test_names_count_in_bytes() -> None:
    store = MemoryStore(5, HandClock())
    await store.write("aé", b"12", 60)
    assert await names_in(store, "aé") == ["aé"]
    await store.write("aé", b"123", 60)
    assert await names_in(store, "aé") == []


async def test_a_value_that_is_larger_than_the_bound_replaces_one_and_pushes_none_out() -> None:
    store = MemoryStore(6, HandClock())
    await store.write("a", b"1", 60)
    await store.write("b", b"1", 60)
    await store.write("b", b"123456", 60)
    assert await names_in(store, "a", "b") == ["a"]


async def test_with_a_bound_of_nothing_nothing_is_kept() -> None:
    store = MemoryStore(0, HandClock())
    await store.write("a", b"", 60)
    assert await names_in(store, "a") == []


async def test_a_count_ends_when_it_was_to_however_often_it_is_counted_on() -> None:
    clock = HandClock()
    store = MemoryStore(100, clock)
    for expected in (1, 2, 3):
        assert await store.count("a", 1, 10) == expected
        clock.now += 3
    clock.now += 1
    assert await store.count("a", 1, 10) == 1


async def test_counts_are_bound_as_values_are() -> None:
    store = MemoryStore(4)
    for name in ("a", "b", "a", "c"):  # two have room
        await store.count(name, 1, 60)
    assert [await store.count(name, 0, 60) for name in ("a", "c")] == [2, 1]
    assert await MemoryStore(0).count("a", 5, 60) == 5


async def test_what_has_ended_goes_before_what_was_used_longer_ago() -> None:
    clock = HandClock()
    store = MemoryStore(6, clock)
    await store.write("old", b"", 60)
    await store.write("new", b"", 10)
    clock.now += 10
    await store.write("c", b"12", 60)
    assert await names_in(store, "old", "new", "c") == ["old", "c"]


async def test_what_has_ended_does_not_stay_in_memory() -> None:
    clock = HandClock()
    store = MemoryStore(1_000_000, clock)
    for number in range(100):
        await store.write(str(number), b"1", 10)
    clock.now += 10
    await store.write("a", b"1", 10)
    assert list(store._entries) == ["a"]
    assert store._bytes == 2


async def test_a_value_that_is_renewed_for_ever_leaves_nothing_behind() -> None:
    clock = HandClock()
    store = MemoryStore(100, clock)
    await store.write("another", b"1", 10)
    await store.write("a", b"1", 10)
    for _ in range(5000):
        await store.read(["a"], renew_s=10)
    assert len(store._ends) < 2000
    clock.now += 10
    await store.write("b", b"1", 10)
    assert list(store._entries) == ["b"]


async def test_what_was_renewed_outlives_the_end_it_had_before() -> None:
    clock = HandClock()
    store = MemoryStore(100, clock)
    await store.write("a", b"1", 10)
    await store.read(["a"], renew_s=20)
    clock.now += 10
    await store.write("b", b"1", 10)
    assert await names_in(store, "a", "b") == ["a", "b"]


async def test_once_closed_it_is_empty() -> None:
    store = MemoryStore(4, HandClock())
    await store.write("a", b"123", 60)
    await store.aclose()
    assert await names_in(store, "a") == []
    await store.write("b", b"123", 60)
    assert await names_in(store, "b") == ["b"]


@dataclass
class Model:
    """A store that goes through everything it has, each time. The last entry was used last."""

    max_bytes: int
    now: float = 0
    entries: list[tuple[str, bytes, float]] = field(default_factory=list)

    def read(self, names: list[str], renew_s: float | None) -> dict[str, bytes]:
        found = {}
        for name in names:
            for entry in [each for each in self.entries if each[0] == name]:
                _, value, ends_at = entry
                if ends_at > self.now:
                    self.entries.remove(entry)
                    end = ends_at if renew_s is None else self.now + renew_s
                    self.entries.append((name, value, end))
                    found[name] = value
        return found

    def write(self, name: str, value: bytes, ttl_s: float) -> None:
        self.entries = [each for each in self.entries if each[0] != name and each[2] > self.now]
        if len(name) + len(value) <= self.max_bytes:
            self.entries.append((name, value, self.now + ttl_s))
        while sum(len(name) + len(value) for name, value, _ in self.entries) > self.max_bytes:
            self.entries.pop(0)


some_name = st.sampled_from("abc")
some_s = st.integers(1, 10)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), some_name, st.binary(max_size=6), some_s),
        st.tuples(st.just("read"), st.lists(some_name, max_size=4), st.none() | some_s),
        st.tuples(st.just("wait"), st.integers(1, 8)),
    ),
    max_size=40,
)


@given(st.sampled_from((0, 3, 6, 9, 100)), steps)
def test_it_does_what_a_plain_model_does(max_bytes: int, taken: list[tuple[Any, ...]]) -> None:
    clock = HandClock(0)
    store, model = MemoryStore(max_bytes, clock), Model(max_bytes)

    async def play() -> None:
        for step in taken:
            match step:
                case ("write", name, value, ttl_s):
                    await store.write(name, value, ttl_s)
                    model.write(name, value, ttl_s)
                case ("read", names, renew_s):
                    found = await store.read(names, renew_s=renew_s)
                    assert found == model.read(names, renew_s)
                case ("wait", seconds):
                    clock.now += seconds
                    model.now += seconds
            assert [(name, each.value) for name, each in store._entries.items()] == [
                entry[:2] for entry in model.entries
            ]

    asyncio.run(play())
