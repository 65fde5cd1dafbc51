"""What the schema says of rules that are in validators."""

from __future__ import annotations

from typing import Annotated

from pydantic import TypeAdapter

from proxy.settings.hints import ADDRESS, NOT_BLANK, SOME, Hint


def test_a_hint_adds_to_what_follows_from_the_type() -> None:
    made = TypeAdapter(Annotated[str, Hint({"maxLength": 3})]).json_schema()
    assert made == {"type": "string", "maxLength": 3}


def test_a_hint_checks_nothing() -> None:
    adapter: TypeAdapter[str] = TypeAdapter(Annotated[str, Hint({"maxLength": 3})])
    assert adapter.validate_python("longer") == "longer"


def test_a_hint_inside_a_choice_is_of_that_choice() -> None:
    made = TypeAdapter(Annotated[tuple[int, ...], SOME] | None).json_schema()
    assert made["anyOf"][0] == {"items": {"type": "integer"}, "minItems": 1, "type": "array"}


def test_the_patterns_are_of_texts() -> None:
    for hint in (ADDRESS, NOT_BLANK):
        assert set(hint.keywords) == {"pattern"}
