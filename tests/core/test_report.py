from __future__ import annotations

from typing import Any

import pytest

from proxy.core.chat import parse_chat
from proxy.core.desk import Desk
from proxy.core.hidden import Failed, Found
from proxy.core.passages import PassageBook
from proxy.core.plan import Policy, make_plan
from proxy.core.report import report_of, report_of_times
from proxy.core.search_tool import Search, SearchTool
from proxy.core.timeline import Retry, Timeline
from proxy.errors import RateLimited
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.wish import WISHES
from tests.core.samples import FENCE, result
from tests.support.parts import Searcher

NOW = 2.0
FULL = RateLimited("LightOn", "Full.", cause="status_429")


def report(
    *outcomes: Found | Failed,
    timeline: Timeline | None = None,
    citations: tuple[str, ...] = (),
    is_refused: bool = False,
    **policy: Any,
) -> dict[str, Any]:
    chat = parse_chat({"messages": [{"role": "user", "content": "Hi"}]}, WISHES)
    plan = make_plan(chat, Policy("m", LightOnScope(), **policy), chat.wish, (), FENCE)
    desk = Desk(
        (SearchTool(Searcher()),),
        plan.scope,
        PassageBook(100),
        FENCE,
        max_searches=3,
        query_limit=9,
    )
    for number, outcome in enumerate(outcomes):
        desk.record({Search(f"q{number}", 8).job: outcome})
    told = {"searches": [], "citations": list(citations)}
    made = report_of(plan, desk, timeline or Timeline(), told, NOW, is_refused=is_refused)
    return {name: value for name, value in made.items() if name not in told}


def rounds(number: int) -> Timeline:
    timeline = Timeline()
    for _ in range(number):
        timeline.round(0.0, "m")
    return timeline


def test_a_report_counts_the_rounds() -> None:
    assert report(timeline=rounds(2))["rounds"] == 2


def test_a_report_tells_the_times_until_it_is_written() -> None:
    assert report(timeline=Timeline(began=0.5))["timings"]["total_ms"] == 1_500
    assert report_of_times(Timeline(), NOW).keys() == {"timings"}


def test_only_an_answer_with_retries_tells_of_them() -> None:
    tried = Timeline(retries=[Retry(0, "LightOn", "dns", 0.1)] * 2)
    assert report(timeline=tried)["retries"] == 2
    assert "retries" not in report()


@pytest.mark.parametrize(
    ("outcomes", "citations", "is_ungrounded"),
    [
        ((), (), False),
        ((Failed(FULL),), (), True),
        ((Failed(FULL),), ("of an earlier answer",), False),
        ((Failed(FULL), Found((result("a"),))), (), False),
        ((Found(),), (), False),
    ],
)
def test_an_answer_that_its_failed_searches_left_without_passages_says_so(
    outcomes: tuple[Found | Failed, ...], citations: tuple[str, ...], *, is_ungrounded: bool
) -> None:
    assert report(*outcomes, citations=citations).get("ungrounded", False) == is_ungrounded


def test_a_refusal_says_that_it_is_one_and_no_more() -> None:
    made = report(Failed(FULL), is_refused=True)
    assert (made["refused"], "ungrounded" in made) == (True, False)


@pytest.mark.parametrize("shows", [True, False])
def test_the_scope_is_shown_where_the_policy_says_so(*, shows: bool) -> None:
    made = report(show_scope=shows)
    assert ("scope" in made) == shows
    assert not shows or made["scope"]["retrieval"] == "tool"
