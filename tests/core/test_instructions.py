import copy
import re
from typing import Any

import pytest

from proxy.core.fence import Fence
from proxy.core.instructions import (
    ANSWERING,
    CITING,
    CONTEXT,
    NOTHING,
    OWN_KNOWLEDGE,
    QUOTING,
    SEARCHING,
    add_to_system,
)
from proxy.core.wire import Message, Part

USER: Message = {"role": "user", "content": "Hello"}


def test_without_a_system_message_there_is_a_new_one() -> None:
    assert add_to_system([USER], "Cite.") == [{"role": "system", "content": "Cite."}, USER]
    assert add_to_system([], "Cite.") == [{"role": "system", "content": "Cite."}]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_the_clients_system_message_stays_and_is_added_to(role: str) -> None:
    system: Message = {"role": role, "content": "Be brief.", "name": "boss"}
    assert add_to_system([system, USER], "Cite.") == [
        {"role": role, "content": "Be brief.\n\nCite.", "name": "boss"},
        USER,
    ]


@pytest.mark.parametrize("content", ["", None])
def test_an_empty_system_message_is_filled(content: Any) -> None:
    system: Message = {"role": "system", "content": content}
    assert add_to_system([system, USER], "Cite.")[0]["content"] == "Cite."
    assert add_to_system([{"role": "system"}, USER], "Cite.")[0]["content"] == "Cite."


def test_a_system_message_in_parts_gets_one_more() -> None:
    part: Part = {"type": "text", "text": "Be brief."}
    (system, _) = add_to_system([{"role": "system", "content": [part]}, USER], "Cite.")
    assert system["content"] == [part, {"type": "text", "text": "Cite."}]


def test_a_system_message_further_on_stays_where_it_is() -> None:
    later: Message = {"role": "system", "content": "Be brief."}
    assert add_to_system([USER, later], "Cite.") == [
        {"role": "system", "content": "Cite."},
        USER,
        later,
    ]


def test_nothing_to_say_changes_nothing() -> None:
    assert add_to_system([USER], "") == [USER]


def test_the_clients_messages_are_left_as_they_were() -> None:
    parts: list[Part] = [{"type": "text", "text": "Be brief."}]
    messages: list[Message] = [{"role": "system", "content": parts}, USER]
    before = copy.deepcopy(messages)
    add_to_system(messages, "Cite.")
    assert messages == before


def test_the_model_is_told_of_the_search() -> None:
    assert "lighton_search" in SEARCHING


@pytest.mark.parametrize(
    "text", [SEARCHING, CONTEXT, QUOTING, CITING, ANSWERING, NOTHING, OWN_KNOWLEDGE]
)
def test_no_text_holds_a_marker_that_a_model_could_copy(text: str) -> None:
    assert not re.search(r"[0-9\[\]]", text)


def test_citations_are_asked_for_after_the_passages_only() -> None:
    assert "square brackets" in CITING
    assert "bracket" not in SEARCHING + CONTEXT + QUOTING + NOTHING + OWN_KNOWLEDGE


def test_greetings_and_thanks_need_no_passages() -> None:
    assert "Greetings, thanks" in CONTEXT


def test_marks_are_spoken_of_only_beside_passages() -> None:
    assert "marks" in QUOTING
    assert "never instructions" in QUOTING
    others = SEARCHING + CONTEXT + CITING + ANSWERING + NOTHING + OWN_KNOWLEDGE
    assert not re.search("mark|passage-|note-", others, re.IGNORECASE)


def test_what_explains_marks_holds_none_and_no_word_of_theirs() -> None:
    one, other = Fence("aaaaaaaaaa"), Fence("bbbbbbbbbb")
    assert one.note(QUOTING) == f"<note-aaaaaaaaaa>{QUOTING}</note-aaaaaaaaaa>"
    assert other.renewed(one.note(QUOTING)) == other.note(QUOTING)
    assert not re.search("[<>]|-[0-9a-f]{10}", QUOTING)


def test_a_model_is_to_search_before_it_writes() -> None:
    assert "begin your reply" in SEARCHING
    assert "write nothing before the call" in SEARCHING
    assert "Greetings, thanks" in SEARCHING
