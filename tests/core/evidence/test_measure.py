import pytest

from proxy.core.evidence.measure import measure_after, unit_before
from proxy.core.evidence.tokens import tokenize
from proxy.core.evidence.units import REFERENCE


@pytest.mark.parametrize(
    ("text", "shifts", "unit"),
    [
        ("5 months", (), "month"),
        ("5-month", (), "month"),
        ("5 %", (), "%"),
        ("5 per cent", (), "%"),
        ("5 €", (), "EUR"),
        ("5 million euros", (6,), "EUR"),
        ("5 millions d'euros", (6,), "EUR"),
        ("5 Mio. EUR", (6,), "EUR"),
        ("5 M€", (6,), "EUR"),
        ("5bn", (9,), None),
        ("5 mil millones", (9,), None),
        ("5 billion", (9, 12), None),
        ("5 working days", (), "day"),
        ("5 per day", (), None),
        ("5 to 7 days", (), None),
        ("5 people", (), None),
        ("5", (), None),
    ],
)
def test_scale_and_unit_behind_a_number(
    text: str, shifts: tuple[int, ...], unit: str | None
) -> None:
    measure = measure_after(text, tokenize(text), 1)
    assert (measure.shifts, measure.unit) == (shifts, unit)


def test_a_measure_ends_where_its_unit_ends() -> None:
    text = "5 Mio. € in all"
    assert text[: measure_after(text, tokenize(text), 1).end] == "5 Mio. €"


@pytest.mark.parametrize(
    ("text", "at", "unit", "start"),
    [
        ("€5", 0, "EUR", 0),
        ("US$ 5", 1, "USD", 2),
        ("CHF 5", 1, "CHF", 0),
        ("Section 5", 1, REFERENCE, 8),
        ("§ 5", 0, REFERENCE, 2),
        ("p. 5", 1, REFERENCE, 3),
        ("5. Notice", 0, REFERENCE, 0),
        ("x\n5) Notice", 1, REFERENCE, 2),
        ("some 5. Then", 1, None, 5),
        ("month 5", 1, None, 6),
    ],
)
def test_currency_or_reference_before_a_number(
    text: str, at: int, unit: str | None, start: int
) -> None:
    assert unit_before(text, tokenize(text), at) == (unit, start)
