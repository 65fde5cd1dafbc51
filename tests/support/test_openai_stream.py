from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.openai_stream import check_stream

Chunk = dict[str, Any]

USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
ERROR: Chunk = {"error": {"message": "gone", "type": "server_error", "param": None, "code": None}}
CITATION = {
    "type": "url_citation",
    "url_citation": {"url": "https://x.test/a", "title": "A", "start_index": 2, "end_index": 5},
}


def chunk(delta: Chunk | None, finish: str | None = None, **extra: Any) -> Chunk:
    """Return a chunk with one choice, or with none where `delta` is None."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    envelope = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return envelope | {"choices": [] if delta is None else [choice]} | extra


def call(index: int, **fragment: Any) -> Chunk:
    return chunk({"tool_calls": [{"index": index, **fragment}]})


def call_start(index: int, **changes: Any) -> Chunk:
    fragment = {"id": f"call_{index}", "type": "function", "function": {"name": "f"}}
    return call(index, **fragment | changes)


FIRST = chunk({"role": "assistant", "content": ""})
TEXT = chunk({"content": "It is [1]."})
STOP = chunk({}, "stop")
CALLED = chunk({}, "tool_calls")
CITED = chunk({"annotations": [CITATION]})
ARGUMENTS = call(0, function={"arguments": "{}"})


def frame(value: Chunk | str) -> bytes:
    return f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n".encode()


def stream(*values: Chunk | str, done: bool = True) -> bytes:
    return b"".join(frame(value) for value in (*values, *(["[DONE]"] if done else [])))


def with_usage(*values: Chunk) -> bytes:
    return stream(*(value | {"usage": None} for value in values), chunk(None, usage=USAGE))


@pytest.mark.parametrize(
    "body",
    [
        stream(FIRST, TEXT, STOP),
        stream(chunk({"role": "assistant", "content": "all at once"}, "stop")),
        stream(FIRST, chunk({"content": ""}), TEXT, CITED, STOP),
        stream(FIRST, TEXT, chunk({"annotations": [CITATION]}, lighton={}), STOP),
        stream(FIRST, TEXT, chunk({"annotations": [CITATION]}, "stop", lighton={})),
        stream(FIRST, chunk({"content": ""}, lighton={}), TEXT, STOP),
        stream(FIRST, call_start(0), ARGUMENTS, call_start(1), ARGUMENTS, CALLED),
        stream(FIRST, call_start(0), chunk({}, "length")),
        stream(FIRST, TEXT | {"usage": None}, STOP),
        stream(FIRST, TEXT, ERROR, done=False),
        stream(ERROR, done=False),
    ],
)
def test_a_valid_stream_passes(body: bytes) -> None:
    check_stream(body)


def test_a_valid_stream_with_usage_passes() -> None:
    check_stream(with_usage(FIRST, TEXT, STOP), include_usage=True)


def test_a_stream_with_usage_may_end_in_an_error_before_the_usage_came() -> None:
    values = (FIRST | {"usage": None}, ERROR)
    assert check_stream(stream(*values, done=False), include_usage=True).error == ERROR


def test_the_view_holds_the_chunks_the_deltas_and_the_error() -> None:
    view = check_stream(stream(FIRST, TEXT, STOP))
    assert view.chunks == [FIRST, TEXT, STOP]
    assert view.deltas() == [{"role": "assistant", "content": ""}, {"content": "It is [1]."}, {}]
    assert view.error is None


def test_the_body_may_come_in_any_pieces() -> None:
    body = stream(FIRST, chunk({"content": "é"}), STOP)
    assert check_stream([body[n : n + 1] for n in range(len(body))]) == check_stream(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "does not end with a blank line"),
        (stream(FIRST, STOP)[:-1], "does not end with a blank line"),
        (b": ping\n\n" + stream(FIRST, STOP), "not data: ': ping'"),
        (b"event: ping\n\n" + stream(FIRST, STOP), "not data: 'event: ping'"),
        (b"retry: 1\n\n" + stream(FIRST, STOP), "not data: 'retry: 1'"),
        (b"id: 1\n" + stream(FIRST, STOP), "not data: 'id: 1"),
        (stream(FIRST, STOP).replace(b"data: [", b"id: 1\ndata: ["), "not data: 'id: 1"),
        (stream(FIRST, STOP).replace(b"data: [DONE]", b"data:[DONE]"), "not data: 'data:[DONE]'"),
        (stream(FIRST, "{}\nevent: x"), "several lines"),
        (stream(FIRST, STOP).replace(b"[DONE]", b"[DONE]\r"), "carriage return"),
        (stream(FIRST, STOP, "{"), "not JSON"),
        (stream(FIRST, STOP, '{"created": NaN}'), "NaN is Python"),
        (stream(FIRST, STOP, "[]"), "not an object"),
    ],
)
def test_a_broken_frame_is_found(body: bytes, reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_stream(body)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (stream(), "a stream without a chunk"),
        (stream(FIRST, STOP, done=False), "neither [DONE] nor an error"),
        (stream(FIRST, STOP, "[DONE]"), "[DONE] is not the last frame"),
        (stream("[DONE]", FIRST, STOP), "[DONE] is not the last frame"),
        (stream(FIRST, ERROR), "frames follow an error frame"),
        (stream(FIRST, ERROR, STOP), "frames follow an error frame"),
        (stream(FIRST, ERROR, ERROR, done=False), "frames follow an error frame"),
        (stream(FIRST, {"error": "gone"}, done=False), "not of type 'object'"),
        (stream(FIRST, {"error": {"message": "gone"}}, done=False), "'param' is a required"),
        (stream(FIRST, ERROR | {"choices": []}, done=False), "choices key"),
        (stream(FIRST, STOP, ERROR, done=False), "a finish_reason before an error"),
    ],
)
def test_a_broken_end_is_found(body: bytes, reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_stream(body)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([FIRST, chunk({"content": 1}), STOP], "chunk 1: not a CreateChatCompletionStream"),
        ([FIRST, TEXT | {"sources": []}, STOP], "chunk 1: top-level keys"),
        ([FIRST, TEXT | {"id": "c-2"}, STOP], "id changes within the stream"),
        ([FIRST, TEXT | {"created": 2}, STOP], "created changes within the stream"),
        ([value | {"id": ""} for value in (FIRST, STOP)], "the id is empty"),
        ([TEXT, STOP], "the first delta has no role"),
        ([chunk({"role": "user"}), STOP], "the first delta has no role"),
        ([FIRST, chunk({"role": "assistant"}), STOP], "delta 1 repeats the role"),
        ([FIRST, TEXT], "0 finish_reasons"),
        ([FIRST, STOP, STOP], "2 finish_reasons"),
        ([FIRST, STOP, TEXT], "deltas follow the finish_reason"),
        ([FIRST, STOP, CITED], "deltas follow the finish_reason"),
        ([FIRST, TEXT, CALLED], "without a tool call"),
        ([FIRST, chunk(None), STOP], "chunk 1 has no choices"),
        ([FIRST, STOP, chunk(None, usage=USAGE)], "chunk 2 has no choices"),
        ([FIRST, chunk({}, "stop", usage=USAGE)], "chunk 1 has usage"),
    ],
)
def test_a_broken_lifecycle_is_found(chunks: list[Chunk], reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_stream(stream(*chunks))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("calls", "finish", "reason"),
    [
        ([call_start(1)], CALLED, "tool call 1 comes after 0 calls: a hole"),
        ([call_start(0), call_start(2)], CALLED, "tool call 2 comes after 1 calls: a hole"),
        ([call_start(-1)], CALLED, "tool call -1"),
        ([call(0, type="function", function={"name": "f"})], CALLED, "begins without an id"),
        ([call_start(0, id="")], CALLED, "tool call id of 0 characters"),
        ([call_start(0, id="x" * 41)], CALLED, "tool call id of 41 characters"),
        ([call_start(0, function={"arguments": ""})], CALLED, "begins without a name"),
        ([call(0, id="c", function={"name": "f"})], CALLED, "tool call 0 has no type"),
        ([call_start(0), call(0, id="call_0", function={})], CALLED, "tool call 0 repeats its id"),
        ([call_start(0), call(0, function={"name": "f"})], CALLED, "repeats its name"),
        ([call_start(0), call(0)], CALLED, "tool call 0 has a fragment without a function"),
        ([call_start(0), ARGUMENTS], STOP, "finish_reason 'stop' with tool calls"),
    ],
)
def test_a_broken_tool_call_is_found(calls: list[Chunk], finish: Chunk, reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_stream(stream(FIRST, *calls, finish))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (stream(FIRST | {"usage": None}, STOP | {"usage": None}), "not the usage chunk"),
        (with_usage(FIRST, STOP).replace(json.dumps(USAGE).encode(), b"null"), "has no usage"),
        (stream(FIRST, STOP, chunk(None, usage=USAGE)), "chunk 0 lacks usage: null"),
        (with_usage(FIRST, chunk(None), STOP), "chunk 1 has no choices"),
        (
            stream(FIRST | {"usage": USAGE}, STOP | {"usage": None}, chunk(None, usage=USAGE)),
            "chunk 0 has usage",
        ),
    ],
)
def test_broken_usage_is_found_when_usage_was_asked_for(body: bytes, reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_stream(body, include_usage=True)
    assert reason in str(caught.value)


def test_usage_that_was_not_asked_for_is_found() -> None:
    with pytest.raises(AssertionError, match="chunk 2 has no choices"):
        check_stream(with_usage(FIRST, STOP))


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([TEXT, CITED, CITED], "annotations in 2 deltas"),
        ([CITED, TEXT], "text follows the annotations"),
        ([TEXT, chunk({"annotations": []})], "annotations are empty"),
        ([TEXT, chunk({"annotations": None})], "not of type 'array'"),
        ([chunk({"content": "It."}), CITED], "citation [2, 5) in 3 characters"),
        ([TEXT | {"lighton": {}}, CITED], "lighton is not in the chunk of the annotations"),
        ([TEXT | {"lighton": {}}, CITED | {"lighton": {}}], "lighton in 2 chunks"),
    ],
)
def test_broken_citations_are_found(chunks: list[Chunk], reason: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_stream(stream(FIRST, *chunks, STOP))
    assert reason in str(caught.value)
