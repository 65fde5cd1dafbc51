from __future__ import annotations

from typing import Any

import pytest

from tests.core.responses.scripts import Play, calls_of, chunk, fragment


def played(*chunks: Any, end: str = "tool_calls", **manner: Any) -> Play:
    one = Play(manner)
    one.hear(*chunks)
    one.end(end)
    return one


def test_a_call_is_told_as_it_is_written_and_ends_when_it_is_whole() -> None:
    one = Play()
    one.hear(fragment(0, "", "get"), fragment(0, '{"a"'), fragment(0, ": 1}"))
    assert one.types[2:] == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    assert one.events[-1]["item"] == {
        "type": "function_call",
        "id": "fc_0",
        "call_id": "call_0",
        "name": "get",
        "arguments": '{"a": 1}',
        "status": "completed",
    }


def test_calls_follow_each_other_although_the_model_mixes_them() -> None:
    one = played(
        fragment(0, "{", "get"),
        fragment(1, '{"b', "put"),
        fragment(0, '"a": 1'),
        fragment(1, '": 2}'),
        fragment(0, "}"),
    )
    indexes = [each["output_index"] for each in one.events if "output_index" in each]
    assert indexes == sorted(indexes)
    assert [each["arguments"] for each in calls_of(one.response)] == ['{"a": 1}', '{"b": 2}']


def test_a_call_without_arguments_ends_once_a_later_call_is_whole() -> None:
    one = Play()
    one.hear(fragment(0, "", "now"), fragment(1, '{"a"', "get"))
    assert one.types[2:] == ["output_item.added"]
    one.hear(fragment(1, ": 1}"))
    assert one.types[-1] == "output_item.done"
    one.end("tool_calls")
    told = [(each["name"], each["arguments"]) for each in calls_of(one.response)]
    assert told == [("now", ""), ("get", '{"a": 1}')]


def test_several_calls_without_arguments_end_at_once() -> None:
    one = Play()
    one.hear(fragment(0, "", "now"), fragment(1, "", "here"), fragment(2, "{}", "get"))
    assert one.types.count("output_item.done") == 3


def test_what_follows_whole_arguments_is_too_late() -> None:
    one = played(fragment(0, "{}", "get"), fragment(0, "{}"))
    assert [each["arguments"] for each in calls_of(one.response)] == ["{}"]


@pytest.mark.parametrize(("end", "status"), [("length", "incomplete"), ("tool_calls", "completed")])
def test_a_call_that_is_not_whole_ends_with_the_response(end: str, status: str) -> None:
    one = played(fragment(0, '{"a', "get"), fragment(1, "{}", "put"), end=end)
    first, second = calls_of(one.response)
    assert (first["arguments"], first["status"]) == ('{"a', status)
    assert (second["arguments"], second["status"]) == ("{}", "completed")


def test_a_custom_tool_is_called_with_plain_text_told_as_it_is_written() -> None:
    one = played(fragment(0, "", "x_run"), fragment(0, '{"input": "a'), fragment(0, '\\nb"}'))
    assert one.types[2:7] == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    assert one.response["output"][0] == {
        "type": "custom_tool_call",
        "id": "ctc_0",
        "call_id": "call_0",
        "name": "x_run",
        "input": "a\nb",
        "status": "completed",
    }


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ("*** Begin Patch", "*** Begin Patch"),
        ('{"input": "rm -r', ""),
        ('{"command": "ls"}', '{"command": "ls"}'),
        ("", ""),
    ],
)
def test_a_custom_tool_gets_bare_text_but_no_half_of_json(arguments: str, given: str) -> None:
    one = played(fragment(0, arguments, "x_run"), end="length")
    assert calls_of(one.response)[0]["input"] == given


def test_a_client_that_waits_hears_the_input_so_far() -> None:
    one = Play()
    one.hear(fragment(0, '{"input": "a', "x_run"))
    one.heartbeat()
    (call,) = one.events[-1]["response"]["output"]
    assert (call["input"], call["status"]) == ("a", "in_progress")


def test_a_call_names_the_namespace_of_its_tool() -> None:
    one = played(fragment(0, "{}", "n_get"))
    (call,) = calls_of(one.response)
    assert (call["namespace"], call["name"]) == ("n", "get")


def test_all_else_waits_until_the_call_is_whole() -> None:
    one = Play({"has_file_search": True})
    one.begin_search("q")
    one.hear(fragment(0, '{"a', "get"))
    one.end_search("q")
    one.hear(chunk({"content": "Wait."}))
    assert one.types[-2:] == ["output_item.added", "function_call_arguments.delta"]
    one.hear(fragment(0, '": 1}'))
    assert one.types[-6:] == [
        "output_item.done",
        "file_search_call.completed",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
    ]
