"""What an answer rested on, through the whole loop."""

from __future__ import annotations

from typing import Any

from proxy.core.chat import parse_chat
from proxy.core.hidden import Found
from proxy.core.passages import Result
from proxy.core.plan import Policy, make_plan
from proxy.core.scope import Scope
from proxy.core.search_tool import NAME, Search, SearchTool
from proxy.core.writer import CompletionWriter
from proxy.engine import Run
from proxy.errors import RateLimited
from proxy.telemetry.trail import (
    LONGEST_TITLE,
    Asked,
    Document,
    Trail,
    trail_of_file,
    trail_of_search,
)
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE, result
from tests.support.parts import Listener, Model, Turns
from tests.support.script import Call, Round, search_call

PASSAGES = (
    result("c1", "One.", file_id=7, title="Lease", page_start=3, page_end=3, url="https://x/7"),
    result("c2", "Two.", file_id=9, title="Plan", page_start=None, url="https://x/9"),
    result("c3", "Three.", file_id=7, title="Lease", page_start=5, page_end=7, url="https://x/7"),
    result("c4", "Four.", file_id=7, title="Lease", page_start=3, page_end=3, url="https://x/7"),
    result("c5", "Five.", file_id=None, title="x" * 400, page_start=1),
    result("c6", "Six.", file_id=None, title="Note", page_start=2),
)
LEASE, PLAN = Document(7, "Lease", ("3", "5-7")), Document(9, "Plan", ())
OTHERS = Document(None, "x" * LONGEST_TITLE, ("1",)), Document(None, "Note", ("2",))
SEARCHING = Round(calls=(search_call("leave"),), finish_reason="tool_calls")


class Library:
    """Finds the passages, or nothing for the query `nothing`; `fail` fails."""

    name = "LightOn"

    async def search(self, search: Search, scope: Scope) -> Found:
        del scope
        if search.query == "fail":
            raise RateLimited("LightOn", "LightOn's quota is used up.")
        found: tuple[Result, ...] = () if search.query == "nothing" else PASSAGES
        return Found(found)


async def trail(*rounds: Round, body: dict[str, Any] | None = None, **policy: Any) -> Trail:
    messages = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "How long?"},
    ]
    chat = parse_chat({"messages": messages, "stream": True, **(body or {})}, WISHES)
    rules = Policy("m", LightOnScope(workspace_id=(42,)), **policy)
    plan = make_plan(chat, rules, chat.wish, (SearchTool(Library()),), FENCE)
    writer = CompletionWriter(id="chatcmpl-" + "a" * 32, created=1, model="m", include_usage=True)
    run = Run(plan, Model(*rounds), Turns(), writer)
    await run.drive(Listener())
    return run.trail()


async def test_a_trail_holds_all_that_the_answer_rested_on() -> None:
    made = await trail(SEARCHING, Round("Ten days [1][2], or so [1]."))
    assert made.asked == (Asked(NAME, {"query": "leave"}, has_ended=True, cause=""),)
    assert made.scope["workspace_id"] == [42]
    assert made.shown == (LEASE, PLAN, *OTHERS)
    assert made.cited == (Document(7, "Lease", ("3",)), PLAN)
    assert (made.question, made.answer) == ("How long?", "Ten days [1][2], or so [1].")


async def test_pages_are_those_that_were_cited_and_not_all_that_were_shown() -> None:
    made = await trail(SEARCHING, Round("Ten days [3]."))
    assert made.cited == (Document(7, "Lease", ("5-7",)),)


async def test_a_json_answer_has_cited_what_its_strings_cite() -> None:
    body = {"response_format": {"type": "json_object"}}
    made = await trail(SEARCHING, Round('{"a": "x [2]"}'), Round('{"a": "x [2]"}'), body=body)
    assert made.cited == (PLAN,)


async def test_searches_that_fail_or_are_made_first_are_told() -> None:
    made = await trail(
        Round(calls=(search_call("fail"),), finish_reason="tool_calls"),
        Round("No."),
        retrieval="hybrid",
    )
    assert [(each.what, each.cause) for each in made.asked] == [
        ({"query": "How long?"}, ""),
        ({"query": "fail"}, "rate_limit_exceeded"),
    ]


async def test_a_refusal_of_the_proxy_shows_no_model_anything() -> None:
    searching = Round(calls=(search_call("nothing"),), finish_reason="tool_calls")
    made = await trail(searching, Round("Nothing."), when_nothing_found="refuse")
    assert (made.shown, made.cited) == ((), ())
    assert [each.what for each in made.asked] == [{"query": "nothing"}]


async def test_what_was_found_for_a_model_that_was_not_asked_again_was_not_shown() -> None:
    """The client must first answer the call of its own tool."""
    body = {"tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]}
    both = Round(
        calls=(search_call("leave"), Call("get_weather", "{}")), finish_reason="tool_calls"
    )
    made = await trail(both, body=body)
    assert [each.what for each in made.asked] == [{"query": "leave"}]
    assert made.shown == ()


async def test_what_the_model_was_not_shown_yet_is_no_part_of_it() -> None:
    made = await trail(Round("Hello!"))
    assert (made.asked, made.shown, made.cited, made.answer) == ((), (), (), "Hello!")


def test_a_search_by_itself_has_shown_its_results_and_cites_nothing() -> None:
    found = trail_of_search({"a": 1}, ("x", "y"), PASSAGES[:2], "", has_ended=True)
    query = Asked(NAME, {"query": "x"}, has_ended=True, cause="")
    assert found.asked == (query, query._replace(what={"query": "y"}))
    assert (found.scope, found.question, found.answer) == ({"a": 1}, "x\ny", "")
    assert (found.shown, found.cited) == ((Document(7, "Lease", ("3",)), PLAN), ())
    broken = trail_of_search({}, ("x",), (), "status_503", has_ended=False)
    assert broken.asked == (query._replace(has_ended=False, cause="status_503"),)


def test_a_file_by_itself_is_shown_within_one_of_its_scopes() -> None:
    assert trail_of_file([{"a": 1}], [PLAN]) == Trail({"a": 1}, (), (PLAN,), (), "", "")
    assert trail_of_file([{"a": 1}, {"b": 2}], []).scope == {"any_of": [{"a": 1}, {"b": 2}]}
