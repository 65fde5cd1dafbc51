"""What both homes of a store have in common, and which of them is chosen."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from uuid import uuid4

import pytest

from proxy.state.memory_store import MemoryStore
from proxy.state.redis_store import RedisStore
from proxy.state.sealed import Sealed
from proxy.state.store import Store, make_store
from tests.upstreams.raw_server import PATIENCE_S

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    made: Store = MemoryStore(1_000_000)
    if request.param == "redis":  # with time for a busy machine
        made = RedisStore(request.getfixturevalue("redis_url"), timeout_s=PATIENCE_S)
    async with aclosing(made):
        yield made


@pytest.fixture
def name() -> str:
    """One that no other test uses: they share a Redis."""
    return str(uuid4())


async def test_what_was_written_is_read(store: Store, name: str) -> None:
    await store.write(name, b"\x00\xff\r\n", 60)
    assert await store.read([name]) == {name: b"\x00\xff\r\n"}
    assert await store.read([name], renew_s=60) == {name: b"\x00\xff\r\n"}


async def test_only_the_names_that_are_there_are_given(store: Store, name: str) -> None:
    await store.write(f"{name}-1", b"1", 60)
    await store.write(f"{name}-3", b"", 60)
    names = [f"{name}-{number}" for number in (1, 2, 3)]
    assert await store.read(names) == {names[0]: b"1", names[2]: b""}
    assert await store.read(names, renew_s=60) == {names[0]: b"1", names[2]: b""}


async def test_what_is_found_is_what_is_read(store: Store, name: str) -> None:
    await store.write(name, b"1", 60)
    names = [name, f"{name}-2"]
    assert await store.find(names) == await store.find(names, renew_s=60) == {name: b"1"}
    assert await store.find([]) == {}


async def test_nothing_is_there_at_first(store: Store, name: str) -> None:
    assert await store.find([name]) == {}
    assert await store.read([name]) == {}
    assert await store.read([name], renew_s=60) == {}


@pytest.mark.parametrize("renew_s", [None, 60.0])
async def test_no_names_are_no_values(store: Store, renew_s: float | None) -> None:
    assert await store.read([], renew_s=renew_s) == {}


async def test_a_name_may_be_asked_for_twice(store: Store, name: str) -> None:
    await store.write(name, b"1", 60)
    assert await store.read([name, name], renew_s=60) == {name: b"1"}


async def test_the_last_value_counts(store: Store, name: str) -> None:
    await store.write(name, b"1", 60)
    await store.write(name, b"2", 60)
    assert await store.read([name]) == {name: b"2"}


async def test_what_is_written_once_is_read_and_lives_as_long(store: Store, name: str) -> None:
    def unasked(_: bytes) -> bytes:
        pytest.fail("nothing was there")

    await store.write_once(name, b"1", 60, unasked)
    assert await store.read([name]) == {name: b"1"}
    await store.write_once(name, b"2", 60, lambda there: there + b" and 2")
    assert await store.read([name]) == {name: b"1 and 2"}
    await store.write_once(name, b"1 and 2", 0.001, lambda there: there)
    async with asyncio.timeout(PATIENCE_S):
        while await store.read([name]):
            pass
    await store.write_once(name, b"3", 60, unasked)
    assert await store.read([name]) == {name: b"3"}


async def test_what_is_counted_adds_up(store: Store, name: str) -> None:
    assert await store.count(name, 0, 60) == 0
    assert [await store.count(name, by, 60) for by in (1, 5, 0, -2)] == [1, 6, 6, 4]
    assert await store.count(f"{name}-other", 1, 60) == 1


async def test_a_count_ends_and_begins_anew(store: Store, name: str) -> None:
    await store.count(name, 5, 0.001)
    async with asyncio.timeout(PATIENCE_S):
        while await store.count(name, 0, 60):
            pass
    assert await store.count(name, 5, 60) == 5


async def test_of_those_who_count_at_once_each_sees_another_sum(store: Store, name: str) -> None:
    sums = await asyncio.gather(*(store.count(name, 1, 60) for _ in range(100)))
    assert sorted(sums) == list(range(1, 101))


async def test_a_large_value_comes_back_whole(store: Store, name: str) -> None:
    value = bytes(range(256)) * 1000
    await store.write(name, value, 60)
    assert await store.read([name], renew_s=60) == {name: value}


async def test_without_a_redis_the_memory_is_used_up_to_its_bound() -> None:
    store = make_store(None, 3, b"key")
    assert isinstance(store, MemoryStore)
    await store.write("a", b"12", 60)
    assert await store.read(["a"]) == {"a": b"12"}
    await store.write("a", b"123", 60)
    assert await store.read(["a"]) == {}


def test_a_redis_is_used_when_there_is_one_and_what_is_in_it_is_sealed() -> None:
    store = make_store("redis://localhost", 0, b"key")
    assert isinstance(store, Sealed)
    assert isinstance(store.home, RedisStore)


def test_redis_py_is_not_imported_when_it_is_not_used() -> None:
    code = "import sys; from proxy.app import create_app; from proxy.settings import Settings; "
    code += "create_app(Settings()); sys.exit('redis' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)  # noqa: S603 - our own code
