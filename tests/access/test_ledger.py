"""The rule of all limits, with the time given by the test."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access.grants import Limits
from proxy.access.ledger import Account, Charge, Hold, Ledger, Verdict
from proxy.access.moments import Moment

DAY_S = 86_400
START = 1_790_000_000
"""A Unix time."""


@dataclass
class Desk:
    """Requests at a ledger, at a time of the test's."""

    limits: Limits
    ledger: Ledger = field(default_factory=Ledger)
    at_s: float = START
    names: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    @property
    def moment(self) -> Moment:
        return Moment.of(self.at_s)

    def arrives(self, *names: str) -> tuple[Hold, bool]:
        """A request of the account `mine`, or of others."""
        accounts = tuple(Account(name, self.limits) for name in names or ("mine",))
        hold = Hold(accounts, lease=str(next(self.names)))
        return hold, self.take(hold, Charge(requests=1, lease=hold.lease, least=1)).is_taken

    def take(self, hold: Hold, charge: Charge) -> Verdict:
        return self.ledger.take(hold, charge, self.moment)

    def settle(self, hold: Hold, used: int) -> None:
        self.ledger.settle(hold, used, self.moment)

    def uses(self, tokens: int, reserved: int | None = None) -> bool:
        """A whole request; whether it was let through."""
        hold, is_taken = self.arrives()
        if is_taken:
            wanted = tokens if reserved is None else reserved
            is_taken = self.take(hold, Charge(least=wanted, tokens=wanted)).is_taken
        self.settle(hold, tokens if is_taken else 0)
        return is_taken


def test_without_limits_all_is_taken() -> None:
    desk = Desk(Limits())
    hold, is_taken = desk.arrives()
    assert is_taken
    assert desk.take(hold, Charge(least=10**9, tokens=10**9)).tokens == 10**9


def test_a_request_more_than_the_limit_waits_for_the_first_to_be_a_minute_old() -> None:
    desk = Desk(Limits(requests_per_minute=3))
    assert [desk.uses(1) for _ in range(4)] == [True, True, True, False]
    desk.at_s += 59.999
    assert not desk.uses(1)
    desk.at_s = START + 60
    assert [desk.uses(1) for _ in range(4)] == [True, True, True, False]


def test_a_burst_on_both_sides_of_a_minute_s_edge_is_one_burst() -> None:
    desk = Desk(Limits(requests_per_minute=2), at_s=START + 59.5)
    assert [desk.uses(1), desk.uses(1)] == [True, True]
    desk.at_s = START + 60.5
    assert not desk.uses(1)


def test_a_refused_request_uses_nothing() -> None:
    desk = Desk(Limits(requests_per_minute=1))
    assert desk.uses(1)
    for _ in range(50):
        desk.at_s += 1
        assert not desk.uses(1)
    desk.at_s = START + 60
    assert desk.uses(1)


def test_tokens_are_reserved_and_then_set_right() -> None:
    desk = Desk(Limits(tokens_per_minute=100))
    assert desk.uses(10, reserved=90)
    assert desk.uses(80, reserved=90)
    assert not desk.uses(1, reserved=11)
    assert desk.uses(1, reserved=10)


def test_reserved_tokens_are_nobody_else_s_while_the_answer_is_made() -> None:
    desk = Desk(Limits(tokens_per_minute=100))
    first, _ = desk.arrives()
    assert desk.take(first, Charge(least=60, tokens=60)).is_taken
    second, _ = desk.arrives()
    assert not desk.take(second, Charge(least=60, tokens=60)).is_taken
    desk.settle(first, 10)
    assert desk.take(second, Charge(least=60, tokens=60)).is_taken


def test_an_answer_that_passed_the_limit_makes_the_next_one_wait() -> None:
    desk = Desk(Limits(tokens_per_minute=100))
    assert desk.uses(1_000, reserved=10)
    assert not desk.uses(1)
    desk.at_s += 60
    assert desk.uses(1)


def test_what_a_long_answer_used_too_much_counts_when_it_ends() -> None:
    desk = Desk(Limits(tokens_per_minute=100))
    hold, _ = desk.arrives()
    desk.take(hold, Charge(least=10, tokens=10))
    desk.at_s += 300
    desk.settle(hold, 100)
    assert not desk.uses(20)
    desk.at_s += 60
    assert desk.uses(20)


def test_a_guess_takes_what_is_left_and_the_sure_part_must_fit() -> None:
    desk = Desk(Limits(tokens_per_minute=100))
    hold, _ = desk.arrives()
    assert desk.take(hold, Charge(least=20, tokens=1_020)).tokens == 100
    _, is_taken = desk.arrives()
    assert not is_taken


@pytest.mark.parametrize("period", ["daily_tokens", "monthly_tokens"])
def test_a_budget_holds_until_its_period_ends(period: str) -> None:
    desk = Desk(replace(Limits(), **{period: 100}))
    assert desk.uses(100)
    left_s = getattr(desk.moment, f"{'day' if period[0] == 'd' else 'month'}_left_s")
    desk.at_s += left_s - 1
    assert not desk.uses(1)
    desk.at_s += 1
    assert desk.uses(100)
    assert not desk.uses(1)


def test_a_clock_that_goes_back_over_midnight_opens_no_second_budget() -> None:
    desk = Desk(Limits(daily_tokens=100))
    desk.at_s += desk.moment.day_left_s
    assert desk.uses(100)
    desk.at_s -= 10
    assert not desk.uses(1)


def test_what_was_reserved_yesterday_is_not_given_back_today() -> None:
    desk = Desk(Limits(daily_tokens=100))
    desk.at_s += desk.moment.day_left_s - 1
    hold, _ = desk.arrives()
    desk.take(hold, Charge(least=90, tokens=90))
    desk.at_s += 2
    assert desk.uses(50)
    desk.settle(hold, 0)
    assert not desk.uses(51)


def test_a_place_is_free_again_when_its_answer_is_over() -> None:
    desk = Desk(Limits(concurrent=2))
    holds = [desk.arrives() for _ in range(3)]
    assert [is_taken for _, is_taken in holds] == [True, True, False]
    desk.settle(holds[2][0], 0)
    assert not desk.arrives()[1]
    desk.settle(holds[0][0], 0)
    assert [desk.arrives()[1], desk.arrives()[1]] == [True, False]


def test_a_charge_to_two_accounts_takes_of_both_or_of_none() -> None:
    desk = Desk(Limits(requests_per_minute=2, concurrent=9))
    assert desk.arrives("mine", "all")[1]
    assert desk.arrives("other", "all")[1]
    assert not desk.arrives("mine", "all")[1]
    assert desk.arrives("mine")[1]


def test_any_of_two_accounts_refuses_alone() -> None:
    for order in ((1, 9), (9, 1)):
        desk = Desk(Limits())
        accounts = tuple(Account(f"{most}", Limits(requests_per_minute=most)) for most in order)
        charge = Charge(requests=1, least=1)
        taken = [desk.take(Hold(accounts, lease="a"), charge).is_taken for _ in range(2)]
        assert taken == [True, False]


def test_accounts_do_not_share_what_they_use() -> None:
    desk = Desk(Limits(requests_per_minute=1))
    assert desk.arrives("one")[1]
    assert desk.arrives("two")[1]


def test_a_limit_that_is_lowered_holds_at_once() -> None:
    desk = Desk(Limits(tokens_per_minute=1_000, daily_tokens=1_000))
    assert desk.uses(500)
    desk.limits = Limits(tokens_per_minute=400, daily_tokens=1_000)
    assert not desk.uses(1)


def test_a_standing_says_how_long_to_wait() -> None:
    desk = Desk(Limits(requests_per_minute=1, tokens_per_minute=100))
    assert desk.uses(90)
    desk.at_s += 15
    hold = Hold((Account("mine", desk.limits),), lease="late")
    verdict = desk.take(hold, Charge(requests=1, lease="late", least=50))
    assert not verdict.is_taken
    (now,) = verdict.standings
    assert (now.requests, now.requests_wait, now.requests_reset) == (1, 45_000, 45_000)
    assert (now.tokens, now.tokens_wait, now.tokens_reset) == (90, 45_000, 45_000)


Step = tuple[int, int, int]
"""Milliseconds that pass, tokens reserved, tokens used."""
STEPS = st.lists(
    st.tuples(st.integers(0, 40_000), st.integers(1, 60), st.integers(0, 60)), max_size=40
)


@given(STEPS)
def test_no_60_seconds_use_more_tokens_than_the_limit_if_none_uses_more_than_it_reserved(
    steps: list[Step],
) -> None:
    desk, taken = Desk(Limits(tokens_per_minute=100)), []
    for passes_ms, reserved, used in steps:
        desk.at_s += passes_ms / 1000
        if desk.uses(min(used, reserved), reserved):
            taken.append((desk.moment.now_ms, min(used, reserved)))
    for last, _ in taken:
        assert sum(amount for at, amount in taken if last - 60_000 < at <= last) <= 100


@given(STEPS)
def test_a_budget_counts_to_the_token_whatever_was_reserved(steps: list[Step]) -> None:
    desk, used_today = Desk(Limits(daily_tokens=300), at_s=START - START % DAY_S), 0
    for passes_ms, reserved, used in steps:
        desk.at_s += passes_ms / 100_000
        if desk.uses(used, reserved):
            assert used_today + reserved <= 300
            used_today += used
        else:
            assert used_today + reserved > 300


class Rememberer(Ledger):
    """Forgets nothing."""

    def _forget(self, moment: Moment) -> None: ...


Visit = tuple[int, int, int, int, int]
"""Hours and milliseconds that pass, which of 20 people, tokens reserved, and tokens used. Below 0,
nothing settles it for now."""
VISITS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 30, 400]),
        st.integers(0, 40_000),
        st.integers(0, 19),
        st.integers(1, 60),
        st.integers(-20, 60),
    ),
    max_size=60,
)


@given(VISITS)
def test_to_forget_accounts_changes_no_verdict(visits: list[Visit]) -> None:
    both = tuple(Desk(Limits(2, 100, 2, 150, 200), ledger) for ledger in (Ledger(), Rememberer()))
    open_: list[tuple[Hold, ...]] = []
    for hours, passes_ms, who, reserved, used in visits:
        for desk in both:
            desk.at_s += hours * 3_600 + passes_ms / 1_000
        holds, taken = zip(*(desk.arrives(str(who), "key", "all") for desk in both), strict=True)
        charge = Charge(least=reserved, tokens=reserved)
        verdicts = [desk.take(hold, charge) for desk, hold in zip(both, holds, strict=True)]
        assert taken[0] == taken[1]
        assert verdicts[0] == verdicts[1]
        open_.append(holds)
        if used >= 0:
            for desk, hold in zip(both, open_.pop(0), strict=True):
                desk.settle(hold, used)


def test_accounts_of_which_nothing_counts_any_more_are_forgotten() -> None:
    desk, most = Desk(Limits(requests_per_minute=5)), 0
    for number in range(5_000):
        hold, _ = desk.arrives(f"person {number}")
        desk.settle(hold, 0)
        desk.at_s += 1  # so 60 of them count at any time
        most = max(most, len(desk.ledger._books))
    assert 60 <= most <= 2 * 60 + 2


def test_a_budget_is_not_forgotten_before_its_month_is_over() -> None:
    desk = Desk(Limits(monthly_tokens=10))
    spent, _ = desk.arrives("spent")
    desk.settle(spent, 10)
    end_s = START + desk.moment.month_left_s
    for number in range(2_000):
        desk.at_s = START + (end_s - START - 1) * number / 2_000
        desk.settle(desk.arrives(f"person {number}")[0], 0)
    assert not desk.arrives("spent")[1]
    desk.at_s = end_s
    for number in range(20):
        desk.settle(desk.arrives(f"another {number}")[0], 0)
    assert "spent" not in desk.ledger._books


def test_the_last_minute_of_a_month_still_counts_in_the_next_one() -> None:
    desk = Desk(Limits(tokens_per_minute=10))
    desk.at_s += desk.moment.month_left_s - 31
    spent, _ = desk.arrives("spent")
    desk.at_s += 30
    desk.settle(spent, 10)
    desk.at_s += 59
    for number in range(100):
        desk.settle(desk.arrives(f"person {number}")[0], 0)
    assert not desk.arrives("spent")[1]


def test_an_account_is_not_forgotten_while_an_answer_has_its_place() -> None:
    desk = Desk(Limits(concurrent=1))
    held, _ = desk.arrives("busy")
    for number in range(1_000):
        desk.at_s += 90
        desk.settle(desk.arrives(f"person {number}")[0], 0)
    assert not desk.arrives("busy")[1]
    desk.settle(held, 0)
    assert desk.arrives("busy")[1]


def test_those_that_are_refused_for_another_account_s_sake_do_not_fill_the_memory() -> None:
    desk = Desk(Limits(requests_per_minute=1))
    assert desk.arrives("key")[1]
    for number in range(1_000):
        hold, is_taken = desk.arrives(f"person {number}", "key")
        desk.settle(hold, 0)
        assert not is_taken
    assert len(desk.ledger._books) <= 4


def test_the_requests_of_a_day_and_of_a_month_add_up() -> None:
    for limits in (Limits(daily_tokens=10), Limits(monthly_tokens=10)):
        desk = Desk(limits)
        assert [desk.uses(4) for _ in range(3)] == [True, True, False]
        assert desk.uses(2)


def test_what_an_answer_used_beyond_its_estimate_counts_in_the_month_as_well() -> None:
    desk = Desk(Limits(monthly_tokens=10))
    assert desk.uses(5, reserved=1)
    assert desk.uses(4, reserved=1)
    assert not desk.uses(2)
