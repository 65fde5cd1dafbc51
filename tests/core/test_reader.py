from __future__ import annotations

from typing import Any

import pytest

from proxy.core.arguments import MAX_ARGUMENT_CHARS
from proxy.core.chat import MAX_NAME_CHARS
from proxy.core.frames import Frame, TextChunk
from proxy.core.gathering import CallRules
from proxy.core.reader import FailedTurnError, TurnReader, UnfinishedTurnError
from proxy.core.tool_names import ToolNames
from proxy.core.turn import Owner
from proxy.core.wire import Chunk

OWNERS = {"lighton_search": Owner.HIDDEN, "get_weather": Owner.CLIENT, "get_time": Owner.CLIENT}


def reader(
    *, keeps_ids: bool = True, single_call: bool = False, room: int = 1_000_000
) -> TurnReader:
    own, client = frozenset({"lighton_search"}), frozenset({"get_weather", "get_time"})
    rules = CallRules(
        lambda name: OWNERS.get(name, Owner.NOBODY),
        mint_id=lambda number: f"minted_{number}",
        names=ToolNames(own | client, own_in_text=own, client_in_text=client),
        keeps_ids=keeps_ids,
        single_call=single_call,
    )
    return TurnReader(rules, room=room)


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **choice: Any) -> Any:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish, **choice}]}


def fragment(
    index: int | None, arguments: str = "", *, name: str | None = None, id: str | None = None
) -> Any:
    part: dict[str, Any] = {"function": {"arguments": arguments}}
    if index is not None:
        part["index"] = index
    if name is not None:
        part["function"]["name"] = name
    if id is not None:
        part["id"] = id
    return chunk({"tool_calls": [part]})


def heard(reader: TurnReader, each: Chunk) -> Any:
    """The delta the client hears of a chunk; None if it hears nothing."""
    out = reader.feed(each)
    return None if out is None else out["choices"][0]["delta"]


def ready(reader: TurnReader) -> list[str]:
    return [call.arguments for call in reader.take_ready()]


def test_text_and_reasoning_pass_at_once() -> None:
    one = reader()
    assert heard(one, chunk({"content": "Hel"})) == {"content": "Hel"}
    assert heard(one, chunk({"reasoning_content": "Hm"})) == {"reasoning_content": "Hm"}
    assert heard(one, chunk({"refusal": "No"})) == {"refusal": "No"}


def test_the_role_and_empty_values_are_not_heard() -> None:
    one = reader()
    assert heard(one, chunk({"role": "assistant", "content": "", "tool_calls": []})) is None
    assert heard(one, chunk({"content": None, "reasoning_content": None})) is None
    assert heard(one, chunk(None)) is None


def test_unknown_fields_of_a_delta_pass() -> None:
    assert heard(reader(), chunk({"audio": {"id": "a"}})) == {"audio": {"id": "a"}}


def test_logprobs_of_an_empty_delta_pass() -> None:
    one = reader()
    assert heard(one, chunk({"content": ""}, logprobs={"content": []})) == {}


def test_a_search_call_never_leaves_and_is_ready_when_its_arguments_are_complete() -> None:
    one = reader()
    assert heard(one, fragment(0, name="lighton_search", id="s1")) is None
    assert heard(one, fragment(0, '{"query": "a}')) is None
    assert ready(one) == []
    assert heard(one, fragment(0, 'b"}')) is None
    assert ready(one) == ['{"query": "a}b"}']
    assert ready(one) == []


def test_a_search_is_ready_while_the_next_call_is_being_written() -> None:
    one = reader()
    one.feed(fragment(0, '{"query": "a"}', name="lighton_search", id="s1"))
    one.feed(fragment(1, '{"que', name="lighton_search", id="s2"))
    assert ready(one) == ['{"query": "a"}']


def test_interleaved_searches_are_ready_in_the_order_of_the_calls() -> None:
    one = reader()
    one.feed(fragment(0, '{"query":', name="lighton_search", id="s1"))
    one.feed(fragment(1, '{"query": "b"}', name="lighton_search", id="s2"))
    assert ready(one) == []
    one.feed(fragment(0, '"a"}'))
    assert ready(one) == ['{"query":"a"}', '{"query": "b"}']


def test_a_client_call_before_a_search_does_not_hold_it_up() -> None:
    one = reader()
    one.feed(fragment(0, '{"city"', name="get_weather", id="w1"))
    one.feed(fragment(1, '{"query": "b"}', name="lighton_search", id="s2"))
    assert ready(one) == ['{"query": "b"}']


def test_client_calls_pass_numbered_from_zero_without_holes() -> None:
    one = reader()
    assert heard(one, fragment(0, "{}", name="lighton_search", id="s1")) is None
    first = heard(one, fragment(1, "", name="get_weather", id="w1"))
    assert first["tool_calls"] == [
        {
            "index": 0,
            "id": "w1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": ""},
        }
    ]
    more = heard(one, fragment(1, '{"city": '))
    assert more["tool_calls"] == [{"index": 0, "function": {"arguments": '{"city": '}}]
    second = heard(one, fragment(2, "{}", name="get_time", id="t1"))
    assert second["tool_calls"][0]["index"] == 1


def test_fragments_wait_for_the_name() -> None:
    one = reader()
    assert heard(one, fragment(0, '{"city"', id="w1")) is None
    named = heard(one, fragment(0, ":1}", name="get_weather"))
    assert named["tool_calls"][0]["function"] == {
        "name": "get_weather",
        "arguments": '{"city":1}',
    }


def test_a_repeated_name_and_id_are_heard_once() -> None:
    one = reader()
    one.feed(fragment(0, "{", name="get_weather", id="w1"))
    again = heard(one, fragment(0, "}", name="get_weather", id="w1"))
    assert again["tool_calls"] == [{"index": 0, "function": {"arguments": "}"}}]


def test_an_id_that_clients_would_refuse_is_replaced() -> None:
    one = reader()
    long = heard(one, fragment(0, "{}", name="get_weather", id="x" * 46))
    assert long["tool_calls"][0]["id"] == "minted_0"
    missing = heard(one, fragment(1, "{}", name="get_weather"))
    assert missing["tool_calls"][0]["id"] == "minted_1"


def test_every_id_is_replaced_where_the_models_are_not_kept() -> None:
    one = reader(keeps_ids=False)
    assert heard(one, fragment(0, "{}", name="lighton_search", id="s1")) is None
    first = heard(one, fragment(1, "{", name="get_weather", id="w1"))
    assert first["tool_calls"][0]["id"] == "minted_1"
    assert "id" not in heard(one, fragment(1, "}", id="w1"))["tool_calls"][0]
    one.feed(chunk({}, "tool_calls"))
    assert [call.id for call in one.close().calls] == ["minted_0", "minted_1"]


def test_two_calls_with_the_same_id_get_different_ones() -> None:
    one = reader()
    one.feed(fragment(0, "{}", name="get_weather", id="same"))
    twin = heard(one, fragment(1, "{}", name="get_time", id="same"))
    assert twin["tool_calls"][0]["id"] == "minted_1"


def test_fragments_without_an_index_belong_to_the_newest_call() -> None:
    one = reader()
    one.feed(fragment(None, '{"a"', name="get_weather", id="w1"))
    more = heard(one, fragment(None, ":1}"))
    assert more["tool_calls"] == [{"index": 0, "function": {"arguments": ":1}"}}]
    second = heard(one, fragment(None, "{}", name="get_time", id="t1"))
    assert second["tool_calls"][0]["index"] == 1


def test_what_follows_a_whole_object_makes_no_difference_to_readiness() -> None:
    one = reader()
    one.feed(fragment(0, '{"query": "a"}', name="lighton_search", id="s1"))
    one.feed(fragment(0, " and so on"))
    assert ready(one) == ['{"query": "a"} and so on']


def test_a_new_id_and_name_begin_a_new_call_although_the_index_is_the_same() -> None:
    one = reader()
    one.feed(fragment(0, '{"a":', name="get_weather", id="w1"))
    one.feed(fragment(0, "1}"))
    second = heard(one, fragment(0, "{}", name="get_time", id="t1"))
    assert second["tool_calls"][0]["index"] == 1
    more = heard(one, fragment(0, " "))
    assert more["tool_calls"][0]["index"] == 1


def test_a_turn_has_at_most_128_calls() -> None:
    one = reader()
    for number in range(200):
        one.feed(fragment(number, "{}", name="get_weather", id=f"w{number}"))
    one.feed(chunk({}, "tool_calls"))
    assert len(one.close().calls) == 128


def test_the_log_probabilities_of_a_hidden_call_are_hidden() -> None:
    one = reader()
    call = fragment(0, '{"query": "a"}', name="lighton_search", id="s1")
    call["choices"][0]["delta"]["content"] = "Hm, so"
    tokens = [{"token": each, "logprob": -1} for each in ("Hm", ", so", '{"query', '": "a"}')]
    call["choices"][0]["logprobs"] = {"content": tokens, "refusal": None}
    out = one.feed(call)
    assert out is not None
    assert out["choices"][0]["logprobs"] == {"content": tokens[:2], "refusal": None}
    again = fragment(0, " ")
    again["choices"][0]["logprobs"] = {"content": [{"token": " ", "logprob": -1}], "refusal": None}
    assert one.feed(again) is None


def test_a_client_that_takes_one_call_hears_of_one() -> None:
    one = reader(single_call=True)
    assert heard(one, fragment(0, "{}", name="get_weather", id="w1")) is not None
    assert heard(one, fragment(1, "{}", name="get_time", id="t1")) is None
    assert heard(one, fragment(1, " ")) is None
    one.feed(chunk({}, "tool_calls"))
    assert [call.name for call in one.close().calls] == ["get_weather"]


def test_the_turn_holds_what_was_said_and_called() -> None:
    one = reader()
    one.feed(chunk({"content": "Let me "}))
    one.feed(chunk({"content": "see."}))
    one.feed(fragment(0, "{}", name="lighton_search", id="s1"))
    one.feed(fragment(1, "{}", name="get_weather", id="w1"))
    one.feed(fragment(2, "{}", name="who_knows", id="n1"))
    one.feed(fragment(3, "{}"))
    one.feed(chunk({}, "tool_calls", stop_reason=7))
    one.feed({"choices": [], "usage": {"total_tokens": 5}})
    turn = one.close()
    assert turn.text == "Let me see."
    assert turn.finish_reason == "tool_calls"
    assert [(call.id, call.owner) for call in turn.calls] == [
        ("s1", Owner.HIDDEN),
        ("w1", Owner.CLIENT),
        ("n1", Owner.NOBODY),
        ("minted_3", Owner.NOBODY),
    ]
    assert turn.usage == {"total_tokens": 5}
    assert turn.closing["choices"][0].get("stop_reason") == 7


def test_running_totals_of_usage_are_not_added_up() -> None:
    one = reader()
    one.feed(chunk({"content": "a"}) | {"usage": {"total_tokens": 5}})
    one.feed(chunk({}, "stop") | {"usage": {"total_tokens": 6}})
    assert one.close().usage == {"total_tokens": 6}


def test_a_finish_reason_is_held_back_from_the_heard_chunk_and_kept_for_the_end() -> None:
    one = reader()
    out = one.feed(chunk({"content": "All."}, "stop"))
    assert out is not None
    assert out["choices"][0]["delta"] == {"content": "All."}
    assert one.close().closing["choices"][0]["delta"] == {}


def test_a_reply_that_ends_without_a_finish_reason_is_unfinished() -> None:
    one = reader()
    one.feed(chunk({"content": "Half"}))
    with pytest.raises(UnfinishedTurnError):
        one.close()


def framed(text: str) -> TextChunk:
    return TextChunk(Frame({"model": "m"}, {"index": 0}), text, text.encode())


def closed(one: TurnReader) -> Any:
    one.feed(chunk({}, "stop"))
    return one.close()


def test_text_in_a_frame_is_as_good_as_its_chunk() -> None:
    by_text, by_chunk = reader(), reader()
    for each in ("Let me", " see", ".\n"):
        by_text.feed(framed(each))
        assert heard(by_chunk, chunk({"content": each})) == {"content": each}
    assert closed(by_text) == closed(by_chunk)


def test_text_in_a_frame_keeps_its_place_among_chunks_and_calls() -> None:
    one = reader()
    one.feed(chunk({"content": "a"}))
    one.feed(framed("b").whole())
    one.feed(fragment(0, '{"query":', name="lighton_search", id="s1"))
    one.feed(framed("c"))
    one.feed(fragment(0, '"x"}'))
    one.feed(chunk({"content": "d"}))
    assert ready(one) == ['{"query":"x"}']
    assert closed(one).text == "abcd"


def test_text_in_a_frame_does_not_finish_a_turn() -> None:
    one = reader()
    one.feed(framed("Half"))
    with pytest.raises(UnfinishedTurnError):
        one.close()


# Text comes before calls


def test_a_clients_call_waits_for_text_that_may_yet_be_a_call() -> None:
    one = reader()
    assert heard(one, chunk({"content": "so <"})) == {"content": "so "}
    assert heard(one, fragment(0, '{"a"', name="get_weather", id="w1")) is None
    assert heard(one, fragment(0, ": 1}")) is None
    ended = heard(one, chunk({}, "tool_calls"))
    assert ended["content"] == "<"
    (call,) = ended["tool_calls"]
    assert (call["index"], call["id"]) == (0, "w1")
    assert call["function"] == {"name": "get_weather", "arguments": '{"a": 1}'}
    assert one.close().calls[0].arguments == '{"a": 1}'


def test_calls_that_waited_follow_the_text_once_it_is_none() -> None:
    one = reader()
    one.feed(chunk({"content": "so <"}))
    assert heard(one, fragment(0, "{}", name="get_weather", id="w1")) is None
    assert heard(one, fragment(1, "{", name="get_time", id="t1")) is None
    passed = heard(one, framed("b").whole())
    assert passed["content"] == "<b"
    assert [each["index"] for each in passed["tool_calls"]] == [0, 1]
    more = heard(one, fragment(1, "}"))
    assert more["tool_calls"] == [{"index": 1, "function": {"arguments": "}"}}]


def test_a_search_does_not_wait_for_text() -> None:
    one = reader()
    one.feed(chunk({"content": "so <"}))
    one.feed(fragment(0, '{"query": "a"}', name="lighton_search", id="s1"))
    assert ready(one) == ['{"query": "a"}']


def test_a_call_that_waits_is_heard_when_there_is_no_more_room() -> None:
    one = reader(room=5)
    one.feed(chunk({"content": "abc<"}))
    assert heard(one, fragment(0, "{", name="get_weather", id="w1")) is None
    cut = heard(one, fragment(0, '"a": 1}'))
    assert one.room.is_full
    (call,) = cut["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": '{"'}
    turn = one.close()
    assert (turn.text, turn.calls[0].arguments) == ("abc", '{"')


# As much as there is room for


def test_what_there_is_no_room_for_is_cut_and_ends_the_turn() -> None:
    one = reader(room=5)
    assert heard(one, chunk({"content": "abc"})) == {"content": "abc"}
    assert (one.room.left, one.room.is_full) == (2, False)
    assert heard(one, chunk({"content": "def"})) == {"content": "de"}
    assert (one.room.left, one.room.is_full) == (0, True)
    turn = one.close()
    assert (turn.text, turn.finish_reason, turn.calls) == ("abcde", "length", ())


def test_text_in_a_frame_passes_in_it_while_there_is_room() -> None:
    one = reader(room=5)
    text = framed("abc")
    assert one.feed(text) is text
    assert heard(one, framed("def").whole()) == {"content": "de"}
    assert one.room.is_full


def test_text_in_a_frame_for_which_there_is_no_room_is_cut() -> None:
    one = reader(room=2)
    cut = one.feed(framed("abc"))
    assert isinstance(cut, dict)
    assert cut["choices"][0]["delta"] == {"content": "ab"}
    assert one.room.is_full


def test_a_turn_that_fills_all_its_room_is_not_cut() -> None:
    one = reader(room=5)
    one.feed(framed("abc"))
    assert heard(one, chunk({"content": "de"}, "stop")) == {"content": "de"}
    assert not one.room.is_full
    assert one.close().finish_reason == "stop"


def test_reasoning_refusals_and_what_vendors_add_take_room_too() -> None:
    one = reader(room=10)
    one.feed(chunk({"reasoning_content": "abc"}))
    one.feed(chunk({"refusal": "abc", "extra": "abc"}))
    assert one.room.left == 1
    assert heard(one, chunk({"content": "late", "reasoning_content": "x"})) == {
        "reasoning_content": "x"
    }
    assert one.room.is_full


def test_a_clients_call_is_cut_and_a_further_one_is_not_heard() -> None:
    one = reader(room=4)
    parts = [
        {"index": index, "id": given, "function": {"name": "get_weather", "arguments": '{"a": 1}'}}
        for index, given in enumerate("ab")
    ]
    out = heard(one, chunk({"tool_calls": parts}, "tool_calls"))
    assert [each["function"]["arguments"] for each in out["tool_calls"]] == ['{"a"']
    turn = one.close()
    assert turn.finish_reason == "length"
    assert [(each.id, each.arguments) for each in turn.calls] == [("a", '{"a"')]


def test_arguments_of_hidden_calls_take_no_room_and_are_forgotten_when_the_turn_is_cut() -> None:
    one = reader(room=4)
    one.feed(fragment(0, '{"query": "leave"}', name="lighton_search", id="s1"))
    assert one.room.left == 4
    one.feed(chunk({"content": "five!"}))
    assert one.close().calls == ()


def test_log_probabilities_are_those_of_the_text_that_is_left() -> None:
    one = reader(room=4)
    tokens = [{"token": "ab"}, {"token": "cd"}, {"token": "ef"}]
    out = one.feed(chunk({"content": "abcdef"}, logprobs={"content": tokens}))
    assert out is not None
    assert out["choices"][0]["logprobs"]["content"] == tokens[:2]


def test_a_hidden_call_keeps_one_character_more_than_may_be_read() -> None:
    one = reader()
    one.feed(fragment(0, '{"query": "', name="lighton_search", id="s1"))
    for _ in range(100):
        one.feed(fragment(0, "x" * 1_000))
    one.feed(fragment(0, '"}'))
    assert ready(one) == []
    (call,) = closed(one).calls
    assert len(call.arguments) == MAX_ARGUMENT_CHARS + 1


def test_a_call_that_gets_no_name_is_gathered_up_to_a_limit() -> None:
    one = reader()
    for _ in range(100):
        assert heard(one, fragment(0, "x" * 1_000)) is None
    assert heard(one, fragment(0, "", name="get_weather")) is None
    (call,) = closed(one).calls
    assert (call.owner, len(call.arguments)) == (Owner.NOBODY, MAX_ARGUMENT_CHARS + 1)


def test_the_name_of_a_tool_that_nobody_has_is_cut() -> None:
    one = reader()
    one.feed(fragment(0, "{}", name="x" * 1_000, id="a"))
    (call,) = closed(one).calls
    assert call.name == "x" * MAX_NAME_CHARS


def test_arguments_that_came_before_the_name_are_heard_and_kept_once() -> None:
    one = reader()
    assert heard(one, fragment(0, '{"city": ')) is None
    out = heard(one, fragment(0, '"Paris"', name="get_weather"))
    assert out["tool_calls"][0]["function"]["arguments"] == '{"city": "Paris"'
    one.feed(fragment(0, "}"))
    (call,) = closed(one).calls
    assert call.arguments == '{"city": "Paris"}'


def test_the_turn_holds_the_reasoning_of_its_round() -> None:
    one = reader()
    for piece in ("I must ", "search."):
        one.feed(chunk({"reasoning_content": piece}))
    one.feed(chunk({"content": "Let me see."}, "stop"))
    assert one.close().reasoning == "I must search."


# Calls that were written as text


HERMES = '<tool_call>{"name": "NAME", "arguments": {"query": "a"}}</tool_call>'
SEARCH, WEATHER = (HERMES.replace("NAME", each) for each in ("lighton_search", "get_weather"))


def said(one: TurnReader, *chunks: Chunk | TextChunk) -> list[Any]:
    """The deltas that the client hears."""
    heard = [one.feed(each) for each in chunks]
    whole = [each.whole() if isinstance(each, TextChunk) else each for each in heard if each]
    return [each["choices"][0]["delta"] for each in whole]


def in_pieces(text: str) -> list[Chunk | TextChunk]:
    return [framed(each) for each in text]


def test_a_search_that_is_written_as_text_is_a_search() -> None:
    one = reader()
    heard = said(one, framed("So: "), *in_pieces(SEARCH), framed(" Done."), chunk({}, "stop"))
    assert heard == [{"content": "So: "}]
    assert ready(one) == ['{"query": "a"}']
    turn = one.close()
    assert (turn.text, turn.finish_reason) == ("So: ", "stop")
    assert [(call.name, call.owner) for call in turn.calls] == [("lighton_search", Owner.HIDDEN)]


def test_a_clients_call_that_is_written_as_text_is_a_call() -> None:
    one = reader()
    function = {"name": "get_weather", "arguments": '{"query": "a"}'}
    called = {"index": 0, "id": "minted_0", "type": "function", "function": function}
    assert said(one, *in_pieces(WEATHER), chunk({}, "stop")) == [{"tool_calls": [called]}]
    assert [call.name for call in one.close().calls] == ["get_weather"]


def test_parsed_calls_come_before_those_that_are_written_as_text() -> None:
    one = reader()
    parsed = fragment(0, "{}", name="get_time", id="t1")
    heard = said(one, chunk({"content": WEATHER + SEARCH}), parsed, chunk({}, "stop"))
    assert [part["index"] for delta in heard for part in delta["tool_calls"]] == [0, 1]
    names = ["get_time", "get_weather", "lighton_search"]
    assert [call.name for call in one.close().calls] == names


def test_reasoning_passes_whatever_it_looks_like() -> None:
    one = reader()
    assert heard(one, chunk({"reasoning_content": SEARCH})) == {"reasoning_content": SEARCH}
    assert closed(one).calls == ()


def test_text_that_turns_out_to_be_no_call_is_heard() -> None:
    one = reader()
    assert said(one, *in_pieces("<b>")) == [{"content": "<b"}, {"content": ">"}]
    assert said(one, framed("<"), chunk({}, "stop")) == [{"content": "<"}]
    assert one.close().text == "<b><"


def test_text_that_is_held_takes_room_when_it_is_heard() -> None:
    one = reader(room=3)
    assert said(one, framed("<")) == []
    assert one.room.left == 3
    assert said(one, framed("four")) == [{"content": "<fo"}]
    assert (one.room.is_full, one.close().text) == (True, "<fo")


def test_log_probabilities_wait_with_their_text() -> None:
    one = reader()
    tokens = [{"token": each, "logprob": -1} for each in ("a", "<", "b")]
    out = [one.feed(chunk({"content": t["token"]}, logprobs={"content": [t]})) for t in tokens]
    told = [each and each["choices"][0]["logprobs"] for each in out]
    assert told[1] is None
    assert told[2] == {"content": tokens[1:], "refusal": None}


def test_log_probabilities_of_a_written_call_are_hidden() -> None:
    one = reader()
    tokens = [{"token": each, "logprob": -1} for each in ("So", SEARCH)]
    whole = chunk({"content": "So" + SEARCH}, "stop", logprobs={"content": tokens})
    out = one.feed(whole)
    assert out is not None
    assert out["choices"][0]["logprobs"] == {"content": tokens[:1], "refusal": None}


def test_log_probabilities_of_held_text_do_not_bring_those_of_a_hidden_call_along() -> None:
    one = reader()
    one.feed(chunk({"content": "<"}, logprobs={"content": [{"token": "<"}]}))
    call = fragment(0, '{"query": "a"}', name="lighton_search", id="s1")
    call["choices"][0]["logprobs"] = {"content": [{"token": '{"query"'}]}
    assert one.feed(call) is None
    late = one.feed(chunk({"content": "b"}, logprobs={"content": [{"token": "b"}]}))
    assert late is not None
    assert '{"query"' not in str(late)


# How a turn ends


@pytest.mark.parametrize(
    ("written", "reason"), [("eos", "stop"), ("model_length", "length"), ("STOP", "stop")]
)
def test_the_end_of_a_turn_is_told_in_openais_words(written: str, reason: str) -> None:
    one = reader()
    one.feed(chunk({"content": "Hi"}, written))
    assert one.close().finish_reason == reason


@pytest.mark.parametrize("written", ["abort", "error", "who_knows"])
def test_a_turn_that_ends_in_a_fault_is_no_turn(written: str) -> None:
    one = reader()
    one.feed(chunk({"content": "Hi"}, written))
    with pytest.raises(FailedTurnError) as caught:
        one.close()
    assert caught.value.finish_reason == written


@pytest.mark.parametrize("arguments", ['{"query": "a"}', '{"query": "a'])
@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_turn_that_is_cut_short_has_no_hidden_calls(arguments: str, reason: str) -> None:
    one = reader()
    one.feed(fragment(0, arguments, name="lighton_search", id="s1"))
    one.feed(fragment(1, "{}", name="get_time", id="t1"))
    one.feed(chunk({}, reason))
    turn = one.close()
    assert (turn.finish_reason, [call.name for call in turn.calls]) == (reason, ["get_time"])


def test_a_name_that_is_whole_only_at_the_end_is_heard_then() -> None:
    one = reader()
    assert said(one, fragment(0, "", name="get_", id="w1")) == []
    assert said(one, fragment(0, "", name="time"), chunk({}, "tool_calls")) != []
    assert [call.name for call in one.close().calls] == ["get_time"]


def test_text_that_fills_the_room_to_the_last_character_passes_as_it_is() -> None:
    one = reader(room=3)
    text = framed("all")
    assert one.feed(text) is text
    assert (one.room.left, one.room.is_full) == (0, False)
    other = reader(room=3)
    assert heard(other, chunk({"content": "all", "audio": None})) == {"content": "all"}
    assert (other.room.left, other.room.is_full) == (0, False)


def test_what_is_no_text_takes_room_by_its_size_and_is_heard_whole_or_not_at_all() -> None:
    audio = {"id": "a"}
    size = len(str(audio))
    one = reader(room=size + 3)
    assert heard(one, chunk({"content": "one", "audio": audio})) == {
        "content": "one",
        "audio": audio,
    }
    assert (one.room.left, one.room.is_full) == (0, False)
    other = reader(room=size + 2)
    assert heard(other, chunk({"audio": audio, "content": "one"})) == {
        "audio": audio,
        "content": "on",
    }
    assert (other.room.left, other.room.is_full) == (0, True)
    last = reader(room=size - 1)
    assert heard(last, chunk({"audio": audio})) is None
    assert last.room.is_full


def test_where_there_is_too_little_room_the_reasoning_comes_first() -> None:
    one = reader(room=4)
    said = heard(one, chunk({"content": "Text.", "reasoning_content": "Hm."}))
    assert said == {"reasoning_content": "Hm.", "content": "T"}


def test_a_turn_knows_whether_there_are_calls() -> None:
    one = reader()
    assert one.has_calls is False
    one.feed(chunk({"content": "Hm"}))
    assert one.has_calls is False
    one.feed(fragment(0, "{}", name="get_time", id="a"))
    assert one.has_calls is True


def test_a_turn_that_was_cut_before_its_end_closes_like_one_that_ended() -> None:
    one = reader(room=1)
    one.feed(chunk({"content": "Too much"}))
    assert one.close().closing == {"choices": [{"index": 0, "delta": {}}]}


def test_the_end_of_a_turn_has_no_log_probabilities_of_its_own() -> None:
    one = reader()
    one.feed(chunk({"content": "27."}, "stop", logprobs={"content": [{"token": "27."}]}))
    (choice,) = one.close().closing["choices"]
    assert choice == {"index": 0, "delta": {}, "finish_reason": "stop", "logprobs": None}


def test_a_fault_at_the_end_of_a_turn_says_how_it_ended() -> None:
    assert str(FailedTurnError("error")) == "error"


def test_text_that_was_held_to_the_end_follows_what_came_with_the_end() -> None:
    one = reader()
    text = "Say <tool_call"
    deltas = [heard(one, chunk({"content": text})), heard(one, chunk({"content": ">x"}, "stop"))]
    assert "".join((each or {}).get("content", "") for each in deltas) == "Say <tool_call>x"


def test_log_probabilities_of_a_refusal_stay_beside_those_of_held_text() -> None:
    one = reader()
    token, refusal = [{"token": "Say "}, {"token": "<tool"}], [{"token": "No"}]
    out = one.feed(chunk({"content": "Say <tool"}, logprobs={"content": token, "refusal": refusal}))
    assert out is not None
    assert out["choices"][0]["logprobs"] == {"content": token[:1], "refusal": refusal}


def test_log_probabilities_of_several_tokens_of_text_are_told_up_to_the_held_one() -> None:
    one = reader()
    tokens = [{"token": each} for each in ("So ", "I ", "say ", "<tool")]
    out = one.feed(chunk({"content": "So I say <tool"}, logprobs={"content": tokens}))
    assert out is not None
    assert out["choices"][0]["logprobs"] == {"content": tokens[:3], "refusal": None}
