from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.core.fence import Fence
from proxy.core.kept import (
    Context,
    KeptTurn,
    Said,
    call_id,
    handle_of_call,
    is_same_text,
)
from proxy.core.search_tool import Search
from proxy.core.wire import Message, MessageCall

COMPLETION = "chatcmpl-" + "0123456789abcdef" * 2


def part(id: str, name: str = "get_weather", arguments: str = "{}") -> MessageCall:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


SEARCHED = part("s1", "lighton_search", '{"query": "leave"}')
WEATHER = part("w1")
TIME = part("t1", "get_time")
TURN = KeptTurn(
    text="And now?",
    heard="Let me see.\n\nAnd now?",
    calls=(WEATHER, SEARCHED, TIME),
    answers={"s1": "Leave is 27 days."},
)


def sent(*calls: MessageCall, content: Any = TURN.heard, **more: Any) -> Any:
    return {"role": "assistant", "content": content, "tool_calls": list(calls), **more}


def test_an_id_is_within_what_clients_allow_and_leads_to_the_handle_of_its_turn() -> None:
    longest = call_id(COMPLETION, 21, 127)
    assert len(longest) <= 40
    assert handle_of_call(call_id(COMPLETION, 2, 0)) == handle_of_call(call_id(COMPLETION, 2, 1))
    assert handle_of_call(call_id(COMPLETION, 2, 0)) != handle_of_call(call_id(COMPLETION, 3, 0))


@pytest.mark.parametrize(
    "id",
    [
        "",
        "call_1",
        "chatcmpl-tool-0123456789abcdef0123456789abcdef",
        f"call_{'a' * 23}_1_0",
        f"call_{'a' * 24}_1",
        f"call_{'A' * 24}_1_0",
        f"call_{'a' * 24}_1_0\n",
        f"call_{'a' * 24}_1_0:x",
        f"call_{'a' * 24}_\N{ARABIC-INDIC DIGIT ONE}_0",
    ],
)
def test_an_id_that_the_proxy_did_not_make_leads_nowhere(id: str) -> None:
    assert handle_of_call(id) is None


def user(content: Any) -> Message:
    return {"role": "user", "content": content}


def assistant(content: Any, **more: Any) -> Any:
    return {"role": "assistant", "content": content, **more}


def handle(*messages: Message) -> str | None:
    """That of the answer which is the last message."""
    said = Said()
    handles = [said.add(each) for each in messages]
    return handles[-1]


ANSWER = assistant("It is 27.\n\nReally.")
ASKED = (user("How many days?"), ANSWER)


def test_an_answer_is_recognised_by_all_that_was_said_up_to_its_end() -> None:
    conversation = [*ASKED, user("And hours?"), assistant("189.")]
    known = handle(*conversation)
    assert known
    assert known.startswith("text_")
    for place, message in enumerate(conversation):
        others = conversation.copy()
        others[place] = {**message, "content": "Something else."}
        assert handle(*others) != known
        others[place] = {**message, "role": "user" if place % 2 else "assistant"}
        assert handle(*others) != known
        assert handle(*conversation[:place], *conversation[place + 1 :]) != known
    assert handle(conversation[2], conversation[1], conversation[0], conversation[3]) != known


@pytest.mark.parametrize(
    "same",
    [
        (user(" How many\tdays?\n"), assistant("It is 27. Really. ")),
        (user([{"type": "text", "text": "How many days?"}]), ANSWER),
        ({"role": "system", "content": "Today is Monday."}, *ASKED),
        (ASKED[0], {"role": "developer", "content": "Be brief."}, ANSWER),
        (ASKED[0], assistant(None, tool_calls=[part("w1")]), {"role": "tool"}, ANSWER),
        (ASKED[0], assistant(""), assistant([]), ANSWER),
        ({**ASKED[0], "name": "kim"}, {**ANSWER, "annotations": [], "refusal": None}),
    ],
)
def test_what_clients_do_to_a_history_does_not_change_the_handle(same: tuple[Message, ...]) -> None:
    assert handle(*same) == handle(*ASKED)


@pytest.mark.parametrize(
    "other",
    [
        (user("How many days? It is"), assistant("27.\n\nReally.")),
        (user("How many"), user("days?"), ANSWER),
        (user(""), *ASKED),
        (user("How many days?12:assistant 0:"), ANSWER),
        (ASKED[0], assistant("It is 27."), assistant("Really.")),
        (*ASKED, ANSWER),
    ],
)
def test_no_text_passes_for_another_part_of_the_conversation(other: tuple[Message, ...]) -> None:
    assert handle(*other) != handle(*ASKED)


words = ("a", "é", "\ud800", " ", "\x00", "1:", "user ", "assistant ", "assistant 1:")
texts = st.lists(
    st.tuples(
        st.sampled_from(("user", "assistant")),
        st.lists(st.sampled_from(words), max_size=4).map("".join),
    ),
    max_size=4,
)


@given(texts, texts)
@example([("user", "a"), ("assistant", "b")], [("user", "aassistant b")])
@example([("user", "a"), ("assistant", "b")], [("user", "a1:assistant 1:b")])
def test_conversations_have_one_handle_only_if_they_say_the_same(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    def said(texts: list[tuple[str, str]]) -> list[tuple[str, list[str]]]:
        return [(role, text.split()) for role, text in texts if role == "user" or text.split()]

    first, second = (
        handle(*(user(text) if role == "user" else assistant(text) for role, text in each), ANSWER)
        for each in (one, other)
    )
    assert (first == second) == (said(one) == said(other))


@pytest.mark.parametrize("message", [user("a"), assistant(" \n"), {"role": "tool"}])
def test_only_an_answer_in_words_has_a_handle(message: Message) -> None:
    assert handle(*ASKED, message) is None


def test_turns_are_alike_whatever_ids_their_hidden_rounds_have() -> None:
    def turn(one: str, two: str, answer: str = "Found.", query: str = "a") -> KeptTurn:
        calls = [part(one, arguments=query), part(two)]
        answers: list[Message] = [
            {"role": "tool", "tool_call_id": each, "content": answer} for each in (one, two)
        ]
        return KeptTurn("27.", "27.", before=(assistant(None, tool_calls=calls), *answers))

    known = turn("a", "b")
    assert known.is_like(turn("b", "a"))
    assert known.is_like(turn("c", "d"))
    assert not known.is_like(turn("a", "b", answer="Not found."))
    assert not known.is_like(turn("a", "b", query="b"))
    (asked, *answers) = known.before
    assert not known.is_like(replace(known, before=(asked, *reversed(answers))))
    assert not known.is_like(replace(known, before=()))


def test_turns_are_alike_whatever_ids_their_last_calls_have() -> None:
    def turn(hidden: str, own: str, answer: str = "Found.", query: str = "a") -> KeptTurn:
        calls = (part(hidden, arguments=query), part(own))
        return KeptTurn("27.", "27.", calls=calls, answers={hidden: answer})

    known = turn("a", "b")
    assert known.is_like(turn("b", "a"))
    assert known.is_like(turn("c", "d"))
    assert not known.is_like(turn("a", "b", answer="Not found."))
    assert not known.is_like(turn("a", "b", query="b"))
    assert not known.is_like(replace(known, answers={}))


def test_texts_that_differ_in_white_space_are_the_same() -> None:
    assert is_same_text(" a\n\nb", "a b ")
    assert not is_same_text("ab", "a b")


def test_the_hidden_calls_are_put_back_where_the_model_made_them() -> None:
    merged = TURN.merge(sent(WEATHER, TIME))
    assert merged == {
        "role": "assistant",
        "content": "And now?",
        "tool_calls": [WEATHER, SEARCHED, TIME],
    }


def test_what_a_client_has_changed_stays_changed() -> None:
    edited = part("w1", arguments='{"city": "Rome"}')
    own = part("own")
    merged = TURN.merge(sent(edited, own, content="Edited.", name="kim"))
    assert merged["tool_calls"] == [edited, SEARCHED, own]
    assert merged["content"] == "Edited."
    assert merged["name"] == "kim"


@pytest.mark.parametrize("content", [None, "", [], "Let me see. And now?", [{"text": TURN.heard}]])
def test_content_that_is_left_out_or_as_it_was_heard_is_what_the_model_said(content: Any) -> None:
    assert TURN.merge(sent(WEATHER, content=content))["content"] == "And now?"


def test_a_turn_without_words_has_null_content() -> None:
    silent = KeptTurn(text="", heard="", calls=(WEATHER,))
    assert silent.merge(sent(WEATHER, content=""))["content"] is None


def test_a_finished_answer_has_no_calls_to_put_back() -> None:
    final = KeptTurn(text="27 days.", heard="Let me see.\n\n27 days.")
    said: Message = {"role": "assistant", "content": "Let me see.\n\n27 days."}
    assert final.merge(said) == {"role": "assistant", "content": "27 days."}


def test_a_finished_answer_whose_last_turn_had_no_words_keeps_those_that_were_heard() -> None:
    said: Message = {"role": "assistant", "content": "Let me see."}
    assert KeptTurn(text="", heard="Let me see.").merge(said) == said


def test_the_size_counts_what_the_model_reads_as_passages() -> None:
    hidden = KeptTurn(
        text="not this",
        heard="nor this",
        before=(sent(SEARCHED), {"role": "tool", "tool_call_id": "s1", "content": "12345"}),
        answers={"s2": "678"},
        context=Context((Search("q", 5).job,), "90"),
    )
    assert hidden.size == 10
    assert KeptTurn(text="a", heard="a").size == 0


def test_a_turn_of_an_earlier_word_comes_under_the_one_of_this_request() -> None:
    def told(fence: Fence) -> KeptTurn:
        said: Message = {
            "role": "assistant",
            "content": "See <note-aaaaaaaaaa>.",
            "tool_calls": [SEARCHED],
        }
        result: Message = {
            "role": "tool",
            "tool_call_id": "s1",
            "content": fence.passage('n="1"', "One."),
        }
        answers = {"s1": fence.note("Nothing.")}
        context = Context((Search("leave", 5).job,), fence.passage('n="2"', "Two."))
        return replace(TURN, before=(said, result), answers=answers, context=context)

    assert told(Fence("aaaaaaaaaa")).under(Fence("bbbbbbbbbb")) == told(Fence("bbbbbbbbbb"))
    assert TURN.under(Fence("bbbbbbbbbb")) == TURN


def thinking(**more: Any) -> KeptTurn:
    before: tuple[Message, ...] = (
        assistant(None, tool_calls=[SEARCHED], reasoning_content="I must search."),
        {"role": "tool", "tool_call_id": "s1", "content": "Found."},
    )
    last = {"calls": (WEATHER,), "reasoning": "Now the weather.", "model": "m", **more}
    return KeptTurn(text="", heard="", before=before, **last)


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("given", [None, "", "I must search.\n\nNow the weather."])
def test_reasoning_that_is_left_out_or_as_it_was_heard_is_that_of_the_last_turn(
    name: str, given: str | None
) -> None:
    merged = thinking().merge(sent(WEATHER, content="", **{name: given}))
    assert merged == sent(WEATHER, content=None, reasoning_content="Now the weather.")


@pytest.mark.parametrize("given", ["Mine.", ["a", "list"], 5])
def test_other_reasoning_of_the_client_stays(given: Any) -> None:
    merged: Any = thinking().merge(sent(WEATHER, reasoning_content=given))
    assert merged["reasoning_content"] == given


def test_a_finished_answer_gets_no_reasoning_but_keeps_what_is_its_own() -> None:
    final = thinking(calls=())
    assert "reasoning_content" not in final.merge(assistant("27."))
    heard = "I must search. Now the weather."
    merged = final.merge(assistant("27.", reasoning_content=heard))
    assert merged == assistant("27.", reasoning_content="Now the weather.")


def test_thoughts_of_hidden_rounds_go_back_once_also_where_the_last_ones_were_not_kept() -> None:
    final = thinking(calls=(), reasoning="")
    merged = final.merge(assistant("27.", reasoning_content="I must  search.\nNow I know."))
    assert merged == assistant("27.", reasoning_content="Now I know.")
    alone = final.merge(assistant("27.", reasoning_content="I must search."))
    assert "reasoning_content" not in alone


def test_turns_are_alike_whatever_was_thought_and_by_which_model() -> None:
    bare = thinking().without_reasoning()
    assert bare.reasoning == ""
    assert not any("reasoning_content" in each for each in bare.before)
    assert thinking().is_like(replace(bare, model="other"))
    assert not thinking().is_like(replace(bare, text="Else."))
