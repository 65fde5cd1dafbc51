"""The searches of a client that hosts its file search here, as items of the output.

Other clients see none of them: they never asked for a search, and may not know the item.
"""

from __future__ import annotations

from typing import Final, Literal

from proxy.core.hidden import Failed, Found, Job, Outcome
from proxy.core.responses.output import Output
from proxy.core.responses.wire import FileSearchCall, SearchResult
from proxy.core.search_tool import Search
from proxy.core.stores import scores_of

_EVENT: Final = "response.file_search_call"


class Searches:
    """The searches of one response."""

    def __init__(self, output: Output, *, has_results: bool) -> None:
        self._output = output
        self._has_results = has_results
        self._running: dict[Job, _Search] = {}

    def begin(self, job: Job) -> None:
        self._running[job] = _Search(self._output, Search.of(job).query)

    def end(self, job: Job, outcome: Outcome) -> None:
        search = self._running.pop(job)
        if isinstance(outcome, Failed):
            search.end("failed")
            return
        search.end("completed", _results(outcome) if self._has_results else None)

    def close(self) -> None:
        """The response ends, and waits for no search."""
        for search in self._running.values():
            search.end("incomplete")
        self._running = {}


class _Search:
    """One `file_search_call` item."""

    def __init__(self, output: Output, query: str) -> None:
        self._output = output
        self._query = query
        self._id = output.mint("fs")
        self._status: Literal["in_progress", "searching", "completed", "incomplete", "failed"]
        self._status = "in_progress"
        self._results: list[SearchResult] | None = None
        self._index = output.begin(self)
        self._tell("in_progress")
        self._status = "searching"
        self._tell("searching")

    def end(
        self,
        status: Literal["completed", "incomplete", "failed"],
        results: list[SearchResult] | None = None,
    ) -> None:
        self._status, self._results = status, results
        if status == "completed":  # there are no events for the others
            self._tell("completed")
        self._output.end(self._index)

    def item(self) -> FileSearchCall:
        return {
            "type": "file_search_call",
            "id": self._id,
            "status": self._status,
            "queries": [self._query],
            "results": self._results,
        }

    def _tell(self, news: str) -> None:
        type_ = f"{_EVENT}.{news}"
        self._output.log.tell({"type": type_, "item_id": self._id, "output_index": self._index})


def _results(found: Found) -> list[SearchResult]:
    """Those with a text. AI SDK wants all fields, and none of them null."""
    known = found.attributes or ({},) * len(found.results)
    each_one = zip(found.results, scores_of(found.results), known, strict=True)
    return [
        {
            "file_id": "" if result.file_id is None else str(result.file_id),
            "filename": result.name,
            "score": score,
            "text": result.content,
            "attributes": attributes,
        }
        for result, score, attributes in each_one
        if result.content
    ]
