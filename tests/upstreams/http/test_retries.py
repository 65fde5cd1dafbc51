"""How often a request is sent again, when, and when no more. No test waits for real time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.effort import Effort
from proxy.core.frames import Hear
from proxy.core.wire import ChatRequest, Model
from proxy.errors import (
    CircuitOpen,
    Overloaded,
    ProxyError,
    QueueTimeout,
    RateLimited,
    Unreachable,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
)
from proxy.tasks import Behind
from proxy.upstreams.http.retries import RetriedList, RetriedRounds, Retries
from proxy.upstreams.http.retry_policy import RetryPolicy
from tests.support.clock import Clock, skipping_clock

T = TypeVar("T")
AT_ONCE = RetryPolicy(2, chance=lambda: 0.0)
STEP_S = 0.125


def refused(status: int = 429, told_s: float | None = None) -> UpstreamError:
    kind = RateLimited if status == 429 else Overloaded
    error = kind("Scaleway", "No.", cause=f"status_{status}")
    error.is_refused, error.told_status, error.told_wait_s = True, status, told_s
    return error


def broken() -> UpstreamError:
    return Unreachable("Scaleway", "Broke.", cause="reset")


class Tries:
    """Fails with each of the faults in turn, then succeeds. Keeps the time of each attempt."""

    def __init__(self, *faults: ProxyError) -> None:
        self._faults = iter(faults)
        self.at_s: list[float] = []

    async def __call__(self) -> str:
        self.at_s.append(asyncio.get_running_loop().time())
        fault = next(self._faults, None)
        if fault is not None:
            raise fault
        return "done"

    @property
    def waits(self) -> list[float]:
        """The time before each attempt but the first."""
        return [late - early for early, late in zip(self.at_s, self.at_s[1:], strict=False)]


async def passing(clock: Clock, work: Awaitable[T]) -> T:
    """The result of `work`, while time passes as fast as it can."""
    task = asyncio.ensure_future(work)
    while not task.done():
        for _ in range(4):
            await asyncio.sleep(0)
        clock.skip(STEP_S)
    return task.result()


# A request


async def test_what_succeeds_is_done_once() -> None:
    tries, effort = Tries(), Effort()
    assert await Retries(AT_ONCE, effort).of(tries) == "done"
    assert (len(tries.at_s), effort.timeline.retry_causes) == (1, [])


async def test_what_was_refused_is_done_again_and_counted_with_its_cause() -> None:
    tries, effort = Tries(refused(), refused(503)), Effort()
    assert await Retries(AT_ONCE, effort).of(tries) == "done"
    assert (len(tries.at_s), effort.timeline.retry_causes) == (3, ["status_429", "status_503"])


async def test_each_retry_is_noted_with_its_upstream_and_its_wait() -> None:
    tries, effort = Tries(refused(told_s=7)), Effort()
    with skipping_clock() as clock:
        began = clock.time()
        await passing(clock, Retries(RetryPolicy(1), effort).of(tries))
    (retry,) = effort.timeline.retries
    assert (retry.upstream, retry.cause) == ("Scaleway", "status_429")
    assert 0 <= retry.at - began < 1
    assert tries.at_s[1] - retry.at >= retry.wait_s >= 7


@pytest.mark.parametrize(
    "last",
    [
        QueueTimeout("Busy.", retry_after_s=4),
        CircuitOpen("Scaleway", "Open.", retry_after_s=4),
        UpstreamTimeout("Scaleway", "Late.", cause="round_idle"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_comes_after_a_retry_of_ours_sdks_do_not_repeat_it(last: ProxyError) -> None:
    with pytest.raises(type(last)) as caught:
        await Retries(AT_ONCE).of(Tries(refused(), last.again()))
    assert (caught.value.retryable, caught.value.has_outlasted) == (False, True)
    with pytest.raises(type(last)) as caught:
        await Retries(AT_ONCE).of(Tries(last.again()))
    assert (caught.value.retryable, caught.value.has_outlasted) == (True, False)


async def test_a_request_at_fault_does_not_pass_because_it_was_tried_again() -> None:
    with pytest.raises(UpstreamRejected) as caught:
        await Retries(AT_ONCE).of(Tries(refused(), UpstreamRejected("Scaleway", "No.")))
    assert not caught.value.has_outlasted


async def test_an_error_that_outlasts_the_retries_tells_the_client_not_to_go_on() -> None:
    last = refused()
    tries = Tries(refused(), refused(), last, refused())
    with pytest.raises(RateLimited) as caught:
        await Retries(AT_ONCE).of(tries)
    assert caught.value is last
    assert not last.retryable
    assert len(tries.at_s) == 3


async def test_whatever_ends_the_retries_the_client_is_told_not_to_go_on() -> None:
    last = refused(500)
    with pytest.raises(UpstreamError) as caught:
        await Retries(AT_ONCE).of(Tries(refused(503), last))
    assert caught.value is last
    assert not last.retryable


async def test_by_default_nothing_is_done_again_and_the_client_may() -> None:
    tries = Tries(refused(), refused())
    with pytest.raises(RateLimited) as caught:
        await Retries().of(tries)
    assert caught.value.retryable
    assert len(tries.at_s) == 1


@pytest.mark.parametrize("error", [broken(), refused(500), UpstreamRejected("Scaleway", "No.")])
async def test_what_is_not_to_be_repeated_is_not_and_says_what_it_said(
    error: UpstreamError,
) -> None:
    was_retryable, tries = error.retryable, Tries(error)
    with pytest.raises(UpstreamError):
        await Retries(AT_ONCE).of(tries)
    assert (len(tries.at_s), error.retryable) == (1, was_retryable)


async def test_what_may_have_been_worked_on_is_repeated_if_the_operator_says_so() -> None:
    tries = Tries(broken(), broken())
    assert await Retries(RetryPolicy(2, unsure=True, chance=lambda: 0.0)).of(tries) == "done"
    assert len(tries.at_s) == 3


# Its time


async def test_a_wait_beyond_the_end_of_the_answer_is_an_error_at_once() -> None:
    now = asyncio.get_running_loop().time()
    tries, last = Tries(refused(told_s=7)), Effort(until=now + 6.9)
    with pytest.raises(RateLimited) as caught:
        await Retries(AT_ONCE, last).of(tries)
    assert not caught.value.retryable
    assert (len(tries.at_s), last.timeline.retry_causes) == (1, [])


async def test_a_search_has_the_time_for_searches_alone() -> None:
    now = asyncio.get_running_loop().time()
    effort = Effort(searches_until=now + 6.9)
    with pytest.raises(RateLimited):
        await Retries(AT_ONCE, effort).of_search(Tries(refused(told_s=7)))
    with skipping_clock() as clock:
        tries = Tries(refused(told_s=7))
        assert await passing(clock, Retries(AT_ONCE, effort).of(tries)) == "done"
    assert 7 <= tries.waits[0] < 7 + 3 * STEP_S


async def test_a_client_that_goes_ends_the_wait_at_once() -> None:
    tries = Tries(refused(told_s=50))
    task = asyncio.ensure_future(Retries(AT_ONCE).of(tries))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(tries.at_s) == 1


@st.composite
def faults(draw: st.DrawFn) -> list[UpstreamError]:
    kinds: list[Callable[[], UpstreamError]] = [broken, refused, lambda: refused(503)]
    kinds += [lambda: refused(429, draw(st.floats(0, 40))), lambda: refused(500)]
    return [draw(st.sampled_from(kinds))() for _ in range(draw(st.integers(0, 6)))]


@given(
    played=faults(),
    retries=st.integers(0, 4),
    unsure=st.booleans(),
    longest_s=st.floats(0.1, 30),
    left_s=st.floats(0, 60),
    chances=st.randoms(use_true_random=False),
)
def test_requests_and_waits_stay_within_their_bounds(  # noqa: PLR0913 - all that bounds them
    *,
    played: list[UpstreamError],
    retries: int,
    unsure: bool,
    longest_s: float,
    left_s: float,
    chances: Any,
) -> None:
    policy = RetryPolicy(retries, unsure=unsure, longest_wait_s=longest_s, chance=chances.random)
    tries = Tries(*played)

    async def run() -> tuple[float, UpstreamError | None]:
        with skipping_clock() as clock:
            end = clock.time() + left_s
            try:
                await passing(clock, Retries(policy, Effort(until=end)).of(tries))
            except UpstreamError as error:
                return end, error
        return end, None

    end, error = asyncio.run(run())
    is_ours = len(tries.at_s) > 1 or (error is not None and policy.covers(error))
    assert error is None or error.retryable is not is_ours
    assert 1 <= len(tries.at_s) <= 1 + retries
    for fault, wait_s in zip(played, tries.waits, strict=False):
        assert (fault.told_wait_s or 0) <= wait_s + 0.001
        assert wait_s <= longest_s + 3 * STEP_S
    assert tries.at_s[-1] <= end + 3 * STEP_S


# A model round


class Played:
    """A model upstream of which each round says some chunks, and then perhaps fails."""

    name = "Scaleway"

    def __init__(self, *rounds: tuple[int, UpstreamError | None]) -> None:
        self._rounds = iter(rounds)
        self.asked = 0

    async def require(self, _model: str) -> None:
        await self.ask({}, lambda _: None)

    async def ask(self, _body: ChatRequest, hear: Hear) -> None:
        self.asked += 1
        chunks, fault = next(self._rounds, (1, None))
        for _ in range(chunks):
            hear([{"choices": []}])
        if fault is not None:
            raise fault


def rounds_of(model: Played, effort: Effort, **more: Any) -> RetriedRounds:
    return RetriedRounds(model, Retries(RetryPolicy(2, chance=lambda: 0.0, **more), effort))


def listening(effort: Effort, heard: list[object]) -> Hear:
    """Hears as the engine does."""

    def hear(chunks: Iterable[object]) -> Behind:
        effort.has_heard = True
        heard.extend(chunks)
        return None

    return hear


async def test_a_round_of_which_nothing_was_heard_is_asked_for_again() -> None:
    model, effort, heard = Played((0, refused())), Effort(), list[object]()
    rounds = rounds_of(model, effort)
    await rounds.ask({}, listening(effort, heard))
    assert (model.asked, len(heard), rounds.name) == (2, 1, "Scaleway")


async def test_a_round_of_which_something_was_heard_is_not() -> None:
    model, effort, heard = Played((1, broken())), Effort(), list[object]()
    with pytest.raises(Unreachable):
        await rounds_of(model, effort, unsure=True).ask({}, listening(effort, heard))
    assert (model.asked, len(heard), effort.timeline.retry_causes) == (1, 1, [])


async def test_a_model_that_must_answer_first_is_asked_again_as_well() -> None:
    model, effort = Played((0, refused()), (0, refused(503))), Effort(has_heard=True)
    await rounds_of(model, effort).require("m")
    assert (model.asked, effort.timeline.retry_causes) == (3, ["status_429", "status_503"])


@given(
    played=st.lists(st.tuples(st.integers(0, 2), st.sampled_from([refused, broken])), max_size=5),
    unsure=st.booleans(),
)
def test_no_round_is_asked_for_after_something_was_heard(
    *, played: list[tuple[int, Callable[[], UpstreamError]]], unsure: bool
) -> None:
    model, effort = Played(*((chunks, fault()) for chunks, fault in played)), Effort()
    heard: list[object] = []
    with suppress(UpstreamError):
        asyncio.run(rounds_of(model, effort, unsure=unsure).ask({}, listening(effort, heard)))
    first = next((n for n, (chunks, _) in enumerate(played) if chunks), len(played))
    assert model.asked <= min(3, first + 1)
    last = played[model.asked - 1][0] if model.asked <= len(played) else 1
    assert len(heard) == last


# The list of models


class List:
    def __init__(self, *faults: UpstreamError) -> None:
        self.tries = Tries(*faults)

    async def all(self) -> tuple[Model, ...]:
        await self.tries()
        return ()


async def test_a_list_of_models_that_was_refused_is_asked_for_again() -> None:
    models = List(refused(), refused(503))
    assert await RetriedList(models, AT_ONCE).all() == ()
    assert len(models.tries.at_s) == 3


async def test_nobody_waits_long_for_a_list_of_models() -> None:
    models = List(refused(told_s=10.1))
    with pytest.raises(RateLimited):
        await RetriedList(models, AT_ONCE).all()
    assert len(models.tries.at_s) == 1
