"""Breakers by name: what they remember, what counts as a failure, what the log says."""

from __future__ import annotations

import pytest

from proxy.errors import (
    BadReply,
    CircuitOpen,
    Overloaded,
    RateLimited,
    Unreachable,
    UpstreamError,
    UpstreamRejected,
    UpstreamTimeout,
)
from proxy.upstreams.http.breaker import BreakerRules, State
from proxy.upstreams.http.circuits import (
    NEVER_OPEN,
    Circuit,
    Circuits,
    OpenCircuitError,
    is_failure,
    not_asked,
)
from tests.upstreams.http.test_breaker import Clock

QWEN, LLAMA = Circuit("model", "qwen"), Circuit("model", "llama")


def circuits(clock: Clock | None = None, failures: int = 2) -> Circuits:
    return Circuits(BreakerRules(failures), clock or Clock(), lambda: 0.0)


def fail(them: Circuits, circuit: Circuit, times: int = 2) -> None:
    for _ in range(times):
        with them.enter(circuit) as passage:
            passage.fail()


def is_open(them: Circuits, circuit: Circuit) -> bool:
    try:
        them.check(circuit)
    except OpenCircuitError:
        return True
    return False


def test_each_circuit_has_a_breaker_of_its_own() -> None:
    them = circuits()
    fail(them, QWEN)
    assert is_open(them, QWEN)
    assert not is_open(them, LLAMA)
    assert not is_open(them, Circuit("host", "qwen"))


def test_a_refused_request_learns_how_long_to_wait() -> None:
    them = circuits()
    fail(them, QWEN)
    with pytest.raises(OpenCircuitError) as refused:
        them.enter(QWEN)
    assert refused.value.wait_s == 1


def test_a_check_is_no_probe() -> None:
    clock = Clock()
    them = circuits(clock)
    fail(them, QWEN)
    clock.now += 1
    assert not is_open(them, QWEN)
    them.enter(QWEN)
    assert is_open(them, QWEN)


def test_requests_that_ran_together_count_together() -> None:
    them = circuits()
    for each in [them.enter(QWEN) for _ in range(2)]:
        with each:
            each.fail()
    assert is_open(them, QWEN)


def test_a_request_without_a_verdict_counts_as_nothing_and_gives_the_probe_back() -> None:
    clock = Clock()
    them = circuits(clock)
    for _ in range(9):
        with them.enter(QWEN):
            pass
    fail(them, QWEN)
    clock.now += 1
    with them.enter(QWEN):
        assert is_open(them, QWEN)
    assert not is_open(them, QWEN)


def test_only_the_first_verdict_of_a_request_counts() -> None:
    them = circuits()
    with them.enter(QWEN) as passage:
        passage.fail()
        passage.fail()
        passage.succeed()
    assert not is_open(them, QWEN)
    fail(them, QWEN, 1)
    assert is_open(them, QWEN)


def test_what_has_recovered_is_forgotten() -> None:
    them = circuits()
    with them.enter(QWEN) as passage:
        passage.fail()
    assert them.enter(QWEN).is_watched
    with them.enter(QWEN) as passage:
        passage.succeed()
    assert not them.enter(QWEN).is_watched


def test_it_remembers_a_thousand_names_and_no_long_one() -> None:
    them = circuits(failures=1)
    fail(them, Circuit("model", "m" * 501), 1)
    assert not is_open(them, Circuit("model", "m" * 501))
    for number in range(1_001):
        fail(them, Circuit("model", f"m{number}"), 1)
    assert not is_open(them, Circuit("model", "m0"))
    assert is_open(them, Circuit("model", "m1"))
    assert is_open(them, Circuit("model", "m1000"))


def test_with_no_number_of_failures_it_never_opens() -> None:
    fail(NEVER_OPEN, QWEN, 99)
    assert not is_open(NEVER_OPEN, QWEN)


def told(kind: type[UpstreamError], cause: str, *, refused: bool = False) -> UpstreamError:
    error = kind("Scaleway", "No.", cause=cause)
    error.is_refused = refused
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (told(UpstreamError, "status_500", refused=True), True),
        (told(Overloaded, "status_503", refused=True), True),
        (told(UpstreamTimeout, "status_504", refused=True), True),
        (told(UpstreamTimeout, "read_timeout"), True),
        (told(Unreachable, "reset"), True),
        (told(Unreachable, "closed", refused=True), False),
        (told(Unreachable, "refused", refused=True), False),
        (told(UpstreamRejected, "status_400"), False),
        (told(RateLimited, "status_429", refused=True), False),
        (told(BadReply, "not_json"), False),
        (told(CircuitOpen, "circuit_open", refused=True), False),
    ],
)
def test_what_says_that_others_will_fail_too(error: UpstreamError, expected: object) -> None:
    assert is_failure(error) is expected


def test_too_many_requests_count_only_if_the_upstream_says_how_long_to_wait() -> None:
    them = circuits()
    error = RateLimited("Scaleway", "Full.", retry_after_s=5)
    for asks, expected in ((False, False), (True, True)):
        error.told_wait_s = 20.0 if asks else None
        for _ in range(2):
            with them.enter(QWEN) as passage:
                passage.judge(error)
        assert is_open(them, QWEN) is expected
    with pytest.raises(OpenCircuitError) as refused:
        them.enter(QWEN)
    assert refused.value.wait_s == 20


def test_the_error_says_what_fails_and_when_to_ask_again() -> None:
    error = not_asked("Scaleway", "Scaleway's model 'qwen'", OpenCircuitError(7.5))
    assert (error.status, error.code, error.cause) == (
        503,
        "upstream_circuit_open",
        "circuit_open",
    )
    assert error.message.startswith("Scaleway's model 'qwen' keeps failing")
    assert (error.retry_after_s, error.is_refused, error.retryable) == (7.5, True, True)


def test_the_log_says_once_that_one_opens_and_once_that_it_closes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    clock = Clock()
    them = circuits(clock)
    evil = Circuit("model", "qwen\nERROR all is lost")
    early = [them.enter(evil) for _ in range(4)]
    for each in early:
        with each:
            each.fail()
    clock.now += 1
    with them.enter(evil) as passage:
        passage.succeed()
    assert caplog.messages == [
        r"The model 'qwen\nERROR all is lost' keeps failing. It is not asked for 1.0 s.",
        r"The model 'qwen\nERROR all is lost' answers again.",
    ]


def test_the_states_are_those_of_what_has_failed() -> None:
    clock = Clock()
    them = circuits(clock)
    assert dict(them.states) == {}
    fail(them, QWEN)
    fail(them, LLAMA, times=1)
    assert dict(them.states) == {QWEN: State.OPEN, LLAMA: State.CLOSED}
