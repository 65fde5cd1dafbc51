"""Those who hear an answer, but of whom nobody tells of jobs."""

from __future__ import annotations

from proxy.core.fold import Fold
from proxy.core.hidden import Found
from proxy.core.listener import Listener
from proxy.core.search_tool import Search, SearchTool
from tests.support.parts import LEAVE, Searcher


def test_a_plain_chat_is_told_nothing_of_jobs() -> None:
    fold = Fold()
    listener: Listener = fold
    tool = SearchTool(Searcher())
    job = Search("leave", 5).job
    before = fold.completion()
    listener.begin(tool, job)
    listener.end(tool, job, Found((LEAVE,)))
    assert fold.completion() == before
