"""The desk decides what each call of a hidden tool gets, and writes the answers.

A call gets a job, the result of an earlier job, or a correction. The desk decides as soon as the
call is complete, perhaps while its round still streams, and never decides anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from proxy.core.fence import Fence
from proxy.core.followups import interleave
from proxy.core.hidden import CallContext, Failed, Found, HiddenTool, Job, JobTrace, Order, Outcome
from proxy.core.instructions import QUOTING
from proxy.core.kept import Findings, KeptJob
from proxy.core.passages import Listing, PassageBook, Result
from proxy.core.scope import Scope
from proxy.core.text.numbering import Numbering
from proxy.core.turn import ToolCall
from proxy.errors import UpstreamError

FULL: Final = (
    "Not run: there is no room for more passages. Answer from what you have, and tell the user if "
    "that is not enough."
)


SPENT: Final = "Not run: the user allows no further search. Answer from what you have."


class _ByTopic:
    """Jobs by their tools and topics."""

    __slots__ = ("_jobs",)

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, str], list[Job]] = {}
        """For each topic, the jobs that each bring more than all before them."""

    def add(self, job: Job) -> None:
        known = self._jobs.setdefault((job.tool, job.topic), [])
        if not known or job.extent > known[-1].extent:
            known.append(job)

    def find(self, job: Job) -> Job | None:
        """The first job with the same topic that brings at least as much."""
        known = self._jobs.get((job.tool, job.topic), ())
        return next((each for each in known if each.extent >= job.extent), None)


class Desk:
    """Takes the hidden calls of one request, which may continue the answer of an earlier one."""

    def __init__(  # noqa: PLR0913 - the parts of a request that its calls need
        self,
        tools: Iterable[HiddenTool],
        scope: Scope,
        book: PassageBook,
        fence: Fence,
        *,
        max_searches: int,
        max_jobs: int | None = None,
        query_limit: int,
        before: str = "",
        citing: str = "",
        nothing: str = "",
    ) -> None:
        """`max_searches` is the most jobs of one round, whatever their tools; `max_jobs` of all.

        `before` precedes the passages of a first search, `citing` follows all passages. `nothing`
        follows searches that brought none.
        """
        self.book = book
        self.numbering = Numbering()
        """The numbers of sources in what the client reads."""
        self._fence = fence
        self._tools = {tool.name: tool for tool in tools}
        self._context = CallContext(scope, book.passages, query_limit)
        self._max_searches, self._max_jobs = max_searches, max_jobs
        self._before, self._citing, self._nothing = before, citing, nothing
        self.trace: list[JobTrace] = []
        """Every job that has run, in order."""
        self.report: dict[str, list[JobTrace]] = {
            tool.trace_name: [] for tool in self._tools.values()
        }
        """The same, by the lists of the reply's report."""
        self.causes: list[str] = []
        """One word for each failed job, to tell the operator why."""
        self._has_failed = False
        """A job has failed that an answer may rest on."""
        self._orders: dict[str, Order] = {}
        self._listings: dict[Job, Listing] = {}
        self._question = Listing()
        """What was found before the first round, until the model is shown it."""
        self._round: dict[Job, None] = {}
        self._wanted: dict[Job, None] = {}
        """The jobs whose results this answer rests on, also if an earlier answer brought them."""
        self._recalled: set[Job] = set()
        self._listed = _ByTopic()
        self._asked = _ByTopic()
        """Those of this round. `_listed` holds the jobs of the listings."""

    def tool_of(self, job: Job) -> HiddenTool:
        """The tool that runs a job of this request."""
        return self._tools[job.tool]

    def recall(self, findings: Findings, chars: int) -> bool:
        """Take in what an earlier request found. The model reads it in `chars` characters.

        Returns False, and takes in nothing, if the passages cannot keep their numbers.
        """
        taken = self.book.recall(findings.passages, last_number=findings.last_number, chars=chars)
        if taken:
            passages = self.book.passages
            for each in findings.jobs:
                known = tuple(passages[n] for n in each.numbers if n in passages)
                self._listings.setdefault(each.job, Listing(known=known, left_out=each.left_out))
                self._listed.add(each.job)
                self._recalled.add(each.job)
        return taken

    def findings(self) -> Findings:
        """What this request found, for a later one to recall."""
        jobs = tuple(
            KeptJob(job, tuple(each.n for each in listing.passages), listing.left_out)
            for job, listing in self._listings.items()
            if job not in self._recalled
        )
        return Findings(self.book.new, jobs, self.book.last_number)

    @property
    def is_spent(self) -> bool:
        """Whether the answer may run no further job."""
        return self._max_jobs is not None and len(self.trace) >= self._max_jobs

    def begin_round(self) -> None:
        self._orders = {}
        self._round = {}
        self._asked = _ByTopic()

    def take(self, call: ToolCall) -> Job | None:
        """The job to start for `call`; None if its answer needs no new job."""
        order = self._orders.get(call.id)
        if order is None:
            order = self._orders[call.id] = self._decide(call)
        job = order.job
        return job if job in self._round else None

    def call_of(self, job: Job) -> str:
        """The id of the first call of this round that asks for `job`; "" if none does."""
        return next((id_ for id_, order in self._orders.items() if order.job == job), "")

    def can_meet(self, call: ToolCall) -> bool:
        """Whether there is a job, of this round or an earlier one, that brings what it asks for."""
        self.take(call)
        return self._orders[call.id].job is not None

    def round_jobs(self) -> tuple[Job, ...]:
        """The jobs that this round needs, in the order of their calls."""
        return tuple(self._round)

    def is_repeated(self, calls: Iterable[ToolCall]) -> bool:
        """Whether all these calls of the round ask for what earlier ones have brought."""
        return not self._round and all(
            each.id in self._orders and self._orders[each.id].job is not None for each in calls
        )

    def record(self, outcomes: Mapping[Job, Outcome]) -> None:
        """Take in what the jobs brought, in the order of their calls."""
        for job, outcome in outcomes.items():
            tool = self._tools[job.tool]
            self._wanted[job] = None
            entry: JobTrace = {
                **tool.trace(job),
                "took_ms": outcome.took_ms,
                "results": [],
                "warnings": [],
            }
            if isinstance(outcome, Failed):
                entry["error"] = outcome.error.message
                self._has_failed = self._has_failed or tool.failure_may_end_answer
                if isinstance(outcome.error, UpstreamError):
                    self.causes.append(outcome.error.cause)
            else:
                listing = replace(self.book.add(outcome.results), notes=outcome.notes)
                self._listings[job] = listing
                self._listed.add(job)
                entry["results"] = [passage.as_trace() for passage in listing.passages]
                entry["warnings"] = list(outcome.warnings)
            self.trace.append(entry)
            self.report[tool.trace_name].append(entry)

    def record_question(self, jobs: Sequence[Job], outcomes: Mapping[Job, Outcome]) -> None:
        """Take in what `jobs` brought for one question: as one list, as long as that of one job.

        Jobs without an outcome have brought their passages before.
        """
        rankings = [self._ranking(job, outcomes.get(job)) for job in jobs]
        most = self._context.scope.results_default
        merged = interleave(rankings, most, key=lambda result: result.chunk_id)
        self._question = self.book.add(merged)
        self._wanted.update(dict.fromkeys(jobs))
        self.record({job: _only(merged, outcome) for job, outcome in outcomes.items()})

    def answers(self, calls: tuple[ToolCall, ...]) -> list[str]:
        """The answer to each call, once `record` has taken in the jobs of the round.

        The request to cite stands once, after the last passages of the round.
        """
        told: set[Job] = set()
        orders = [self._orders[call.id] for call in calls]
        jobs = [order.job for order in orders if order.job is not None]
        self._wanted.update(dict.fromkeys(jobs))
        texts: list[str] = []
        last_shown: int | None = None
        for order in orders:
            if order.job in self._round and order.job not in told and self.has_passages(order.job):
                last_shown = len(texts)
            texts.append(self._answer(order, told))
        if last_shown is not None:
            texts[last_shown] = self._with_notes("", texts[last_shown], self._citing)
        if jobs:
            texts[-1] = self._with_notes("", texts[-1], self._after_nothing())
        return texts

    @property
    def has_found_nothing(self) -> bool:
        """Whether there were searches for this answer, and all of them ran and brought nothing."""
        if any("error" in entry for entry in self.trace):
            return False
        brought = [self._listings[job] for job in self._wanted]
        return bool(brought) and not any(
            each.passages or each.left_out or each.notes for each in brought
        )

    @property
    def is_ungrounded(self) -> bool:
        """Whether searches for this answer have failed, and none has brought a passage."""
        return self._has_failed and not any(map(self.has_passages, self._wanted))

    def has_passages(self, job: Job) -> bool:
        """Whether a job of this answer or an earlier one has brought passages."""
        return job in self._listings and bool(self._listings[job].passages)

    def has_found(self, job: Job) -> bool:
        """Whether a job has run and did not fail."""
        return job in self._listings

    def context(self, jobs: Sequence[Job]) -> str:
        """What the model reads, before the first round, of `record_question`'s jobs."""
        tool = self._tools[jobs[0].tool]
        listing, self._question = self._question, Listing()
        if not (listing.passages or all(map(self.has_found, jobs))):
            return self._fence.note(tool.unavailable)
        shown = self._render(tool, listing, before=self._before)
        after = self._citing if listing.passages else self._after_nothing()
        return self._with_notes("", shown, after)

    def _ranking(self, job: Job, outcome: Outcome | None) -> list[Result]:
        """The results of a job that can become passages, or have become some, best first."""
        if outcome is None:
            return [each.result for each in self._listings[job].passages]
        found = outcome.results if isinstance(outcome, Found) else ()
        return [each for each in found if each.content]

    def _decide(self, call: ToolCall) -> Order:
        order = self._tools[call.name].read_call(call, self._context)
        if order.job is None:
            return order
        earlier = self._listed.find(order.job) or self._asked.find(order.job)
        if earlier is not None:
            return Order(earlier, order.notes)
        if self.book.is_full:
            return Order(fault=FULL)
        if self._max_jobs is not None and len(self.trace) + len(self._round) >= self._max_jobs:
            return Order(fault=SPENT)
        if len(self._round) >= self._max_searches:
            limit = self._max_searches
            return Order(
                fault=f"Not run: at most {limit} searches a round. Call {call.name} again."
            )
        self._round[order.job] = None
        self._asked.add(order.job)
        return order

    def _answer(self, order: Order, told: set[Job]) -> str:
        if order.job is None:
            return self._fence.note(order.fault)
        tool = self._tools[order.job.tool]
        listing = self._listings.get(order.job)
        if listing is None:
            text = self._fence.note(tool.unavailable)
        elif order.job in self._round and order.job not in told:
            text = self._show(order.job, listing)
        else:
            text = self._fence.note(tool.refer(listing))
        told.add(order.job)
        return "\n\n".join([text, *map(self._fence.note, order.notes)])

    def _show(self, job: Job, listing: Listing) -> str:
        """Render the listing, then drop its texts: a long round need not hold them."""
        self._listings[job] = self.book.shown(listing)
        return self._render(self._tools[job.tool], listing)

    def _render(self, tool: HiddenTool, listing: Listing, *, before: str = "") -> str:
        """The listing as the model first reads it. The marks are explained where it quotes."""
        shown = tool.show(listing, self._fence)
        if not listing.passages:
            return shown
        quoting = QUOTING if listing.new else ""
        return self._with_notes(" ".join(filter(None, (before, quoting))), shown)

    def _after_nothing(self) -> str:
        return self._nothing if self.has_found_nothing else ""

    def _with_notes(self, before: str, shown: str, after: str = "") -> str:
        """What is shown, between notes. What the proxy says is marked, also in a user's message."""
        notes = (self._fence.note(each) if each else "" for each in (before, after))
        return "\n\n".join(filter(None, (next(notes), shown, next(notes))))


def _only(results: Iterable[Result], outcome: Outcome) -> Outcome:
    """The outcome with those of its results that are among `results`."""
    if isinstance(outcome, Failed):
        return outcome
    kept = {each.chunk_id for each in results}
    return outcome._replace(results=tuple(e for e in outcome.results if e.chunk_id in kept))
