from typing import Any

import pytest

from proxy.sandbox.scaleway.errors import Rejected
from proxy.sandbox.scaleway.quirks import (
    INJECTED_PROMPT,
    UNSUPPORTED,
    lacks_system_prompt,
    prompt_tokens,
    read,
    with_injected_prompt,
)

LLAMA = "llama-3.3-70b-instruct"
MISTRAL = "mistral-small-3.2-24b-instruct-2506"

USER = {"role": "user", "content": "Hello"}
SYSTEM = {"role": "system", "content": "Be brief."}
ANSWER = {"role": "assistant", "content": "Hello."}
TOOLS = [{"type": "function", "function": {"name": "add"}}]


def body(*messages: dict[str, Any], model: str = LLAMA, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": list(messages or (USER,)), **fields}


def refusal(document: Any) -> tuple[int, str]:
    """Return the status and the message that a request is refused with."""
    with pytest.raises(Rejected) as caught:
        read(document)
    rejected = caught.value
    found = rejected.body
    if isinstance(found, dict) and isinstance(found.get("error"), dict):
        found = found["error"]
    return rejected.status, str(found["message"] if isinstance(found, dict) else found)


def call(call_id: str = "a1b2c3d4e", arguments: str | None = "{}") -> dict[str, Any]:
    function = {"name": "add", "arguments": arguments}
    return {"id": call_id, "type": "function", "function": function}


def calls(*made: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(made)}


def result(call_id: str = "a1b2c3d4e") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": "3"}


# Models


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"messages": [USER]}, "The model key is missing from the request payload."),
        (body(model=""), "The model key is missing from the request payload."),
        (body(model="gpt-5"), "The model gpt-5 does not exist."),
        ({**body(), "model": 5}, "The model 5 does not exist."),
    ],
)
def test_an_unknown_or_missing_model_is_422(document: Any, message: str) -> None:
    assert refusal(document) == (422, message)


def test_an_end_of_life_model_is_answered_by_its_successor() -> None:
    _, served = read(body(model="llama-3.1-8b-instruct"))
    assert served.id == MISTRAL


# The body


@pytest.mark.parametrize("document", [[], "text", None, {"model": LLAMA}, body(temperature="warm")])
def test_a_body_that_does_not_fit_is_400_with_a_list(document: Any) -> None:
    with pytest.raises(Rejected) as caught:
        read(document)
    assert caught.value.status == 400
    assert {"type", "loc", "msg", "input"} <= caught.value.body[0].keys()


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_an_unsupported_parameter_is_named(name: str) -> None:
    assert refusal(body() | {name: 1}) == (400, f"The parameter '{name}' is not supported.")


def test_an_unsupported_parameter_that_is_null_is_let_pass() -> None:
    read(body() | dict.fromkeys(UNSUPPORTED))


def test_documented_parameters_are_accepted() -> None:
    read(
        body(
            temperature=0.2,
            top_p=0.9,
            max_tokens=100,
            presence_penalty=0.5,
            stop=["\n"],
            seed=1,
            logprobs=True,
            reasoning_effort="low",
            response_format={"type": "json_object"},
            stream=True,
            stream_options={"include_usage": True},
            tools=TOOLS,
            tool_choice="auto",
            parallel_tool_calls=False,
        )
    )


def test_the_shape_of_a_refusal_follows_the_model() -> None:
    for model, key in ((LLAMA, "object"), (MISTRAL, "error")):
        with pytest.raises(Rejected) as caught:
            read(body(model=model, n=2))
        assert key in caught.value.body


@pytest.mark.parametrize(
    "choice", ["auto", "required", {"type": "function", "function": {"name": "x"}}]
)
@pytest.mark.parametrize("tools", [None, []])
def test_a_tool_choice_needs_tools(choice: Any, tools: Any) -> None:
    refused = (400, "When using `tool_choice`, `tools` must be set.")
    assert refusal(body(tool_choice=choice, tools=tools)) == refused


def test_none_needs_no_tools() -> None:
    read(body(tool_choice="none"))


def test_a_named_tool_must_exist() -> None:
    status, message = refusal(
        body(tools=TOOLS, tool_choice={"type": "function", "function": {"name": "sub"}})
    )
    assert status == 400
    assert "does not match any" in message
    read(body(tools=TOOLS, tool_choice={"type": "function", "function": {"name": "add"}}))


# History


def test_a_call_and_its_result_are_a_valid_history() -> None:
    read(body(USER, calls(call("a"), call("b")), result("b"), result("a"), ANSWER, USER))


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([USER, calls(call("a"))], "Tool calls a have not been answered."),
        ([USER, calls(call("a")), USER], "messages[2]: tool calls a have not been answered."),
        (
            [USER, calls(call("a"), call("b")), result("a"), ANSWER],
            "messages[3]: tool calls b have not been answered.",
        ),
        ([USER, result("a")], "messages[1]: tool_call_id 'a' answers no call before it."),
        (
            [USER, calls(call("a")), result("a"), result("a")],
            "messages[3]: tool_call_id 'a' answers no call before it.",
        ),
        (
            [USER, calls(call("a")), {"role": "tool", "content": "3"}],
            "messages[2]: tool_call_id None answers no call before it.",
        ),
    ],
)
def test_every_call_needs_exactly_one_result_right_behind_it(
    messages: list[dict[str, Any]], complaint: str
) -> None:
    assert refusal(body(*messages)) == (400, complaint)


@pytest.mark.parametrize("arguments", ["{", "not json", '{"a": 1'])
def test_arguments_in_the_history_must_be_json(arguments: str) -> None:
    status, message = refusal(body(USER, calls(call("a", arguments)), result("a")))
    assert status == 400
    assert "messages[1].tool_calls[0].function.arguments is not valid JSON" in message


@pytest.mark.parametrize("arguments", ["", None, "{}", '{"a": [1]}'])
def test_arguments_may_be_empty(arguments: str | None) -> None:
    read(body(USER, calls(call("a", arguments)), result("a")))


@pytest.mark.parametrize("value", [True, False])
def test_obfuscation_is_not_supported(value: bool) -> None:  # noqa: FBT001  # pytest passes it
    options = {"include_usage": True, "include_obfuscation": value}
    status, message = refusal(body(stream_options=options))
    assert (status, "include_obfuscation" in message) == (400, True)


# Limits


def test_too_many_completion_tokens_are_416_by_one_name_and_400_by_the_other() -> None:
    assert refusal(body(max_completion_tokens=16_385)) == (
        416,
        "max_completion_tokens is limited to 16384 for this model.",
    )
    assert refusal(body(max_tokens=16_385)) == (
        400,
        "max_tokens is limited to 16384 for this model.",
    )
    read(body(max_completion_tokens=16_384))
    read(body(max_tokens=16_384))


def test_what_exceeds_the_context_window_is_refused() -> None:
    long = {"role": "user", "content": "word " * 131_000}
    read(body(long, max_tokens=68))
    status, message = refusal(body(long, max_tokens=100))
    assert status == 400
    assert message == (
        "This model's maximum context length is 131072 tokens. However, you requested 131104: "
        "131004 in the messages, 100 in the completion."
    )


# The system prompt that Scaleway puts in


@pytest.mark.parametrize(
    ("messages", "tools", "lacking"),
    [
        ([USER], TOOLS, True),
        ([SYSTEM, USER], TOOLS, False),
        ([{"role": "developer", "content": "x"}, USER], TOOLS, False),
        ([USER], None, False),
    ],
)
def test_tools_without_a_system_message_call_for_a_prompt(
    messages: list[dict[str, Any]], tools: Any, *, lacking: bool
) -> None:
    request, _ = read(body(*messages, tools=tools))
    assert lacks_system_prompt(request) is lacking


def test_the_injected_prompt_comes_first_and_is_paid_for() -> None:
    request, _ = read(body(USER, tools=TOOLS))
    injected = with_injected_prompt(request)
    assert (injected.messages[0].role, injected.messages[0].text) == ("system", INJECTED_PROMPT)
    assert injected.messages[1:] == request.messages
    words = len(INJECTED_PROMPT.split())
    assert prompt_tokens(injected) == prompt_tokens(request) + words + 4


def test_prompt_tokens_count_words_calls_and_tools() -> None:
    plain, _ = read(body({"role": "user", "content": "one two three"}))
    assert prompt_tokens(plain) == 4 + 3
    with_tools, _ = read(body({"role": "user", "content": "one two three"}, tools=TOOLS))
    assert prompt_tokens(with_tools) > prompt_tokens(plain)
    history, _ = read(body(USER, calls(call("a", '{"a": 1}')), result("a")))
    assert prompt_tokens(history) == 3 * 4 + 1 + 2 + 1
