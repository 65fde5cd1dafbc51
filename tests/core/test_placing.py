"""What was searched first stands where the model reads it as a source, never as an order."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.chat import calls_in, parse_chat
from proxy.core.history import History
from proxy.core.kept import Context
from proxy.core.placing import made_call, with_contexts
from proxy.core.plan import Plan, Policy, make_plan
from proxy.core.scope import Retrieval
from proxy.core.search_tool import Search
from proxy.core.wire import Message
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE, TOOLS, tool

USER: Message = {"role": "user", "content": "How much leave do I get?"}
CALL: Message = {"role": "assistant", "content": None, "tool_calls": [{"id": "w1"}]}
RESULT: Message = {"role": "tool", "tool_call_id": "w1", "content": "sunny"}
JOB = Search("How much leave do I get?", 5).job
LEAVE = Context((JOB,), "<leave>")


def plan(mode: Retrieval, **body: Any) -> Plan:
    chat = parse_chat({"messages": [USER], **body}, WISHES)
    return make_plan(chat, Policy("m", LightOnScope(), mode), chat.wish, TOOLS, FENCE)


def placed(
    mode: Retrieval, *messages: Message, context: Context | None = LEAVE, **body: Any
) -> list[Message]:
    history = History(list(messages or (USER,)))
    return with_contexts(plan(mode, **body), history, context)


def test_passages_come_before_the_users_own_words() -> None:
    (user,) = placed("context")
    assert user == {"role": "user", "content": "<leave>\n\nHow much leave do I get?"}


def test_a_message_in_parts_gets_one_more_part() -> None:
    image: Any = {"type": "image_url", "image_url": {"url": "https://a.test/x.png"}}
    (user,) = placed("context", {**USER, "content": [image]})
    assert user["content"] == [{"type": "text", "text": "<leave>"}, image]


def test_where_the_search_is_offered_it_looks_like_a_call_of_it() -> None:
    user, assistant, result = placed("hybrid")
    assert user == USER
    (call,) = calls_in(assistant)
    assert call["function"] == {
        "name": "lighton_search",
        "arguments": '{"query":"How much leave do I get?"}',
    }
    assert result == {"role": "tool", "tool_call_id": call["id"], "content": "<leave>"}


def test_two_searches_for_one_message_are_one_call_with_the_words_of_the_message() -> None:
    joined = Search("Good morning!\nHow much leave do I get?", 5).job
    both = Context((JOB, joined), "<leave>")
    assert placed("hybrid", context=both) == placed("hybrid")


def test_a_tool_of_the_clients_with_its_name_is_not_called() -> None:
    (user,) = placed("hybrid", tools=[tool("lighton_search")])
    assert "<leave>" in str(user)


@pytest.mark.parametrize("mode", ["context", "hybrid"])
def test_an_agents_steps_stay_behind_the_question(mode: Retrieval) -> None:
    messages = placed(mode, USER, CALL, RESULT)
    assert messages[-2:] == [CALL, RESULT]
    assert "<leave>" in str(messages[:-2])


def test_earlier_questions_keep_their_passages() -> None:
    said: Message = {"role": "assistant", "content": "27 days."}
    again: Message = {"role": "user", "content": "And hours?"}
    earlier = Context((Search("leave", 5).job,), "<earlier>")
    history = History([USER, said, again], {0: (earlier,)})
    messages = with_contexts(plan("context"), history, LEAVE)
    told = [each["content"] for each in messages]
    assert told == [
        "<earlier>\n\nHow much leave do I get?",
        "27 days.",
        "<leave>\n\nAnd hours?",
    ]


def test_what_was_searched_for_one_message_is_one_result() -> None:
    earlier = Context((Search("holidays", 5).job,), "<earlier>")
    history = History([USER], {0: (earlier,)})
    *_, result = with_contexts(plan("hybrid"), history, LEAVE)
    assert result["content"] == "<earlier>\n\n<leave>"


def test_ids_are_short_stay_the_same_and_differ_from_message_to_message() -> None:
    made = plan("hybrid")
    ids = [made_call(made, JOB, place)["id"] for place in (0, 0, 2)]
    assert ids[0] == ids[1] != ids[2]
    assert all(len(each) == 9 and each.isalnum() for each in ids)


@pytest.mark.parametrize("mode", ["context", "off"])
def test_without_a_search_the_messages_stay_as_they_are(mode: Retrieval) -> None:
    assert placed(mode, context=None) == [USER]
