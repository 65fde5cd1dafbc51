"""What is counted of a request that is over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access.clients import Client, Person
from proxy.core.hidden import Job
from proxy.core.timeline import JobRun, ModelRound, Timeline
from proxy.telemetry.board import Board
from proxy.telemetry.boards import Boards, Sums
from proxy.telemetry.facts import Failure
from proxy.telemetry.label_values import codes
from proxy.telemetry.metrics import MOST_KEYS, MOST_MODELS, Metrics
from proxy.telemetry.series import (
    ANSWER_SECONDS,
    CACHE,
    FIRST_TOKEN_SECONDS,
    QUEUE_SECONDS,
    REQUESTS,
    ROUNDS,
    SEARCH_SECONDS,
    SEARCHES,
    TOKENS,
    Series,
)
from tests.telemetry.samples import answer_facts, request_facts, timeline

SEARCH = Job("lighton_search", ("leave", 5))


def counted(*facts: Any, **more: Any) -> Sums:
    board = Board.alone()
    metrics = Metrics(
        board,
        lambda path: {"/v1/chat/completions": "/chat/completions"}.get(path, "other"),
        **{
            "profiles": frozenset({"hr"}),
            "default_model": "llama",
            "models": frozenset({"llama"}),
            **more,
        },
    )
    for each in facts:
        metrics.note(each)
    return Boards(board).read()


def counts(sums: Sums, series: Series) -> dict[tuple[str, ...], float]:
    """By labels: the number of a counter; of a histogram, how many values it has."""
    return {
        labels: sum(numbers[:-1]) if series.kind == "histogram" else numbers[0]
        for labels, numbers in sums[series].items()
    }


def answered(**changes: Any) -> Any:
    """A round that went well, by the configured model."""
    rounds = [ModelRound(100.0, "llama", ended=101.0)]
    given: dict[str, Any] = {
        "upstream_model": "llama",
        "timeline": Timeline(100.0, rounds=rounds),
        **changes,
    }
    return answer_facts(**given)


def test_a_request_counts_by_route_profile_model_status_and_key() -> None:
    facts = request_facts(answer=answered(), client=Client("acme"))
    assert counts(counted(facts, facts), REQUESTS) == {
        ("/chat/completions", "hr", "llama", "200", "", "", "acme"): 2
    }


def test_an_error_counts_by_its_code_and_the_cause_of_the_upstreams() -> None:
    failure = Failure("upstream_timeout", "Scaleway", "read_timeout", "said what?", in_stream=True)
    facts = request_facts(path="/v1/x", failure=failure)
    labels = ("other", "", "", "200", "upstream_timeout", "read_timeout", "")
    assert counts(counted(facts), REQUESTS) == {labels: 1}


def test_a_request_without_a_reply_has_no_status() -> None:
    facts = request_facts(status=0, is_client_gone=True)
    (labels,) = counts(counted(facts), REQUESTS)
    assert labels[3] == "none"


def test_a_profile_that_is_the_default_is_told_and_a_search_of_its_own_has_none() -> None:
    default = request_facts(answer=answered(model=""))
    alone = request_facts(answer=answer_facts(model="", has_model=False))
    found = counts(counted(default, alone, default_model="hr"), REQUESTS)
    assert sorted(labels[1:3] for labels in found) == [("", ""), ("hr", "llama")]


def test_an_answer_counts_its_time_rounds_wait_and_first_token() -> None:
    timed = timeline(queued_s=0.2, heard_s=0.4)
    timed.rounds = [ModelRound(100.2, "llama", ended=101.0)]
    facts = request_facts(took_s=1.5, answer=answered(timeline=timed))
    sums = counted(facts)
    at = ("hr", "llama")
    for each, value in ((ANSWER_SECONDS, 1.5), (ROUNDS, 2)):
        assert sums[each]["/chat/completions", *at][-1] == value
    assert sums[FIRST_TOKEN_SECONDS][at][-1] == pytest.approx(0.4)
    assert sums[QUEUE_SECONDS][()][-1] == pytest.approx(0.2)


def test_what_is_passed_on_blurs_no_times_of_answers() -> None:
    chat, embeddings = (
        request_facts(path=path, took_s=took_s, answer=answered())
        for path, took_s in (("/v1/chat/completions", 9.0), ("/v1/embeddings", 0.1))
    )
    sums = counted(chat, embeddings)
    assert {labels[0]: numbers[-1] for labels, numbers in sums[ANSWER_SECONDS].items()} == {
        "/chat/completions": 9.0,
        "other": 0.1,
    }


@pytest.mark.parametrize(
    "end", [{"failure": Failure("answer_timeout")}, {"is_client_gone": True}, {"status": 0}]
)
def test_an_answer_that_its_client_did_not_get_to_the_end_has_no_time(end: Any) -> None:
    sums = counted(request_facts(answer=answered(), **end))
    assert (sums[ANSWER_SECONDS], sums[ROUNDS]) == ({}, {})
    assert counts(sums, QUEUE_SECONDS) == {(): 1}


def test_tokens_count_by_kind_and_key_as_far_as_there_are_any() -> None:
    answer = answered(prompt_tokens=90, completion_tokens=30, estimated_tokens=7)
    facts = request_facts(answer=answer, client=Client("acme"))
    assert counts(counted(facts, facts), TOKENS) == {
        ("prompt", "llama", "hr", "acme"): 180,
        ("completion", "llama", "hr", "acme"): 60,
        ("estimated", "llama", "hr", "acme"): 14,
    }
    cached = request_facts(answer=answered(cached_tokens=9))
    assert counts(counted(cached), TOKENS) == {("cached", "llama", "hr", ""): 9}


def test_jobs_count_by_tool_and_those_that_asked_an_upstream_by_their_time() -> None:
    jobs = [
        JobRun(100, SEARCH, "LightOn", ended=100.5),
        JobRun(100, SEARCH, "LightOn", is_shared=True, ended=100.1),
        JobRun(100, SEARCH._replace(tool="lighton_read"), "LightOn", cause="dns", ended=101),
        JobRun(100, SEARCH, "LightOn", cause="circuit_open", ended=100),
        JobRun(100, SEARCH, "LightOn"),
    ]
    sums = counted(request_facts(answer=answered(timeline=Timeline(100, jobs=jobs))))
    assert counts(sums, SEARCHES) == {
        ("lighton_search", ""): 2,
        ("lighton_read", "dns"): 1,
        ("lighton_search", "circuit_open"): 1,
    }
    assert counts(sums, SEARCH_SECONDS) == {("lighton_search",): 1, ("lighton_read",): 1}
    assert counts(sums, CACHE) == {("search", "hit"): 1, ("search", "miss"): 1}


def test_a_model_is_named_once_it_has_answered() -> None:
    good = answered(model="qwen", upstream_model="qwen")
    unknown = answered(model="evil", upstream_model="evil", timeline=Timeline())
    found = counts(counted(*map(_with, (unknown, good, unknown))), REQUESTS)
    assert {labels[2]: n for labels, n in found.items()} == {"other": 2, "qwen": 1}


def _with(answer: Any) -> Any:
    return request_facts(answer=answer)


def test_no_series_tells_of_a_person() -> None:
    client = Client("front-end", person=Person("ann@acme.test", frozenset({"staff"})))
    sums = counted(request_facts(client=client, person="h-4711", answer=answered()))
    told = str(sums)
    assert "front-end" in told
    assert not [each for each in ("ann", "acme", "staff", "4711") if each in told]


words = st.text(max_size=30)
asked = st.fixed_dictionaries(
    {
        "path": words,
        "request_id": words,
        "address": words,
        "method": words,
        "failure": st.none() | st.builds(Failure, words),
    }
)
models = st.fixed_dictionaries({"model": words, "upstream_model": words, "retrieval": words})


@given(st.lists(st.tuples(asked, models), max_size=40))
def test_what_a_client_sends_makes_no_series(requests: list[tuple[Any, Any]]) -> None:
    facts = [
        request_facts(**fields, answer=answered(**named, timeline=Timeline()))
        for fields, named in requests
    ]
    seen = counts(counted(*facts), REQUESTS)
    assert {labels[0] for labels in seen} <= {"/chat/completions", "other"}
    assert {labels[1] for labels in seen} <= {"", "hr"}
    assert {labels[2] for labels in seen} <= {"", "llama", "other"}
    assert {labels[4] for labels in seen} <= {"", "other"} | codes()


def test_models_and_keys_have_no_more_than_their_number_of_names() -> None:
    names = [str(number) for number in range(max(MOST_MODELS, MOST_KEYS) + 5)]
    facts = [
        request_facts(client=Client(each), answer=answered(model=each, upstream_model=each))
        for each in names
    ]
    found = counts(counted(*facts), REQUESTS)
    assert len({labels[2] for labels in found}) == MOST_MODELS + 1  # and `other`
    assert len({labels[6] for labels in found}) == MOST_KEYS + 1
