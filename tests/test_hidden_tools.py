"""A hidden tool is a seam: a second one works beside the search, and nothing else knows of it."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.middleware import Middleware
from starlette.routing import Route

from proxy.access.clients import Client
from proxy.core.chat import parse_chat, text_of
from proxy.core.desk import FULL
from proxy.core.hidden import HiddenTool, Job
from proxy.core.instructions import ANSWERING, CITING, NO_MORE_SEARCHES
from proxy.core.passages import Passage
from proxy.core.plan import Plan, Policy, make_plan
from proxy.core.ports import TurnKeeper
from proxy.core.search_tool import SearchTool
from proxy.core.writer import CompletionWriter
from proxy.engine import Run
from proxy.errors import BadRequest, Overloaded
from proxy.outward import make_upstreams
from proxy.settings import Settings
from proxy.settings.policies import Policies
from proxy.state.memory_store import MemoryStore
from proxy.state.turns import KeptTurns
from proxy.surfaces.answers import Answers
from proxy.surfaces.application import Application
from proxy.surfaces.chat import ChatApi
from proxy.surfaces.middleware import Requests
from proxy.upstreams.http.outbound import Outbound
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE, note, quoted
from tests.support.asgi import ask
from tests.support.lookup import AROUND, INSTRUCTIONS, UNAVAILABLE, Lookup, lookup_call
from tests.support.openai_assemble import assemble, assemble_reply
from tests.support.openai_stream import check_stream
from tests.support.parts import LEAVE, Listener, Model, Searcher, Turns, open_searcher
from tests.support.script import Call, Round, result, search_call
from tests.support.upstreams import Upstreams
from tests.upstreams.raw_server import PATIENCE_S

QUESTION = {"role": "user", "content": "How many days of leave?"}
WEATHER = {"type": "function", "function": {"name": "get_weather"}}
WEATHER_CALL = Call("get_weather", "{}")
OWN_SEARCH = {"type": "function", "function": {"name": "lighton_search"}}
OWN_LOOKUP = {"type": "function", "function": {"name": "lookup"}}
LOOKED_UP = quoted(
    note("Around it:"),
    Passage(2, AROUND, "Ask a month before.").render(FENCE),
    citing=f"{ANSWERING} {CITING}",
)


def calling(*calls: Call) -> Round:
    return Round(calls=calls, finish_reason="tool_calls")


SEARCH = calling(search_call("leave"))
LOOKUP = calling(lookup_call(1))


def make(tools: tuple[HiddenTool, ...], body: dict[str, Any] | None = None, **policy: Any) -> Plan:
    document = {"messages": [QUESTION], "stream": True, **(body or {})}
    chat = parse_chat(document, WISHES, {tool.name for tool in tools})
    return make_plan(chat, Policy("m", LightOnScope(), **policy), chat.wish, tools, FENCE)


async def drive(
    model: Model,
    lookup: Lookup,
    body: dict[str, Any] | None = None,
    *,
    turns: TurnKeeper | None = None,
    searcher: Searcher | None = None,
    **policy: Any,
) -> Any:
    """The completion that a client hears."""
    plan = make((SearchTool(searcher or open_searcher()), lookup), body, **policy)
    writer = CompletionWriter(id="chatcmpl-" + "a" * 32, created=1, model="m", include_usage=True)
    listener = Listener()
    await asyncio.wait_for(Run(plan, model, turns or Turns(), writer).drive(listener), PATIENCE_S)
    return listener.fold.completion()


def first_choice(plan: Plan, passages: Any = MappingProxyType({})) -> Any:
    """The tool_choice of the first round, after the model was shown `passages`."""
    return plan.ask([], passages, is_first=True, is_last=False).tool_choice


def offered(model: Model) -> list[list[str]]:
    """The names of the tools that each round was offered."""
    return [[tool["function"]["name"] for tool in asked.get("tools", ())] for asked in model.asked]


def told(model: Model) -> list[str]:
    """The tool messages of the last round's history."""
    return [
        text_of(each["content"]) for each in model.asked[-1]["messages"] if each["role"] == "tool"
    ]


async def test_a_tool_is_offered_when_it_says_so_and_its_passages_are_numbered_on() -> None:
    model = Model(SEARCH, LOOKUP, Round("A month [2]."))
    lookup = Lookup()
    completion = await drive(model, lookup)
    both = ["lighton_search", "lookup"]
    assert offered(model) == [["lighton_search"], both, both]
    assert told(model)[1] == LOOKED_UP
    (cited,) = completion["choices"][0]["message"]["annotations"]
    assert cited["url_citation"]["title"] == "Handbook"
    report = completion["lighton"]
    assert report["rounds"] == 3
    assert [each["query"] for each in report["searches"]] == ["leave"]
    (entry,) = report["lookups"]
    assert entry["file_id"] == 7
    assert [(each["n"], each["passage"]) for each in entry["results"]] == [(1, 2)]


async def test_a_tool_that_is_not_offered_yet_is_nobodys() -> None:
    model = Model(LOOKUP, Round("Well."))
    lookup = Lookup()
    completion = await drive(model, lookup)
    assert told(model) == [note("There is no tool named 'lookup'. There are: lighton_search.")]
    assert lookup.ran == []
    assert completion["lighton"]["lookups"] == []


async def test_no_hidden_tool_is_offered_in_the_last_round() -> None:
    model = Model(SEARCH, Round("Done."))
    await drive(model, Lookup(), max_rounds=1)
    assert offered(model)[1] == []


async def test_calls_of_both_tools_and_of_the_client_stand_in_one_round() -> None:
    both = calling(search_call("notice"), lookup_call(1), WEATHER_CALL)
    lookup = Lookup()
    searcher = open_searcher()
    model = Model(SEARCH, both)
    completion = await drive(model, lookup, {"tools": [WEATHER]}, searcher=searcher)
    calls = completion["choices"][0]["message"]["tool_calls"]
    assert [each["function"]["name"] for each in calls] == ["get_weather"]
    assert "lookup" not in str(calls)
    assert [each.query for each in searcher.ran] == ["leave", "notice"]
    assert lookup.ran == [Job("lookup", (7,), "7")]
    assert len(completion["lighton"]["lookups"]) == 1
    assert len(completion["lighton"]["searches"]) == 2


async def test_its_job_starts_while_its_round_still_streams() -> None:
    both = calling(search_call("notice"), lookup_call(1))
    lookup = Lookup()
    model = Model(both, Round("Done."))
    model.gates[len(both.chunks()) - 1] = lookup.started
    await drive(model, lookup, retrieval="hybrid")
    assert told(model)[2] == LOOKED_UP


async def test_equal_jobs_are_run_once() -> None:
    twice = calling(lookup_call(1), lookup_call(1))
    lookup = Lookup()
    model = Model(SEARCH, twice, LOOKUP, Round("Done."))
    await drive(model, lookup)
    assert len(lookup.ran) == 1
    again = note("This was looked up before. It found [2], shown above.")
    assert told(model)[1:] == [LOOKED_UP, again, f"{again}\n\n{note(NO_MORE_SEARCHES)}"]


async def test_jobs_of_two_tools_are_never_one() -> None:
    same_topic = calling(search_call("7"), lookup_call(1))
    lookup, searcher = Lookup(), open_searcher()
    model = Model(SEARCH, same_topic, Round("Done."))
    await drive(model, lookup, searcher=searcher)
    assert [each.query for each in searcher.ran] == ["leave", "7"]
    assert [job.topic for job in lookup.ran] == ["7"]


async def test_a_call_that_cannot_be_met_is_corrected() -> None:
    lookup = Lookup()
    model = Model(SEARCH, calling(lookup_call(9)), Round("Done."))
    await drive(model, lookup)
    assert told(model)[1] == note("There is no such passage. Call lookup with the number of one.")
    assert lookup.ran == []


async def test_its_jobs_count_as_searches_of_a_round() -> None:
    lookup = Lookup()
    both = calling(search_call("notice"), lookup_call(1))
    model = Model(SEARCH, both, Round("Done."))
    await drive(model, lookup, max_searches=1)
    assert told(model)[2] == note("Not run: at most 1 searches a round. Call lookup again.")
    assert lookup.ran == []


async def test_its_jobs_need_room_for_passages() -> None:
    lookup = Lookup()
    model = Model(SEARCH, LOOKUP, Round("Done."))
    await drive(model, lookup, passage_chars=210)
    assert (told(model)[1:], lookup.ran) == ([note(FULL)], [])


@pytest.mark.parametrize("ends", [False, True])
async def test_a_failure_is_told_to_the_model_in_the_tools_words(*, ends: bool) -> None:
    lookup = Lookup(fault=Overloaded("Archive", "The archive is busy."))
    model = Model(SEARCH, LOOKUP, Round("Sorry."))
    completion = await drive(model, lookup, on_search_error="fail" if ends else "tell_model")
    assert told(model)[1] == note(UNAVAILABLE)
    assert completion["lighton"]["lookups"][0]["error"] == "The archive is busy."
    assert "error" not in completion["lighton"]["searches"][0]


async def test_a_failed_search_beside_it_still_ends_the_answer_where_the_setting_says_so() -> None:
    searcher = open_searcher()
    searcher.fault = Overloaded("LightOn", "LightOn is busy.")
    with pytest.raises(Overloaded):
        await drive(Model(SEARCH), Lookup(), searcher=searcher, on_search_error="fail")


async def test_a_clients_tool_of_the_same_name_is_the_clients() -> None:
    lookup = Lookup()
    model = Model(SEARCH, LOOKUP)
    completion = await drive(model, lookup, {"tools": [OWN_LOOKUP]})
    assert offered(model) == [["lookup", "lighton_search"]] * 2
    (call,) = completion["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "lookup", "arguments": '{"n": 1}'}
    assert lookup.ran == []


async def test_what_it_brought_is_kept_and_put_back() -> None:
    turns = KeptTurns(MemoryStore(10**6), 60, "realm").of(Client("client"), make((Lookup(),)).scope)
    lookup = Lookup()
    first = Model(SEARCH, LOOKUP, calling(lookup_call(1), WEATHER_CALL))
    heard = await drive(first, lookup, {"tools": [WEATHER]}, turns=turns)
    message = heard["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sunny"}
    second = Model(LOOKUP, Round("A month [2]."))
    body = {"tools": [WEATHER], "messages": [QUESTION, message, result]}
    completion = await drive(second, lookup, body, turns=turns)
    again = note("This was looked up before. It found [2], shown above.")
    last = f"{again}\n\n{note(NO_MORE_SEARCHES)}"
    assert told(second) == [told(first)[0], LOOKED_UP, again, "sunny", last]
    assert offered(second)[0] == ["get_weather", "lighton_search", "lookup"]
    assert len(lookup.ran) == 1
    (cited,) = completion["choices"][0]["message"]["annotations"]
    assert cited["url_citation"]["url"] == AROUND.url == LEAVE.url
    assert completion["lighton"]["lookups"] == []


async def test_what_it_brought_is_put_back_also_where_the_tool_is_gone() -> None:
    turns = KeptTurns(MemoryStore(10**6), 60, "realm").of(Client("client"), make((Lookup(),)).scope)
    first = Model(SEARCH, LOOKUP, calling(WEATHER_CALL))
    heard = await drive(first, Lookup(), {"tools": [WEATHER]}, turns=turns)
    message = heard["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sunny"}
    second = Model(Round("A month [2]."))
    plan = make((), {"tools": [WEATHER], "messages": [QUESTION, message, result]})
    writer = CompletionWriter(id="chatcmpl-" + "b" * 32, created=1, model="m", include_usage=True)
    listener = Listener()
    await Run(plan, second, turns, writer).drive(listener)
    assert LOOKED_UP in told(second)
    assert listener.fold.completion()["choices"][0]["message"]["annotations"]


def test_it_can_be_chosen_by_name_and_among_the_allowed() -> None:
    tools = (SearchTool(Searcher()), Lookup())
    chosen = make(tools, {"tool_choice": OWN_LOOKUP})
    none_shown = chosen.ask([], {}, is_first=True, is_last=False)
    assert none_shown.hidden == {"lighton_search"}
    assert none_shown.tool_choice == "auto"
    passages: Any = {1: None}
    shown = chosen.ask([], passages, is_first=True, is_last=False)
    assert shown.tool_choice == OWN_LOOKUP
    allowed = {"mode": "required", "tools": [OWN_LOOKUP]}
    choice = {"type": "allowed_tools", "allowed_tools": allowed}
    only_ours = make(tools, {"tools": [WEATHER], "tool_choice": choice})
    assert first_choice(only_ours) == OWN_SEARCH
    with pytest.raises(BadRequest, match="names lookup, but retrieval is off"):
        make(tools, {"tool_choice": OWN_LOOKUP}, retrieval="off")
    with pytest.raises(BadRequest, match="'lookup', which is not in 'tools'"):
        make(tools[:1], {"tool_choice": OWN_LOOKUP})


def test_a_required_call_is_one_of_a_tool_that_the_first_round_offers() -> None:
    plan = make((Lookup(), SearchTool(Searcher())), {"tool_choice": "required"})
    assert first_choice(plan) == OWN_SEARCH
    assert first_choice(plan, {1: None}) == OWN_LOOKUP
    assert first_choice(make((Lookup(),), {"tool_choice": "required"})) is None


def test_each_tool_on_offer_brings_its_own_instructions() -> None:
    tools = (SearchTool(Searcher(), "Search first."), Lookup())

    def said(body: dict[str, Any] | None = None) -> object:
        return make(tools, body, instructions="Be brief.").messages[0]["content"]

    assert said() == f"Be brief.\n\nSearch first.\n\n{INSTRUCTIONS}"
    assert said({"tools": [OWN_SEARCH]}) == f"Be brief.\n\n{INSTRUCTIONS}"
    assert said({"tool_choice": "none"}) == "Be brief."
    silent = make((SearchTool(Searcher(), ""),), instructions="Be brief.")
    assert silent.messages[0]["content"] == "Be brief."


def test_only_a_tool_that_can_runs_before_the_first_round() -> None:
    lookup, search = Lookup(), SearchTool(Searcher())
    (first,) = make((lookup, search), retrieval="hybrid").first_jobs
    assert first.tool == "lighton_search"
    assert make((lookup,), retrieval="context").first_jobs == ()


@pytest.mark.parametrize("stream", [False, True])
async def test_both_tools_answer_over_http(*, stream: bool) -> None:
    lookup = Lookup()
    both = calling(search_call("notice"), lookup_call(1), WEATHER_CALL)
    upstreams = Upstreams([SEARCH, both], [result("c1", "Leave is 27 days.")])
    body = {"messages": [QUESTION], "tools": [WEATHER], "stream": stream}
    answer = await ask(served(lookup, upstreams), "/chat/completions", body)
    view = check_stream(answer.parts) if stream else None
    heard = assemble(view.chunks) if view else assemble_reply(answer.json())
    assert [each["name"] for each in heard["tool_calls"]] == ["get_weather"]
    assert [each["query"] for each in upstreams.searched] == ["leave", "notice"]
    assert len(lookup.ran) == 1
    report = heard["lighton"]
    assert [each["query"] for each in report["searches"]] == ["leave", "notice"]
    assert [each["passage"] for each in report["lookups"][0]["results"]] == [2]
    assert answer.headers["x-lighton-searches"] == "3" or stream


def served(lookup: Lookup, upstreams: Upstreams) -> Application:
    """The chat surface with both tools, behind what keeps the exchange."""
    settings = Settings(
        lighton_base_url="http://lighton.test",
        lighton_api_key=SecretStr("k"),
        scaleway_base_url="http://scaleway.test/v1",
        scaleway_api_key=SecretStr("k"),
    )
    store = MemoryStore(10**6)
    clients = make_upstreams(settings, Outbound.over(upstreams.transport()), store)
    tools = (SearchTool(clients.search), lookup)
    turns = KeptTurns(store, 60, "realm")
    chat = Answers(
        ChatApi(WISHES),
        settings,
        Policies(settings, LightOnScope),
        lambda _client, _policy, _effort: clients.model,
        lambda _client, _effort: tools,
        WISHES,
        turns,
        b"secret",
    )
    route = Route("/chat/completions", chat, methods=["POST"])
    return Application(routes=[route], middleware=[Middleware(Requests)])
