from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.fold import Fold
from proxy.core.frames import Frame, TextChunk
from proxy.core.slices import SLICE_CHARS, slices_of
from tests.support.script import delta_chunk

CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}


def heard(*chunks: Any) -> Any:
    fold = Fold()
    fold.hear(chunks)
    return fold.completion()


def said(chunk: Any) -> list[Any]:
    """The choice of each slice."""
    return [each["choices"][0] for each in slices_of(chunk)]


def test_a_chunk_that_says_little_is_itself() -> None:
    chunk = delta_chunk({"content": "x" * SLICE_CHARS, "tool_calls": [CALL]}, "tool_calls")
    assert [each is chunk for each in slices_of(chunk)] == [True]
    silent = delta_chunk({"refusal": "No."})
    assert [each is silent for each in slices_of(silent)] == [True]


def test_reasoning_comes_first_and_calls_last() -> None:
    text = "a" * SLICE_CHARS + "b" * SLICE_CHARS + "c"
    delta = {"content": text, "reasoning_content": "Hm.", "tool_calls": [CALL]}
    chunk: Any = delta_chunk(delta, "tool_calls")
    chunk["choices"][0]["logprobs"] = {"content": [{"token": text}]}
    choices = said(chunk)
    assert [each["delta"] for each in choices] == [
        {"content": "a" * SLICE_CHARS, "reasoning_content": "Hm."},
        {"content": "b" * SLICE_CHARS},
        {"content": "c", "tool_calls": [CALL]},
    ]
    assert [each["finish_reason"] for each in choices] == [None, None, "tool_calls"]
    assert [bool(each["logprobs"]) for each in choices] == [False, False, True]


def test_a_long_text_in_a_frame_is_sliced_too() -> None:
    whole: Any = delta_chunk({})
    frame = Frame(whole, whole["choices"][0])
    text = "x" * (SLICE_CHARS + 1)
    chunk = TextChunk(frame, text, text.encode())
    assert [len(each["delta"]["content"]) for each in said(chunk)] == [SLICE_CHARS, 1]


@given(st.integers(0, 3 * SLICE_CHARS))
def test_all_slices_together_mean_what_the_chunk_does(size: int) -> None:
    text = ("0123456789" * size)[:size]
    chunk: Any = delta_chunk({"content": text, "reasoning_content": "r" * size}, "stop")
    slices = list(slices_of(chunk))
    assert heard(*slices) == heard(chunk)
    assert all(
        len(heard(each)["choices"][0]["message"]["content"]) <= SLICE_CHARS for each in slices
    )
