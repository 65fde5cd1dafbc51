"""What one answer did, and when: the one record that its timings, log line and metrics are read of.

Whoever does something notes it here, and says when, in seconds by the clock of the event loop. That
clock may count whole milliseconds only. Nothing is noted for each token.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from proxy.core.hidden import Failed, Job, Outcome
from proxy.core.passages import Result
from proxy.core.trace import Headers, Trace
from proxy.core.turn import Turn
from proxy.core.wire import Message, Usage
from proxy.errors import ProxyError


@dataclass(slots=True)
class Stage:
    """Something that took its time."""

    began: float
    ended: float | None = field(default=None, kw_only=True)
    """None while it goes on, and for ever if the answer ended before it did."""
    span_id: int = field(default=0, kw_only=True)
    """The span by which the upstream knows it; 0 if it was told of none."""

    def took_s(self, now: float | None = None) -> float:
        """How long it took; until `now` if it goes on. Without `now`, that counts for nothing."""
        ended = now if self.ended is None else self.ended
        return 0.0 if ended is None else ended - self.began


@dataclass(slots=True)
class Wait(Stage):
    """The answer waited until the model could be asked."""

    is_first: bool
    """For its first round. Each attempt at a round may wait."""


@dataclass(slots=True)
class ModelRound(Stage):
    """A model round, with all attempts at it and their waits."""

    model: str
    """The model that the upstream was asked for; if it was several, the last of them."""
    first_at: float | None = None
    """When the first token of a stream came from the upstream: of text, thoughts or a call."""
    answered_by: str = ""
    """The model that the upstream says it used; "" if it said nothing."""
    finish_reason: str = ""
    usage: Usage = field(default_factory=Usage)
    """As the upstream counts. Empty if it sent no counts."""
    cause: str = ""
    """Why it failed: see `ProxyError.word`; "" if it did not."""
    asked: Sequence[Message] | None = None
    """What the model was shown, if the trace holds texts."""
    turn: Turn | None = None
    """What it said, if the trace holds texts and the round has ended well."""
    parameters: Mapping[str, object] | None = None
    """What the client has asked of the model, by its names in a request, if there is a trace."""

    def end(self, now: float, turn: Turn) -> None:
        self.ended, self.finish_reason, self.usage = now, turn.finish_reason, turn.usage
        if self.asked is not None:
            self.turn = turn

    def fail(self, now: float, error: ProxyError) -> None:
        self.ended, self.cause = now, error.word


@dataclass(slots=True)
class JobRun(Stage):
    """A search, or another job of a hidden tool, with all attempts at it."""

    job: Job
    upstream: str
    """The upstream that ran it, as users know it."""
    call_id: str = ""
    """The first call of the model's that it answers, if there is a trace; "" if it answers none."""
    results: int = 0
    is_shared: bool = False
    """Its results were those of an equal job, so the upstream was not asked."""
    cause: str = ""
    """Why it failed: see `ProxyError.word`; "" if it did not."""
    found: Sequence[Result] | None = None
    """The results themselves, if the trace holds texts; none while it goes on."""

    def end(self, now: float, outcome: Outcome) -> Outcome:
        """The same outcome, which now says how long it took."""
        self.ended = now
        took_ms = round(self.took_s() * 1000)
        if isinstance(outcome, Failed):
            self.cause = outcome.error.word
            return replace(outcome, took_ms=took_ms)
        self.results, self.is_shared = len(outcome.results), outcome.is_shared
        if self.found is not None:
            self.found = outcome.results
        return outcome._replace(took_ms=took_ms)


class Retry(NamedTuple):
    """A request that an upstream did not work on, and that was sent again."""

    at: float
    """When the attempt before it had failed."""
    upstream: str
    cause: str
    """Why: a word of `UpstreamError.cause`."""
    wait_s: float
    """How long the proxy waited before it sent the request again."""
    stage: Stage | None = None
    """The job that the request is for, if there is a trace. Rounds follow each other."""


@dataclass(slots=True)
class Timeline:
    """One answer's. What began first stands first in each list."""

    began: float = 0.0
    """When its request came."""
    wall_ns: int = 0
    """What the clock on the wall said then, in nanoseconds since 1970."""
    waits: list[Wait] = field(default_factory=list)
    rounds: list[ModelRound] = field(default_factory=list)
    jobs: list[JobRun] = field(default_factory=list)
    retries: list[Retry] = field(default_factory=list)
    trace: Trace | None = None
    """None if nobody traces the request."""
    first_heard_at: float | None = None
    """When a client that hears a stream heard the first of the answer's words or calls."""

    def wait(self, now: float, *, is_first: bool) -> Wait:
        """It begins to wait, for its first round or a later one."""
        self.waits.append(wait := Wait(now, is_first))
        return wait

    def round(
        self,
        now: float,
        model: str,
        asked: Sequence[Message] = (),
        parameters: Mapping[str, object] | None = None,
    ) -> ModelRound:
        self.rounds.append(began := ModelRound(now, model))
        if self.trace is not None:
            began.span_id = self.trace.mint()
            began.asked = asked if self.trace.holds_texts else None
            began.parameters = parameters
        return began

    def run(self, now: float, job: Job, upstream: str) -> JobRun:
        self.jobs.append(began := JobRun(now, job, upstream))
        if self.trace is not None:
            began.span_id = self.trace.mint()
            began.found = () if self.trace.holds_texts else None
        return began

    def traced(self, job: Job) -> JobRun | None:
        """The run of a job that goes on, for what is asked of upstreams; None without a trace."""
        if self.trace is None:
            return None
        going_on = (each for each in self.jobs if each.ended is None and each.job == job)
        return next(going_on, None)

    def headers(self, stage: Stage | None) -> Headers:
        """What an upstream that is asked for a round or a job hears of the trace."""
        return () if self.trace is None or stage is None else self.trace.headers(stage.span_id)

    @property
    def round_headers(self) -> Headers:
        """Those for the latest round."""
        return self.headers(self.rounds[-1] if self.rounds else None)

    def before_first_s(self, now: float) -> float:
        """How long it has waited for its first round so far."""
        return sum(each.took_s(now) for each in self.waits if each.is_first)

    @property
    def retry_causes(self) -> list[str]:
        return [each.cause for each in self.retries]

    @property
    def queued_s(self) -> float:
        """How long it has waited until the model could be asked, in all rounds."""
        return sum(each.took_s() for each in self.waits)

    @property
    def searched_s(self) -> float:
        """For how long one job or several ran. What ran at the same time counts once."""
        return _covered_s((each.began, each.ended) for each in self.jobs if each.ended is not None)

    def wall_ns_at(self, at: float) -> int:
        """A time of this record as the clock on the wall shows it."""
        return self.wall_ns + round((at - self.began) * 1e9)


def _covered_s(spans: Iterable[tuple[float, float]]) -> float:
    covered, until = 0.0, float("-inf")
    for began, ended in sorted(spans):
        covered += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return covered
