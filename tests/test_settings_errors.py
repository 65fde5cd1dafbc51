from typing import Any

import pytest

from proxy.settings_errors import SettingsError, fault, unknown


def test_the_text_of_the_error_is_its_problems_line_by_line() -> None:
    error = SettingsError("one", "two")
    assert (str(error), error.problems) == ("one\ntwo", ("one", "two"))


def test_the_nearest_name_is_said_as_it_is_really_called() -> None:
    assert unknown("prot", {"port": "PORT"}) == "no such setting; did you mean PORT?"


def test_without_a_near_name_none_is_said() -> None:
    assert unknown("zzz", {"port": "PORT"}) == "no such setting"


def details(kind: str, **context: Any) -> Any:
    return {
        "type": kind,
        "loc": ("x",),
        "msg": "Input Should Be Well",
        "input": "?",
        "ctx": context,
    }


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (details("int_parsing"), "must be a whole number"),
        (details("less_than_equal", le=1.0), "must be at most 1"),
        (details("string_too_long", max_length=3), "must have at most 3 characters"),
        (details("value_error", error=ValueError("must rhyme")), "must rhyme"),
        (details("something_new"), "input should be well"),
    ],
)
def test_a_fault_is_said_in_plain_words(error: Any, text: str) -> None:
    assert fault(error) == text


def test_a_fault_inside_a_list_counts_from_one() -> None:
    assert fault(details("int_type") | {"loc": ("x", 0)}) == "item 1 must be a whole number"
