"""The fields of the log line. What they look like as text is in test_log_line.py."""

from __future__ import annotations

import re
from pathlib import Path

from proxy.access.clients import Client
from proxy.telemetry.facts import Failure
from proxy.telemetry.log_fields import LONGEST_WORD, log_fields
from tests.telemetry.samples import answer_facts, request_facts, timeline

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
ALL = request_facts(
    client=Client("acme"),
    person="ann",
    is_client_gone=True,
    failure=Failure("upstream_error", "LightOn", "status_500", "Out of order."),
    answer=answer_facts(
        fallback_from="qwen",
        cut_by="max_answer_chars",
        failed_searches=1,
        search_causes=("dns",),
        timeline=timeline("dns", queued_s=1, heard_s=2),
    ),
)
"""A request of which there is everything to tell."""


def documented() -> list[str]:
    """The fields of the table in docs/operations.md, in its order."""
    _, _, logs = PAGE.read_text().partition("## Logs\n")
    logs, _, _ = logs.partition("\n## ")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| .+ \|$", logs, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"\w+", row)]


def test_the_page_names_all_fields() -> None:
    assert sorted(documented()) == sorted(log_fields(ALL))


def test_what_is_empty_is_left_out_and_zero_is_not() -> None:
    fields = log_fields(request_facts(status=0))
    assert "key" not in fields
    assert "first_token_ms" not in fields
    assert fields["status"] == 0


def test_numbers_and_truth_values_are_no_text() -> None:
    fields = log_fields(ALL)
    assert (fields["rounds"], fields["stream"], fields["queued_ms"]) == (2, True, 1000)


def test_a_word_has_a_bound_and_what_an_upstream_said_is_whole() -> None:
    said = "a " * LONGEST_WORD
    fields = log_fields(request_facts(path="/" + "p" * 999, failure=Failure("e", said=said)))
    assert (len(str(fields["path"])), fields["said"]) == (LONGEST_WORD, said)


def test_the_first_token_of_a_stream_is_told_in_milliseconds() -> None:
    heard = request_facts(answer=answer_facts(timeline=timeline(heard_s=0.412)))
    assert log_fields(heard)["first_token_ms"] == 412
