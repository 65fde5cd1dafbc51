from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.responses.encoded import Encoder
from proxy.core.sse import Decoder
from proxy.errors import Overloaded
from tests.core.responses.scripts import (
    Play,
    calls_of,
    manners,
    play,
    steps,
    texts_of,
    thoughts_of,
)
from tests.support.openai_responses import (
    accumulate,
    check_event,
    check_order,
    check_response,
    held_by,
)

reasons = st.sampled_from(["stop", "length", "content_filter", "tool_calls"])


@given(steps, manners, reasons, st.booleans())
def test_every_event_and_the_response_fit_openais_types_and_order(
    script: Any,
    manner: Any,
    reason: str,
    knows_cites: bool,  # noqa: FBT001  # hypothesis passes it
) -> None:
    one = Play(manner, knows_cites)
    play(one, script, is_cut=reason == "length")
    one.end(reason)
    for event in one.events:
        check_event(event)
    check_order(one.events)
    check_response(one.response)


@given(steps, manners, reasons, st.booleans())
def test_the_folded_stream_is_the_plain_reply(
    script: Any,
    manner: Any,
    reason: str,
    knows_cites: bool,  # noqa: FBT001  # hypothesis passes it
) -> None:
    one = Play(manner, knows_cites)
    play(one, script, is_cut=reason == "length")
    one.end(reason)
    assert one.folded == one.response
    held = accumulate(one.events)
    assert {place: text for place, text in held.items() if text} == held_by(one.response)


@given(steps, manners, reasons, st.booleans())
def test_a_client_hears_the_same_as_on_chat(
    script: Any,
    manner: Any,
    reason: str,
    knows_cites: bool,  # noqa: FBT001  # hypothesis passes it
) -> None:
    one = Play(manner, knows_cites)
    play(one, script, is_cut=reason == "length")
    one.end(reason)
    told, message = one.response, one.message
    assert texts_of(told) == (message["content"] or "")
    assert thoughts_of(told) == message.get("reasoning_content", "")
    assert _calls(told) == [
        _call(each["id"], each["function"]["name"], each["function"]["arguments"])
        for each in message.get("tool_calls", ())
    ]
    assert _cited(told) == [each.start for each in one.cites]
    assert told["lighton"] == one.chat.completion()["lighton"]  # type: ignore[typeddict-item]  # extra
    assert told["usage"]["total_tokens"] == one.chat.completion()["usage"]["total_tokens"]


@given(steps, manners)
def test_the_bytes_of_a_stream_are_its_events(script: Any, manner: Any) -> None:
    one = Play(manner)
    play(one, script)
    one.end()
    decoder, encoder = Decoder(), Encoder()
    got = decoder.feed(b"".join(encoder.encode([each]) for each in one.told))
    assert [orjson.loads(each.data) for each in got] == one.events
    assert [each.name.decode() for each in got] == [each["type"] for each in one.events]


@given(steps, manners)
def test_a_failed_response_fits_and_holds_what_has_ended(script: Any, manner: Any) -> None:
    one = Play(manner)
    play(one, script, is_cut=True)
    one.told += one.writer.fail(Overloaded("Scaleway", "Busy."))
    for event in one.events:
        check_event(event)
    check_order(one.events)
    assert one.folded == one.response
    assert one.response["error"]["message"] == "Busy."


def _calls(response: dict[str, Any]) -> list[Any]:
    return [
        (
            each["call_id"],
            (f"{each['namespace']}_" if "namespace" in each else "") + each["name"],
            each.get("arguments", each.get("input")),
        )
        for each in calls_of(response)
    ]


def _call(call_id: str, name: str, arguments: str) -> Any:
    if name.startswith("x_"):
        try:
            arguments = orjson.loads(arguments)["input"]
        except orjson.JSONDecodeError:
            arguments = ""
    return call_id, name, arguments


def _cited(response: dict[str, Any]) -> list[int]:
    """Where citations begin in all text."""
    found, begin = [], 0
    for item in response["output"]:
        for part in item.get("content", ()):
            if part["type"] == "output_text":
                found += [
                    begin + each.get("start_index", each.get("index"))
                    for each in part["annotations"]
                ]
                begin += len(part["text"])
    return found
