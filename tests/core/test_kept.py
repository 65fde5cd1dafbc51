from __future__ import annotations

from typing import Any

import pytest

from proxy.core.kept import (
    Context,
    KeptTurn,
    call_id,
    handle_of_call,
    handle_of_text,
    handles_after,
    is_same_text,
)
from proxy.core.search_tool import Search

COMPLETION = "chatcmpl-" + "0123456789abcdef" * 2


def part(id: str, name: str = "get_weather", arguments: str = "{}") -> dict[str, Any]:
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


def sent(*calls: dict[str, Any], content: Any = TURN.heard, **more: Any) -> dict[str, Any]:
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


def test_an_answer_is_recognised_by_its_words_and_its_question() -> None:
    handle = handle_of_text("How many days?", "It is 27.\n\nReally.")
    assert handle == handle_of_text(" How many days?\n", "It is 27. Really. ")
    assert handle != handle_of_text("How many hours?", "It is 27.\n\nReally.")
    assert handle != handle_of_text("How many days?", "It is 28.\n\nReally.")
    assert handle != handle_of_text("How many days? It is", "27.\n\nReally.")
    assert handle_of_text("\ud800", "") != handle


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
    said = {"role": "assistant", "content": "Let me see.\n\n27 days."}
    assert final.merge(said) == {"role": "assistant", "content": "27 days."}


def test_a_finished_answer_whose_last_turn_had_no_words_keeps_those_that_were_heard() -> None:
    said = {"role": "assistant", "content": "Let me see."}
    assert KeptTurn(text="", heard="Let me see.").merge(said) == said


def test_the_size_counts_what_the_model_reads_as_passages() -> None:
    hidden = KeptTurn(
        text="not this",
        heard="nor this",
        before=(sent(SEARCHED), {"role": "tool", "tool_call_id": "s1", "content": "12345"}),
        answers={"s2": "678"},
        context=Context(Search("q", 5), "90"),
    )
    assert hidden.size == 10
    assert KeptTurn(text="a", heard="a").size == 0


def test_handles_of_several_answers_to_one_question_are_those_of_each() -> None:
    handle = handles_after("How many days?")
    for answer in ("It is 27.", "It is 28.", ""):
        assert handle(answer) == handle_of_text("How many days?", answer)
