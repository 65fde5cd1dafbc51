"""What each family of models refuses, and that the others take it."""

from typing import Any

import pytest

from proxy.sandbox.scaleway.errors import Rejected
from proxy.sandbox.scaleway.quirks import read

LLAMA = "llama-3.3-70b-instruct"
MISTRAL = "mistral-small-3.2-24b-instruct-2506"
QWEN = "qwen3.5-397b-a17b"
GEMMA = "gemma-4-26b-a4b-it"
DEEPSEEK = "deepseek-v4-flash-0731"

USER = {"role": "user", "content": "Hello"}
SYSTEM = {"role": "system", "content": "Be brief."}
DEVELOPER = {"role": "developer", "content": "Be brief."}
ANSWER = {"role": "assistant", "content": "Hello."}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
ID = "a1b2c3d4e"


def calls(*ids: str, name: str = "add", **more: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": "{}"}
    made = [{"id": each, "type": "function", "function": function} for each in ids or (ID,)]
    return {"role": "assistant", "content": None, "tool_calls": made, **more}


def result(call_id: str = ID, content: Any = "3") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def takes(model: str, *messages: dict[str, Any]) -> None:
    read({"model": model, "messages": list(messages)})


def refused(model: str, *messages: dict[str, Any]) -> str:
    """What the model says to the messages, which a Llama takes."""
    takes(LLAMA, *messages)
    with pytest.raises(Rejected) as caught:
        takes(model, *messages)
    assert caught.value.status == 400
    body = caught.value.body
    return str(body.get("error", body)["message"])


@pytest.mark.parametrize(
    "messages",
    [
        [USER, USER],
        [SYSTEM, USER, USER],
        [USER, SYSTEM, ANSWER],
        [SYSTEM, SYSTEM, USER],
        [USER, DEVELOPER],
    ],
)
def test_mistral_wants_alternating_roles_after_one_system_message(
    messages: list[dict[str, Any]],
) -> None:
    assert "conversation roles must alternate" in refused(MISTRAL, *messages)


@pytest.mark.parametrize(
    "messages",
    [[SYSTEM, USER], [USER, ANSWER, USER], [USER, calls(), result(), ANSWER, USER]],
)
def test_mistral_takes_what_alternates(messages: list[dict[str, Any]]) -> None:
    takes(MISTRAL, *messages)


def test_mistral_wants_an_answer_between_a_result_and_the_user() -> None:
    messages = [USER, calls(), result(), USER]
    assert refused(MISTRAL, *messages) == "Unexpected role 'user' after role 'tool'"


def test_mistral_knows_no_names() -> None:
    assert "name" in refused(MISTRAL, {**USER, "name": "ann"})


def test_mistral_takes_null_only_beside_calls() -> None:
    for message in (result(content=None), {**ANSWER, "content": None}):
        turn = [calls(), message] if message["role"] == "tool" else [message, USER]
        assert "Input should be a valid string" in refused(MISTRAL, USER, *turn)


def test_mistral_takes_only_text_in_results_and_answers() -> None:
    text = [{"type": "text", "text": "3"}]
    takes(MISTRAL, USER, calls(), result(content=text))
    said = refused(MISTRAL, USER, calls(), result(content=[*text, IMAGE]))
    assert said == "Unexpected content chunk types in tool message."


@pytest.mark.parametrize(
    "call_id", ["chatcmpl-tool-1f", "a1b2c3d4", "a1b2c3d4ef", "a1b2-3d4e", "é1b2c3d4e"]
)
def test_mistral_wants_ids_of_nine_letters_and_digits(call_id: str) -> None:
    assert call_id in refused(MISTRAL, USER, calls(call_id), result(call_id))


def test_mistral_wants_other_ids_for_other_calls_of_a_turn() -> None:
    messages = [USER, calls(ID, ID), result(), result()]
    assert refused(MISTRAL, *messages) == "Duplicate tool call id in assistant message"


@pytest.mark.parametrize("name", ["", "get weather", "f.x", "x" * 65])
def test_mistral_wants_names_of_letters_digits_and_lines(name: str) -> None:
    assert "Function name was" in refused(MISTRAL, USER, calls(name=name), result())


@pytest.mark.parametrize("model", [QWEN, GEMMA])
def test_qwen_and_gemma_want_one_system_message_in_front(model: str) -> None:
    for messages in ([SYSTEM, SYSTEM, USER], [USER, SYSTEM], [USER, ANSWER, SYSTEM, USER]):
        assert refused(model, *messages) == "System message must be at the beginning."
    takes(model, SYSTEM, USER, ANSWER, USER)


def test_qwen_knows_no_developer() -> None:
    assert refused(QWEN, DEVELOPER, USER) == "Unexpected message role."


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_deepseek_wants_its_thoughts_of_this_answer_back(name: str) -> None:
    assert "must be passed back" in refused(DEEPSEEK, USER, calls(), result())
    takes(DEEPSEEK, USER, calls(**{name: "hm"}), result())
    takes(DEEPSEEK, USER, calls(), result(), ANSWER, USER)
