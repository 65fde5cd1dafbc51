"""The log line, byte for byte: it is an interface, which people search and parse."""

from __future__ import annotations

import pytest

from proxy.access.clients import Client
from proxy.telemetry.facts import AnswerFacts, Failure, RequestFacts
from proxy.telemetry.log_line import LogLine
from tests.telemetry.samples import answer_facts, request_facts, timeline

BEGINS = "POST /v1/chat/completions status=200 ms=41 id=id1 from=127.0.0.1"
ANSWERED = "model=hr answered_by=llama stream=True rounds=2 searches=3 tokens=120"
LOST = Failure("upstream_unreachable", "LightOn", "reset", "gone away")
WAS_LOST = 'error=upstream_unreachable upstream=LightOn cause=reset said="gone away"'
TWO_FAILED = answer_facts(failed_searches=2, search_causes=("dns", "refused"))


def told(facts: RequestFacts) -> str:
    return str(LogLine.of(facts))


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (request_facts(), BEGINS),
        (request_facts(answer=answer_facts()), f"{BEGINS} {ANSWERED}"),
        (request_facts(client=Client("5f3a")), f"{BEGINS} key=5f3a"),
        (
            request_facts(client=Client("front"), person="ann@example.com"),
            f"{BEGINS} key=front person=ann@example.com",
        ),
        (
            request_facts(person="Ann Übel", answer=answer_facts()),
            rf"{BEGINS} person=Ann\x20\xdcbel {ANSWERED}",
        ),
        (
            request_facts(answer=answer_facts(fallback_from="qwen")),
            f"{BEGINS} {ANSWERED.replace(' stream', ' fallback=qwen stream')}",
        ),
        (
            request_facts(answer=answer_facts(cut_by="max_answer_chars")),
            f"{BEGINS} {ANSWERED} cut_by=max_answer_chars",
        ),
        (
            request_facts(answer=TWO_FAILED),
            f"{BEGINS} {ANSWERED} failed_searches=2 cause=dns,refused",
        ),
        (
            request_facts(answer=answer_facts(timeline=timeline("dns", "refused", "dns"))),
            f"{BEGINS} {ANSWERED} retries=3 retry_causes=dns,refused",
        ),
        (
            request_facts(answer=answer_facts(timeline=timeline(queued_s=1.2344))),
            f"{BEGINS} {ANSWERED} queued_ms=1234",
        ),
        (
            request_facts(answer=answer_facts(timeline=timeline(queued_s=0.0004))),
            f"{BEGINS} {ANSWERED}",
        ),
        (
            request_facts(answer=answer_facts(failed_searches=1, search_causes=("",))),
            f"{BEGINS} {ANSWERED} failed_searches=1",
        ),
        (
            request_facts(answer=answer_facts(model="", answered_by="", rounds=0), status=0),
            f"{BEGINS} stream=True rounds=0 searches=3 tokens=120".replace("=200", "=0"),
        ),
        (request_facts(failure=LOST), f"{BEGINS} {WAS_LOST}"),
        (request_facts(failure=Failure("not_found")), f"{BEGINS} error=not_found"),
        (
            request_facts(answer=answer_facts(), failure=LOST, is_client_gone=True),
            f"{BEGINS} {ANSWERED} {WAS_LOST} client=gone",
        ),
        (
            request_facts(
                answer=answer_facts(),
                failure=Failure("upstream_unreachable", "LightOn", "reset", in_stream=True),
            ),
            f"{BEGINS} error=upstream_unreachable upstream=LightOn cause=reset {ANSWERED}",
        ),
        (request_facts(is_client_gone=True, is_client_stalled=True), f"{BEGINS} client=stalled"),
        (request_facts(address="", is_client_gone=True), f"{BEGINS[:-15]} client=gone"),
    ],
)
def test_the_line_has_every_fact_that_is_known_in_the_order_in_which_it_was(
    facts: RequestFacts, line: str
) -> None:
    assert told(facts) == line


@pytest.mark.parametrize("in_stream", [False, True])
def test_the_failure_s_own_cause_is_told_before_those_of_searches(*, in_stream: bool) -> None:
    failure = Failure("upstream_timeout", "Scaleway", "read_timeout", in_stream=in_stream)
    line = told(request_facts(answer=TWO_FAILED, failure=failure))
    assert "cause=read_timeout" in line
    assert line.count("cause=") == 1
    assert "failed_searches=2" in line


@pytest.mark.parametrize("in_stream", [False, True])
def test_a_failure_without_a_cause_leaves_those_of_searches(*, in_stream: bool) -> None:
    failure = Failure("internal_error", in_stream=in_stream)
    assert "cause=dns,refused" in told(request_facts(answer=TWO_FAILED, failure=failure))


@pytest.mark.parametrize(
    ("wrote", "expected"),
    [
        ("m\nINFO all is well", r"m\nINFO\x20all\x20is\x20well"),
        ("m\r\x1b[2Jm", r"m\r\x1b[2Jm"),
        ("m status=200", r"m\x20status=200"),
        ("m\u2028\x85m", r"m\u2028\x85m"),
        (r"m\n", r"m\\n"),
    ],
)
def test_nobody_can_write_log_lines_or_facts_of_their_own(wrote: str, expected: str) -> None:
    answer: AnswerFacts = answer_facts(model=wrote)
    line = told(request_facts(path=f"/{wrote}", answer=answer))
    assert line == (
        rf"POST /{expected} status=200 ms=41 id=id1 from=127.0.0.1 model={expected} "
        "answered_by=llama stream=True rounds=2 searches=3 tokens=120"
    )


def test_what_an_upstream_said_is_a_sentence_between_quotes() -> None:
    failure = Failure("rate_limit_exceeded", said='too "many"\nstatus=200')
    line = told(request_facts(failure=failure))
    assert line.endswith(r'error=rate_limit_exceeded said="too \"many\"\nstatus=200"')


def test_a_long_line_is_cut() -> None:
    line = told(request_facts(path="/" + "p" * 1000, answer=answer_facts(model="m" * 1000)))
    assert line.startswith(f"POST /{'p' * 199} status=")
    assert f" model={'m' * 200} answered_by=" in line
