"""A check of a whole streamed answer: every rule a client depends on, from first byte to last.

The rules, each with one place below:

- frames: every frame is one `data:` line and a blank line; no comments, no other fields;
- end: `data: [DONE]` comes last and once, or else one error frame ends the body;
- identity: one id and one created all through;
- role: in the first delta, and in no other;
- tool calls: numbered from 0 without holes; id and name in the first fragment of each, only there;
  every fragment has a function (openai-python's helper asserts it);
- finish: exactly one finish_reason; nothing but the usage chunk comes after it;
- usage: asked for, one last chunk without choices, and null on all others; else no such chunk;
- annotations: in one delta, after the last of the text they point into, within its bounds;
- lighton: the trace of the searches comes once, in the chunk of the annotations if there is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.support.openai_schema import (
    check_chunk,
    check_citations,
    check_error,
    check_finish_reason,
    check_tool_call_id,
)

DONE = "[DONE]"


@dataclass(frozen=True)
class StreamView:
    """A stream that kept the rules: its chunks in order, and the error that cut it off, if any."""

    chunks: list[dict[str, Any]]
    error: dict[str, Any] | None

    def deltas(self) -> list[dict[str, Any]]:
        return [choice["delta"] for chunk in self.chunks for choice in chunk["choices"]]


def check_stream(frames: bytes | Iterable[bytes], *, include_usage: bool = False) -> StreamView:
    """Check a whole SSE body, given in one piece or in any pieces, and return what it holds.

    `include_usage` says whether the request asked for usage by `stream_options`.
    """
    body = frames if isinstance(frames, bytes) else b"".join(frames)
    chunks, error = _split_end(_payloads(body))
    view = StreamView(chunks, error)
    for number, chunk in enumerate(chunks):
        try:
            check_chunk(chunk)
        except AssertionError as fault:
            raise AssertionError(f"chunk {number}: {fault}") from None
    _check_identity(view)
    _check_role(view)
    calls = _check_tool_calls(view)
    _check_finish(view, has_calls=calls > 0)
    _check_usage(view, include_usage=include_usage)
    _check_annotations(view)
    _check_trace(view)
    return view


def _payloads(body: bytes) -> list[str]:
    """Return the text after `data: ` of every frame."""
    text = body.decode("utf-8")
    assert text.endswith("\n\n"), f"the body does not end with a blank line: {text[-40:]!r}"
    payloads = []
    for frame in text.removesuffix("\n\n").split("\n\n"):
        assert frame.startswith("data: "), f"a frame that is not data: {frame!r}"
        assert "\n" not in frame, f"a frame of several lines: {frame!r}"
        assert "\r" not in frame, f"a carriage return in a frame: {frame!r}"
        payloads.append(frame.removeprefix("data: "))
    return payloads


def _split_end(payloads: list[str]) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Take off what ends the body: `[DONE]`, or an error frame."""
    *before, last = payloads
    assert DONE not in before, "[DONE] is not the last frame"
    objects = [_parse(payload) for payload in before]
    error = None
    if last != DONE:
        error = _parse(last)
        assert "error" in error, "the body ends with neither [DONE] nor an error"
        check_error(error)
    assert not any("error" in value for value in objects), "frames follow an error frame"
    assert objects or error, "a stream without a chunk"
    return objects, error


def _parse(payload: str) -> dict[str, Any]:
    try:
        value = json.loads(payload, parse_constant=_reject_constant)
    except ValueError as fault:
        raise AssertionError(f"a frame that is not JSON ({fault}): {payload!r}") from None
    assert isinstance(value, dict), f"a frame that is not an object: {payload!r}"
    return value


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is Python, not JSON")


def _check_identity(view: StreamView) -> None:
    for key in ("id", "created"):
        values = {chunk[key] for chunk in view.chunks}
        assert len(values) <= 1, f"{key} changes within the stream: {sorted(values)}"
    assert all(chunk["id"] for chunk in view.chunks), "the id is empty"


def _check_role(view: StreamView) -> None:
    for number, delta in enumerate(view.deltas()):
        if number == 0:
            assert delta.get("role") == "assistant", "the first delta has no role"
        else:
            assert "role" not in delta, f"delta {number} repeats the role: clients concatenate it"


def _check_tool_calls(view: StreamView) -> int:
    """Check the fragments of the client's tool calls and return how many calls there are."""
    calls = 0
    for delta in view.deltas():
        for fragment in delta.get("tool_calls", []):
            index, function = fragment["index"], fragment.get("function")
            assert function is not None, f"tool call {index} has a fragment without a function"
            assert 0 <= index <= calls, f"tool call {index} comes after {calls} calls: a hole"
            if index == calls:
                calls += 1
                assert "id" in fragment, f"tool call {index} begins without an id"
                assert fragment.get("type") == "function", f"tool call {index} has no type"
                assert function.get("name"), f"tool call {index} begins without a name"
                check_tool_call_id(fragment["id"])
            else:
                assert "id" not in fragment, f"tool call {index} repeats its id"
                assert "name" not in function, f"tool call {index} repeats its name"
    return calls


def _check_finish(view: StreamView, *, has_calls: bool) -> None:
    reasons = [choice["finish_reason"] for chunk in view.chunks for choice in chunk["choices"]]
    given = [reason for reason in reasons if reason is not None]
    if view.error is not None:
        assert not given, "a finish_reason before an error: the client takes the answer as complete"
        return
    assert len(given) == 1, f"{len(given)} finish_reasons: {given}"
    assert reasons[-1] is not None, "deltas follow the finish_reason"
    check_finish_reason(given[0], has_calls=has_calls)


def _check_usage(view: StreamView, *, include_usage: bool) -> None:
    chunks = view.chunks
    if include_usage and view.error is None:
        *chunks, last = chunks
        assert last["choices"] == [], "the last chunk is not the usage chunk"
        assert last.get("usage") is not None, "the last chunk has no usage"
    for number, chunk in enumerate(chunks):
        assert chunk["choices"], f"chunk {number} has no choices: naive clients index choices[0]"
        assert chunk.get("usage") is None, f"chunk {number} has usage"
        if include_usage:
            assert "usage" in chunk, f"chunk {number} lacks usage: null"


def _check_annotations(view: StreamView) -> None:
    deltas = view.deltas()
    places = [number for number, delta in enumerate(deltas) if "annotations" in delta]
    assert len(places) <= 1, f"annotations in {len(places)} deltas: openai-python takes one"
    text = "".join(delta.get("content") or "" for delta in deltas)
    for place in places:
        assert deltas[place]["annotations"], "annotations are empty"
        after = any(delta.get("content") for delta in deltas[place + 1 :])
        assert not after, "text follows the annotations"
        check_citations(deltas[place]["annotations"], text)


def _check_trace(view: StreamView) -> None:
    traced = [chunk for chunk in view.chunks if "lighton" in chunk]
    assert len(traced) <= 1, f"lighton in {len(traced)} chunks"
    for chunk in view.chunks:
        if any("annotations" in choice["delta"] for choice in chunk["choices"]):
            assert not traced or chunk in traced, "lighton is not in the chunk of the annotations"
