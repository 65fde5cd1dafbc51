from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.call_signs import LONGEST_UNNAMED, Sign, sign_at
from proxy.core.tool_names import plain_name
from tests.core.written_calls import FORMS, written

TOKENS = st.sampled_from(
    [
        *("<tool_call>", "[TOOL_CALLS]", "[", "{", "```json\n", "<function=", '"', "name"),
        *('"name": "', '"type": "function", ', '"id": "1"', ", ", ":", '"arguments": {', "}"),
        *('"function": ', " ", "get_weather", "(", "[ARGS]", "\n", "\\", "functions.", "x"),
        "<|channel|>commentary to=",
    ]
)


@pytest.mark.parametrize("form", FORMS)
def test_the_name_is_found_in_every_form(form: str) -> None:
    sign = sign_at(written(form, "get_weather"), 0)
    assert sign is not None
    assert sign.is_whole
    assert plain_name(sign.name, {"get_weather"}) == "get_weather"


@pytest.mark.parametrize("form", FORMS)
def test_what_has_come_may_be_a_call_until_the_name_is_there(form: str) -> None:
    text = written(form, "get_weather")
    signs = [sign_at(text[:end], 0) for end in range(1, len(text) + 1)]
    assert None not in signs


@given(st.lists(TOKENS, max_size=12).map("".join), st.integers(0, 80))
def test_more_text_takes_back_no_verdict(text: str, end: int) -> None:
    early, late = sign_at(text[:end], 0), sign_at(text, 0)
    if early is None or early.is_whole:
        assert late == early


@pytest.mark.parametrize(
    "text",
    [
        "<b>bold</b>",
        "<tool>bar is a pub",
        "<tool_call> is a tag",
        "[1] says so",
        "[a link](https://example.com)",
        "[x for x in range(3)]",
        "{x}",
        '{"title": "Leave"}',
        '{"name": 5}',
        '{"type": "object", "properties": {}}',
        '{"id": 7, "title": "x"}',
        '{"function": 5}',
        '{"arguments": null}',
        "`code`",
        "``` `",
        "~5",
        "[" * 50,
        "[TOOL_CALLS]?",
        '{"name": "a\\"b"}',
    ],
)
def test_all_else_begins_no_call(text: str) -> None:
    assert sign_at(text, 0) is None


def test_a_name_that_is_still_coming_is_told() -> None:
    assert sign_at('{"name": "get_', 0) == Sign("get_")
    assert sign_at("[get_weather", 0) == Sign("get_weather")


@pytest.mark.parametrize(
    "begin", ['{"arguments": {"a": "', "<tool_call>" + " " * 100, "```" + "`" * 9]
)
def test_a_name_that_comes_too_late_names_no_call(begin: str) -> None:
    text = begin + "x" * LONGEST_UNNAMED + '"}, "name": "get_weather", '
    assert sign_at(text, 0) is None
    assert sign_at(text[: LONGEST_UNNAMED - 1], 0) in (None, Sign())


def test_a_sign_is_looked_for_in_its_place() -> None:
    assert sign_at('so {"name": "f"', 3) == Sign("f", is_whole=True)
