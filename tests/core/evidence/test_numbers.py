import pytest

from proxy.core.evidence.numbers import parts, readings, value_of


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1234", {"1234"}),
        ("1,234.5", {"1234.5"}),
        ("1.234,5", {"1234.5"}),
        ("1 234,50", {"1234.5"}),
        ("1\u202f234\u202f567", {"1234567"}),
        ("1\u2019234", {"1234"}),
        ("12,34,567", {"1234567"}),
        ("1.234", {"1234", "1.234"}),
        ("2,000", {"2000"}),
        ("3.5", {"3.5"}),
        ("0.123", {"0.123"}),
        ("007", {"7"}),
        ("½", {"0.5"}),
        ("٣", {"3"}),
        ("1.2.3", set()),
        ("14:30", set()),
        ("2023/24", set()),
    ],
)
def test_a_number_is_read_in_every_way_that_it_can_be_meant(text: str, values: set[str]) -> None:
    assert {value_of(*each) for each in readings(text)} == values


@pytest.mark.parametrize(
    ("whole", "fraction", "shift", "value"),
    [
        ("3", "5", 6, "3500000"),
        ("0", "50", 0, "0.5"),
        ("1", "2345", 3, "1234.5"),
        ("0", "", 3, "0"),
    ],
)
def test_a_scale_moves_the_point(whole: str, fraction: str, shift: int, value: str) -> None:
    assert value_of(whole, fraction, shift) == value


def test_a_list_has_the_values_of_its_numbers() -> None:
    assert parts("2023/024") == ["2023", "24"]


def test_digits_without_end_are_no_trouble() -> None:
    assert value_of("9" * 50_000) == "9" * 50_000
