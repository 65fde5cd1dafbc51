from typing import Any, cast

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from proxy.core.fold import Fold
from proxy.core.frames import Frame, TextChunk
from proxy.core.old_replies import old_chunk, old_completion
from proxy.core.wire import Chunk, Completion
from tests.support.openai_schema import check_chunk, check_completion

TOP: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
}


def chunk(delta: Any, finish_reason: str | None = None, **more: Any) -> Chunk:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return cast("Chunk", {**TOP, "choices": [choice], **more})


def fragment(arguments: str, **first: Any) -> Any:
    name = {"name": first.pop("name")} if first else {}
    return {"index": 0, **first, "function": {**name, "arguments": arguments}}


BEGIN = {"id": "call_1", "type": "function", "name": "get_weather"}
STREAM = [
    chunk({"role": "assistant", "content": "Let me see."}),
    chunk({"tool_calls": [fragment('{"city', **BEGIN)]}),
    chunk({"tool_calls": [fragment('": "Ro'), fragment('me"}')]}),
    chunk({}, lighton={"searches": []}),
    chunk({}, "tool_calls"),
]
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
LAST = cast("Chunk", {**TOP, "choices": [], "usage": USAGE})


def reply(*chunks: Chunk) -> Completion:
    fold = Fold()
    fold.hear(chunks)
    return fold.completion()


def test_a_streamed_call_has_its_name_first_and_then_arguments() -> None:
    old = [cast("Chunk", old_chunk(each)) for each in STREAM]
    deltas = [each["choices"][0]["delta"] for each in old]
    assert deltas == [
        {"role": "assistant", "content": "Let me see."},
        {"function_call": {"name": "get_weather", "arguments": '{"city'}},
        {"function_call": {"arguments": '": "Rome"}'}},
        {},
        {},
    ]
    assert [each["choices"][0]["finish_reason"] for each in old] == [None] * 4 + ["function_call"]
    for each in old:
        check_chunk(each)
        ChatCompletionChunk.model_validate(each, strict=True)


def test_a_chunk_keeps_all_else_and_is_not_changed_itself() -> None:
    before = repr(STREAM)
    assert cast("Any", old_chunk(STREAM[3]))["lighton"] == {"searches": []}
    assert old_chunk(LAST) == LAST
    assert cast("Chunk", old_chunk(STREAM[1]))["id"] == "chatcmpl-1"
    assert repr(STREAM) == before


def test_a_plain_call_is_a_function_call_without_tool_calls() -> None:
    old = old_completion(reply(*STREAM, LAST))
    choice = old["choices"][0]
    assert choice["message"]["function_call"] == {
        "name": "get_weather",
        "arguments": '{"city": "Rome"}',
    }
    assert "tool_calls" not in choice["message"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (
        "Let me see.",
        "function_call",
    )
    check_completion(old)
    ChatCompletion.model_validate(old, strict=True)


def test_an_answer_without_a_call_is_the_same() -> None:
    whole = reply(chunk({"role": "assistant", "content": "Rain."}), chunk({}, "stop"), LAST)
    assert old_completion(whole) == whole


def test_the_folded_stream_is_the_plain_reply() -> None:
    call = {"name": "", "arguments": ""}
    for each in STREAM:
        delta = cast("Chunk", old_chunk(each))["choices"][0]["delta"]
        told = delta.get("function_call") or {}
        call = {name: call[name] + cast("Any", told).get(name, "") for name in call}
    assert call == old_completion(reply(*STREAM))["choices"][0]["message"]["function_call"]


def test_a_chunk_of_text_is_the_same() -> None:
    text = TextChunk(Frame(chunk({}), {}), "Rain", b"Rain")
    assert old_chunk(text) is text
