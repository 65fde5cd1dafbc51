"""The search tool: how the proxy offers it, and what its calls mean.

A model can set the query and the number of results. The scope alone decides which documents a
search reaches.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple, Protocol

import orjson

from proxy.core.fence import Fence
from proxy.core.followups import Question
from proxy.core.forgiving import as_integer, ignored, read_arguments
from proxy.core.hidden import CallContext, Found, Job, JobTrace, Order
from proxy.core.instructions import SEARCHING
from proxy.core.names import SEARCH_TOOL
from proxy.core.passages import Listing, Passage
from proxy.core.scope import Scope
from proxy.core.turn import ToolCall
from proxy.core.wire import Function, FunctionDefinition, Tool

NAME: Final = SEARCH_TOOL
UNAVAILABLE: Final = (
    "The search is unavailable at the moment. Answer from what you have, and tell the user that "
    "the documents could not be searched."
)
_EXAMPLE: Final = '{"query": "notice period in the 2024 lease", "max_results": 5}'


class Search(NamedTuple):
    """One search. Equal searches bring equal results."""

    query: str
    max_results: int

    @property
    def job(self) -> Job:
        """The search as a job. Of two for the same words, the one with more results has all."""
        topic = " ".join(self.query.casefold().split())
        return Job(NAME, tuple(self), topic, self.max_results)

    @classmethod
    def of(cls, job: Job) -> Search:
        """The search that a job stands for."""
        return cls._make(job.asked)


class SearchTrace(JobTrace, total=False):
    query: str


class SearchUpstream(Protocol):
    """Runs one search. Raises ProxyError."""

    @property
    def name(self) -> str:
        """Its name, as users know it."""

    def search(self, search: Search, scope: Scope) -> Awaitable[Found]: ...


@dataclass(frozen=True, slots=True)
class SearchTool:
    """The search as a hidden tool: see `HiddenTool`."""

    upstream: SearchUpstream
    instructions: str = SEARCHING
    name: ClassVar = NAME
    trace_name: ClassVar = "searches"
    failure_may_end_answer: ClassVar = True
    unavailable: ClassVar = UNAVAILABLE
    failure: ClassVar = "The search failed."

    @property
    def upstream_name(self) -> str:
        return self.upstream.name

    def is_offered(self, passages: Mapping[int, Passage]) -> bool:  # noqa: ARG002  # the protocol
        return True

    def definition(self, scope: Scope) -> Tool:
        return definition(scope)

    def read_call(self, call: ToolCall, context: CallContext) -> Order:
        return read_call(call, context.scope, query_limit=context.query_chars)

    def first_job(self, question: Question, scope: Scope) -> Job | None:  # noqa: ARG002  # the same
        return Search(question.text, question.results).job

    def as_function(self, job: Job) -> Function:
        query = {"query": Search.of(job).query}
        return {"name": NAME, "arguments": orjson.dumps(query).decode()}

    def doing(self, job: Job) -> str:
        return f"Searching: {Search.of(job).query}"

    def run(self, job: Job, scope: Scope) -> Awaitable[Found]:
        return self.upstream.search(Search.of(job), scope)

    def trace(self, job: Job) -> SearchTrace:
        return {"query": Search.of(job).query}

    def show(self, listing: Listing, fence: Fence) -> str:
        return listing.render(fence)

    def refer(self, listing: Listing) -> str:
        return f"This was searched before. {listing.refer()}"


def definition(scope: Scope) -> Tool:
    """The tool as rounds offer it to the model."""
    query = {
        "type": "string",
        "description": (
            "What to look for, in the words the documents would use. It must be understood on its "
            "own: resolve pronouns and put in names, dates and other context from the conversation."
        ),
    }
    max_results = {
        "type": "integer",
        "minimum": 1,
        "maximum": scope.results_limit,
        "default": scope.results_default,
        "description": "How many passages to return.",
    }
    parameters = {
        "type": "object",
        "properties": {"query": query, "max_results": max_results},
        "required": ["query"],
        "additionalProperties": False,
    }
    function: FunctionDefinition = {
        "name": NAME,
        "description": (
            "Search the organisation's documents. Returns numbered passages. Use it whenever the "
            "answer may be in those documents. Ask for different things in separate calls."
        ),
        "parameters": parameters,
    }
    return {"type": "function", "function": function}


def read_call(call: ToolCall, scope: Scope, *, query_limit: int) -> Order:
    """What `call` asks for within `scope`; the query is cut to `query_limit` characters."""
    arguments = read_arguments(call)
    if isinstance(arguments, str):
        return Order(fault=f"{arguments} {_usage()}")
    query = arguments.get("query")
    if not isinstance(query, str) or not query.strip():
        return Order(fault=f"The query is missing. {_usage()}")
    query = query.strip()
    notes = []
    if len(query) > query_limit:
        notes.append(f"The query was cut to {query_limit} characters.")
        query = query[:query_limit].rstrip()
    max_results, count_note = _max_results(arguments.get("max_results"), scope)
    notes += ignored(arguments, ("query", "max_results"))
    notes.extend([count_note] if count_note else [])
    return Order(Search(query, max_results).job, tuple(notes))


def _usage() -> str:
    return f"Call {NAME} with arguments such as {_EXAMPLE}."


def _max_results(value: object, scope: Scope) -> tuple[int, str]:
    """The number of results to ask for, and a note if it is not the one the model wrote."""
    if value is None:
        return scope.results_default, ""
    number = as_integer(value)
    if number is None:
        default = scope.results_default
        return default, f"max_results must be an integer; {default} was used."
    clamped = min(max(number, 1), scope.results_limit)
    if clamped == number:
        return clamped, ""
    return clamped, f"max_results must be from 1 to {scope.results_limit}; {clamped} was used."
