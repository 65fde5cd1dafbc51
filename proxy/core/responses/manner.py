"""How a client wants to be told of its response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from proxy.core.responses.calls import CalledAs
from proxy.core.responses.request import ResponsesRequest

_RESULTS: Final = "file_search_call.results"
_SUMMARY: Final = ("summary", "generate_summary")


@dataclass(frozen=True, slots=True)
class Manner:
    """What of an answer a client sees, and in what form."""

    called_as: CalledAs
    """The client's tool behind the name of a function."""
    has_file_search: bool = False
    """It hosts its file search here: it sees the searches, and files are cited."""
    has_results: bool = False
    """It sees what they found, too."""
    thoughts_as_summary: bool = False

    @classmethod
    def of(cls, request: ResponsesRequest) -> Self:
        """The manner that a request asks for."""
        reasoning = request.echo.get("reasoning") or {}
        return cls(
            called_as=request.tools.known,
            has_file_search=request.file_search is not None,
            has_results=_RESULTS in request.include,
            thoughts_as_summary=any(reasoning.get(name) for name in _SUMMARY),
        )
