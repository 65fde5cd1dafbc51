from __future__ import annotations

from proxy.core.frames import Frame, TextChunk

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
