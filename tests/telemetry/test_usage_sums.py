from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access.clients import Person
from proxy.telemetry.usage_sums import (
    BrokenLineError,
    By,
    Sums,
    Tally,
    day_of,
    read_record,
)
from tests.telemetry.usage_samples import ACME, BOLT, PEOPLE, failed_line, usage_line

ONE = usage_line()


def tallied(by: By, *lines: bytes, since: str = "", until: str = "9999") -> Tally:
    tally = Tally(by, since, until)
    tally.read(lines)
    return tally


def counts(tally: Tally) -> dict[str, int]:
    return {name: sums.counts["answers"] for name, sums in tally.groups.items()}


def test_sums_are_those_of_all_answers_also_failed_ones() -> None:
    total = tallied("key", ONE, usage_line(cached_tokens=50), failed_line()).total
    assert total.document() == {
        "answers": 3,
        "failed": 1,
        "client_gone": 0,
        "tokens_in": 200,
        "tokens_out": 40,
        "tokens_cached": 50,
        "tokens": 240,
        "searches": 2,
        "reads": 0,
        "uncounted_rounds": 0,
        "unpriced": 0,
        "cost": 0.020255,
        "known_cost": 0.020255,
    }


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("key", {"acme": 2, "bolt": 1}),
        ("profile", {"hr": 2, "": 1}),
        ("model", {"llama": 2, "qwen": 1}),
        ("day", {"2026-11-26": 1, "2026-11-27": 2}),
    ],
)
def test_answers_are_counted_by(by: By, groups: dict[str, int]) -> None:
    lines = (
        ONE,
        usage_line("2026-11-27", BOLT, model="other"),
        usage_line("2026-11-27", answered_by="qwen"),
    )
    assert counts(tallied(by, *lines)) == groups


def test_answers_are_counted_by_person_whatever_the_key() -> None:
    given = replace(PEOPLE, as_given=True)
    ann, too = (replace(key, person=Person("ann")) for key in (ACME, BOLT))
    lines = [usage_line(client=each, people=given) for each in (ann, too, ACME)]
    old = usage_line().replace(b'"person":"",', b"")
    broken = usage_line().replace(b'"person":""', b'"person":5')
    tally = tallied("person", *lines, old, broken)
    assert counts(tally) == {"ann": 2, "": 2}
    assert tally.broken == 1


def test_days_are_counted_from_the_first_to_the_last_both_included() -> None:
    lines = [usage_line(f"2026-11-{day}") for day in (24, 25, 26, 27)]
    assert counts(tallied("day", *lines, since="2026-11-25", until="2026-11-26")) == {
        "2026-11-25": 1,
        "2026-11-26": 1,
    }


def test_a_cost_that_is_not_known_in_full_is_none() -> None:
    total = tallied("key", ONE, usage_line(answered_by="qwen")).total
    assert total.cost is None
    assert total.known_cost == 0.02014  # the search of the second one has a price
    assert total.counts["unpriced"] == 1


@given(st.lists(st.integers(0, 10**6), max_size=50))
def test_costs_add_up_without_any_rounding(tokens: list[int]) -> None:
    lines = [usage_line(prompt_tokens=each, searches=0) for each in tokens]
    exact = sum(Fraction(each + 40, 1_000_000) for each in tokens)
    assert Fraction(str(tallied("key", *lines).total.known_cost)) == exact


@pytest.mark.parametrize(
    "line",
    [
        b"x",
        b"[]",
        b"null",
        ONE[:-40],
        b'{"time":"2026"}',
        b'{"time":5}',
        ONE.replace(b'"tokens":120', b'"tokens":"120"'),
        ONE.replace(b'"tokens":120', b'"tokens":null'),
        ONE.replace(b'"tokens":120,', b""),
        ONE.replace(b'"key":"acme"', b'"key":{}'),
        ONE.replace(b'"cost_tokens":0.00014', b'"cost_tokens":"x"'),
        ONE.replace(b'"cost_tokens":0.00014', b'"cost_tokens":1e999'),
        ONE.replace(b'"time":"2026-11-26T12:00:00.000Z"', b'"time":{}'),
        b"\xff\xfe\n",
    ],
)
def test_a_broken_line_counts_as_one_and_changes_no_sum(line: bytes) -> None:
    tally = tallied("key", ONE, line, ONE)
    assert tally.broken == 1
    assert counts(tally) == {"acme": 2}
    assert tally.total.document() == tallied("key", ONE, ONE).total.document()
    assert counts(tallied("key", line)) == {}


def test_a_blank_line_is_not_broken() -> None:
    assert tallied("key", b"", b"  ", ONE).broken == 0


@pytest.mark.parametrize("cut", [1, 20, len(ONE) // 2, len(ONE) - 1])
def test_a_line_behind_one_without_an_end_is_read(cut: int) -> None:
    tally = tallied("key", ONE[:cut] + usage_line(client=BOLT))
    assert counts(tally) == {"bolt": 1}
    assert tally.broken == 1


def test_what_looks_like_the_beginning_of_a_line_in_a_name_is_none() -> None:
    name = '{"time":"2020-01-01"}'
    record, is_cut = read_record(usage_line(model=name))
    assert (record["model"], is_cut) == (name, False)


def test_sums_can_be_put_together() -> None:
    both = Sums()
    both.include(tallied("key", ONE, usage_line(client=BOLT)).total)
    both.include(tallied("key", failed_line()).total)
    lines = (ONE, usage_line(client=BOLT), failed_line())
    assert both.document() == tallied("key", *lines).total.document()


@pytest.mark.parametrize("outcome", ["ok", "cut", "client_gone", "error", "unanswered"])
def test_an_answer_has_failed_if_it_is_an_error_or_nothing(outcome: str) -> None:
    record: dict[str, Any] = {**orjson.loads(ONE), "outcome": outcome}
    sums = Sums()
    sums.add(record)
    assert sums.counts["failed"] == (outcome in {"error", "unanswered"})
    assert sums.counts["client_gone"] == (outcome == "client_gone")


def test_a_record_without_a_time_has_no_day() -> None:
    with pytest.raises(BrokenLineError):
        day_of({})
