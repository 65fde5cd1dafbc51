"""The events of a streamed chat completion."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.chat_events import ChatEvents
from proxy.core.frames import Frame, TextChunk
from proxy.core.sse import Decoder
from proxy.core.writer import CompletionWriter
from proxy.errors import Overloaded

TEXTS = st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=8)


def events() -> ChatEvents:
    return ChatEvents(CompletionWriter(id="chatcmpl-1", created=1, model="m", include_usage=False))


def frame(model: str) -> Frame:
    return Frame({"id": "chatcmpl-1", "model": model}, {"index": 0, "finish_reason": None})


@given(st.lists(st.tuples(st.sampled_from("ab"), TEXTS), max_size=5))
def test_text_in_a_frame_is_encoded_as_its_whole_chunk_would_be(
    said: list[tuple[str, list[str]]],
) -> None:
    chunks = [
        TextChunk(each, text, orjson.dumps(text)[1:-1])
        for model, texts in said
        for each in [frame(model)]
        for text in texts
    ]
    fast, slow = events(), events()
    assert fast.of_chunks(chunks) == slow.of_chunks([each.whole() for each in chunks])


def test_a_failure_is_one_event_of_the_error_alone() -> None:
    failed = events().of_failure(Overloaded("Scaleway", "Scaleway is unavailable."))
    (event,) = Decoder().feed(failed)
    assert orjson.loads(event.data).keys() == {"error"}


def test_a_sign_of_life_is_a_chunk_without_words() -> None:
    (event,) = Decoder().feed(events().heartbeat())
    assert orjson.loads(event.data)["choices"][0]["delta"]["content"] == ""
