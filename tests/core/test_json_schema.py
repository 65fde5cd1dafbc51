"""Whether a value is valid under a schema, at little cost: `test_json_format` has the keywords."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.json_schema import MAX_STEPS, UnsureError, is_valid


def test_a_value_is_judged_by_its_schema() -> None:
    schema = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}
    assert is_valid({"days": 27}, schema)
    assert not is_valid({"days": "27"}, schema)
    assert not is_valid({}, schema)


def test_references_within_the_schema_are_followed() -> None:
    schema = {"$ref": "#/$defs/tree", "$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}}}}
    assert is_valid([[], [[]]], schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "(a+)+$"},
        {"uniqueItems": True},
        {"$ref": "https://elsewhere.example/schema"},
        {"$ref": "#/$defs/missing"},
        {"type": "no such type"},
        "no schema",
    ],
)
def test_what_may_cost_much_or_leads_elsewhere_is_not_judged(schema: Any) -> None:
    with pytest.raises(UnsureError):
        is_valid("a" * 30, schema)


def test_a_schema_that_takes_too_many_steps_is_not_judged() -> None:
    doubling = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)}
    schema = {"$ref": "#/$defs/d0", "$defs": {**doubling, "d30": {"type": "string"}}}
    with pytest.raises(UnsureError):
        is_valid("text", schema)


def test_a_value_of_too_many_entries_is_not_judged() -> None:
    with pytest.raises(UnsureError):
        is_valid([1] * (MAX_STEPS + 1), {"items": {"type": "integer"}})
