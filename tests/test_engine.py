"""The engine: when things happen. Every wait is for an event."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from proxy.core.chat import parse_chat
from proxy.core.frames import Frame, Hear, TextChunk
from proxy.core.plan import Policy, make_plan
from proxy.core.search_tool import SearchTool
from proxy.core.slices import SLICE_CHARS
from proxy.core.timeline import Retry
from proxy.core.wire import ChatRequest, Fragment
from proxy.core.writer import CompletionWriter
from proxy.engine import Run
from proxy.errors import BadReply, ModelNotFound, Overloaded, UpstreamTimeout
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE
from tests.support.clock import LIMIT_S, skipping_clock
from tests.support.parts import Listener, Model, Searcher, Turns, open_searcher
from tests.support.script import Call, Round, search_call
from tests.upstreams.raw_server import PATIENCE_S

MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "How many days of leave?"}]
WITH_WEATHER: dict[str, Any] = {
    "tools": [{"type": "function", "function": {"name": "get_weather"}}]
}
SEARCH_ROUND = Round(calls=(search_call("leave"),), finish_reason="tool_calls")


def run(
    model: Model,
    searcher: Searcher,
    body: dict[str, Any] | None = None,
    turns: Turns | None = None,
    **policy: Any,
) -> Run:
    chat = parse_chat({"messages": MESSAGES, "stream": True, **(body or {})}, WISHES)
    plan = make_plan(
        chat, Policy("m", LightOnScope(), **policy), chat.wish, (SearchTool(searcher),), FENCE
    )
    writer = CompletionWriter(id="chatcmpl-" + "a" * 32, created=1, model="m", include_usage=True)
    return Run(plan, model, turns or Turns(), writer)


def told(listener: Listener) -> Any:
    return listener.fold.completion()


async def test_an_answer_is_made_of_rounds_and_searches() -> None:
    model = Model(SEARCH_ROUND, Round("It is 27 [1]."))
    one = run(model, open_searcher())
    listener = Listener()
    await one.drive(listener)
    message = listener.fold.completion()["choices"][0]["message"]
    assert message["content"] == "It is 27 [1]."
    assert message["annotations"][0]["url_citation"]["url"] == "https://docs.test/h"
    lighton = told(listener)["lighton"]
    assert lighton["rounds"] == 2
    assert [each["query"] for each in lighton["searches"]] == ["leave"]
    assert listener.fold.completion()["usage"]["total_tokens"] == 30
    facts = one.facts()
    assert (facts.prompt_tokens, facts.completion_tokens, facts.tokens) == (20, 10, 30)
    assert (facts.upstream_model, facts.retrieval, facts.reads) == ("m", "tool", 0)
    assert (facts.cited, facts.uncounted_rounds) == ((7,), 0)
    assert one.effort.timeline.first_heard_at is not None


async def test_a_model_that_answers_in_the_place_of_another_is_told_of_and_kept() -> None:
    calls = (search_call("leave"), Call("get_weather", "{}"))
    model = Model(Round(calls=calls, finish_reason="tool_calls"))
    model.moved_to = "other"
    turns = Turns()
    one = run(model, open_searcher(), WITH_WEATHER, turns)
    await one.drive(Listener())
    assert (one.facts().upstream_model, one.facts().fallback_from) == ("other", "m")
    (kept,) = turns.kept.values()
    assert kept.model == "other"


async def test_tokens_of_a_round_that_failed_are_counted_if_they_were_told() -> None:
    counts = {"prompt_tokens": 7, "total_tokens": 7, "prompt_tokens_details": {"cached_tokens": 4}}
    one = run(
        Model(SEARCH_ROUND, Round("Half", finish_reason="error", usage=counts)), open_searcher()
    )
    with pytest.raises(BadReply):
        await one.drive(Listener())
    facts = one.facts()
    assert (facts.tokens, facts.prompt_tokens, facts.cached_tokens) == (22, 17, 4)
    assert (facts.rounds, facts.uncounted_rounds) == (2, 0)


async def test_reads_are_told_of_apart_from_searches() -> None:
    one = run(Model(SEARCH_ROUND, Round("Hi.")), open_searcher())
    await one.drive(Listener())
    one.desk.report["reads"] = [{**one.desk.trace[0], "error": "No."}, one.desk.trace[0]]
    assert (one.facts().reads, one.facts().failed_reads) == (2, 1)


async def test_a_round_without_counts_is_told_of() -> None:
    one = run(Model(Round("Hi.", usage={})), open_searcher())
    await one.drive(Listener())
    assert (one.facts().rounds, one.facts().uncounted_rounds) == (1, 1)


async def test_a_search_starts_while_its_round_still_streams() -> None:
    model = Model(SEARCH_ROUND, Round("Done."))
    last_chunk = len(SEARCH_ROUND.chunks()) - 1
    searcher = open_searcher()
    model.gates[last_chunk] = searcher.started
    await asyncio.wait_for(run(model, searcher).drive(Listener()), PATIENCE_S)


async def test_a_second_search_starts_before_the_first_has_ended() -> None:
    calls = (search_call("one"), search_call("two"))
    model = Model(Round(calls=calls, finish_reason="tool_calls"), Round("Done."))
    searcher = open_searcher()
    searcher.expect_together(2)
    await asyncio.wait_for(run(model, searcher).drive(Listener()), PATIENCE_S)
    assert [each.query for each in searcher.ran] == ["one", "two"]


async def test_a_search_starts_while_the_model_still_writes_a_clients_call() -> None:
    calls = (search_call("leave"), Call("get_weather", '{"city": "Paris"}'))
    mixed = Round(calls=calls, finish_reason="tool_calls")
    model = Model(mixed)
    searcher = open_searcher()
    is_of_client = [b"Paris" in orjson.dumps(chunk) for chunk in mixed.chunks()]
    model.gates[is_of_client.index(True)] = searcher.started
    listener = Listener()
    await asyncio.wait_for(run(model, searcher, WITH_WEATHER).drive(listener), PATIENCE_S)
    (call,) = listener.fold.completion()["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": '{"city": "Paris"}'}


async def test_a_client_hears_its_call_while_the_search_before_it_runs() -> None:
    calls = (search_call("leave"), Call("get_weather", "{}"))
    searcher = Searcher()
    listener = Listener()
    model = Model(Round(calls=calls, finish_reason="tool_calls"))
    driving = asyncio.create_task(run(model, searcher, WITH_WEATHER).drive(listener))
    await asyncio.wait_for(listener.heard.wait(), PATIENCE_S)
    await asyncio.wait_for(searcher.started.wait(), PATIENCE_S)
    assert not driving.done()
    searcher.gate.set()
    await asyncio.wait_for(driving, PATIENCE_S)


TEXT = TextChunk(Frame({"id": "x", "model": "m"}, {"index": 0}), " and so on", b" and so on")


async def test_text_in_a_frame_is_heard_in_one_and_belongs_to_the_answer() -> None:
    model = Model(Round("It is 27"))
    model.extra[2] = TEXT
    one, listener = run(model, Searcher()), Listener()
    await one.drive(listener)
    assert listener.fold.completion()["choices"][0]["message"]["content"] == "It is 27 and so on"
    assert one.writer.text == "It is 27 and so on"
    assert listener.framed == 1


async def test_text_in_a_frame_is_in_the_history() -> None:
    first = Round("Let me see", calls=(search_call("leave"),), finish_reason="tool_calls")
    model = Model(first, Round("End."))
    model.extra[2] = TEXT
    await run(model, open_searcher()).drive(Listener())
    assert model.asked[1]["messages"][-2]["content"] == "Let me see and so on"


async def test_a_search_starts_at_once_when_the_rest_of_its_call_arrives() -> None:
    begun = Round(calls=(Call("lighton_search", ""),), finish_reason="tool_calls")
    (place,) = [i for i, each in enumerate(begun.chunks()) if "lighton_search" in str(each)]
    model = Model(begun, Round("End."))
    rest: Fragment = {"index": 0, "function": {"arguments": '{"query": "leave"}'}}
    model.extra[place + 1] = {"choices": [{"index": 0, "delta": {"tool_calls": [rest]}}]}
    searcher = open_searcher()
    model.gates[place + 1] = searcher.started
    await asyncio.wait_for(run(model, searcher).drive(Listener()), PATIENCE_S)
    assert [each.query for each in searcher.ran] == ["leave"]


@pytest.mark.parametrize("place", [0, 1])
async def test_text_in_a_frame_that_comes_first_begins_the_reply(place: int) -> None:
    model = Model(Round("It is 27"))
    model.extra[place] = TEXT
    one, listener = run(model, Searcher()), Listener()
    await one.drive(listener)
    message = listener.fold.completion()["choices"][0]["message"]
    assert (message["role"], message["content"]) == ("assistant", " and so onIt is 27")
    assert listener.framed == 0


async def test_a_turn_is_kept_before_the_client_hears_its_end() -> None:
    calls = (search_call("leave"), Call("get_weather", "{}"))
    listener = Listener()
    turns = Turns(listener=listener)
    model = Model(Round(calls=calls, finish_reason="tool_calls"), Round("It is 27 [1]."))
    await run(model, open_searcher(), WITH_WEATHER, turns).drive(listener)
    assert turns.heard_before["choices"][0].get("finish_reason") is None
    choice = listener.fold.completion()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
    back = {**WITH_WEATHER, "messages": [*MESSAGES, choice["message"], result]}
    last = Listener()
    searcher = open_searcher()
    await run(model, searcher, back, turns).drive(last)
    assert searcher.ran == []
    completion = told(last)
    assert completion["choices"][0]["message"]["annotations"][0]["url_citation"]["title"] == (
        "Handbook"
    )
    report = completion["lighton"]
    assert (report["searches"], report["rounds"]) == ([], 1)
    (source,) = report["citations"]
    assert [each["passage"] for each in source["passages"]] == [1]
    assert completion["usage"]["total_tokens"] == 15
    assert [each["role"] for each in model.asked[1]["messages"][1:]] == [
        "user",
        "assistant",
        "tool",
        "tool",
    ]


async def test_cancelling_ends_the_model_stream() -> None:
    model = Model(Round("Some text."))
    model.gates[2] = asyncio.Event()
    listener = Listener()
    driving = asyncio.create_task(run(model, Searcher()).drive(listener))
    await listener.heard.wait()
    driving.cancel()
    await asyncio.wait_for(model.closed.wait(), PATIENCE_S)
    with pytest.raises(asyncio.CancelledError):
        await driving


async def test_cancelling_while_the_client_takes_nothing_ends_the_model_stream_at_once() -> None:
    model = Model(Round("Some text."))
    listener = Listener()
    listener.gate.clear()
    driving = asyncio.create_task(run(model, Searcher()).drive(listener))
    await listener.heard.wait()
    driving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await driving
    assert model.closed.is_set()


async def test_cancelling_ends_searches_that_started_early() -> None:
    model = Model(SEARCH_ROUND)
    model.gates[len(SEARCH_ROUND.chunks()) - 1] = asyncio.Event()
    searcher = Searcher()
    driving = asyncio.create_task(run(model, searcher).drive(Listener()))
    await searcher.started.wait()
    driving.cancel()
    await asyncio.wait_for(searcher.cancelled.wait(), PATIENCE_S)
    assert model.closed.is_set()


async def test_what_was_tried_again_is_told_to_client_and_operator() -> None:
    one, listener = run(Model(SEARCH_ROUND, Round("Hi.")), open_searcher()), Listener()
    retries = one.effort.timeline.retries
    retries += [Retry(0, "Scaleway", "status_429", 1), Retry(2, "LightOn", "refused", 0)]
    await one.drive(listener)
    assert told(listener)["lighton"]["retries"] == 2
    assert one.facts().timeline.retries == retries


async def test_an_answer_without_retries_says_nothing_of_them() -> None:
    one, listener = run(Model(Round("Hi.")), Searcher()), Listener()
    await one.drive(listener)
    assert "retries" not in told(listener)["lighton"]
    assert one.facts().timeline.retries == []


async def test_whether_a_round_was_heard_is_known_for_each_round() -> None:
    heard: list[bool] = []

    class Watched(Model):
        async def ask(self, body: ChatRequest, hear: Hear) -> None:
            heard.append(one.effort.has_heard)
            await super().ask(body, hear)
            heard.append(one.effort.has_heard)

    one = run(Watched(SEARCH_ROUND, Round("Hi.")), open_searcher())
    await one.drive(Listener())
    assert heard == [False, True, False, True]


async def test_searches_have_the_time_of_the_budget() -> None:
    one = run(Model(Round("Hi.")), Searcher(), budget_s=7)
    now = asyncio.get_running_loop().time()
    await one.drive(Listener())
    assert now + 7 <= one.effort.searches_until < now + 8


async def test_a_failing_model_ends_the_searches_of_its_round() -> None:
    cut_short = Round(calls=(search_call("leave"),), finish_reason="")
    searcher = Searcher()
    with pytest.raises(BadReply, match="Scaleway's reply broke off") as caught:
        await asyncio.wait_for(run(Model(cut_short), searcher).drive(Listener()), PATIENCE_S)
    assert (caught.value.upstream, caught.value.cause) == ("Scaleway", "broke_off")
    assert searcher.cancelled.is_set() or not searcher.ran


@pytest.mark.parametrize(("finish", "said"), [("abort", "abort"), ("so\nodd", "")])
async def test_a_turn_that_ends_in_a_fault_is_an_error_that_says_how(
    finish: str, said: str
) -> None:
    with pytest.raises(BadReply, match="Scaleway gave up") as caught:
        await run(Model(Round("Three mon", finish_reason=finish)), Searcher()).drive(Listener())
    assert (caught.value.cause, caught.value.said) == ("finish_reason", said)


async def test_a_search_that_is_cut_by_the_limit_ends_the_answer() -> None:
    cut = Round("Let me see.", calls=(search_call("leave"),), finish_reason="length")
    searcher, listener = open_searcher(), Listener()
    await run(Model(cut), searcher).drive(listener)
    assert told(listener)["choices"][0]["finish_reason"] == "length"
    assert told(listener)["choices"][0]["message"]["content"] == "Let me see."


async def test_a_slow_client_slows_the_model_down() -> None:
    model = Model(Round("text"))
    listener = Listener()
    listener.gate.clear()
    driving = asyncio.create_task(run(model, Searcher()).drive(listener))
    await listener.heard.wait()
    sent = model.sent
    for _ in range(50):
        await asyncio.sleep(0)
    assert model.sent == sent
    listener.gate.set()
    await driving
    assert model.sent > sent


async def test_a_failed_search_is_traced_and_the_answer_goes_on() -> None:
    searcher = open_searcher()
    searcher.fault = Overloaded("LightOn", "LightOn is unavailable at the moment.")
    listener = Listener()
    await run(Model(SEARCH_ROUND, Round("Sorry.")), searcher).drive(listener)
    search = told(listener)["lighton"]["searches"][0]
    assert search["error"] == "LightOn is unavailable at the moment."
    assert search["results"] == []


async def test_a_failed_search_fails_the_request_where_the_setting_says_so() -> None:
    searcher = open_searcher()
    searcher.fault = Overloaded("LightOn", "LightOn is unavailable at the moment.")
    one = run(Model(SEARCH_ROUND), searcher, on_search_error="fail")
    with pytest.raises(Overloaded):
        await one.drive(Listener())


async def test_a_fault_of_the_proxy_in_a_search_is_not_swallowed() -> None:
    searcher = open_searcher()
    searcher.fault = KeyError("bug")
    with pytest.raises(KeyError):
        await run(Model(SEARCH_ROUND), searcher).drive(Listener())


async def test_a_search_ends_with_the_time_budget() -> None:
    searcher, listener = Searcher(), Listener()
    one = run(Model(SEARCH_ROUND, Round("Late.")), searcher, budget_s=LIMIT_S)
    with skipping_clock() as clock:
        driving = asyncio.create_task(one.drive(listener))
        await searcher.started.wait()
        await clock.run_out()
        await asyncio.wait_for(driving, PATIENCE_S)
    completion = told(listener)
    assert "used up" in completion["lighton"]["searches"][0]["error"]
    assert completion["choices"][0]["message"]["content"] == "Late."
    assert "tools" not in one.model.asked[-1]  # type: ignore[attr-defined]  # the fake's


async def test_a_search_that_timed_out_upstream_is_told_as_such() -> None:
    searcher = open_searcher()
    searcher.fault = UpstreamTimeout("LightOn", "LightOn did not answer in time.")
    listener = Listener()
    await run(Model(SEARCH_ROUND, Round("Sorry.")), searcher).drive(listener)
    assert "in time" in told(listener)["lighton"]["searches"][0]["error"]


async def test_the_clients_parameters_pass_and_the_proxys_own_are_set() -> None:
    model = Model(Round("Hi."))
    body = {"temperature": 0.5, "vendor_extra": {"a": 1}, "parallel_tool_calls": True}
    await run(model, Searcher(), body).drive(Listener())
    asked: Any = model.asked[0]
    assert asked["temperature"] == 0.5
    assert asked["vendor_extra"] == {"a": 1}
    assert asked["parallel_tool_calls"] is True
    assert asked["stream_options"] == {"include_usage": True}
    assert asked["model"] == "m"
    assert "lighton" not in asked


async def test_nothing_about_tools_is_sent_when_there_are_none() -> None:
    model = Model(Round("Hi."))
    body = {"parallel_tool_calls": True, "stream": False, "lighton": {"retrieval": "off"}}
    listener = Listener()
    await run(model, Searcher(), body).drive(listener)
    assert not {"tools", "tool_choice", "parallel_tool_calls", "stream"} & set(model.asked[0])
    assert told(listener)["lighton"].keys() == {"timings"}


@pytest.mark.parametrize("mode", ["context", "hybrid"])
async def test_a_search_before_the_first_round_waits_until_the_model_is_known_to_answer(
    mode: str,
) -> None:
    model, searcher = Model(Round("27.")), open_searcher()
    await run(model, searcher, retrieval=mode).drive(Listener())
    assert (model.required, len(searcher.ran)) == (["m"], 1)
    model.refusal = ModelNotFound("There is no such model.")
    with pytest.raises(ModelNotFound):
        await run(model, searcher, retrieval=mode).drive(Listener())
    assert (len(model.asked), len(searcher.ran)) == (1, 1)


async def test_both_searches_for_a_follow_up_run_at_the_same_time() -> None:
    model, searcher = Model(Round("216 [1].")), open_searcher()
    searcher.expect_together(2)
    said = {"role": "assistant", "content": "27."}
    body = {"messages": [*MESSAGES, said, {"role": "user", "content": "And in hours?"}]}
    one, listener = run(model, searcher, body, retrieval="hybrid"), Listener()
    await asyncio.wait_for(one.drive(listener), PATIENCE_S)
    queries = ["And in hours?", "How many days of leave?\nAnd in hours?"]
    assert [(each.query, each.max_results) for each in searcher.ran] == [(q, 3) for q in queries]
    assert [each["query"] for each in told(listener)["lighton"]["searches"]] == queries


async def test_a_search_that_the_model_calls_for_needs_no_asking() -> None:
    model = Model(SEARCH_ROUND, Round("27."))
    await run(model, open_searcher(), {"stream": False}).drive(Listener())
    assert model.required == []


# As much as an answer may say


def choice_heard(listener: Listener) -> Any:
    return told(listener)["choices"][0]


async def test_an_answer_that_is_too_long_is_cut_and_its_model_stream_ended() -> None:
    model = Model(Round("It is 27 days"))
    one, listener = run(model, Searcher(), max_answer_chars=8), Listener()
    last = model.gates[2] = asyncio.Event()  # the model has more to say, and is not waited for
    await asyncio.wait_for(one.drive(listener), PATIENCE_S)
    assert choice_heard(listener)["message"]["content"] == "It is 27"
    assert choice_heard(listener)["finish_reason"] == "length"
    assert model.closed.is_set()
    assert not last.is_set()
    assert one.is_cut


@pytest.mark.parametrize(
    ("most", "text", "reason"),
    [(18, "It is 27 and so on", "stop"), (17, "It is 27 and so o", "length")],
)
async def test_text_in_a_frame_is_cut_where_there_is_no_more_room(
    most: int, text: str, reason: str
) -> None:
    model = Model(Round("It is 27"))
    model.extra[2] = TEXT
    one, listener = run(model, Searcher(), max_answer_chars=most), Listener()
    await one.drive(listener)
    assert choice_heard(listener)["message"]["content"] == text
    assert choice_heard(listener)["finish_reason"] == reason


async def test_all_rounds_of_an_answer_share_its_room() -> None:
    first = Round("Let me see", calls=(search_call("leave"),), finish_reason="tool_calls")
    model = Model(first, Round("It is 27 days."))
    one, listener = run(model, open_searcher(), max_answer_chars=18), Listener()
    await one.drive(listener)
    assert choice_heard(listener)["message"]["content"] == "Let me see\n\nIt is 27"
    assert choice_heard(listener)["finish_reason"] == "length"


async def test_searches_of_a_turn_that_is_cut_are_ended_and_not_waited_for() -> None:
    both = Round("", calls=(search_call("leave"), Call("get_weather", '{"city": "Paris"}')))
    searcher = Searcher()
    one = run(Model(both), searcher, WITH_WEATHER, max_answer_chars=5)
    listener = Listener()
    await asyncio.wait_for(one.drive(listener), PATIENCE_S)
    assert choice_heard(listener)["finish_reason"] == "length"
    (heard,) = choice_heard(listener)["message"]["tool_calls"]
    assert heard["function"]["arguments"] == '{"cit'
    assert not searcher.ran or searcher.cancelled.is_set()


async def test_a_reply_says_that_annotations_were_left_out() -> None:
    for count, cut in ((1_000, None), (1_001, True)):
        model = Model(SEARCH_ROUND, Round("It is so [1]. " * count))
        listener = Listener()
        await run(model, open_searcher()).drive(listener)
        assert len(choice_heard(listener)["message"]["annotations"]) == 1_000
        assert told(listener)["lighton"].get("annotations_cut") is cut


AS_JSON: dict[str, Any] = {"response_format": {"type": "json_object"}}
TALKING_SEARCH = Round("Let me see.", calls=(search_call("leave"),), finish_reason="tool_calls")
JSON_ROUND = Round('{"days": 27}')


def content(listener: Listener) -> Any:
    return told(listener)["choices"][0]["message"]["content"]


async def test_a_client_that_wants_json_hears_json_alone() -> None:
    model = Model(TALKING_SEARCH, Round("It is 27 [1]."), JSON_ROUND)
    one, listener = run(model, open_searcher(), AS_JSON), Listener()
    await one.drive(listener)
    assert content(listener) == '{"days": 27}'
    assert ["response_format" in each for each in model.asked] == [False, False, True]
    assert ["tools" in each for each in model.asked] == [True, True, False]
    assert told(listener)["usage"]["total_tokens"] == 45
    assert told(listener)["lighton"]["rounds"] == 3


async def test_json_that_needs_no_other_round_is_told_when_its_round_ends() -> None:
    model = Model(TALKING_SEARCH, JSON_ROUND)
    listener = Listener()
    await run(model, open_searcher(), AS_JSON).drive(listener)
    assert content(listener) == '{"days": 27}'
    assert len(model.asked) == 2


async def test_a_search_starts_while_the_text_before_it_is_withheld() -> None:
    model = Model(TALKING_SEARCH, JSON_ROUND)
    searcher, listener = open_searcher(), Listener()
    model.gates[len(TALKING_SEARCH.chunks()) - 1] = searcher.started
    await asyncio.wait_for(run(model, searcher, AS_JSON).drive(listener), PATIENCE_S)
    assert content(listener) == '{"days": 27}'


async def test_reasoning_is_heard_while_text_is_withheld() -> None:
    model, listener = Model(TALKING_SEARCH, JSON_ROUND), Listener()
    model.extra[1] = {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]}
    await run(model, open_searcher(), AS_JSON).drive(listener)
    assert told(listener)["choices"][0]["message"]["reasoning_content"] == "Hm."
    assert content(listener) == '{"days": 27}'


async def test_text_beside_a_clients_call_reaches_the_model_again_but_not_the_client() -> None:
    calling = Round("Let me see.", calls=(Call("get_weather", "{}"),), finish_reason="tool_calls")
    body, turns, listener = {**WITH_WEATHER, **AS_JSON}, Turns(), Listener()
    await run(Model(calling), Searcher(), body, turns).drive(listener)
    message = told(listener)["choices"][0]["message"]
    assert message["content"] is None
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sunny"}
    model, last = Model(JSON_ROUND), Listener()
    back = {**body, "messages": [*MESSAGES, message, result]}
    await run(model, Searcher(), back, turns).drive(last)
    assert model.asked[0]["messages"][-2]["content"] == "Let me see."
    assert content(last) == '{"days": 27}'


async def test_only_what_is_heard_counts_towards_the_longest_answer() -> None:
    listener = Listener()
    one = run(Model(TALKING_SEARCH, JSON_ROUND), open_searcher(), AS_JSON, max_answer_chars=12)
    await one.drive(listener)
    assert (content(listener), one.is_cut) == ('{"days": 27}', False)
    assert one.facts().cut_by == ""


async def test_text_that_is_too_long_to_be_told_ends_its_round() -> None:
    model = Model(Round("It is 27, as is well known [1]."), JSON_ROUND)
    one, listener = run(model, Searcher(), AS_JSON, max_answer_chars=12), Listener()
    await one.drive(listener)
    assert content(listener) == '{"days": 27}'
    assert told(listener)["choices"][0]["finish_reason"] == "stop"


async def test_a_slow_client_delays_the_end_of_an_answer_that_was_withheld() -> None:
    listener = Listener()
    listener.gate.clear()
    driving = asyncio.create_task(run(Model(JSON_ROUND), Searcher(), AS_JSON).drive(listener))
    await asyncio.wait_for(listener.heard.wait(), PATIENCE_S)
    assert content(listener) == '{"days": 27}'
    assert not driving.done()
    listener.gate.set()
    await asyncio.wait_for(driving, PATIENCE_S)


async def test_a_refusal_is_an_answer() -> None:
    model, listener = Model(Round()), Listener()
    refusal: Any = {"refusal": "I cannot say."}
    model.extra[1] = {"choices": [{"index": 0, "delta": refusal}]}
    await run(model, open_searcher(), retrieval="context").drive(listener)
    assert told(listener)["choices"][0]["message"]["refusal"] == "I cannot say."


@pytest.mark.parametrize("silent", [Round(), Round(reasoning="It is 27."), Round("\n")])
async def test_a_model_that_stays_silent_after_its_search_is_a_bad_reply(silent: Round) -> None:
    model = Model(SEARCH_ROUND, silent, silent)
    with pytest.raises(BadReply, match="gave no answer after its search") as caught:
        await run(model, open_searcher()).drive(Listener())
    assert (caught.value.upstream, caught.value.cause) == ("Scaleway", "empty_answer")
    assert [len(each.get("tools", ())) for each in model.asked] == [1, 1, 0]


async def turns_of_the_loop(driving: asyncio.Task[None]) -> int:
    """How often other work had its turn while an answer was made."""
    turns = 0
    while not driving.done():
        turns += 1
        await asyncio.sleep(0)
    await driving
    return turns


async def test_other_work_has_its_turn_while_a_long_plain_reply_is_read() -> None:
    text = "[a](b " * 10_000
    model = Model(SEARCH_ROUND, Round(text))
    listener = Listener()
    one = run(model, open_searcher(), {"stream": False}, answer_links="all")
    assert await turns_of_the_loop(asyncio.create_task(one.drive(listener))) > 30
    assert choice_heard(listener)["message"]["content"] == text


async def test_a_plain_reply_cut_in_slices_is_what_a_stream_says() -> None:
    text = "It is so [1]. " * SLICE_CHARS
    heard = []
    for stream in (True, False):
        searching = Round("Let me see.", "Hm.", SEARCH_ROUND.calls, "tool_calls")
        listener = Listener()
        model = Model(searching, Round(text, reasoning="So."))
        await run(model, open_searcher(), {"stream": stream}).drive(listener)
        heard.append(choice_heard(listener))
    assert heard[0] == heard[1]


async def test_other_work_has_its_turn_while_citations_are_weighed() -> None:
    model = Model(SEARCH_ROUND, Round("".join(f"It is {n} [1]. " for n in range(200))))
    driving = asyncio.create_task(run(model, open_searcher()).drive(Listener()))
    assert await turns_of_the_loop(driving) > 200


async def test_answers_that_end_at_once_are_weighed_one_after_the_other() -> None:
    listener, model = Listener(), Model(SEARCH_ROUND, Round("It is 27 [1]."))
    one = run(model, open_searcher())
    await one.closing.acquire()  # as another answer does
    driving = asyncio.create_task(one.drive(listener))
    await asyncio.wait_for(rounds_have_ended(model, 2), PATIENCE_S)
    for _ in range(100):
        await asyncio.sleep(0)
    assert told(listener)["choices"][0]["message"]["content"] == "It is 27 [1]."
    assert not driving.done()
    one.closing.release()
    await asyncio.wait_for(driving, PATIENCE_S)
    assert told(listener)["lighton"]["citations"]


async def rounds_have_ended(model: Model, count: int) -> None:
    for _ in range(count):
        await model.closed.wait()
        model.closed.clear()


async def test_a_client_may_hang_up_while_citations_are_weighed() -> None:
    listener = Listener()
    model = Model(SEARCH_ROUND, Round("".join(f"It is {n} [1]. " for n in range(200))))
    driving = asyncio.create_task(run(model, open_searcher()).drive(listener))
    await model.closed.wait()
    model.closed.clear()
    await model.closed.wait()
    await asyncio.sleep(0)
    driving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await driving
    assert "lighton" not in told(listener)


async def test_a_client_says_how_many_searches_its_answer_may_take() -> None:
    two = Round(calls=(search_call("leave"), search_call("lease")), finish_reason="tool_calls")
    model = Model(two, Round("It is 27."))
    one = run(model, open_searcher())
    one = Run(
        one.plan._replace(chat=one.plan.chat._replace(max_jobs=1)), model, Turns(), one.writer
    )
    await one.drive(Listener())
    assert one.searches == 1
    assert not model.asked[-1].get("tools")
