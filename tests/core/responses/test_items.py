from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import response_item, response_output_item
from pydantic import TypeAdapter

from proxy.core.chat import MAX_MESSAGES, MAX_NAME_CHARS
from proxy.core.responses.items import read_items
from proxy.errors import BadRequest
from tests.core.responses.samples import CALL, RESULT, mint

ITEM: TypeAdapter[Any] = TypeAdapter(response_item.ResponseItem)
CUSTOM_CALL = {"type": "custom_tool_call", "call_id": "c2", "name": "apply_patch", "input": "*"}
CUSTOM_RESULT = {"type": "custom_tool_call_output", "call_id": "c2", "output": "Done."}
THOUGHTS = {
    "type": "reasoning",
    "id": "rs_7",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "content": None,
    "encrypted_content": None,
}
SEARCH = {"type": "file_search_call", "id": "fs_1", "queries": ["leave"], "status": "completed"}
ALL = [
    {"role": "user", "content": "Hi"},
    {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Help."}]},
    {"role": "assistant", "content": "Hello."},
    CALL,
    RESULT,
    CUSTOM_CALL,
    CUSTOM_RESULT,
    THOUGHTS,
    SEARCH,
]


def read(*items: Any) -> list[Any]:
    return list(read_items(list(items), mint()))


def fault(item: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read({"role": "user", "content": "Hi"}, item)
    return caught.value


def test_a_text_is_the_users_message() -> None:
    (item,) = read_items("Hi", mint())
    assert item == {
        "type": "message",
        "id": "msg_1",
        "role": "user",
        "status": "completed",
        "content": [{"type": "input_text", "text": "Hi"}],
    }


@pytest.mark.parametrize("sent", ALL, ids=str)
def test_each_item_is_read_as_openai_lists_it(sent: Any) -> None:
    (item,) = read(sent)
    ITEM.validate_python(item, strict=True)


def test_an_item_without_an_id_gets_one_of_its_kind_and_others_keep_theirs() -> None:
    ids = [each["id"] for each in read(*ALL)]
    assert ids == [
        *("msg_1", "msg_2", "msg_3", "fc_4", "fco_5", "ctc_6", "ctco_7", "rs_7", "fs_1"),
    ]
    assert read({**CALL, "id": "fc_own"})[0]["id"] == "fc_own"
    assert read({**CALL, "id": ""})[0]["id"] == "fc_1"


def test_items_are_read_again_as_they_are() -> None:
    items = read(*ALL)
    assert read(*items) == items


def test_a_status_that_is_none_is_completed() -> None:
    assert read({**CALL, "status": "incomplete"})[0]["status"] == "incomplete"
    assert read({**CALL, "status": "lost"})[0]["status"] == "completed"


def test_a_call_keeps_its_namespace() -> None:
    assert read({**CALL, "namespace": "agents"})[0]["namespace"] == "agents"
    assert "namespace" not in read({**CALL, "namespace": None})[0]


def test_a_name_that_a_model_made_up_comes_back_whatever_its_length() -> None:
    name = "a" * (MAX_NAME_CHARS + 1)
    assert read({**CALL, "name": name})[0]["name"] == name


def test_a_result_may_have_parts() -> None:
    parts = [{"type": "input_text", "text": "Sunny."}]
    assert read({**RESULT, "output": parts})[0]["output"] == parts


def test_thoughts_that_are_not_summed_up_are_read_too() -> None:
    (item,) = read({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]})
    assert item == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
    }


def test_what_a_search_found_is_not_kept_from_what_a_client_sends() -> None:
    (item,) = read({**SEARCH, "queries": ["a", 1], "results": [{"text": "x"}], "status": "failed"})
    assert item == {**SEARCH, "queries": ["a"]}


def test_an_item_that_has_only_an_id_is_a_reference() -> None:
    reference = {"type": "item_reference", "id": "msg_1"}
    assert read({"id": "msg_1"}) == read(reference) == [reference]


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ("Hi", ""),
        ({"type": "computer_call"}, ".type"),
        ({"type": 1}, ".type"),
        ({"type": "additional_tools", "role": "developer", "tools": []}, ".type"),
        ({"id": 1}, ".id"),
        ({"role": "user"}, ".content"),
        ({"role": "user", "content": [{"type": "input_file"}]}, ".content[0].type"),
        ({"role": "tool", "content": "Hi"}, ".role"),
        ({"type": "message", "content": "Hi"}, ".role"),
        ({"content": "Hi"}, ".role"),
        ({}, ".role"),
        ({"role": "user", "content": "Hi", "id": 1}, ".id"),
        ({"role": "user", "content": "Hi", "id": "a" * (MAX_NAME_CHARS + 1)}, ".id"),
        ({"role": "user", "content": "Hi", "status": 1}, ".status"),
        ({**CALL, "call_id": None}, ".call_id"),
        ({**CALL, "name": ""}, ".name"),
        ({**CALL, "namespace": 1}, ".namespace"),
        ({**CALL, "arguments": {}}, ".arguments"),
        ({**CALL, "arguments": None}, ".arguments"),
        ({**CUSTOM_CALL, "input": None}, ".input"),
        ({**RESULT, "call_id": None}, ".call_id"),
        ({**RESULT, "output": None}, ".output"),
        ({**RESULT, "output": [{"type": "input_file"}]}, ".output[0].type"),
        ({"type": "reasoning", "summary": "Hm."}, ".summary"),
        ({"type": "reasoning", "summary": ["Hm."]}, ".summary[0].text"),
        ({"type": "reasoning", "content": [{"text": 1}]}, ".content[0].text"),
        ({"type": "item_reference"}, ".id"),
    ],
)
def test_an_item_that_cannot_be_read_is_named(item: Any, param: str) -> None:
    assert fault(item).param == f"input[1]{param}"


def test_a_call_may_have_empty_arguments() -> None:
    assert read({**CALL, "arguments": ""})[0]["arguments"] == ""


def test_who_sends_a_message_of_a_tool_is_told_what_to_send() -> None:
    assert "function_call_output" in fault({"role": "tool", "content": "Hi"}).message


def test_there_is_a_limit_of_items() -> None:
    with pytest.raises(BadRequest, match="10001 entries") as caught:
        read_items([{}] * (MAX_MESSAGES + 1), mint())
    assert caught.value.param == "input"


def test_output_items_are_those_of_openai() -> None:
    output: TypeAdapter[Any] = TypeAdapter(response_output_item.ResponseOutputItem)
    for item in read({"role": "assistant", "content": "Hi."}, CALL, CUSTOM_CALL, THOUGHTS, SEARCH):
        output.validate_python(item, strict=True)
