"""The table."""

import pytest

from bench import metrics
from bench.results import Results
from bench.subjects import Subject
from bench.table import render_table

DIRECT = Subject("direct", "")
PEER = Subject("peer", "peer")
PROXY = Subject("proxy", "proxy", searches=True)
ABSENT = Subject("absent", "absent")
SUBJECTS = (DIRECT, PEER, PROXY, ABSENT)


@pytest.fixture
def results() -> Results:
    results = Results(absent={"absent": "does not start:\n it | failed"})
    results.add(metrics.CPU_ANSWER, "peer", 155e-6)
    results.add(metrics.CPU_ANSWER, "proxy", 310e-6)
    one = metrics.level(1)
    for subject, value in (("direct", 0.001), ("peer", 0.003), ("proxy", 0.004)):
        for share in metrics.SHARES:
            results.add(metrics.first_token(share, one), subject, value)
    return results


def rows_of(table: str) -> dict[str, list[str]]:
    """The cells of each row, by its title."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return {row[0]: row[1:] for row in rows}


def test_rows_have_values_in_their_unit_and_ratios(results: Results) -> None:
    rows = rows_of(render_table(results, SUBJECTS, [("proxy", "peer")]))
    assert rows[""] == ["direct", "peer", "proxy", "proxy ÷ peer"]
    assert rows["CPU per answer (µs)"] == ["-", "155", "310", "2.00"]


def test_latencies_are_over_direct_and_with_the_loop_over_the_delays(results: Results) -> None:
    rows = rows_of(render_table(results, SUBJECTS, []))
    title = "1 stream: first token added, p50 / p99 (ms)"
    assert rows[title] == ["1.00 / 1.00", "2.00 / 2.00", "4.00 / 4.00"]


def test_what_was_not_measured_is_a_line_with_its_reason(results: Results) -> None:
    last = render_table(results, SUBJECTS, []).splitlines()[-1]
    assert last == "| absent | not measured: does not start: it / failed |"


def test_rows_without_any_value_are_left_out(results: Results) -> None:
    assert len(render_table(results, SUBJECTS, []).splitlines()) == 2 + 2 + 1


def test_a_reason_is_told_in_the_table_of_its_column(results: Results) -> None:
    assert "not measured" not in render_table(results, (DIRECT, PEER), [])


def test_lines_are_as_long_as_each_other(results: Results) -> None:
    head, _, *body = render_table(results, SUBJECTS, [("proxy", "peer")]).splitlines()
    assert {len(line) for line in (head, *body[:-1])} == {len(head)}
