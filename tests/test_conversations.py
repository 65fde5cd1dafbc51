"""Properties of whole conversations: a client with tools, and a model that also searches.

For arbitrary rounds with arbitrary mixes of calls, over as many requests as the client's tools
need:

1. Every history sent upstream is well-formed.
2. The model sees all it has said, called and been told, in the order in which it happened, also
   what the client never saw: each history begins with the one before.
3. The client sees what it would see if there were no search tool.
4. Nothing is searched twice.
5. With a memory of searches, 1, 2 and 4 hold over several questions.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from starlette.types import ASGIApp

from proxy.app import create_app
from proxy.core.instructions import NO_MORE_SEARCHES
from proxy.settings import Settings
from tests.support.asgi import ask
from tests.support.history import check_history
from tests.support.openai_assemble import assemble, assemble_reply
from tests.support.openai_stream import check_stream
from tests.support.script import Call, Round, result
from tests.support.upstreams import Upstreams

QUESTION = {"role": "user", "content": "How many days?"}
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {}}}
    for name in ("get_weather", "get_time")
]
RESULTS = [result("a", "Leave is 27 days."), result("b", None), result("c", "Ask [3] HR.")]
SEEN = ("role", "content", "finish_reason")

# There is a source 1, cited as [1]. Other numbers and forms are not heard as they are written.
other_markers = re.compile(r"\[\s*1?\s+1?\s*\]|\[[\s1]*1\s*1[\s1]*\]")
texts = st.text(alphabet=st.sampled_from("ab [1]\n"), max_size=8).filter(
    lambda said: other_markers.search(said) is None
)
ids = st.sampled_from(["call_0", "call_1", "x" * 46, ""])
client_calls = st.builds(
    Call,
    st.sampled_from(["get_weather", "get_time"]),
    st.sampled_from(['{"city": "Paris"}', "{}", "", '{"city": ']),
    ids,
)
search_calls = st.builds(
    Call,
    st.just("lighton_search"),
    st.sampled_from(['{"query": "one"}', '{"query": "two"}', '{"query": " ONE"}', "{", "[]"]),
    ids,
)
odd_calls = st.builds(Call, st.just("undeclared_tool"), st.just("{}"), ids)
rounds = st.builds(
    Round,
    text=texts,
    reasoning=texts,
    calls=st.lists(client_calls | search_calls | odd_calls, max_size=4).map(tuple),
    finish_reason=st.sampled_from(["stop", "tool_calls"]),
).map(lambda each: each if each.calls or each.text.strip() else replace(each, text="So."))
scripts = st.lists(rounds, min_size=1, max_size=6)
bodies = st.fixed_dictionaries(
    {"stream": st.booleans()},
    optional={
        "parallel_tool_calls": st.booleans(),
        "lighton": st.sampled_from([{"retrieval": each} for each in ("tool", "hybrid")]),
    },
)
randoms = st.randoms(use_true_random=False)


@dataclass
class Conversation:
    """A client's agent loop, and what was sent upstream in each of its requests."""

    body: dict[str, Any]
    random: Random
    messages: list[dict[str, Any]] = field(default_factory=lambda: [QUESTION])
    replies: list[dict[str, Any]] = field(default_factory=list)
    asked: list[list[dict[str, Any]]] = field(default_factory=list)
    """The bodies of the requests to the model, for each reply."""

    async def go_on(self, app: ASGIApp, upstreams: Upstreams) -> bool:
        """Make one request, run the tools it calls; False if the answer is finished."""
        known = len(upstreams.asked)
        request = {"tools": TOOLS, **self.body, "messages": self.messages}
        answer = await ask(app, document=request)
        assume(b"gave no answer after its search" not in answer.body)
        assert answer.status == 200, answer.body
        if self.body["stream"]:
            reply = assemble(check_stream(answer.body).chunks)
        else:
            reply = assemble_reply(answer.json())
        self.replies.append(reply)
        self.asked.append(upstreams.asked[known:])
        message = {"role": "assistant", "content": reply["content"]}
        if calls := [as_sent_back(call) for call in reply["tool_calls"]]:
            message["tool_calls"] = calls
        results = [tool_result(call) for call in calls]
        self.random.shuffle(results)
        self.messages = [
            *self.messages,
            *([message] if reply["content"] or calls else ()),
            *results,
        ]
        return bool(calls)


def as_sent_back(call: dict[str, Any]) -> dict[str, Any]:
    function = {"name": call["name"], "arguments": call["arguments"]}
    return {"id": call["id"], "type": "function", "function": function}


def tool_result(call: dict[str, Any]) -> dict[str, Any]:
    function = call["function"]
    content = result_of(function["name"], function["arguments"])
    return {"role": "tool", "tool_call_id": call["id"], "content": content}


def result_of(name: str, arguments: str) -> str:
    return f"Result of {name}({arguments})."


def new_app(upstreams: Upstreams, **more: Any) -> ASGIApp:
    made = Settings(
        lighton_base_url="http://lighton.test",
        lighton_api_key="k",
        scaleway_base_url="http://scaleway.test/v1",
        scaleway_api_key="k",
        **more,
    )
    return create_app(made, upstreams.transport())


def converse(
    script: list[Round], body: dict[str, Any], random: Random, **more: Any
) -> tuple[Conversation, Upstreams]:
    """One question, answered over as many requests as the client's tools need."""
    upstreams = Upstreams([*script, *[Round("End.")] * 3], RESULTS)
    conversation = Conversation(body, random)

    async def run() -> None:
        app = new_app(upstreams, **more)
        while await conversation.go_on(app, upstreams):
            pass

    asyncio.run(run())
    return conversation, upstreams


@given(scripts, bodies, randoms)
def test_every_history_is_well_formed(
    script: list[Round], body: dict[str, Any], random: Random
) -> None:
    conversation, _ = converse(script, body, random)
    for asked in itertools.chain(*conversation.asked):
        check_history(asked["messages"])


@given(scripts, bodies, randoms)
def test_the_model_sees_all_that_happened_in_its_order(
    script: list[Round], body: dict[str, Any], random: Random
) -> None:
    conversation, _ = converse(script, body, random)
    histories = [without_note(asked["messages"]) for asked in itertools.chain(*conversation.asked)]
    single = body.get("parallel_tool_calls") is False
    for earlier, later, played in zip(histories, histories[1:], script, strict=False):
        assert later[: len(earlier)] == earlier
        turn, *results = later[len(earlier) :]
        assert turn["content"] == (played.text or None)
        expected = only_one_of_the_client(played.calls) if single else played.calls
        assert [call["function"]["name"] for call in turn["tool_calls"]] == [
            call.name for call in expected
        ]
        assert [each["tool_call_id"] for each in results] == [
            call["id"] for call in turn["tool_calls"]
        ]
        for call, answer in zip(expected, results, strict=True):
            is_clients = call.name.startswith("get_")
            assert (answer["content"] == result_of(call.name, call.arguments)) is is_clients


def only_one_of_the_client(calls: tuple[Call, ...]) -> list[Call]:
    of_client = [call for call in calls if call.name.startswith("get_")]
    return [call for call in calls if call not in of_client or call is of_client[0]]


def without_note(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    note = re.compile(rf"\n\n<note-(\w{{10}})>{re.escape(NO_MORE_SEARCHES)}</note-\1>$")
    return [
        {**each, "content": note.sub("", each["content"])} if each["role"] == "tool" else each
        for each in messages
    ]


@given(scripts, bodies, randoms)
def test_the_client_sees_what_it_would_see_without_a_search_tool(
    script: list[Round], body: dict[str, Any], random: Random
) -> None:
    conversation, _ = converse(script, body, random)
    played = iter([*script, *[Round("End.")] * 3])
    merged = [as_one_round([next(played) for _ in asked]) for asked in conversation.asked]
    plain, _ = converse(merged, {**body, "lighton": {"retrieval": "off"}}, random)
    for seen, expected in zip(conversation.replies, plain.replies, strict=True):
        assert {key: seen[key] for key in SEEN} == {key: expected[key] for key in SEEN}
        assert [(call["name"], call["arguments"]) for call in seen["tool_calls"]] == [
            (call["name"], call["arguments"]) for call in expected["tool_calls"]
        ]


def as_one_round(played: list[Round]) -> Round:
    """What a model without the search tool would have said in one round."""
    text = ""
    for each in played:
        if each.text and text.strip():
            text += "\n" * max(0, 2 - (len(text) - len(text.rstrip("\n"))))
        text += each.text
    last = played[-1]
    calls = tuple(call for call in last.calls if call.name.startswith("get_"))
    return Round(text, calls=calls, finish_reason=last.finish_reason)


@given(scripts, bodies, randoms)
def test_nothing_is_searched_twice(
    script: list[Round], body: dict[str, Any], random: Random
) -> None:
    _, upstreams = converse(script, body, random)
    queries = [each["query"].casefold() for each in upstreams.searched]
    assert len(queries) == len(set(queries))


@given(st.lists(scripts, min_size=2, max_size=3), st.booleans(), randoms)
def test_with_a_memory_of_searches_the_model_sees_all_that_happened_for_earlier_questions(
    topics: list[list[Round]],
    stream: bool,  # noqa: FBT001  # hypothesis passes it
    random: Random,
) -> None:
    upstreams = Upstreams((), RESULTS)
    conversation = Conversation({"stream": stream}, random, messages=[])

    async def run() -> None:
        app = new_app(upstreams, search_memory=True)
        for number, script in enumerate(topics):
            upstreams.play([*script, *[Round(f"End {number}.")] * 3])
            question = {"role": "user", "content": f"Question {number}?"}
            conversation.messages = [*conversation.messages, question]
            while await conversation.go_on(app, upstreams):
                pass

    asyncio.run(run())
    replies = conversation.replies
    for reply, asked, then in zip(
        replies, conversation.asked, conversation.asked[1:], strict=False
    ):
        history, later = (without_note(each["messages"]) for each in (asked[-1], then[0]))
        check_history(later)
        if reply["tool_calls"] or (reply["content"] or "").strip():
            assert later[: len(history)] == history
    queries = [each["query"].casefold() for each in upstreams.searched]
    if all((reply["content"] or "x").strip() for reply in replies):
        assert len(queries) == len(set(queries))
