"""The window of 60 seconds, beside a naive model that keeps each amount."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.access.window import SPAN_MS, STEP_MS, Window

Uses = list[tuple[int, int]]
"""Times in milliseconds and amounts, in their order."""


@st.composite
def uses(draw: st.DrawFn) -> Uses:
    steps = st.one_of(st.integers(0, 50), st.integers(0, 70_000))
    pairs = draw(st.lists(st.tuples(steps, st.integers(1, 9)), max_size=60))
    now, found = 1_000_000, []
    for step, amount in pairs:
        now += step
        found.append((now, amount))
    return found


def exact(taken: Uses, now_ms: int) -> int:
    """What was used in the 60 seconds before `now_ms`."""
    return sum(amount for at, amount in taken if at > now_ms - SPAN_MS)


@given(uses(), st.integers(1, 30))
def test_no_60_seconds_hold_more_than_the_limit(wanted: Uses, limit: int) -> None:
    window, taken = Window(), Uses()
    for now, amount in wanted:
        window.move_to(now)
        if window.used + amount <= limit:
            window.add(now, amount)
            taken.append((now, amount))
    for last, _ in taken:
        assert sum(amount for at, amount in taken if last - SPAN_MS < at <= last) <= limit


@given(uses())
def test_what_counts_is_exact_but_for_what_is_a_second_too_old(wanted: Uses) -> None:
    window, taken = Window(), Uses()
    for now, amount in wanted:
        window.move_to(now)
        assert exact(taken, now) <= window.used <= exact(taken, now - STEP_MS)
        window.add(now, amount)
        taken.append((now, amount))
        assert len(window._entries) <= SPAN_MS // STEP_MS + 1


@given(uses(), st.integers(0, 40))
def test_after_the_wait_there_is_room_and_before_it_there_is_none(wanted: Uses, room: int) -> None:
    window, now = Window(), 0
    for now, amount in wanted:
        window.move_to(now)
        window.add(now, amount)
    wait = window.wait_ms(now, room)
    assert 0 <= wait <= SPAN_MS
    assert (wait == 0) == (window.used <= room)
    if wait:
        window.move_to(now + wait - 1)
        assert window.used > room
        window.move_to(now + wait)
        assert window.used <= room


@given(uses(), st.lists(st.integers(-200_000, 200_000), max_size=5))
def test_a_clock_that_goes_back_frees_nothing_and_blocks_no_longer_than_a_minute(
    wanted: Uses, jumps: list[int]
) -> None:
    window, now = Window(), 1_000_000
    for now, amount in wanted:
        window.move_to(now)
        window.add(now, amount)
    for jump in jumps:
        used = window.used
        now += jump
        window.move_to(now)
        assert window.used == used or jump > 0
        assert window.wait_ms(now, 0) <= SPAN_MS
    window.move_to(now + SPAN_MS)
    assert window.used == 0


@given(uses(), st.integers(0, 20))
def test_what_is_given_back_is_free_again_and_never_more(wanted: Uses, amount: int) -> None:
    window, now = Window(), 0
    for now, used in wanted:
        window.move_to(now)
        window.add(now, used)
    for at, _ in wanted:
        before = window.used
        window.give_back(at, amount)
        assert before - amount <= window.used
        assert window.used >= 0
    window.move_to(now + SPAN_MS)
    assert window.used == 0


def test_three_at_once_are_three() -> None:
    window = Window()
    for _ in range(3):
        window.move_to(5)
        window.add(5, 1)
    assert window.used == 3
    window.move_to(5 + SPAN_MS - 1)
    assert window.used == 3
    window.move_to(5 + SPAN_MS)
    assert window.used == 0


def test_what_is_too_old_to_count_is_not_given_back_twice() -> None:
    window = Window()
    window.add(0, 5)
    window.move_to(SPAN_MS)
    window.add(SPAN_MS, 3)
    window.give_back(0, 5)
    assert window.used == 3


@given(uses())
def test_after_the_reset_nothing_counts(wanted: Uses) -> None:
    window, now = Window(), 0
    assert window.reset_ms(0) == 0
    for now, amount in wanted:
        window.move_to(now)
        window.add(now, amount)
        assert window.reset_ms(now) == SPAN_MS
    window.move_to(now + window.reset_ms(now))
    assert window.used == 0
