from typing import Any

import pytest

from proxy.core.search_tool import UNAVAILABLE
from proxy.sandbox.documents.sentences import Passage
from proxy.sandbox.scaleway.chat_request import ChatRequest
from proxy.sandbox.scaleway.conversation import Conversation

PASSAGE = '<passage n="1" title="Lease">\nThree months.\n</passage>'


def conversation(*messages: dict[str, Any], tools: tuple[str, ...] = ()) -> Conversation:
    offered = [{"type": "function", "function": {"name": name}} for name in tools]
    body = {"model": "m", "messages": messages, "tools": offered or None}
    return Conversation.of(ChatRequest.model_validate(body))


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def calls(**named: str) -> dict[str, Any]:
    return {
        "role": "assistant",
        "tool_calls": [
            {"id": each, "type": "function", "function": {"name": name, "arguments": "{}"}}
            for each, name in named.items()
        ],
    }


def result(call_id: str, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def test_the_question_is_the_users_last_message() -> None:
    assert conversation(user("First?"), calls(), user(" Second? ")).question == "Second?"
    assert conversation({"role": "system", "content": "Be brief."}).question == ""


def test_only_calls_since_the_question_count_as_made() -> None:
    talk = conversation(
        user("a"), calls(c1="add"), result("c1", "3"), user("b"), calls(c2="mul"), result("c2", "6")
    )
    assert not talk.uncalled("mul")
    assert talk.uncalled("add")
    assert talk.client_results == (("mul", "6"),)


def test_the_clients_results_and_the_searches_are_told_apart() -> None:
    talk = conversation(
        user("a"),
        calls(c1="lighton_search", c2="add"),
        result("c1", "No results found."),
        result("c2", "3"),
    )
    assert talk.search_results == ("No results found.",)
    assert talk.client_results == (("add", "3"),)


def test_a_result_whose_call_is_unknown_has_no_name() -> None:
    assert conversation(user("a"), result("c9", "3")).client_results == (("?", "3"),)


def test_a_system_message_can_say_that_a_search_found_nothing() -> None:
    told = {"role": "system", "content": "Be brief.\n\nNo results found."}
    assert conversation(told, user("a")).search_results == (told["content"],)


def test_a_system_message_can_say_that_a_search_failed() -> None:
    told = {"role": "system", "content": "Be brief.\n\nThe search is unavailable at the moment."}
    assert conversation(told, user("a")).search_failed


def test_only_the_last_search_counts_as_failed() -> None:
    failed, found = (result("c1", UNAVAILABLE), result("c1", PASSAGE))
    assert conversation(user("a"), calls(c1="lighton_search"), failed).search_failed
    assert not conversation(user("a"), calls(c1="lighton_search"), failed, found).search_failed
    assert not conversation(user("a")).search_failed


@pytest.mark.parametrize("text", ["hello", "Hi there!", "How are you?", "Guten Tag", "Merci", "?"])
def test_greetings_and_words_that_tell_nothing_are_small_talk(text: str) -> None:
    assert conversation(user(text)).is_small_talk


@pytest.mark.parametrize("text", ["Hello, what is a lease?", "lease", "契約"])
def test_whoever_names_a_subject_makes_no_small_talk(text: str) -> None:
    assert not conversation(user(text)).is_small_talk


def test_passages_are_read_from_system_and_tool_messages_only() -> None:
    told = {"role": "developer", "content": PASSAGE}
    second = PASSAGE.replace('n="1"', 'n="2"')
    talk = conversation(
        told, user(PASSAGE), calls(c1="lighton_search"), result("c1", second), user("and?")
    )
    assert [passage.n for passage in talk.passages] == ["1", "2"]
    assert talk.passages[0] == Passage("1", "\nThree months.\n")


def test_named_tools_come_in_the_order_of_the_question() -> None:
    talk = conversation(
        user("Use MUL and then add, not subtract"), tools=("add", "mul", "sub", "lighton_search")
    )
    assert talk.named == ("mul", "add")


def test_the_search_tool_is_not_one_of_the_clients() -> None:
    talk = conversation(user("Use lighton_search"), tools=("lighton_search",))
    assert talk.named == ()
    assert talk.mentions("lighton_search")
    assert not talk.mentions("search")


def test_what_the_proxy_put_before_a_question_is_no_part_of_it() -> None:
    note = "<note-0123456789>Cite.</note-0123456789>"
    told = f"{note}\n\n{PASSAGE}\n\n{note}"
    talk = conversation(user(f"{told}\n\nHow long is the notice period?"))
    assert talk.question == "How long is the notice period?"
    assert talk.search_results == (told,)
    assert [passage.n for passage in talk.passages] == ["1"]


def test_marks_further_on_in_a_question_are_part_of_it() -> None:
    text = f"What does {PASSAGE} mean?"
    talk = conversation(user(text))
    assert (talk.question, talk.passages) == (text, ())
