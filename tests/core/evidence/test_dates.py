import pytest

from proxy.core.evidence.dates import Date, dates_at
from proxy.core.evidence.tokens import tokenize

MARCH_1 = Date(2024, 3, 1)


def dates(text: str, at: int = 0) -> list[set[Date]]:
    found = dates_at(text, tokenize(text), at)
    return [set(each) for each in found.readings] if found else []


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-01",
        "2024/03/01",
        "01.03.2024",
        "1.3.24",
        "1 March 2024",
        "1st of March, 2024",
        "March 1, 2024",
        "March 1st 2024",
        "1. März 2024",
        "1er mars 2024",
        "1 de marzo de 2024",
        "1° marzo 2024",
    ],
)
def test_a_date_is_read_in_every_format(text: str) -> None:
    assert dates(text) == [{MARCH_1}]


def test_day_and_month_in_figures_are_read_in_both_orders() -> None:
    assert dates("01/03/2024") == [{MARCH_1, Date(2024, 1, 3)}]
    assert dates("13/03/2024") == [{Date(2024, 3, 13)}]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("March 2024", Date(2024, 3, None)),
        ("mars 2024", Date(2024, 3, None)),
        ("marzo de 2024", Date(2024, 3, None)),
        ("03/2024", Date(2024, 3, None)),
        ("1 March", Date(None, 3, 1)),
        ("May 3", Date(None, 5, 3)),
    ],
)
def test_year_or_day_may_not_be_said(text: str, date: Date) -> None:
    assert dates(text) == [{date}]


@pytest.mark.parametrize(
    "text", ["1\u20133 March 2024", "1 to 3 March 2024", "1. bis 3. März 2024", "March 1-3, 2024"]
)
def test_a_span_has_two_dates(text: str) -> None:
    assert dates(text) == [{MARCH_1}, {Date(2024, 3, 3)}]


@pytest.mark.parametrize(
    "text",
    ["3 may apply", "3 ago", "may", "1.2", "45.03.2024", "32 March", "1 234", "12-34-56", "March"],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert dates(text) == []
