from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.frames import Frame, TextChunk, says_something

FRAME = Frame({"id": "x", "model": "m"}, {"index": 0, "finish_reason": None, "logprobs": None})


def test_a_chunk_of_text_is_a_frame_around_it() -> None:
    assert TextChunk(FRAME, "é", b"\\u00e9").whole() == {
        "id": "x",
        "model": "m",
        "choices": [
            {"index": 0, "finish_reason": None, "logprobs": None, "delta": {"content": "é"}}
        ],
    }


def test_whole_chunks_of_one_frame_can_be_changed_without_changing_each_other() -> None:
    one, two = TextChunk(FRAME, "1", b"1").whole(), TextChunk(FRAME, "2", b"2").whole()
    one["id"] = "y"
    one["choices"][0]["delta"]["role"] = "assistant"
    one["choices"][0]["index"] = 5
    assert two == TextChunk(FRAME, "2", b"2").whole()


def test_a_chunk_of_text_is_told_from_a_chunk() -> None:
    # What is handed on is one or the other, and whoever takes it looks for nothing else.
    assert isinstance(TextChunk(FRAME, "x", b"x"), TextChunk)
    assert not isinstance(TextChunk(FRAME, "x", b"x"), dict)
    assert not isinstance(FRAME.around("x"), TextChunk)


def test_frames_are_told_apart_by_what_they_are_and_not_by_what_they_say() -> None:
    twin = Frame(FRAME.top.copy(), FRAME.choice.copy())
    assert twin != FRAME
    assert twin.around("x") == FRAME.around("x")


@given(
    st.dictionaries(st.text(max_size=3), st.none() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.none() | st.text(max_size=3), max_size=3),
    st.text(min_size=1, max_size=5),
)
def test_a_frame_adds_the_text_and_nothing_else(top: Any, choice: Any, text: str) -> None:
    chunk = Frame(top.copy(), choice.copy()).around(text)
    assert chunk == {**top, "choices": [{**choice, "delta": {"content": text}}]}


@pytest.mark.parametrize(
    ("chunk", "says"),
    [
        ({}, False),
        ({"choices": []}, False),
        ({"choices": [{"delta": None}]}, False),
        ({"choices": [{"delta": {"role": "assistant", "content": ""}}]}, False),
        ({"choices": [], "usage": {"total_tokens": 3}}, False),
        ({"choices": [{"delta": {"content": "a"}}]}, True),
        ({"choices": [{"delta": {"reasoning_content": "a"}}]}, True),
        ({"choices": [{"delta": {}, "finish_reason": "stop"}]}, True),
    ],
)
def test_what_only_opens_a_stream_says_nothing(chunk: Any, *, says: bool) -> None:
    assert says_something(chunk) is says
