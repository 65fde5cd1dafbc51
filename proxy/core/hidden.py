"""Hidden tools: tools that the model may call and whose calls the client never hears of.

A tool is one object. The core reads its calls and renders its results; only the engine runs it.
What is run is a `Job`, plain data, so that equal jobs are run once, and a later request knows what
an earlier one has run. What a job brings are results, which become numbered passages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from typing_extensions import TypedDict

from proxy.core.passages import Listing, Passage, Result
from proxy.core.scope import Scope
from proxy.core.turn import ToolCall
from proxy.core.wire import Tool
from proxy.errors import ProxyError

Plain = str | int | float | bool | None


class Job(NamedTuple):
    """One thing for a tool to run. Equal jobs bring equal results."""

    tool: str
    """The tool's name."""
    asked: tuple[Plain, ...]
    """What to run, as the tool reads it."""
    topic: str = ""
    """Of jobs of one tool with the same topic, the one of greater extent brings all of the other's
    results."""
    extent: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """What a call asks for: a job or, if the call cannot be met, the fault in it."""

    job: Job | None = None
    notes: tuple[str, ...] = ()
    """What was changed in the call, for the model to know."""
    fault: str = ""


class Found(NamedTuple):
    """What a job brought."""

    results: tuple[Result, ...] = ()
    warnings: tuple[Mapping[str, object], ...] = ()
    """The upstream's own: `{code, reason?}`, for example when ranking was degraded."""
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """A job that brought nothing because it failed."""

    error: ProxyError
    took_ms: int = 0


Outcome = Found | Failed


class JobTrace(TypedDict, total=False):
    """How the reply's report tells of a job. A tool puts fields of its own before these."""

    took_ms: int
    results: list[Mapping[str, object]]
    warnings: list[Mapping[str, object]]
    error: str
    """Only if the job failed."""


class CallContext(NamedTuple):
    """What a call is read with."""

    scope: Scope
    passages: Mapping[int, Passage]
    """The passages that the model was shown, by number."""
    query_chars: int
    """The most characters of a query."""


class HiddenTool(Protocol):
    """A tool of the proxy's own. A client's tool of the same name takes its place."""

    @property
    def name(self) -> str:
        """The name under which the model calls it."""

    @property
    def upstream_name(self) -> str:
        """The name under which a user knows whoever runs its jobs."""

    @property
    def trace_name(self) -> str:
        """The list of the reply's report in which its jobs are shown."""

    @property
    def failure_may_end_answer(self) -> bool:
        """Whether a failed job ends the answer where `fail_on_search_error` is set."""

    @property
    def instructions(self) -> str:
        """What the system message says of it if rounds may offer it; "" for nothing."""

    @property
    def unavailable(self) -> str:
        """What the model is told of a job that failed."""

    def is_offered(self, passages: Mapping[int, Passage]) -> bool:
        """Whether a round offers it that begins after these passages were shown."""

    def definition(self, scope: Scope) -> Tool:
        """The tool as it is offered to the model."""

    def read_call(self, call: ToolCall, context: CallContext) -> Order:
        """What `call` asks for."""

    def first_job(self, question: str, scope: Scope) -> Job | None:
        """The job to run for a question before the first round; None if it only answers calls."""

    def run(self, job: Job, scope: Scope) -> Awaitable[Found]:
        """Run a job within `scope`. Raises ProxyError."""

    def trace(self, job: Job) -> JobTrace:
        """How the reply's report begins to tell of a job."""

    def show(self, listing: Listing) -> str:
        """What a job brought, as the model reads it first."""

    def refer(self, listing: Listing) -> str:
        """What a job brought, for a model that has read it before."""
