"""Hidden tools: tools that the model may call and that stay hidden from the client.

A tool is one object. The core reads its calls and renders its results; only the engine runs it.
The engine runs jobs. A `Job` is plain data, so that equal jobs run once, and a later request knows
the jobs of an earlier one. A job's results become numbered passages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from typing_extensions import TypedDict

from proxy.core.fence import Fence
from proxy.core.followups import Question
from proxy.core.passages import Listing, Passage, PassageTrace, Result
from proxy.core.scope import Scope
from proxy.core.turn import ToolCall
from proxy.core.wire import Function, Tool
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
    """The reading of a call: a job or, if the proxy cannot do what it asks, the fault in it."""

    job: Job | None = None
    notes: tuple[str, ...] = ()
    """How the proxy changed the call, for the model to know."""
    fault: str = ""


class Found(NamedTuple):
    """A job's results."""

    results: tuple[Result, ...] = ()
    warnings: tuple[Mapping[str, object], ...] = ()
    """The upstream's own: `{code, reason?}`, for example when ranking was degraded."""
    took_ms: int = 0
    notes: tuple[str, ...] = ()
    """What the model is told of the results, beside them."""
    is_shared: bool = False
    """They are those of an equal job, and the upstream was not asked for this one."""
    attributes: tuple[Mapping[str, str | float | bool], ...] = ()
    """What is known of each result's document, if it was asked for. No model is shown it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A job that brought nothing because it failed."""

    error: ProxyError
    took_ms: int = 0


Outcome = Found | Failed


class JobTrace(TypedDict, total=False):
    """How the reply's report tells of a job. A tool puts fields of its own before these."""

    took_ms: int
    results: list[PassageTrace]
    warnings: list[Mapping[str, object]]
    error: str
    """Only if the job failed."""


class CallContext(NamedTuple):
    """What a tool must know to read a call."""

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
        """The upstream that runs its jobs, as users know it."""

    @property
    def trace_name(self) -> str:
        """The list of the reply's report that shows its jobs."""

    @property
    def failure_may_end_answer(self) -> bool:
        """Whether a failed job ends the answer where `on_search_error` says so."""

    @property
    def instructions(self) -> str:
        """Its text for the system message if rounds may offer it; "" for none."""

    @property
    def unavailable(self) -> str:
        """The message to the model when a job fails."""

    @property
    def failure(self) -> str:
        """What the user is shown when a job fails, in a short sentence."""

    def is_offered(self, passages: Mapping[int, Passage]) -> bool:
        """Whether a round offers it once the model was shown these passages."""

    def definition(self, scope: Scope) -> Tool:
        """The tool as rounds offer it to the model."""

    def read_call(self, call: ToolCall, context: CallContext) -> Order:
        """What `call` asks for."""

    def first_job(self, question: Question, scope: Scope) -> Job | None:
        """The job to run for a question before the first round; None if it only answers calls."""

    def as_function(self, job: Job) -> Function:
        """The call that asks for `job`, as a model writes it."""

    def doing(self, job: Job) -> str:
        """What the user is shown while a job runs, in a few words."""

    def run(self, job: Job, scope: Scope) -> Awaitable[Found]:
        """Run a job within `scope`. Raises ProxyError."""

    def trace(self, job: Job) -> JobTrace:
        """How the reply's report begins to tell of a job."""

    def show(self, listing: Listing, fence: Fence) -> str:
        """The results of a job, as the model first reads them: all between marks of `fence`."""

    def refer(self, listing: Listing) -> str:
        """The results of a job, for a model that has read them before: a note without its marks."""
