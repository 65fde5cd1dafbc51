import json
from typing import Any

import pytest
from hypothesis import given

from proxy.core.arguments import MAX_ARGUMENT_CHARS
from proxy.core.forgiving import as_integer, ignored, read_arguments
from tests.core.samples import JSON, call


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (5, 5),
        (5.0, 5),
        ("5", 5),
        (" -5\n", -5),
        (5.5, None),
        (True, None),
        ("5.5", None),
        ("9" * 10, None),
        ("²", None),
        ([5], None),
        (None, None),
    ],
)
def test_an_integer_may_be_written_as_a_float_or_as_text(written: Any, number: int | None) -> None:
    assert as_integer(written) == number


@given(JSON)
def test_any_json_is_an_integer_or_none(value: Any) -> None:
    assert type(as_integer(value)) in (int, type(None))


def test_arguments_are_an_object_or_a_fault() -> None:
    assert read_arguments(call({"n": 1})) == {"n": 1}
    assert read_arguments(call("")) == {}
    assert read_arguments(call("[1]")) == "The arguments are not a JSON object: '[1]'."
    assert read_arguments(call("x" * 300)) == f"The arguments are not a JSON object: {'x' * 200!r}."


def test_arguments_that_are_too_long_are_not_repeated() -> None:
    fault = read_arguments(call(json.dumps("x" * MAX_ARGUMENT_CHARS)))
    assert fault == "Not run: the arguments have more than 64000 characters."


def test_arguments_that_nobody_knows_are_told_of_in_short() -> None:
    assert ignored({"n": 1}, ("n", "pages")) == []
    told = ignored({"page": 1, "n": 1, "file": 2}, ("n", "pages"))
    assert told == ["Ignored arguments: file, page. There are only n and pages."]
    (long,) = ignored({"x" * 999: 1}, ("n", "pages"))
    assert len(long) < 300
