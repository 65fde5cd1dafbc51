from __future__ import annotations

import json

import pytest

from proxy.core.call_forms import Reading, WrittenCall, read_calls
from tests.core.written_calls import FORMS, written


def read(text: str, place: int = 0) -> Reading:
    return read_calls(text, place, lambda _name, parameter: parameter == "query")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_to_its_end(form: str) -> None:
    text = written(form, "f", "notice period")
    calls, end = read(text)
    assert [(call.name.split(".")[-1].split(":")[0], call.is_whole) for call in calls] == [
        ("f", True)
    ]
    assert json.loads(calls[0].arguments) == {"query": "notice period"}
    assert end == len(text)


@pytest.mark.parametrize("form", FORMS)
def test_several_calls_are_read_one_after_the_other(form: str) -> None:
    text = "\n".join(written(form, "f", query) for query in ("a", "b", "c"))
    calls, end = read(text)
    assert [json.loads(call.arguments) for call in calls] == [{"query": each} for each in "abc"]
    assert end == len(text)


@pytest.mark.parametrize("form", FORMS)
def test_reading_ends_where_something_else_begins(form: str) -> None:
    text = written(form, "f")
    assert read(f"{text} so")[1] == len(text) + 1
    assert read(f"so {text}", 3).end == len(text) + 3


def test_arguments_in_tags_are_strings_where_the_schema_says_so_else_json() -> None:
    parameters = "".join(
        f"<parameter={name}>{value}</parameter>"
        for name, value in (("query", "2024"), ("n", "5"), ("b", "true"), ("s", "some words"))
    )
    (call,) = read(f"<function=f>{parameters}</function>").calls
    expected = {"query": "2024", "n": 5, "b": True, "s": "some words"}
    assert json.loads(call.arguments) == expected


def test_a_tag_may_say_that_an_argument_is_a_string() -> None:
    text = '<invoke name="f"><parameter name="n" string="true">5</parameter></invoke>'
    assert read(text).calls == (WrittenCall("f", '{"n": "5"}'),)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"name": "f", "arguments": null}', "{}"),
        ('{"name": "f", "arguments": "{\\"a\\": 1}"}', '{"a": 1}'),
        ('{"name": "f", "arguments": {"a": "x\ny"}}', '{"a": "x\\ny"}'),
        ('{"name": "f", "arguments": {"a": "\\ud83e"}}', '{"a": "?"}'),
        ('<tool_call>{"name": "f"}</tool_call>', "{}"),
        ("<function=f></function>", "{}"),
    ],
)
def test_arguments_become_json(text: str, arguments: str) -> None:
    assert read(text).calls == (WrittenCall("f", arguments),)


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "f"}',
        '{"name": "f", "description": "Does it.", "parameters": {"type": "object"}}',
        '[{"name": "f", "arguments": {}}, 5]',
        "[]",
        "{}",
        '{"name": 5, "arguments": {}}',
        '{"tool_calls": 5}',
        "[" * 10_000,
        "plain",
        "",
    ],
)
def test_other_json_is_no_call(text: str) -> None:
    assert read(text) == ((), 0)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"name": "f", "arguments": {"a": ', '{"name": "f", "arguments": {"a":'),
        ('[{"name": "f", "arguments": {"a": ', '[{"name": "f", "arguments": {"a":'),
        ('[TOOL_CALLS]f{"a": ', '{"a":'),
        ("<function=f>\n<parameter=a>\nhalf", "<parameter=a>\nhalf"),
    ],
)
def test_a_broken_call_is_taken_as_it_stands(text: str, arguments: str) -> None:
    calls, end = read(text)
    assert calls == (WrittenCall("f", arguments, is_whole=False),)
    assert end == len(text)


def test_words_between_the_last_argument_and_the_end_break_a_call() -> None:
    text = "<function=f><parameter=a>1</parameter> and so on </function>"
    assert read(text).calls == (WrittenCall("f", '{"a": 1}', is_whole=False),)


def test_no_more_than_128_calls_are_read() -> None:
    assert len(read(written("hermes", "f") * 200).calls) == 128
