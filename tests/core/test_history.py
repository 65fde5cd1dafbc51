from __future__ import annotations

import itertools
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.history import NO_RESULT, History, Recognised, choose, recognise, restore
from proxy.core.kept import Context, KeptTurn, Said, call_id, handle_of_call
from proxy.core.search_tool import Search
from proxy.core.wire import Message, MessageCall
from tests.core.samples import handle_of_answer
from tests.support.history import check_history

_numbers = itertools.count()
QUESTION: Message = {"role": "user", "content": "How many days?"}
AGAIN: Message = {"role": "user", "content": "And in hours?"}
FINAL: Message = {"role": "assistant", "content": "It is 27 days. [1]"}


def new_ids(number: int = 1) -> list[str]:
    completion = f"chatcmpl-{next(_numbers):032x}"
    return [call_id(completion, 1, each) for each in range(number)]


def part(id: str, name: str = "get_weather", arguments: str = "{}") -> MessageCall:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*ids: str, content: str | None = None) -> Message:
    return {"role": "assistant", "content": content, "tool_calls": [part(each) for each in ids]}


def result(id: str, content: str = "sunny") -> Message:
    return {"role": "tool", "tool_call_id": id, "content": content}


def searched(id: str) -> MessageCall:
    return part(id, "lighton_search", '{"query": "leave"}')


def hidden_round(id: str, content: str = "Leave is 27 days.") -> tuple[Message, Message]:
    turn: Message = {"role": "assistant", "content": None, "tool_calls": [searched(id)]}
    return turn, result(id, content)


def handle(id: str) -> str:
    found = handle_of_call(id)
    assert found
    return found


def with_kept(
    messages: list[Message], kept: dict[str, KeptTurn], *, earlier: bool = False
) -> History:
    chosen = choose(recognise(messages, earlier=earlier), kept, 10_000)
    return restore(messages, chosen, lambda _: True)


def test_a_turn_of_the_answer_being_made_is_recognised_by_the_ids_of_its_calls() -> None:
    one, two = new_ids(2)
    messages = [QUESTION, calling("call_of_another", one, two), result(one), result(two)]
    assert recognise(messages, earlier=False) == [Recognised(1, handle(one), is_unfinished=True)]


def test_an_answer_goes_on_although_the_user_has_said_something() -> None:
    (one,) = new_ids()
    found = recognise([QUESTION, calling(one), result(one), AGAIN], earlier=False)
    assert [each.is_unfinished for each in found] == [True]


def test_earlier_answers_are_recognised_only_when_they_are_asked_for() -> None:
    one, two = new_ids()[0], new_ids()[0]
    messages = [QUESTION, calling(one), result(one), FINAL, AGAIN, calling(two), result(two)]
    assert [each.place for each in recognise(messages, earlier=False)] == [5]
    text = handle_of_answer(QUESTION, FINAL)
    assert recognise(messages, earlier=True) == [
        Recognised(1, handle(one), is_unfinished=False),
        Recognised(3, text, is_unfinished=False),
        Recognised(5, handle(two), is_unfinished=True),
    ]


def test_an_earlier_answer_is_recognised_by_the_whole_conversation_before_it() -> None:
    (one,) = new_ids()
    begin: list[Message] = [
        {"role": "system", "content": "Be brief."},
        QUESTION,
        calling(one),
        result(one),
    ]
    messages = [*begin, FINAL, AGAIN, FINAL, QUESTION]
    found = {each.place: each.handle for each in recognise(messages, earlier=True)}
    assert found == {
        2: handle(one),
        4: handle_of_answer(QUESTION, FINAL),
        6: handle_of_answer(QUESTION, FINAL, AGAIN, FINAL),
    }


def test_a_long_history_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Message] = []
    monkeypatch.setattr(Said, "add", lambda _, message: read.append(message))
    messages = [QUESTION, FINAL] * 500
    recognise(messages, earlier=True)
    assert read == messages
    recognise(messages, earlier=False)
    assert read == messages


def test_only_the_newest_messages_of_earlier_answers_are_looked_up() -> None:
    messages = [message for _ in range(100) for message in (QUESTION, FINAL)]
    found = recognise(messages, earlier=True)
    assert [found[0].place, found[-1].place, len(found)] == [73, 199, 64]


def test_an_answer_over_many_turns_is_looked_up_as_a_whole() -> None:
    messages = [QUESTION, FINAL, QUESTION]
    for _ in range(300):
        (one,) = new_ids()
        messages += [calling(one), result(one)]
    found = recognise(messages, earlier=False)
    assert [found[0].place, len(found)] == [3, 300]


def unfinished(*handles: str) -> list[Recognised]:
    return [Recognised(place, each, is_unfinished=True) for place, each in enumerate(handles)]


def earlier(*handles: str) -> list[Recognised]:
    return [Recognised(place, each, is_unfinished=False) for place, each in enumerate(handles)]


def test_the_answer_being_made_gets_three_quarters_and_the_oldest_turns_are_dropped_first() -> None:
    kept = {name: turn_of_size(250) for name in "abcd"}
    assert list(choose(unfinished(*"abcd"), kept, 1_000)) == [1, 2, 3]
    assert list(choose(unfinished(*"abcd"), {**kept, "c": turn_of_size(501)}, 1_000)) == [3]


def test_the_newest_turn_of_the_answer_being_made_always_stays() -> None:
    assert list(choose(unfinished("a", "b"), {"b": turn_of_size(5_000)}, 1_000)) == [1]


def test_earlier_answers_get_at_most_half_and_the_oldest_are_dropped_first() -> None:
    kept = {name: turn_of_size(200) for name in "abc"}
    assert list(choose(earlier(*"abc"), kept, 1_000)) == [1, 2]
    assert list(choose(earlier(*"abc"), {**kept, "b": turn_of_size(301)}, 1_000)) == [2]
    assert list(choose(earlier(*"abc"), {**kept, "c": turn_of_size(501)}, 1_000)) == []
    assert list(choose(earlier(*"abc"), kept, 1_000, memory_chars=300)) == [2]
    assert list(choose(earlier(*"abc"), kept, 1_000, memory_chars=0)) == []


def test_earlier_answers_get_what_the_answer_being_made_leaves() -> None:
    kept = {"old": turn_of_size(300), "now": turn_of_size(750)}
    found = [Recognised(1, "old", is_unfinished=False), Recognised(3, "now", is_unfinished=True)]
    assert list(choose(found, kept, 1_000)) == [3]
    assert list(choose(found, kept, 1_050)) == [1, 3]


def test_a_turn_that_stands_twice_in_the_history_is_put_back_once() -> None:
    found = [Recognised(place, "a", is_unfinished=place > 2) for place in (1, 3, 5)]
    assert list(choose(found, {"a": turn_of_size(10)}, 1_000)) == [1]


def turn_of_size(size: int) -> KeptTurn:
    return KeptTurn(text="", heard="", answers={"s": "x" * size})


def test_the_model_sees_everything_of_a_turn_that_called_tools_and_searched() -> None:
    one, mine, two = new_ids(3)
    kept = KeptTurn(
        text="And now?",
        heard="Let me see.\n\nAnd now?",
        before=hidden_round("h1"),
        calls=(part(one), searched(mine), part(two)),
        answers={mine: "Found [2]."},
    )
    heard = calling(one, two, content="Let me see.\n\nAnd now?")
    messages = [QUESTION, heard, result(one, "sunny"), result(two, "noon")]
    restored = with_kept(messages, {handle(one): kept}).messages
    check_history(restored)
    assert restored == [
        QUESTION,
        *hidden_round("h1"),
        {
            "role": "assistant",
            "content": "And now?",
            "tool_calls": [part(one), searched(mine), part(two)],
        },
        result(one, "sunny"),
        result(mine, "Found [2]."),
        result(two, "noon"),
    ]


def test_a_finished_answer_is_preceded_by_its_hidden_rounds() -> None:
    kept = KeptTurn(
        text="It is 27 days. [1]", heard="It is 27 days. [1]", before=hidden_round("h1")
    )
    known = {handle_of_answer(QUESTION, FINAL): kept}
    messages = [QUESTION, FINAL, AGAIN]
    assert with_kept(messages, known).messages == messages
    restored = with_kept(messages, known, earlier=True).messages
    assert restored == [QUESTION, *hidden_round("h1"), FINAL, AGAIN]


def test_the_contexts_of_first_searches_come_back_each_once() -> None:
    one, two = new_ids()[0], new_ids()[0]
    context = Context((Search("q", 5).job,), "passages")
    turns = [KeptTurn("", "", calls=(part(each),), context=context) for each in (one, two)]
    messages = [QUESTION, calling(one), result(one), calling(two), result(two)]
    kept = dict(zip((handle(one), handle(two)), turns, strict=True))
    assert with_kept(messages, kept).contexts == {0: (context,)}


def test_each_context_belongs_to_the_user_message_before_its_turn() -> None:
    first, second = (Context((Search(each, 5).job,), each) for each in ("days", "hours"))
    before = hidden_round("h1")
    one = KeptTurn("It is 27 days. [1]", "It is 27 days. [1]", before=before, context=first)
    (mine,) = new_ids()
    two = KeptTurn("", "", calls=(part(mine),), context=second)
    messages = [QUESTION, FINAL, AGAIN, calling(mine), result(mine)]
    known = {handle_of_answer(QUESTION, FINAL): one, handle(mine): two}
    history = with_kept(messages, known, earlier=True)
    places = [history.messages.index(each) for each in (QUESTION, AGAIN)]
    assert history.contexts == dict(zip(places, ((first,), (second,)), strict=True))
    assert history.last_user == places[1] == 4


def test_a_turn_whose_passages_cannot_keep_their_numbers_counts_as_gone() -> None:
    one, mine = new_ids(2)
    kept = KeptTurn("", "", calls=(part(one), searched(mine)), answers={mine: "Found [2]."})
    messages = [QUESTION, calling(one), result(one)]
    assert restore(messages, {1: kept}, lambda _: False) == History(messages)


def test_a_client_cannot_answer_a_hidden_call() -> None:
    one, mine = new_ids(2)
    kept = KeptTurn("", "", calls=(part(one), searched(mine)), answers={mine: "Found [2]."})
    messages = [QUESTION, calling(one, mine), result(mine, "made up"), result(one)]
    restored = with_kept(messages, {handle(one): kept}).messages
    check_history(restored)
    assert restored[2:] == [result(one), result(mine, "Found [2].")]


def test_results_are_put_in_the_order_of_their_calls() -> None:
    one, two, three = new_ids(3)
    messages = [QUESTION, calling(one, two, three), result(three), result(one), result(two)]
    restored = with_kept(messages, {}).messages
    assert [each["tool_call_id"] for each in restored[2:]] == [one, two, three]


def test_a_call_that_was_not_answered_is_told_as_such() -> None:
    one, two = new_ids(2)
    restored = with_kept([QUESTION, calling(one, two), result(two)], {}).messages
    assert restored[2:] == [result(one, NO_RESULT), result(two)]


def test_a_result_that_comes_after_other_messages_is_put_behind_its_turn() -> None:
    (one,) = new_ids()
    messages = [QUESTION, calling(one), AGAIN, result(one), AGAIN]
    restored = with_kept(messages, {}).messages
    assert restored == [QUESTION, calling(one), result(one), AGAIN, AGAIN]


def test_of_two_results_for_one_call_the_last_counts() -> None:
    (one,) = new_ids()
    messages = [QUESTION, calling(one), result(one, "old"), result(one, "new")]
    assert with_kept(messages, {}).messages == [QUESTION, calling(one), result(one, "new")]


@pytest.mark.parametrize("same", ["get_weather", ""])
def test_results_of_calls_with_one_id_answer_them_in_their_order(same: str) -> None:
    messages = [QUESTION, calling(same, same), result(same, "sunny"), result(same, "rain")]
    restored = with_kept(messages, {}).messages
    check_history(restored)
    assert [each["content"] for each in restored[2:]] == ["sunny", "rain"]


def test_an_id_that_is_used_again_belongs_to_the_turn_before_its_result() -> None:
    (one,) = new_ids()
    messages = [QUESTION, calling(one), result(one, "a"), calling(one), result(one, "b")]
    assert with_kept(messages, {}).messages == messages


def test_calls_of_a_message_that_is_not_the_assistants_are_none() -> None:
    odd: Message = {**QUESTION, "tool_calls": [part("c")]}
    assert with_kept([odd], {}).messages == [odd]


@pytest.mark.parametrize(
    ("written", "sent"),
    [('{"city": "Rome"}', '{"city": "Rome"}'), ('{"city": ', "{}"), ("{}{}", "{}"), ("", "{}")],
)
def test_arguments_that_are_no_object_do_not_spoil_the_history(written: str, sent: str) -> None:
    message: Message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [part("c", "f", written)],
    }
    restored = with_kept([QUESTION, message, result("c")], {}).messages
    assert restored[1]["tool_calls"] == [part("c", "f", sent)]


def test_a_call_of_another_kind_passes_as_it_is() -> None:
    custom: Any = {"id": "c", "type": "custom", "custom": {"name": "grep", "input": "x"}}
    message: Message = {"role": "assistant", "content": None, "tool_calls": [custom]}
    assert with_kept([QUESTION, message, result("c")], {}).messages[1] == message


turns = st.lists(st.integers(1, 3), max_size=5)


@given(turns, st.randoms(use_true_random=False))
def test_whatever_a_client_does_to_its_results_every_call_is_answered_once(
    sizes: list[int], random: Random
) -> None:
    messages: list[Message] = [QUESTION]
    kept = {}
    for size in sizes:
        ids = new_ids(size + 1)
        *clients, mine = ids
        calls = [*map(part, clients), searched(mine)]
        random.shuffle(calls)
        before = hidden_round(f"h{next(_numbers)}") if random.random() < 0.5 else ()
        kept[handle(mine)] = KeptTurn(
            "", "", before=before, calls=tuple(calls), answers={mine: "Found."}
        )
        results = [result(each, f"of {each}") for each in clients if random.random() < 0.8]
        results += [result(each, f"of {each}") for each in clients if random.random() < 0.2]
        random.shuffle(results)
        messages += [calling(*clients), *results]
    if random.random() < 0.3:
        kept = {}
    restored = with_kept(messages, kept).messages
    if restored[-1]["role"] != "user":
        check_history(restored)
    for message in restored:
        if message["role"] == "tool":
            expected = f"of {message['tool_call_id']}"
            assert message["content"] in (expected, "Found.", "Leave is 27 days.", NO_RESULT)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [({"city": "Paris"}, '{"city":"Paris"}'), (None, "{}"), ([1], "{}"), (5, "{}")],
)
def test_arguments_that_a_client_sends_decoded_become_text(sent: Any, expected: str) -> None:
    turn: Any = {"role": "assistant", "content": None, "tool_calls": [part("w1", arguments=sent)]}
    (_, restored, _) = restore([QUESTION, turn, result("w1")], {}, lambda _: True).messages
    calls = restored["tool_calls"]
    assert calls
    assert calls[0]["function"] == {"name": "get_weather", "arguments": expected}
