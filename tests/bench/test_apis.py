"""The two APIs of the benchmark hear the same of replies that say the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.apis import CHAT, RESPONSES, Api, Heard
from bench.exchange import Event
from bench.script import Script
from bench.subjects import Subject

URL = {"url": "https://d/7", "title": "Lease", "start_index": 3, "end_index": 6}


def event(at: float, document: Any) -> Event:
    return Event(at, document if isinstance(document, bytes) else json.dumps(document).encode())


CHAT_EVENTS = [
    event(1, {"choices": [{"delta": {"content": "two"}}]}),
    event(
        2,
        {"choices": [{"delta": {"annotations": [{"type": "url_citation", "url_citation": URL}]}}]},
    ),
    event(3, {"choices": [{"delta": {}, "finish_reason": "stop"}]}),
    event(4, b"[DONE]"),
]
NOTE = {"type": "url_citation", **URL}
RESPONSE = {
    "status": "completed",
    "output": [{"type": "message", "content": [{"text": "two", "annotations": [NOTE]}]}],
}
RESPONSES_EVENTS = [
    event(1, {"type": "response.output_text.delta", "delta": "two"}),
    event(2, {"type": "response.output_text.annotation.added", "annotation": NOTE}),
    event(3, {"type": "response.completed", "response": RESPONSE}),
]
HEARD = Heard(["two"], [1], ["stop"], [[{"type": "url_citation", "url_citation": URL}]])


@pytest.mark.parametrize(
    ("api", "events"),
    [(CHAT, CHAT_EVENTS), (RESPONSES, RESPONSES_EVENTS)],
    ids=["chat", "responses"],
)
def test_a_stream_is_heard_with_the_times_of_its_text(api: Api, events: list[Event]) -> None:
    assert api.streamed(events) == HEARD


def test_a_stream_of_chat_that_breaks_off_is_wrong() -> None:
    with pytest.raises(ValueError, match="DONE"):
        CHAT.streamed(CHAT_EVENTS[:-1])


def test_a_stream_of_responses_that_breaks_off_is_wrong() -> None:
    with pytest.raises(KeyError):
        RESPONSES.streamed(RESPONSES_EVENTS[:-1])


def test_whole_replies_are_heard() -> None:
    message = {"content": "two", "annotations": [{"type": "url_citation", "url_citation": URL}]}
    completion = {"choices": [{"message": message, "finish_reason": "stop"}]}
    assert CHAT.whole(completion) == RESPONSES.whole(RESPONSE)
    assert RESPONSES.whole({**RESPONSE, "status": "incomplete"}).reasons == ["incomplete"]


@pytest.mark.parametrize(("api", "question"), [(CHAT, "messages"), (RESPONSES, "input")])
def test_a_request_asks_in_the_words_of_its_api(api: Api, question: str) -> None:
    subject = Subject("s", "g", api=api, path=api.path)
    head, _, body = subject.request(1, Script(9), 1, stream=True).partition(b"\r\n\r\n")
    assert head.startswith(f"POST {api.path} ".encode())
    assert question in json.loads(body)
