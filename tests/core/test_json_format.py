"""Whether a text is the JSON that a client asks for, at a cost that nobody else decides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from proxy.core.json_format import MAX_TEXT_CHARS, Fit, JsonFormat, read_format
from proxy.core.json_schema import MAX_STEPS
from tests.core.samples import JSON


def fit(schema: object, value: object) -> Fit:
    return JsonFormat(schema).fit(json.dumps(value))


@pytest.mark.parametrize(
    ("response_format", "schema"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_object", "schema": {"type": "array"}}, {"type": "array"}),
        ({"type": "json_schema", "json_schema": {"schema": {"minimum": 1}}}, {"minimum": 1}),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, {"type": "object"}),
        ({"type": "json_schema", "json_schema": 3}, {"type": "object"}),
    ],
)
def test_a_format_is_read(response_format: Any, schema: Any) -> None:
    assert read_format(response_format) == (schema and JsonFormat(schema))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (' {"a": 1}\n', "yes"),
        ("[1]", "no"),
        ("", "no"),
        ('{"a": 1', "no"),
        ('{"a": NaN}', "no"),
        ('It is {"a": 1}', "no"),
        ('```json\n{"a": 1}\n```', "no"),
        ('{"a": "\ud800"}', "no"),
        ("[" * 5_000, "no"),
        ('{"a": "' + "x" * MAX_TEXT_CHARS + '"}', "unsure"),
    ],
)
def test_only_a_whole_object_is_one(text: str, expected: Fit) -> None:
    assert JsonFormat({"type": "object"}).fit(text) == expected


class Source(BaseModel):
    title: str
    page: int | None


class Answer(BaseModel):
    months: int
    sources: list[Source]


NESTED = {"months": 3, "sources": [{"title": "Handbook", "page": None}]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (NESTED, "yes"),
        ({**NESTED, "months": "3"}, "no"),
        ({**NESTED, "sources": [{"title": "Handbook"}]}, "no"),
    ],
)
def test_the_schema_of_a_pydantic_model_is_understood(value: object, expected: Fit) -> None:
    schema = Answer.model_json_schema()
    assert "$defs" in schema
    assert fit(schema, value) == expected


def test_the_dialect_that_a_schema_names_has_no_say() -> None:
    draft_7 = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}
    assert fit({"properties": {"a": draft_7}}, {"a": {}}) == "yes"
    assert fit({"$schema": "https://evil.test/", "type": "object"}, {}) == "yes"


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "(a+)+$"},
        {"patternProperties": {"(a+)+$": {}}},
        {"propertyNames": {"pattern": "(a+)+$"}},
        {"uniqueItems": True},
        {"format": "date"},
        {"not": {}},
        {"$id": "https://evil.test/"},
        {"$ref": "https://evil.test/"},
        {"$ref": "#/$defs/gone"},
        {"$ref": "#/properties/a", "properties": {"a": {}}},
        {"$ref": "#/$defs/a~1b", "$defs": {"a~1b": {}, "a/b": {}}},
        {"$defs": {"a": 3}},
        {"properties": []},
        {"items": [{}]},
        {"anyOf": {}},
        {"type": "thing"},
        {"type": {"a": 1}},
        {"enum": [[1]]},
        {"multipleOf": 0},
        {"minLength": -1},
        {"maximum": True},
        {"required": [1]},
        [],
        "object",
        None,
    ],
    ids=str,
)
def test_a_schema_that_says_anything_else_is_not_judged(schema: object) -> None:
    assert fit(schema, {"a": "a" * 40 + "!"}) == "unsure"


def many(number: int, keyword: str, last: Any) -> Any:
    """Definitions that each refer to the next one twice."""
    steps = {f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(number)}
    return {"$ref": "#/$defs/d0", "$defs": {**steps, f"d{number}": last}}


LONG = "x" * (MAX_TEXT_CHARS - 100)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (many(40, "allOf", {}), {}),
        (many(40, "anyOf", {"type": "string"}), {"a": LONG}),
        ({"$ref": "#"}, {}),
        ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, {}),
        ({"anyOf": [{"type": "string"}] * 10_000}, {"a": LONG}),
        ({"anyOf": [{"enum": ["y"]}] * 5_000}, LONG),
        ({"anyOf": [{"enum": ["x" * 1_000] * 1_000}] * 1_000}, {"a": LONG}),
        ({"items": {"type": "integer"}}, [1] * MAX_STEPS),
        ({"properties": {f"p{n}": {} for n in range(MAX_STEPS)}}, {}),
    ],
)
def test_a_check_that_takes_too_many_steps_is_given_up(schema: object, value: object) -> None:
    assert fit(schema, value) == "unsure"


def test_values_and_schemas_that_are_nested_deeply_are_not_judged() -> None:
    deep = '{"a":' * 900 + "1" + "}" * 900
    assert JsonFormat({"properties": {"a": {"$ref": "#"}}}).fit(deep) == "unsure"
    schema: Any = {}
    for _ in range(2_000):
        schema = {"items": schema}
    assert fit(schema, []) == "unsure"


_SCHEMAS = st.recursive(
    st.sampled_from(
        [
            {},
            True,
            False,
            {"type": "integer"},
            {"type": ["string", "null"]},
            {"enum": ["", 0, None, True]},
            {"const": 1},
            {"minimum": 0, "exclusiveMaximum": 30},
            {"multipleOf": 2},
            {"minLength": 1, "maxItems": 1, "maxProperties": 1},
            {"required": [""]},
        ]
    ),
    lambda inner: st.one_of(
        st.builds(lambda each: {"items": each, "prefixItems": [each]}, inner),
        st.builds(lambda each: {"properties": {"": each}, "additionalProperties": False}, inner),
        st.builds(lambda each: {"additionalProperties": each}, inner),
        st.builds(lambda one, two: {"anyOf": [one, two]}, inner, inner),
        st.builds(lambda one, two: {"oneOf": [one, two]}, inner, inner),
        st.builds(lambda one, two: {"allOf": [one, two]}, inner, inner),
        st.builds(lambda each: {"$defs": {"x": each}, "items": {"$ref": "#/$defs/x"}}, inner),
    ),
    max_leaves=4,
)


@given(_SCHEMAS, JSON)
def test_whatever_is_judged_is_judged_as_the_standard_says(schema: Any, value: Any) -> None:
    judged = fit(schema, value)
    if judged != "unsure":
        assert (judged == "yes") == Draft202012Validator(schema).is_valid(value)
