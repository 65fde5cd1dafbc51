"""What one request takes and gives back."""

from dataclasses import replace

import pytest

from proxy.access.grants import Limits
from proxy.access.ledger import Account
from proxy.access.moments import Moment
from proxy.errors import LimitExceeded, QuotaExceeded
from proxy.state.counters import MemoryCounters
from proxy.surfaces.slot import GUESS, Slot
from proxy.telemetry.facts import AnswerFacts

FACTS = AnswerFacts("", "", stream=False, rounds=1, searches=0, tokens=0)


class Bench:
    """Slots of one account, at a time that stands still."""

    def __init__(self, limits: Limits) -> None:
        self.accounts = (Account("mine", limits),)
        self.counters = MemoryCounters(lambda: Moment.of(1_790_000_000))

    def slot(self) -> Slot:
        return Slot(self.counters, self.accounts)

    async def begun(self) -> Slot:
        slot = self.slot()
        await slot.begin()
        return slot


def remaining(slot: Slot, what: str = "tokens") -> int:
    return int(dict(slot.headers)[f"x-ratelimit-remaining-{what}".encode()])


async def test_a_slot_takes_a_request_and_a_place_at_once() -> None:
    bench = Bench(Limits(requests_per_minute=2, concurrent=1))
    slot = await bench.begun()
    assert remaining(slot, "requests") == 1
    with pytest.raises(LimitExceeded, match="1 answers"):
        await bench.begun()
    await slot.end()
    await bench.begun()


async def test_where_tokens_have_no_limit_none_are_reserved() -> None:
    slot = await Bench(Limits(requests_per_minute=2)).begun()
    before = slot.headers
    await slot.reserve(10**9, 10**9, searches=False)
    assert slot.headers == before


@pytest.mark.parametrize(
    ("prompt", "most", "left"),
    [(100, 50, 9_850), (100, None, 9_900 - GUESS), (100, -(10**6), 9_900), (0, 0, 10_000 - GUESS)],
)
async def test_tokens_are_reserved_for_the_prompt_and_the_answer(
    prompt: int, most: int | None, left: int
) -> None:
    slot = await Bench(Limits(tokens_per_minute=10_000)).begun()
    await slot.reserve(prompt, most, searches=False)
    assert remaining(slot) == left


async def test_an_answer_that_searches_takes_what_is_left_also_if_it_names_a_maximum() -> None:
    bench = Bench(Limits(tokens_per_minute=500))
    slot = await bench.begun()
    await slot.reserve(10, 10, searches=True)
    assert remaining(slot) == 0
    with pytest.raises(LimitExceeded):
        await bench.begun()


@pytest.mark.parametrize("most", [10**6, 10**30])
async def test_a_huge_maximum_is_refused_and_uses_nothing(most: int) -> None:
    bench = Bench(Limits(tokens_per_minute=100))
    slot = await bench.begun()
    with pytest.raises(LimitExceeded, match="This request alone") as caught:
        await slot.reserve(1, most, searches=False)
    assert not caught.value.retryable
    await slot.end()
    assert remaining(await bench.begun()) == 100


async def test_the_tokens_of_hidden_rounds_and_of_uncounted_ones_are_used() -> None:
    bench = Bench(Limits(tokens_per_minute=1_000))
    slot = await bench.begun()
    await slot.reserve(10, 10, searches=False)
    slot.follow(lambda: replace(FACTS, tokens=300, estimated_tokens=45))
    await slot.end()
    assert remaining(await bench.begun()) == 1_000 - 345


async def test_a_request_that_made_no_answer_gives_its_tokens_back() -> None:
    bench = Bench(Limits(daily_tokens=100))
    slot = await bench.begun()
    await slot.reserve(90, 10, searches=False)
    with pytest.raises(QuotaExceeded):
        await bench.begun()
    await slot.end()
    await bench.begun()


async def test_a_slot_ends_once() -> None:
    bench = Bench(Limits(tokens_per_minute=1_000))
    slot = await bench.begun()
    slot.follow(lambda: replace(FACTS, tokens=10))
    await slot.end()
    await slot.end()
    assert remaining(await bench.begun()) == 990
