"""The timeline of an answer, as the engine notes it. Each chunk and each search takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.core.chat import parse_chat
from proxy.core.frames import Hear, TextChunk
from proxy.core.hidden import Found
from proxy.core.plan import Policy, make_plan
from proxy.core.scope import Scope
from proxy.core.search_tool import NAME, Search, SearchTool
from proxy.core.timeline import Timeline
from proxy.core.wire import Chunk
from proxy.core.writer import CompletionWriter
from proxy.engine import Run
from proxy.errors import BadReply, ProxyError, RateLimited
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE
from tests.support.clock import Clock, skipping_clock
from tests.support.parts import LEAVE, Listener, Model, Turns
from tests.support.script import Round, delta_chunk, search_call

SEARCHING = Round(calls=(search_call("leave"),), finish_reason="tool_calls")
SEARCH_S = 20
HAIR_S = 0.5
"""The tests themselves take some time."""
WHOLE: dict[str, Any] = {"stream": False}


class Slow(Model):
    """Takes a second for each chunk."""

    clock: Clock

    async def _push(self, chunk: Chunk | TextChunk, hear: Hear) -> None:
        self.clock.skip(1)
        await super()._push(chunk, hear)


class Library:
    """Finds one passage in 20 s, or fails as `fault` says."""

    name = "LightOn"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.fault: ProxyError | None = None
        self.is_shared = False

    async def search(self, search: Search, scope: Scope) -> Found:
        del search, scope
        self.clock.skip(SEARCH_S)
        if self.fault is not None:
            raise self.fault
        return Found((LEAVE,), is_shared=self.is_shared)


@pytest.fixture
async def clock() -> AsyncIterator[Clock]:
    with skipping_clock() as clock:
        yield clock


def run(
    clock: Clock,
    *rounds: Round,
    library: Library | None = None,
    body: dict[str, Any] | None = None,
    **policy: Any,
) -> Run:
    asked = {"messages": [{"role": "user", "content": "How many days of leave?"}]}
    chat = parse_chat({**asked, "stream": True, **(body or {})}, WISHES)
    tool = SearchTool(library or Library(clock))
    plan = make_plan(chat, Policy("m", LightOnScope(), **policy), chat.wish, (tool,), FENCE)
    writer = CompletionWriter(id="chatcmpl-" + "a" * 32, created=1, model="m", include_usage=True)
    model = Slow(*rounds)
    model.clock = clock
    made = Run(plan, model, Turns(), writer)
    made.effort.timeline = Timeline(began=clock.time())
    return made


async def timeline(*given: Any, **more: Any) -> Timeline:
    one = run(*given, **more)
    await one.drive(Listener())
    return one.effort.timeline


def near(seconds: float) -> Any:
    return pytest.approx(seconds, abs=HAIR_S)


async def test_it_tells_of_rounds_and_searches_and_when_the_client_heard_the_first(
    clock: Clock,
) -> None:
    made = await timeline(clock, SEARCHING, Round("It is 27 [1]."))
    first, second = made.rounds
    (search,) = made.jobs
    assert [each.finish_reason for each in made.rounds] == ["tool_calls", "stop"]
    assert [each.usage["total_tokens"] for each in made.rounds] == [15, 15]
    assert [each.model for each in made.rounds] == ["m", "m"]
    assert (search.job.tool, search.upstream, search.results) == (NAME, "LightOn", 1)
    assert (search.cause, search.is_shared, made.waits, made.retries) == ("", False, [], [])
    assert search.took_s() == near(SEARCH_S)
    assert (first.began, second.began) == (near(made.began), near(search.ended or 0))
    assert first.first_at == near(made.began + 2)  # the role said nothing
    assert (second.first_at, made.first_heard_at) == (near(second.began + 2),) * 2
    assert second.took_s() == near(len(Round("It is 27 [1].").chunks()))
    assert first.took_s() == near(len(SEARCHING.chunks()))


async def test_a_plain_reply_has_no_first_token(clock: Clock) -> None:
    made = await timeline(clock, Round("Hi."), body=WHOLE)
    assert (made.rounds[0].first_at, made.first_heard_at) == (None, None)
    assert made.rounds[0].took_s() > 1


@pytest.mark.parametrize("heard_last", ["told", "refused"])
async def test_words_that_come_after_the_rounds_are_the_first_heard_as_well(
    clock: Clock, heard_last: str
) -> None:
    if heard_last == "told":
        json = {"response_format": {"type": "json_object"}}
        made = await timeline(clock, SEARCHING, Round('{"a": 1}'), Round('{"a": 1}'), body=json)
    else:
        library = Library(clock)
        library.fault = RateLimited("LightOn", "Full.", cause="status_429")
        policy = {"retrieval": "context", "on_search_error": "refuse"}
        made = await timeline(clock, library=library, **policy)
    assert made.first_heard_at is not None


async def test_a_search_that_failed_says_why(clock: Clock) -> None:
    library = Library(clock)
    library.fault = RateLimited("LightOn", "Full.", cause="status_429")
    made = await timeline(clock, SEARCHING, Round("Sorry."), library=library)
    assert (made.jobs[0].cause, made.jobs[0].took_s()) == ("status_429", near(SEARCH_S))


async def test_results_of_an_equal_search_are_told_apart(clock: Clock) -> None:
    library = Library(clock)
    library.is_shared = True
    made = await timeline(clock, SEARCHING, Round("27 [1]."), library=library)
    assert made.jobs[0].is_shared


async def test_a_round_that_failed_says_why(clock: Clock) -> None:
    one = run(clock, Round("Half", finish_reason="error"))
    with pytest.raises(BadReply):
        await one.drive(Listener())
    (noted,) = one.effort.timeline.rounds
    assert (noted.cause, noted.finish_reason) == ("finish_reason", "")
    assert noted.took_s() == near(len(Round("Half").chunks()))


async def test_a_round_that_its_client_left_has_not_ended(clock: Clock) -> None:
    one, listener = run(clock, Round("Some text.")), Listener()
    listener.gate.clear()
    driving = asyncio.create_task(one.drive(listener))
    await listener.heard.wait()
    driving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await driving
    (noted,) = one.effort.timeline.rounds
    assert (noted.ended, noted.cause) == (None, "")
    assert noted.first_at is not None


async def test_a_round_says_which_model_was_asked_and_which_one_answered(clock: Clock) -> None:
    one = run(clock, Round("Hi."))
    one.model.moved_to = "other"  # type: ignore[misc]
    one.model.extra[0] = {**delta_chunk({"content": "A"}), "model": "other-7b"}  # type: ignore[attr-defined]
    await one.drive(Listener())
    (noted,) = one.effort.timeline.rounds
    assert (noted.model, noted.answered_by) == ("other", "other-7b")


async def test_the_clock_is_not_asked_for_each_token(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def time() -> float:
        asked.append(clock.time())
        return asked[-1]

    monkeypatch.setattr(asyncio.get_running_loop(), "time", time)
    counts = []
    for words in (10, 200):
        one = run(clock, Round("word " * words))
        asked.clear()
        await one.drive(Listener())
        counts.append(len(asked))
    assert counts[0] == counts[1]
