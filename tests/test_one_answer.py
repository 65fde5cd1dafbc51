"""Properties of the whole path: settings, surface, loop, reader, writer, with scripted upstreams.

1. What a client assembles from a stream is what it would have got without streaming.
2. Hidden calls never leak, whatever the model does and however the bytes are cut.
3. An answer is no longer than it may be, streamed or not, and says so when it was cut.
4. No call overtakes text: what the text before it is, is decided before the client hears of it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from proxy.app import create_app
from proxy.settings import Settings
from tests.core.written_calls import FORMS, written
from tests.support.asgi import Answer, ask
from tests.support.openai_assemble import assemble, assemble_reply, assemble_with_sdk
from tests.support.openai_schema import check_chunk, check_completion
from tests.support.openai_stream import check_stream
from tests.support.script import Call, Round, result
from tests.support.times import untimed
from tests.support.upstreams import Upstreams

RESULTS = [result("a", "Leave is 27 days."), result("b", None), result("c", "Ask [3] HR.")]
CLIENT_TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
SECRETS = ("lighton_search", "hidden query", "undeclared_tool", "chatcmpl-tool-hidden")
FRAME_BYTES = 211
"""About as long as a frame. Between pieces so long, small ones fall on all parts of a frame."""

texts = st.text(alphabet=st.sampled_from("ab [1]2\n`é🦊<{"), max_size=12)
queries = st.sampled_from(["hidden query one", "hidden query two", "HIDDEN query  one"])
hidden_ids = st.integers(0, 3).map(lambda n: f"chatcmpl-tool-hidden{n}") | st.just("")
forms = st.sampled_from(sorted(FORMS))
written_searches = st.builds(written, forms, st.just("lighton_search"), queries)
broken_searches = st.sampled_from(
    ['<tool_call>{"name": "lighton_search", "arguments": {"query": "hidden query']
)
written_weather = st.builds(written, forms, st.just("get_weather"))


def arguments_of(query: str, extra: dict[str, Any]) -> str:
    return json.dumps({"query": query, **extra})


search_calls = st.builds(
    Call,
    st.sampled_from(
        ["lighton_search", "functions.lighton_search", "lighton_search<|channel|>json"]
    ),
    st.builds(
        arguments_of, queries, st.sampled_from([{}, {"max_results": 99}, {"workspace_id": [1]}])
    )
    | st.sampled_from(['{"query": "hidden query', "", "[]", '{"query": 5}']),
    hidden_ids,
)
odd_calls = st.builds(Call, st.just("undeclared_tool"), st.just("{}"), hidden_ids)
client_calls = st.builds(
    Call,
    st.just("get_weather"),
    st.sampled_from(['{"city": "Paris"}', "{}", ""]),
    st.sampled_from(["call_1", "call_2", "x" * 46, ""]),
)
# What has no arguments cannot be told from a name that is sent again, if nothing numbers it.
numberings: st.SearchStrategy[Literal["own", "zero", "none"]] = st.sampled_from(
    ["own", "zero", "none"]
)


def numbered(one: Round) -> st.SearchStrategy[Round]:
    if not all(call.arguments.startswith("{") and call.arguments[-1] == "}" for call in one.calls):
        return st.just(one)
    return numberings.map(lambda each: replace(one, numbering=each))


hidden_rounds = st.builds(
    Round,
    text=texts,
    reasoning=texts,
    calls=st.lists(search_calls | odd_calls, min_size=1, max_size=3).map(tuple),
    finish_reason=st.sampled_from(["tool_calls", "stop", "tool_use", "eos"]),
).flatmap(numbered) | st.builds(
    Round,
    text=st.tuples(texts, written_searches | broken_searches, texts).map("".join),
    reasoning=texts,
    calls=st.lists(search_calls, max_size=1).map(tuple),
)
last_rounds = st.builds(
    Round,
    text=texts | written_weather | st.tuples(written_weather, texts).map("".join),
    reasoning=texts,
    calls=st.lists(client_calls | search_calls, max_size=3).map(tuple),
    finish_reason=st.sampled_from(
        ["stop", "length", "tool_calls", "content_filter", "model_length", "function_call"]
    ),
).flatmap(numbered)
plain_rounds = st.builds(Round, text=texts, reasoning=texts)
scripts = st.tuples(st.lists(hidden_rounds, max_size=3), last_rounds, st.just([Round("End.")] * 5))


def cutter(sizes: list[int]) -> Callable[[Any], list[Any]]:
    """Cuts a string or bytes into pieces of the given sizes, over and over."""

    def cut(data: Any) -> list[Any]:
        pieces = []
        place = turn = 0
        while place < len(data):
            size = sizes[turn % len(sizes)]
            pieces.append(data[place : place + size])
            place, turn = place + size, turn + 1
        return pieces or [data]

    return cut


def play(
    script: tuple[list[Round], Round, list[Round]],
    body: dict[str, Any],
    sizes: list[int] | None = None,
    **more: Any,
) -> tuple[Answer, Upstreams]:
    hidden, last, spare = script
    pieces = cutter(sizes or [10**9])
    cut = cutter([*sizes, FRAME_BYTES] if sizes else [10**9])
    upstreams = Upstreams([*hidden, last, *spare], RESULTS, pieces=pieces, cut=cut)
    proxy_settings = Settings(
        lighton_base_url="http://lighton.test",
        lighton_api_key="k",
        scaleway_base_url="http://scaleway.test/v1",
        scaleway_api_key="k",
        **more,
    )
    app = create_app(proxy_settings, upstreams.transport())
    request = {"messages": [{"role": "user", "content": "How many days?"}], **body}
    return asyncio.run(ask(app, document=request)), upstreams


def comparable(heard: dict[str, Any]) -> dict[str, Any]:
    """What must be equal: everything but the ids of the completion and times."""
    lighton = heard["lighton"] and untimed(heard["lighton"])
    minted = heard["id"][-24:]
    calls = json.loads(json.dumps(heard["tool_calls"]).replace(minted, "minted"))
    return {**heard, "id": None, "created": None, "lighton": lighton, "tool_calls": calls}


bodies = st.fixed_dictionaries(
    {},
    optional={
        "tools": st.just([CLIENT_TOOL]),
        "parallel_tool_calls": st.booleans(),
        "lighton": st.sampled_from([{"retrieval": each} for each in ("tool", "hybrid")]),
    },
)
cuts = st.lists(st.integers(1, 40), min_size=1, max_size=4)


@given(scripts, bodies, cuts)
def test_a_stream_assembles_to_the_plain_answer_however_it_is_cut(
    script: tuple[list[Round], Round, list[Round]], body: dict[str, Any], sizes: list[int]
) -> None:
    plain, _ = play(script, body)
    streamed_body = {**body, "stream": True, "stream_options": {"include_usage": True}}
    streamed, _ = play(script, streamed_body, sizes)
    if plain.status == 502:  # the model gave no answer after its search
        assert plain.json()["error"]["message"].encode() in streamed.body
        return
    assert (plain.status, streamed.status) == (200, 200)
    check_completion(plain.json())
    view = check_stream(streamed.body, include_usage=True)
    for chunk in view.chunks:
        check_chunk(chunk)
    expected = comparable(assemble_reply(plain.json()))
    assert comparable(assemble(view.chunks)) == expected
    with_sdk = comparable(assemble_with_sdk(view.chunks))
    assert {**with_sdk, "lighton": expected["lighton"]} == expected


marks = st.sampled_from(
    [*"`<[]1({~&\\: \na", "](", "http://", "www.", "<think>", "<tool_ca", "[TOOL_", '{"na', "[1]"]
)
half_written = st.lists(marks, max_size=6).map("".join)
"""Text that ends within what may become a marker, a link, a tag, code or a call."""
half_written_rounds = st.builds(
    Round,
    text=half_written,
    calls=st.lists(client_calls, min_size=1, max_size=2).map(tuple),
    finish_reason=st.sampled_from(["tool_calls", "stop", "length", "content_filter"]),
)
searching_rounds = st.builds(
    Round, text=half_written, calls=st.lists(search_calls, min_size=1, max_size=1).map(tuple)
)


@given(st.lists(searching_rounds, max_size=1), half_written_rounds, cuts)
def test_no_call_overtakes_text_which_reads_as_in_the_plain_answer(
    hidden: list[Round], last: Round, sizes: list[int]
) -> None:
    script = (hidden, last, [Round("End.")] * 5)
    body = {"tools": [CLIENT_TOOL], "lighton": {"retrieval": "hybrid"}}
    plain, _ = play(script, body)
    streamed, _ = play(script, {**body, "stream": True}, sizes)
    view = check_stream(streamed.body, include_usage=False)
    expected, heard = assemble_reply(plain.json()), assemble(view.chunks)
    assert heard["content"] == expected["content"]
    after_call = itertools.dropwhile(lambda each: "tool_calls" not in each, view.deltas())
    assert not any(each.get("content") for each in list(after_call)[1:])


def said(heard: dict[str, Any]) -> str:
    """All that the client heard, without the blank lines between rounds."""
    texts = [heard["reasoning_content"] or "", heard["content"] or ""]
    texts += [call["arguments"] for call in heard["tool_calls"] or ()]
    return "".join("".join(texts).split())


@given(scripts, bodies, cuts, st.integers(1, 60))
def test_an_answer_is_cut_at_its_longest_streamed_or_not(
    script: tuple[list[Round], Round, list[Round]],
    body: dict[str, Any],
    sizes: list[int],
    most: int,
) -> None:
    whole, _ = play(script, body)
    plain, _ = play(script, body, max_answer_chars=most)
    streamed, _ = play(script, {**body, "stream": True}, sizes, max_answer_chars=most)
    check_completion(plain.json())
    view = check_stream(streamed.body, include_usage=False)
    heard, in_stream = assemble_reply(plain.json()), assemble(view.chunks)
    for name in ("content", "reasoning_content", "finish_reason", "annotations"):
        assert heard[name] == in_stream[name]
    assert max(len(said(heard)), len(said(in_stream))) <= most
    if heard["finish_reason"] != "length":
        assert said(heard) == said(assemble_reply(whole.json()))


@given(
    st.lists(hidden_rounds, max_size=2),
    st.builds(Round, text=texts, finish_reason=st.sampled_from(["abort", "error", "odd"])),
    bodies,
    cuts,
)
def test_an_answer_that_ends_in_a_fault_is_an_error_streamed_or_not(
    hidden: list[Round], last: Round, body: dict[str, Any], sizes: list[int]
) -> None:
    script = (hidden, last, [last])
    plain, _ = play(script, body)
    streamed, _ = play(script, {**body, "stream": True}, sizes)
    assert (plain.status, plain.json()["error"]["code"]) == (502, "upstream_bad_reply")
    if streamed.status == 200:
        assert check_stream(streamed.body).error == plain.json()
    else:
        assert streamed.json() == plain.json()


@given(scripts, bodies, cuts, st.booleans())
def test_hidden_calls_never_leak(
    script: tuple[list[Round], Round, list[Round]],
    body: dict[str, Any],
    sizes: list[int],
    stream: bool,  # noqa: FBT001  # hypothesis passes it
) -> None:
    answer, _ = play(script, {**body, "stream": stream}, sizes)
    documents = check_stream(answer.body).chunks if stream else [answer.json()]
    for document in documents:
        visible = json.dumps({k: v for k, v in document.items() if k != "lighton"})
        assert not [secret for secret in SECRETS if secret in visible]


@given(scripts, bodies, st.booleans())
def test_every_history_sent_upstream_answers_each_call_once_right_after_its_turn(
    script: tuple[list[Round], Round, list[Round]],
    body: dict[str, Any],
    stream: bool,  # noqa: FBT001  # hypothesis passes it
) -> None:
    _, upstreams = play(script, {**body, "stream": stream})
    for asked in upstreams.asked:
        waiting: list[str] = []
        for message in asked["messages"]:
            if message["role"] == "tool":
                assert message["tool_call_id"] == waiting.pop(0)
            else:
                assert waiting == []
                waiting = [call["id"] for call in message.get("tool_calls") or ()]
                assert len(set(waiting)) == len(waiting)
                for call in message.get("tool_calls") or ():
                    json.loads(call["function"]["arguments"])
        assert waiting == []
