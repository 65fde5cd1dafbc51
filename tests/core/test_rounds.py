"""What the rounds so far say about the next one. `test_loop` plays whole answers."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.chat import parse_chat
from proxy.core.desk import Desk
from proxy.core.hidden import Found
from proxy.core.instructions import NO_MORE_SEARCHES
from proxy.core.passages import PassageBook
from proxy.core.plan import Ask, Plan, Policy, make_plan
from proxy.core.rounds import Rounds
from proxy.core.search_tool import Search
from proxy.core.turn import Heard, Turn
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE, TOOLS, call, note

CALLING = Turn("", "tool_calls", (call({"query": "leave"}),))


def plan(**fields: Any) -> Plan:
    chat = parse_chat({"messages": [{"role": "user", "content": "Leave?"}], **fields}, WISHES)
    return make_plan(chat, Policy("m", LightOnScope(), max_rounds=2), chat.wish, TOOLS, FENCE)


def ask(rounds: Rounds, *, late: bool = False) -> Ask:
    made = plan()
    desk = Desk(TOOLS, made.scope, PassageBook(100), FENCE, max_searches=1, query_limit=100)
    return rounds.ask(made, desk, [], lambda: late)


@pytest.mark.parametrize("past", [0, 1, 2])
def test_the_round_after_the_most_rounds_is_the_last(past: int) -> None:
    asked = ask(Rounds(heard=[Heard()] * past))
    assert bool(asked.tools) == (past < 2)


def test_once_a_round_is_the_last_no_later_one_offers_a_search() -> None:
    rounds = Rounds()
    assert ask(rounds, late=True).tools == ()
    assert ask(rounds, late=False).tools == ()


def test_only_the_last_round_is_told_that_no_searches_follow_and_nothing_keeps_it() -> None:
    rounds = Rounds()
    rounds.go_on(CALLING, {"call_1": "Found."}, is_repeated=False)
    assert ask(rounds).messages[-1]["content"] == "Found."
    rounds.go_on(CALLING, {"call_1": "Again."}, is_repeated=True)
    assert ask(rounds).messages[-1]["content"] == f"Again.\n\n{note(NO_MORE_SEARCHES)}"
    assert rounds.messages[-1]["content"] == "Again."


def test_a_second_last_round_without_words_must_end() -> None:
    rounds = Rounds(is_last=True)
    assert not rounds.must_end(plan(), Ask([]), CALLING)
    rounds.go_on(CALLING, {}, is_repeated=False)
    assert rounds.must_end(plan(), Ask([]), CALLING)


def test_what_was_heard_is_set_off_by_blank_lines() -> None:
    assert Rounds(heard=[Heard("a"), Heard(), Heard("b")]).all_heard == "a\n\nb"


def test_a_round_offers_no_search_once_the_answer_may_run_none() -> None:
    made = plan()
    desk = Desk(
        TOOLS, made.scope, PassageBook(100), FENCE, max_searches=1, max_jobs=1, query_limit=100
    )
    assert Rounds().ask(made, desk, [], lambda: False).tools
    job = Search("leave", 5).job
    desk.record({job: Found()})
    assert not Rounds().ask(made, desk, [], lambda: False).tools
