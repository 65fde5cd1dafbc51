import json
from typing import Any

import pytest

from proxy.sandbox.scaleway.quirks import read
from proxy.sandbox.scaleway.reply import Completion, body, complete, usage
from proxy.sandbox.scaleway.stream import DONE, chunks, frame, frames
from tests.support.openai_assemble import assemble, assemble_reply, assemble_with_sdk

SYSTEM = {
    "role": "system",
    "content": '<passage n="1">The notice period is three months.</passage>',
}
QUESTION = {"role": "user", "content": "How long is the notice period?"}
TOOLS = [{"type": "function", "function": {"name": name}} for name in ("add", "lighton_search")]
BOTH = {"role": "user", "content": "search the lease and add"}

CASES: dict[str, dict[str, Any]] = {
    "text": {},
    "text with log probabilities": {"logprobs": True},
    "text that is cut off": {"max_tokens": 3},
    "calls": {"messages": [BOTH], "tools": TOOLS},
    "talk and calls": {"messages": [BOTH], "tools": TOOLS, "model": "mistral-medium-3.5-128b"},
    "reasoning": {"model": "gpt-oss-120b"},
    "reasoning and calls": {"messages": [BOTH], "tools": TOOLS, "model": "gpt-oss-120b"},
    "nothing": {"stop": "The"},
}


def completed(**fields: Any) -> Completion:
    request, served = read(
        {"model": "llama-3.3-70b-instruct", "messages": [SYSTEM, QUESTION], **fields}
    )
    return complete(request, served, completion_id="chatcmpl-1", created=1)


def deltas(completion: Completion) -> list[dict[str, Any]]:
    stream = chunks(completion, include_usage=False)
    return [choice["delta"] for chunk in stream for choice in chunk["choices"]]


@pytest.mark.parametrize("build", [assemble, assemble_with_sdk])
@pytest.mark.parametrize("fields", CASES.values(), ids=CASES)
def test_what_a_client_assembles_is_the_reply(fields: dict[str, Any], build: Any) -> None:
    completion = completed(**fields)
    heard = build(chunks(completion, include_usage=True))
    whole = assemble_reply(body(completion))
    if whole["logprobs"]:
        whole["logprobs"]["refusal"] = None
    assert heard == whole


def test_reasoning_may_stream_under_its_other_name() -> None:
    completion = completed(model="qwen3.5-397b-a17b")
    said = "".join(delta.get("reasoning", "") for delta in deltas(completion))
    assert said == completion.reasoning


def test_the_first_chunk_has_the_role_and_no_other_has() -> None:
    first, *others = deltas(completed())
    assert first == {"role": "assistant", "content": "", "reasoning_content": None}
    assert all("role" not in delta for delta in others)


def test_text_comes_word_by_word() -> None:
    words = [delta["content"] for delta in deltas(completed()) if delta.get("content")]
    assert words == ["The", " notice", " period", " is", " three", " months.", " [1]"]


def test_a_call_begins_with_id_and_name_and_goes_on_in_fragments() -> None:
    completion = completed(messages=[BOTH], tools=TOOLS)
    fragments = [call for delta in deltas(completion) for call in delta.get("tool_calls", [])]
    assert [each["index"] for each in fragments] == sorted(each["index"] for each in fragments)
    begun = [each for each in fragments if "id" in each]
    assert [each["function"] for each in begun] == [
        {"name": "lighton_search", "arguments": ""},
        {"name": "add", "arguments": ""},
    ]
    rest = [each for each in fragments if each["index"] == 0 and "id" not in each]
    assert len(rest) > 1
    assert all(each.keys() == {"index", "function"} for each in rest)
    assert all(each["function"].keys() == {"arguments"} for each in rest)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (CASES["text"], "stop"),
        (CASES["calls"], "tool_calls"),
        (CASES["text that is cut off"], "length"),
    ],
)
def test_the_finish_reason_comes_once_at_the_end(fields: dict[str, Any], reason: str) -> None:
    stream = list(chunks(completed(**fields), include_usage=False))
    reasons = [choice["finish_reason"] for chunk in stream for choice in chunk["choices"]]
    assert reasons == [None] * (len(reasons) - 1) + [reason]


def test_a_chunk_without_choices_occurs() -> None:
    stream = list(chunks(completed(), include_usage=False))
    assert [chunk["choices"] for chunk in stream].count([]) == 1


def test_usage_comes_last_without_choices_and_only_when_asked_for() -> None:
    completion = completed()
    *others, last = chunks(completion, include_usage=True)
    assert last["choices"] == []
    assert last["usage"] == usage(completion)
    assert others == list(chunks(completion, include_usage=False))
    assert all("usage" not in chunk for chunk in others)


def test_every_chunk_is_of_one_completion() -> None:
    for chunk in chunks(completed(), include_usage=True):
        assert (chunk["id"], chunk["created"]) == ("chatcmpl-1", 1)
        assert (chunk["object"], chunk["model"]) == (
            "chat.completion.chunk",
            "llama-3.3-70b-instruct",
        )


def test_frames_are_data_lines_and_end_with_done() -> None:
    completion = completed()
    *sent, done = frames(completion, include_usage=True)
    assert done == DONE == b"data: [DONE]\n\n"
    assert all(each.startswith(b"data: {") and each.endswith(b"}\n\n") for each in sent)
    assert all(each.count(b"\n") == 2 for each in sent)
    read_back = [json.loads(each.removeprefix(b"data: ")) for each in sent]
    assert read_back == list(chunks(completion, include_usage=True))


def test_a_line_break_in_a_text_is_no_line_break_in_a_frame() -> None:
    assert frame({"text": "one\ntwo"}) == b'data: {"text":"one\\ntwo"}\n\n'
