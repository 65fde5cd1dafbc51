from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.inflight import Hold, InFlight
from proxy.errors import TooBusy


def test_what_is_held_counts_until_it_is_given_back() -> None:
    inflight = InFlight(100)
    with inflight.hold() as one, inflight.hold() as two:
        one.take(40)
        two.take(60)
        assert inflight.bytes == 100
        one.free(10)
        assert inflight.bytes == 90
    assert inflight.bytes == 0


def test_what_is_new_is_refused_beyond_the_limit_and_what_runs_is_not() -> None:
    inflight = InFlight(100, retry_after_s=7)
    with inflight.hold() as running:
        running.take(100)
        with inflight.hold() as new, pytest.raises(TooBusy, match="Try again later") as told:
            new.take(1)
        assert (told.value.status, told.value.retry_after_s) == (503, 7)
        running.add(50)
        assert inflight.bytes == 150
        with inflight.hold() as new, pytest.raises(TooBusy):
            new.take(0)
    with inflight.hold() as new:
        new.take(100)


def test_without_a_limit_nothing_is_refused() -> None:
    with InFlight().hold() as held:
        held.take(10**15)


def fail_holding(inflight: InFlight, fault: type[BaseException]) -> None:
    with inflight.hold() as held:
        held.add(5)
        raise fault


@pytest.mark.parametrize("fault", [KeyError, KeyboardInterrupt])
def test_a_fault_gives_back_what_was_held(fault: type[BaseException]) -> None:
    inflight = InFlight()
    with pytest.raises(fault):
        fail_holding(inflight, fault)
    assert inflight.bytes == 0


def test_nothing_is_given_back_twice_or_counted_after_the_end() -> None:
    inflight = InFlight()
    with inflight.hold() as other:
        other.add(10)
        with inflight.hold() as held:
            held.add(5)
            held.free(9)
            assert inflight.bytes == 10
            held.add(5)
        held.free(5)
        held.add(5)
        assert inflight.bytes == 10


Step = tuple[Literal["begin", "take", "add", "free", "end"], int, int]
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(
        st.sampled_from(["begin", "take", "add", "free", "end"]),
        st.integers(0, 3),
        st.integers(0, 60),
    )
)


@given(steps)
def test_the_count_is_what_is_held_in_any_order_and_nothing_at_the_end(todo: list[Step]) -> None:
    inflight = InFlight(100)
    holds: dict[int, tuple[Hold, ExitStack]] = {}
    held: dict[int, int] = {}
    for what, who, size in todo:
        if what == "begin" and who not in holds:
            stack = ExitStack()
            holds[who] = stack.enter_context(inflight.hold()), stack
            held[who] = 0
        if who not in holds:
            continue
        hold, stack = holds[who]
        if what == "take":
            with suppress(TooBusy):
                hold.take(size)
                held[who] += size
                assert inflight.bytes <= 100
        elif what == "add":
            hold.add(size)
            held[who] += size
        elif what == "free":
            hold.free(size)
            held[who] -= min(size, held[who])
        elif what == "end":
            stack.close()
            del holds[who], held[who]
        assert inflight.bytes == sum(held.values())
    for _, stack in holds.values():
        stack.close()
    assert inflight.bytes == 0


def test_a_stream_goes_on_until_its_hold_ends() -> None:
    inflight = InFlight()
    with suppress(ValueError), inflight.hold() as one, inflight.hold() as two:
        one.begin_stream()
        one.begin_stream()
        assert inflight.streams == 1
        two.begin_stream()
        assert inflight.streams == 2
        raise ValueError
    assert inflight.streams == 0
    one.begin_stream()  # too late to end
    assert inflight.streams == 0
