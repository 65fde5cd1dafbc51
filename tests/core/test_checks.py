from typing import Any

import pytest

from proxy.core.checks import NUMBER, Types, check_length, check_type, check_types
from proxy.errors import BadRequest


@pytest.mark.parametrize(
    ("value", "types"),
    [
        (None, (str,)),
        ("", (str,)),
        ([], (str, list)),
        (True, (bool,)),
        (1, NUMBER),
        (1.5, NUMBER),
        (0, (int,)),
    ],
)
def test_a_value_of_the_type_passes_and_so_does_null(value: object, types: Types) -> None:
    check_type("field", value, types)


@pytest.mark.parametrize(
    ("value", "types", "wanted"),
    [
        (1, (str,), "a string"),
        (True, (int,), "an integer"),
        (False, NUMBER, "a number"),
        (1.5, (int,), "an integer"),
        ({}, (str, list), "a string or an array"),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_name(
    value: object, types: Types, wanted: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        check_type("a.field", value, types)
    assert (caught.value.message, caught.value.param) == (
        f"'a.field' must be {wanted}.",
        "a.field",
    )


def test_fields_of_an_object_are_named_with_what_precedes_them() -> None:
    types: dict[str, Types] = {"name": (str,), "strict": (bool,)}
    check_types("tools[0].", {"name": "f", "other": 1}, types)
    with pytest.raises(BadRequest) as caught:
        check_types("tools[0].", {"name": "f", "strict": 1}, types)
    assert caught.value.param == "tools[0].strict"


@pytest.mark.parametrize("value", ["abc", ["a", "b", "c"], 12345, None])
def test_up_to_the_limit_a_length_passes(value: Any) -> None:
    check_length("field", value, 3)


@pytest.mark.parametrize(
    ("value", "said"), [("abcd", "4 characters, and may have 3"), ([1] * 4, "4 entries")]
)
def test_beyond_the_limit_it_is_refused_with_the_limit(value: Any, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        check_length("field", value, 3)
