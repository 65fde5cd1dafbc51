from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.frames import TextChunk
from proxy.core.responses.encoded import Encoder
from proxy.core.responses.events import TextDelta
from proxy.core.sse import Decoder
from proxy.errors import Overloaded
from tests.core.responses.samples import CUSTOM, FILE_SEARCH, FUNCTION, read
from tests.core.responses.scripts import (
    FRAME,
    Play,
    calls_of,
    chunk,
    fragment,
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


@given(steps, manners, reasons)
def test_of_messages_thoughts_and_calls_one_goes_on_at_a_time(
    script: Any, manner: Any, reason: str
) -> None:
    one = Play(manner)
    play(one, script, is_cut=reason == "length")
    one.end(reason)
    going_on: set[str] = set()
    for event in one.events:
        item = event.get("item", {"id": "", "type": "file_search_call"})
        if item["type"] != "file_search_call":
            change = going_on.add if event["type"].endswith("added") else going_on.remove
            change(item["id"])
        assert len(going_on) <= 1


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


@given(steps, manners)
def test_a_client_can_send_back_what_it_got(script: Any, manner: Any) -> None:
    one = Play(manner)
    play(one, script)
    one.end()
    output = one.response["output"]
    results = [
        {
            "type": f"{each['type']}_output",
            "call_id": each["call_id"],
            "output": "Done.",
        }
        for each in calls_of(one.response)
    ]
    chat = read(input=[*output, *results, {"role": "user", "content": "Go on."}]).chat()
    said = [each for each in chat.messages if each["role"] == "assistant"]
    assert thoughts_of(one.response).replace("\n", "") == "".join(
        each.get("reasoning_content") or "" for each in said
    ).replace("\n", "")
    ids = [each.get("id") for message in said for each in message.get("tool_calls") or ()]
    assert ids == [each["call_id"] for each in calls_of(one.response)]


def test_the_response_repeats_its_request() -> None:
    request = read(instructions="Be short.", tools=[FUNCTION, CUSTOM, FILE_SEARCH], top_p=0.5)
    one = Play({"called_as": request.tools.known}, echo=request.echo)
    one.hear(fragment(0, '{"input": "x"}', CUSTOM["name"]))
    one.end()
    assert (one.response["instructions"], one.response["top_p"]) == ("Be short.", 0.5)
    assert one.response["output"][0]["type"] == "custom_tool_call"
    for event in one.events:
        check_event(event)
    check_response(one.response)


def test_an_answer_that_searches_between_two_texts_has_two_messages() -> None:
    one = Play({"has_file_search": True})
    one.begin_round()
    one.hear(chunk({"content": "Let me look."}))
    one.begin_search("q")
    one.end_search("q")
    one.begin_round()
    one.hear(chunk({"content": "It is 27."}))
    one.end()
    kinds = [each["type"] for each in one.response["output"]]
    assert kinds == ["message", "file_search_call", "message"]
    assert texts_of(one.response) == "Let me look.\n\nIt is 27."


def test_a_search_that_stays_hidden_parts_no_message() -> None:
    one = Play()
    one.begin_round()
    one.hear(chunk({"content": "Let me look."}))
    one.begin_search("q")
    one.end_search("q")
    one.begin_round()
    one.hear(chunk({"content": "It is 27."}))
    one.end()
    (message,) = one.response["output"]
    assert message["content"][0]["text"] == "Let me look.\n\nIt is 27."


def test_a_message_ends_with_the_citations_known_by_then() -> None:
    one = Play()
    one.hear(chunk({"content": "27."}))
    one.cite()
    one.hear(fragment(0, "{}", "get"))
    done = one.types.index("output_text.done")
    assert one.types.index("output_text.annotation.added") < done
    one.end()
    assert one.types.count("output_text.annotation.added") == 1


def test_citations_that_become_known_later_follow_late() -> None:
    one = Play(knows_cites=False)
    one.hear(chunk({"content": "27."}))
    one.cite()
    one.hear(fragment(0, "{}", "get"))
    one.end()
    assert one.types[-2:] == ["output_text.annotation.added", "completed"]
    assert one.response["output"][0]["content"][0]["annotations"]


def test_the_response_names_the_model_that_answers() -> None:
    one = Play()
    one.heartbeat()
    assert one.events[0]["response"]["model"] == "asked"
    one.hear(chunk({"content": "a"}))
    one.end()
    assert one.response["model"] == "served"


def test_an_answer_without_words_is_a_message_without_words() -> None:
    one = Play()
    one.end()
    (message,) = one.response["output"]
    assert [each["text"] for each in message["content"]] == [""]
    calling = Play()
    calling.hear(fragment(0, "{}", "get"))
    calling.end()
    assert [each["type"] for each in calling.response["output"]] == ["function_call"]


def test_a_cut_answer_is_incomplete_and_so_is_its_last_message() -> None:
    one = Play()
    one.hear(chunk({"content": "a"}))
    one.end("length")
    assert one.types[-1] == "incomplete"
    assert one.response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert one.response["output"][0]["status"] == "incomplete"


def test_a_call_that_is_not_whole_does_not_end_with_a_failure() -> None:
    one = Play()
    one.hear(chunk({"content": "a"}), fragment(0, '{"a', "get"))
    one.told += one.writer.fail(Overloaded("Scaleway", "Busy."))
    assert one.types[-2:] == ["function_call_arguments.delta", "failed"]
    assert [each["type"] for each in one.response["output"]] == ["message"]


def test_what_waits_for_a_call_that_never_ends_is_told_and_cited_all_the_same() -> None:
    one = Play(knows_cites=False)
    one.hear(fragment(0, '{"a', "get"), chunk({"content": "27."}))
    one.cite()
    one.end("length")
    assert texts_of(one.response) == "27."
    assert _cited(one.response) == [2]
    failing = Play()
    failing.hear(fragment(0, '{"a', "get"), chunk({"content": "27."}))
    failing.told += failing.writer.fail(Overloaded("Scaleway", "Busy."))
    assert texts_of(failing.response) == "27."


def test_text_in_frames_after_a_refusal_is_another_part() -> None:
    one = Play()
    one.hear(chunk({"content": "a"}), chunk({"refusal": "no"}), TextChunk(FRAME, "b", b"b"))
    one.end()
    texts = [each.get("text") for each in one.response["output"][0]["content"]]
    assert texts == ["a", None, "b"]


def test_an_error_before_all_else_still_begins_the_stream() -> None:
    one = Play()
    one.told += one.writer.fail(Overloaded("Scaleway", "Busy."))
    assert one.types == ["created", "in_progress", "failed"]


def test_a_heartbeat_begins_a_silent_response() -> None:
    one = Play()
    one.heartbeat()
    assert one.types == ["created", "in_progress"]


def test_a_heartbeat_within_text_is_a_piece_without_words() -> None:
    one = Play()
    one.hear(chunk({"content": "a"}))
    one.heartbeat()
    assert (one.types[-1], one.events[-1]["delta"]) == ("output_text.delta", "")


def test_a_heartbeat_where_nothing_goes_on_repeats_all_output() -> None:
    one = Play({"has_file_search": True})
    one.hear(chunk({"content": "a"}))
    one.begin_search("q")
    one.heartbeat()
    assert one.types[-1] == "in_progress"
    message, search = one.events[-1]["response"]["output"]
    assert (message["status"], search["status"]) == ("completed", "searching")
    assert message["content"][0]["text"] == "a"


def test_text_in_frames_passes_without_being_escaped_again() -> None:
    one = Play()
    one.hear(chunk({"content": "a"}))
    (told,) = one.writer.hear([TextChunk(FRAME, "é", b"\\u00e9")])
    assert isinstance(told, TextDelta)
    assert (told.text, told.written) == ("é", b"\\u00e9")


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
