"""What somebody who can write to Redis can make the proxy believe: nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadReply
from proxy.state.memory_store import MemoryStore
from proxy.state.sealed import Sealed
from proxy.state.shared import Shared

LOG = "proxy.state.sealed"
NAME = "search:" + "0123456789abcdef" * 4


def sealed(key: bytes = b"key") -> Sealed:
    return Sealed(MemoryStore(1_000_000), key)


async def raw(store: Sealed, name: str = NAME) -> bytes:
    return (await store.home.read([name]))[name]


async def keep_first(store: Sealed, name: str, value: bytes) -> None:
    await store.write_once(name, value, 60, lambda there: there)


@pytest.mark.parametrize("write", [lambda s, n, v: s.write(n, v, 60), keep_first])
async def test_what_is_written_is_read_and_nobody_else_is_believed(
    caplog: pytest.LogCaptureFixture, write: Callable[..., Any]
) -> None:
    store = sealed()
    await write(store, NAME, b"value")
    assert await store.read([NAME, "gone"], renew_s=60) == {NAME: b"value"}
    assert caplog.messages == []
    assert await Sealed(store.home, b"another key").read([NAME]) == {}
    assert caplog.messages == [
        "A kept value has no valid seal and counts as missing: search:0123456789abcdef0…"
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"value",
        lambda value: value[:-1],
        lambda value: value[:31],
        lambda value: value + b"s",
        lambda value: value[1:],
        lambda value: value.replace(b"value", b"other"),
        lambda value: bytes([value[0] ^ 1]) + value[1:],
    ],
)
async def test_what_was_damaged_or_made_up_counts_as_gone_and_the_rest_is_there(
    caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    store = sealed()
    await store.write(NAME, b"value", 60)
    await store.write("two", b"2", 60)
    await store.home.write(NAME, damage(await raw(store)), 60)
    assert await store.read([NAME, "two"]) == {"two": b"2"}
    assert [record.levelname for record in caplog.records if record.name == LOG] == ["WARNING"]


names = st.text("ab:0123456789é\x00", max_size=8)


@given(names, st.binary(max_size=8), names, st.integers(0, 8))
async def test_a_value_counts_under_its_own_name_alone(
    name: str, value: bytes, other: str, moved: int
) -> None:
    """Also where the bytes between name and value are moved from one to the other."""
    store = sealed()
    await store.write(name, value, 60)
    whole = await raw(store, name)
    code = whole[:32]
    joined = name + value.decode("latin-1")
    for another in {other, joined[:moved], joined} - {name}:
        await store.home.write(another, whole, 60)
        assert await store.read([another]) == {}
        await store.home.write(another, code + joined[len(another) :].encode("latin-1"), 60)
        assert await store.read([another]) == {}
    assert await store.read([name]) == {name: value}


async def test_a_value_that_is_there_settles_what_is_kept() -> None:
    store = sealed()
    await keep_first(store, NAME, b"one")
    await store.write_once(NAME, b"two", 60, lambda there: there + b" met")
    assert await store.read([NAME]) == {NAME: b"one met"}


async def test_what_somebody_else_has_put_there_settles_nothing() -> None:
    store = sealed()
    await store.home.write(NAME, b"made up", 60)
    await store.write_once(NAME, b"ours", 60, lambda _: b"asked")
    assert await store.read([NAME]) == {NAME: b"ours"}


async def test_a_search_result_that_was_made_up_is_made_anew_and_replaced() -> None:
    store = sealed()
    await store.home.write("a", b"made up", 60)

    async def make() -> bytes:
        return b"found"

    def read(data: bytes) -> bytes:
        if data != b"found":
            raise BadReply("LightOn", "Nobody should have read this.")
        return data

    assert await Shared[bytes](store, 30).get("a", make, read) == b"found"
    assert await store.read(["a"]) == {"a": b"found"}


def test_the_key_is_not_shown() -> None:
    assert "key" not in repr(sealed()) + str(sealed())


async def test_closing_it_closes_its_home() -> None:
    store = sealed()
    await store.write(NAME, b"value", 60)
    await store.aclose()
    assert await store.home.read([NAME]) == {}
