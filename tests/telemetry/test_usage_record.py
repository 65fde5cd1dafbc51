from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest

from proxy.access.clients import Client
from proxy.telemetry.facts import Failure
from proxy.telemetry.prices import ModelPrice, Prices
from proxy.telemetry.usage_record import MOST_FILES, UsageRecords
from proxy.telemetry.usage_sums import BEGINNING
from tests.telemetry.samples import answer_facts, request_facts, timeline

NOW = datetime(2026, 11, 26, 7, 30, 5, 120_000, UTC)
RECORDS = UsageRecords(Prices({"llama": ModelPrice(1, 2, 0.5)}, 0.01), {"hr"}, "hr")
WHOLE = answer_facts(
    searches=5,
    reads=2,
    failed_searches=2,
    failed_reads=1,
    search_causes=("timeout",),
    tokens=130,
    prompt_tokens=100,
    completion_tokens=30,
    cached_tokens=40,
    upstream_model="old-llama",
    retrieval="tool",
    uncounted_rounds=1,
    estimated_tokens=25,
    cited=(7, None, 9, 7),
    timeline=timeline("status_429", "refused", "status_429", queued_s=0.25, heard_s=0.02),
)


def record(now: datetime = NOW, records: UsageRecords = RECORDS, **changes: Any) -> dict[str, Any]:
    return dict(records.record(request_facts(**changes), now))


def test_a_record_says_what_the_answer_took() -> None:
    client = Client("acme", "k1")
    assert record(client=client, answer=WHOLE, first_byte_s=0.1) == {
        "time": "2026-11-26T07:30:05.120Z",
        "request_id": "id1",
        "key": "acme",
        "key_id": "k1",
        "person": "",
        "route": "/chat/completions",
        "profile": "hr",
        "model": "hr",
        "answered_by": "llama",
        "retrieval": "tool",
        "stream": True,
        "rounds": 2,
        "uncounted_rounds": 1,
        "searches": 3,
        "failed_searches": 1,
        "reads": 2,
        "retries": 3,
        "queued_ms": 250,
        "cited": 4,
        "cited_files": [7, 9],
        "tokens_in": 100,
        "tokens_out": 30,
        "tokens_cached": 40,
        "tokens": 130,
        "estimated_tokens": 25,
        "ms_first": 20,
        "ms": 41,
        "outcome": "ok",
        "status": 200,
        "error": "",
        "upstream": "",
        "cause": "timeout",
        "cut_by": "",
        "cost_tokens": 0.00014,
        "cost_searches": 0.02,
        "cost": 0.02014,
    }


def test_a_line_is_the_record_in_one_line_that_begins_with_the_time() -> None:
    line = RECORDS.line(request_facts(answer=answer_facts(model='a\n"b\u2028')), NOW)
    assert line.startswith(BEGINNING)
    assert line.count(b"\n") == 1
    assert orjson.loads(line)["model"] == 'a\n"b\u2028'


def test_the_time_is_that_of_greenwich_whatever_the_clock_shows() -> None:
    here = NOW.astimezone(timezone(timedelta(hours=14)))
    assert record(here)["time"] == "2026-11-26T07:30:05.120Z"


@pytest.mark.parametrize(
    ("named", "profile"), [("hr", "hr"), ("llama", ""), ("", "hr"), ("HR", "")]
)
def test_the_profile_is_what_was_named_or_the_default_if_it_is_one(
    named: str, profile: str
) -> None:
    assert record(answer=answer_facts(model=named))["profile"] == profile


def test_a_search_without_a_model_has_no_profile_though_there_is_a_default() -> None:
    assert record(answer=answer_facts(model="", has_model=False))["profile"] == ""


def test_a_request_that_was_refused_has_no_profile_and_costs_nothing() -> None:
    refused = record(status=400, failure=Failure("invalid_request_error"))
    assert (refused["profile"], refused["cost"], refused["tokens"]) == ("", 0, 0)
    assert (refused["outcome"], refused["error"]) == ("error", "invalid_request_error")


@pytest.mark.parametrize(
    ("prices", "costs"),
    [
        (Prices({"llama": ModelPrice(1, 2)}), (0.00016, None, None)),
        (Prices({"old-llama": ModelPrice(1, 2)}, 0.01), (None, 0.02, None)),
        (Prices(), (None, None, None)),
    ],
)
def test_what_has_no_price_has_no_cost_and_neither_has_the_whole(
    prices: Prices, costs: tuple[float | None, ...]
) -> None:
    given = record(records=UsageRecords(prices, {}, "m"), answer=WHOLE)
    assert (given["cost_tokens"], given["cost_searches"], given["cost"]) == costs


def test_the_model_that_was_asked_counts_if_no_model_is_reported() -> None:
    records = UsageRecords(Prices({"asked": ModelPrice(1, 1)}), {}, "m")
    answer = answer_facts(
        answered_by="", upstream_model="asked", prompt_tokens=1000, tokens=1000, searches=0
    )
    assert record(records=records, answer=answer)["cost"] == 0.001


@pytest.mark.parametrize(
    ("facts", "ms"),
    [
        ({"answer": answer_facts(stream=True), "first_byte_s": 1.0}, None),
        ({"answer": answer_facts(stream=False), "first_byte_s": 1.0}, 1000),
        ({"answer": answer_facts(stream=False), "first_byte_s": 1.0, "status": 502}, None),
        ({"status": 0}, None),
    ],
)
def test_the_first_token_of_a_plain_answer_is_its_first_byte(
    facts: dict[str, Any], ms: int | None
) -> None:
    assert record(**facts)["ms_first"] == ms


def test_a_line_stays_short_however_much_is_cited() -> None:
    given = record(answer=answer_facts(cited=tuple(range(1000))))
    assert (given["cited"], len(given["cited_files"])) == (1000, MOST_FILES)
    assert len(orjson.dumps(given)) < 2_000


def test_the_cause_of_the_request_comes_before_those_of_searches() -> None:
    failure = Failure("upstream_error", "Scaleway", "broke_off", "Words of the upstream")
    given = record(answer=WHOLE, failure=failure)
    assert (given["upstream"], given["cause"]) == ("Scaleway", "broke_off")
    assert "Words of the upstream" not in given.values()
