from __future__ import annotations

from typing import Any

import pytest

from proxy.core.json_format import JsonFormat
from proxy.core.json_format import read_format as read_of_chat
from proxy.core.responses.format import read_format
from tests.core.responses.samples import chat, fault

SCHEMA = {"type": "object"}
NAMED = {"type": "json_schema", "name": "n", "schema": SCHEMA}


@pytest.mark.parametrize("text", [{}, {"format": None}, {"format": {"type": "text"}}])
def test_plain_text_is_no_format(text: Any) -> None:
    assert read_format(text) is None


def test_a_schema_stands_one_level_deeper_in_a_chat() -> None:
    sent = {**NAMED, "description": "d", "strict": True, "other": 1}
    assert read_format({"format": sent}) == {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": SCHEMA, "description": "d", "strict": True},
    }
    assert read_format({"format": {**NAMED, "strict": None}}) == {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": SCHEMA},
    }


def test_a_chat_knows_the_schema_again() -> None:
    made = chat(text={"format": NAMED})
    assert read_of_chat(made.body["response_format"]) == JsonFormat(SCHEMA)


def test_any_json_object_needs_no_schema() -> None:
    assert read_format({"format": {"type": "json_object", "x": 1}}) == {"type": "json_object"}


@pytest.mark.parametrize(
    ("text", "param"),
    [
        ([], "text"),
        ({"format": "json"}, "text.format"),
        ({"format": {"type": "grammar"}}, "text.format.type"),
        ({"format": {"type": ["text"]}}, "text.format.type"),
        ({"format": {}}, None),
        ({"format": {"schema": SCHEMA}}, "text.format.type"),
        ({"format": {"type": "json_schema", "json_schema": {}}}, "text.format.name"),
        ({"format": {"type": "json_schema", "name": "n"}}, "text.format.schema"),
        ({"format": {**NAMED, "schema": "{}"}}, "text.format.schema"),
        ({"format": {**NAMED, "strict": 1}}, "text.format.strict"),
        ({"format": {**NAMED, "name": "a" * 257}}, "text.format.name"),
        ({"verbosity": 1}, "text.verbosity"),
        ({"verbosity": "chatty"}, "text.verbosity"),
    ],
)
def test_a_format_that_cannot_be_read_is_named(text: Any, param: str | None) -> None:
    if param is None:
        assert chat(text=text).body == {}
    else:
        assert fault(text=text).param == param
