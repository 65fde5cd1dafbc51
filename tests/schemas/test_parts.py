"""Small pieces of schemas, and what each lets through."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from proxy.core.checks import NUMBER, Types
from proxy.schemas.parts import (
    Schema,
    const,
    either,
    flag,
    number,
    of_types,
    or_null,
    record,
    some,
    table,
    text,
    whole,
)

VALUES: list[Any] = [None, True, 1, 0.5, "x", [], {}]


def passing(schema: Schema) -> list[Any]:
    Draft202012Validator.check_schema(schema)
    return [each for each in VALUES if Draft202012Validator(schema).is_valid(each)]


@pytest.mark.parametrize(
    ("schema", "passes"),
    [
        (text(), ["x"]),
        (whole(), [1]),
        (number(), [1, 0.5]),
        (flag(), [True]),
        (const("x"), ["x"]),
        (const("y"), []),
        (some(text()), [[]]),
        (some(text(), minItems=1), []),
        (table(text()), [{}]),
        (record({"a": text()}), []),
        (record({"a": text()}, optional="a"), [{}]),
        (either(text(), flag()), [True, "x"]),
        (or_null(text()), [None, "x"]),
        (or_null(text(enum=["x"])), [None, "x"]),
        (or_null(const("y")), [None]),
        (or_null({"$ref": "#/$defs/a", "$defs": {"a": flag()}}), [None, True]),
    ],
)
def test_a_piece_lets_through_what_it_says(schema: Schema, passes: list[Any]) -> None:
    if "$ref" in str(schema):
        schema = {**schema, "$defs": {"a": flag()}}
    assert passing(schema) == passes


@pytest.mark.parametrize(
    ("types", "passes"),
    [
        ((bool,), [None, True]),
        ((int,), [None, 1]),
        (NUMBER, [None, 1, 0.5]),
        ((str, list), [None, "x", []]),
        ((str, dict), [None, "x", {}]),
    ],
)
def test_a_check_of_types_becomes_a_schema_of_the_same(types: Types, passes: list[Any]) -> None:
    assert passing(of_types(types)) == passes


def test_a_description_is_there_only_if_there_is_one() -> None:
    assert text() == {"type": "string"}
    assert or_null(either(text(), flag(), about="Why."))["description"] == "Why."
    assert table({}, "Why.")["description"] == "Why."
