from proxy.core.evidence.tokens import fold
from proxy.core.evidence.units import (
    HEDGES,
    MINUTES_OF,
    MONTHS,
    MONTHS_OF,
    REFERENCES,
    SCALES,
    TIMES,
    UNITS,
)


def test_all_words_are_folded() -> None:
    words = [*UNITS, *SCALES, *MONTHS, *REFERENCES, *HEDGES]
    assert [each for each in words if fold(each) != each] == []


def test_every_language_has_twelve_months() -> None:
    for names in ("march mars marz marzo", "august aout agosto", "december dezember diciembre"):
        assert len({MONTHS[name] for name in names.split()}) == 1
    assert set(MONTHS.values()) == set(range(1, 13))


def test_every_time_that_is_converted_is_a_time() -> None:
    assert {*MONTHS_OF, *MINUTES_OF} <= TIMES <= set(UNITS.values())
