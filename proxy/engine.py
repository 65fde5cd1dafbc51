"""The engine drives the loop of one answer, with real models, real tools and a real clock.

This is the one place where the pure core meets the event loop. It pushes what the client may hear
into a listener, and waits until the listener has taken it. So a slow client slows the model down,
and memory does not fill up. Cancelling `Run.drive` ends every request that the answer has made.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from proxy.core.desk import Desk
from proxy.core.effort import Effort
from proxy.core.evidence.shelf import Shelf
from proxy.core.frames import TextChunk, says_something
from proxy.core.gathering import CallRules
from proxy.core.grounding import Grounding
from proxy.core.hidden import Failed, HiddenTool, Job, Outcome
from proxy.core.kept import call_id
from proxy.core.listener import Listener
from proxy.core.loop import (
    AskModel,
    Command,
    EmptyAnswerError,
    Keep,
    Recall,
    Refuse,
    RunJobs,
    Tell,
    answer,
)
from proxy.core.names import FIELD
from proxy.core.nothing_found import told
from proxy.core.open_webui import OpenWebUI
from proxy.core.passages import PassageBook
from proxy.core.plan import Ask, Plan
from proxy.core.ports import ModelUpstream, TurnKeeper
from proxy.core.progress import Thoughts
from proxy.core.reader import TurnReader, turn_of
from proxy.core.report import report_of, report_of_times
from proxy.core.room import Room
from proxy.core.round_request import parameters_of, round_request
from proxy.core.showing import Showing
from proxy.core.slices import slices_of
from proxy.core.spending import Spending
from proxy.core.timeline import ModelRound
from proxy.core.turn import Owner, ToolCall, Turn, add_usage, cached_tokens
from proxy.core.wire import Chunk, Message
from proxy.core.withheld import Withheld
from proxy.core.writer import CompletionWriter
from proxy.errors import BadReply, ProxyError, UpstreamTimeout
from proxy.tasks import Behind, TaskScope, taking_turns
from proxy.telemetry.facts import AnswerFacts
from proxy.telemetry.trail import Trail, trail_of


class _AnswerIsFull(Exception):  # ends a round, and is no error
    """The client has heard as much as one answer may say."""


@dataclass(slots=True)
class Run:
    """Makes one answer. `writer` is fresh, and its `include_usage` is the client's wish."""

    plan: Plan
    model: ModelUpstream
    turns: TurnKeeper
    writer: CompletionWriter
    shelf: Shelf = field(default_factory=Shelf)
    closing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Answers that end at once weigh their citations one after the other.

    If all took turns, each turn of the event loop would be as long as one of every answer's.
    """
    effort: Effort = field(default_factory=Effort)
    """What its upstreams may send again, and what they have."""
    is_cut: bool = False
    """The answer reached its limit of characters and ended."""
    is_refused: bool = False
    """The proxy has answered itself, because nothing was found or could be searched."""
    desk: Desk = field(init=False)
    _grounding: Grounding = field(init=False)
    _asked: Sequence[Message] = field(init=False, default=())
    """What the model was shown last."""
    _room: int = field(init=False)
    """The characters that the client may still hear."""
    _reading: TurnReader | None = field(init=False, default=None)
    """Reads the round that has not ended well yet."""
    _withheld: Withheld = field(init=False, default_factory=Withheld)
    """The text of the last round that the client was not to hear at once."""
    _spending: Spending = field(init=False, default_factory=Spending)
    _running: dict[Job, asyncio.Task[Outcome]] = field(init=False, default_factory=dict)
    _showing: Showing | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        policy = self.plan.policy
        self._room = policy.max_answer_chars
        self.desk = Desk(
            tools=self.plan.tools,
            scope=self.plan.scope,
            book=PassageBook(policy.passage_chars),
            fence=self.plan.fence,
            max_searches=policy.max_searches,
            max_jobs=self.plan.chat.max_jobs,
            query_limit=policy.query_chars,
            before=self.plan.before,
            citing=self.plan.citing,
            nothing=told(self.plan),
        )
        self._grounding = Grounding(self.plan, self.desk)
        self.writer.prose = self._grounding.prose
        self.writer.citing = self._grounding.cites

    @property
    def rounds(self) -> int:
        """How many rounds have begun."""
        return len(self.effort.timeline.rounds)

    @property
    def searches(self) -> int:
        """How many jobs of hidden tools have run so far, including those that failed."""
        return len(self.desk.trace)

    def facts(self) -> AnswerFacts:
        """The facts of the answer so far."""
        reads = self.desk.report.get("reads", ())
        told = {} if self._reading is None else self._reading.usage
        usage = add_usage(self.writer.usage, told) if told else self.writer.usage
        estimate = self._spending.estimate(is_told=bool(told.get("total_tokens")))
        return AnswerFacts(
            model=self.plan.chat.model or "",
            answered_by=self.writer.reported_model,
            stream=self.plan.chat.stream,
            rounds=len(self.effort.timeline.rounds),
            searches=self.searches,
            tokens=usage.get("total_tokens", 0),
            prompt_tokens=usage.get("prompt_tokens", 0),
            completion_tokens=usage.get("completion_tokens", 0),
            estimated_tokens=estimate.tokens,
            cut_by="max_answer_chars" if self.is_cut else "",
            failed_searches=sum("error" in each for each in self.desk.trace),
            search_causes=tuple(dict.fromkeys(self.desk.causes)),
            upstream_model=self.model.moved_to or self.plan.policy.model,
            fallback_from=self.plan.policy.model if self.model.moved_to else "",
            retrieval=self.plan.retrieval,
            reads=len(reads),
            failed_reads=sum("error" in each for each in reads),
            cached_tokens=cached_tokens(usage),
            uncounted_rounds=estimate.rounds,
            cited=self._grounding.cited,
            timeline=self.effort.timeline,
        )

    def trail(self) -> Trail:
        """What the answer so far rests on."""
        jobs = self.effort.timeline.jobs
        return trail_of(self.plan, self.desk, jobs, self._grounding, self.writer.text)

    async def drive(self, listener: Listener) -> None:
        """Make the answer and let `listener` hear it. Raises ProxyError."""
        if self.plan.progress != "off":
            listener = self._showing = self._shown(listener)
        clock = asyncio.get_running_loop().time
        until = self.effort.searches_until = clock() + self.plan.policy.budget_s
        loop = answer(self.plan, self.desk, out_of_time=lambda: clock() >= until)
        async with TaskScope() as tasks:
            reply: object = None
            while True:
                try:
                    command = loop.send(reply)
                except StopIteration as end:
                    turn: Turn = end.value
                    break
                except EmptyAnswerError as error:
                    what = (
                        f"{self.model.name}'s model gave no answer after its search, and none when "
                        "it was asked again. Try again, or choose another model."
                    )
                    raise BadReply(self.model.name, what, cause="empty_answer") from error
                reply = None  # a long round need not hold earlier findings
                reply = await self._obey(command, listener, tasks)
        if self._showing is not None:
            self._showing.close()
        listener.hear(await self._closing(turn))

    def _shown(self, listener: Listener) -> Showing:
        progress = OpenWebUI if self.plan.progress == "open-webui" else Thoughts
        return Showing(listener, progress(self.writer), self._grounding, lambda: self._asked)

    def _obey(self, command: Command, listener: Listener, tasks: TaskScope) -> Awaitable[object]:
        """The reply to a command of the loop."""
        match command:
            case AskModel(ask):
                return self._ask(ask, listener, tasks)
            case RunJobs(jobs):
                return self._run_jobs(jobs, listener, tasks)
            case Tell(turn):
                return self._tell(turn, listener)
            case Refuse(turn):
                return self._refuse(turn, listener)
            case Recall(handles):
                return self.turns.recall(handles)
            case Keep(handle, turn):
                model = self.model.moved_to or turn.model
                return self.turns.keep(handle, replace(turn, model=model))

    async def _ask(self, ask: Ask, listener: Listener, tasks: TaskScope) -> Turn:
        """One model round, which the timeline notes."""
        noted = self.effort.timeline.round(
            _now(), self.plan.policy.model, ask.messages, parameters_of(self.plan, ask)
        )
        try:
            turn = await self._hear_round(noted, ask, listener, tasks)
        except ProxyError as error:
            noted.fail(_now(), error)
            raise
        finally:
            noted.model = self.model.moved_to or noted.model
        noted.answered_by = self.writer.reported_model
        return turn

    async def _hear_round(
        self, noted: ModelRound, ask: Ask, listener: Listener, tasks: TaskScope
    ) -> Turn:
        """The client hears the round, and jobs start as soon as they are known."""
        timeline = self.effort.timeline
        self.effort.has_heard = False
        self._asked = ask.messages
        self.writer.begin_round()
        self._grounding.begin_round()
        reader = self._reading = self._reader(ask)
        room = reader.room
        withheld = self._withheld = Withheld(is_silent=ask.is_silent)
        take = withheld.take if ask.is_withheld else None
        whole: list[Chunk | TextChunk] = []  # for a plain client: its text may come in one piece
        write = self.writer.write if self.plan.chat.stream else whole.append

        def hear(chunks: list[Chunk | TextChunk]) -> Behind:
            if noted.first_at is None:
                self._note_first(noted, chunks)
            heard: list[Chunk | TextChunk] = []
            for each in chunks:
                if (
                    not room.is_full
                    and (part := reader.feed(each)) is not None
                    and (take is None or (part := take(part)) is not None)
                    and (told := write(part)) is not None
                ):
                    heard.append(told)  # noqa: PERF401  # costs each token a call
            if reader.has_calls and self.plan.chat.stream:  # else the loop asks next
                self._start_early(reader.take_ready(), listener, tasks)
            if heard and timeline.first_heard_at is None:
                timeline.first_heard_at = _now()  # before it is told: the reply's head says so
            behind = listener.hear(heard) if heard else None
            if room.is_full:
                raise _AnswerIsFull
            return behind

        with suppress(_AnswerIsFull), self._spending.of_round(ask.messages, room):
            await self.model.ask(round_request(self.plan, ask), hear)
        await self._write_in_slices(whole, listener)
        self._room, self.is_cut = room.left + withheld.chars, room.is_full
        turn = turn_of(reader, self.model.name)
        noted.end(_now(), turn)
        self._reading = None
        self._spending.count(turn.usage)
        if (rest := self.writer.end_round(turn)) is not None:
            self._say(rest, listener)
        return self._with_heard(turn)

    def _note_first(self, noted: ModelRound, chunks: Sequence[Chunk | TextChunk]) -> None:
        """Note what is heard of a round until it says something."""
        self.effort.has_heard = True
        if self.plan.chat.stream and any(map(says_something, chunks)):
            noted.first_at = _now()

    def _say(self, chunk: Chunk | TextChunk, listener: Listener) -> Behind:
        """Let the client hear a chunk that is no part of what the model just streams."""
        timeline = self.effort.timeline
        if self.plan.chat.stream and timeline.first_heard_at is None:
            timeline.first_heard_at = _now()
        return listener.hear([chunk])

    async def _tell(self, turn: Turn, listener: Listener) -> Turn:
        """Let the client hear a text that was withheld. The reader has checked its room."""
        self._room -= self._withheld.chars
        behind = None
        if (told := self.writer.write(self._withheld.tell())) is not None:
            behind = self._say(told, listener)
        if behind is not None:
            await behind
        return self._with_heard(turn)

    async def _refuse(self, turn: Turn, listener: Listener) -> Turn:
        """Let the client hear the proxy's own words, and no more of them than there is room for."""
        self.is_refused = True
        room = Room(self._room)
        self.writer.begin_round()
        self._grounding.begin_round(has_model=False)
        text = room.cut(turn.text)
        self.is_cut = room.is_full
        behind = self._say(self.writer.say(text), listener)
        if behind is not None:
            await behind
        turn = replace(turn, text=text, finish_reason="length" if room.is_full else "stop")
        return self._with_heard(turn)

    def _with_heard(self, turn: Turn) -> Turn:
        heard = self._grounding.heard(self.writer.round_text)
        return replace(turn, heard=heard._replace(is_refusal=self.writer.has_refused))

    def _reader(self, ask: Ask) -> TurnReader:
        rules = CallRules(
            functools.partial(self.plan.owner_of, hidden=ask.hidden),
            mint_id=functools.partial(call_id, self.writer.id, self.rounds),
            names=self.plan.tool_names,
            keeps_ids=not self.plan.grounded,
            single_call=self.plan.chat.single_call,
        )
        return TurnReader(rules, room=self._room)

    async def _write_in_slices(
        self, whole: Sequence[Chunk | TextChunk], listener: Listener
    ) -> None:
        """Write chunks that may hold a long text, and let the event loop do other work."""
        for chunk in whole:
            for part in slices_of(chunk):
                if (told := self.writer.write(part)) is not None:
                    listener.hear([told])
                await asyncio.sleep(0)

    def _start_early(self, calls: Sequence[ToolCall], listener: Listener, tasks: TaskScope) -> None:
        for call in calls:
            job = self.desk.take(call) if call.owner is Owner.HIDDEN else None
            if job is not None and job not in self._running:
                self._running[job] = tasks.start(self._run_job(job, listener))

    async def _run_jobs(
        self, jobs: tuple[Job, ...], listener: Listener, tasks: TaskScope
    ) -> dict[Job, Outcome]:
        if not self.rounds:  # run nothing for a model that does not answer
            await self.model.require(self.plan.policy.model)
        waiting = [job for job in jobs if job not in self._running]
        if len(waiting) == len(jobs) == 1:
            return {jobs[0]: await self._run_job(jobs[0], listener)}
        for job in waiting:
            self._running[job] = tasks.start(self._run_job(job, listener))
        return {job: await tasks.finish(self._running.pop(job)) for job in jobs}

    async def _run_job(self, job: Job, listener: Listener) -> Outcome:
        tool = self.desk.tool_of(job)
        listener.begin(tool, job)
        outcome = await self._outcome(tool, job)
        listener.end(tool, job, outcome)
        return outcome

    async def _outcome(self, tool: HiddenTool, job: Job) -> Outcome:
        noted = self.effort.timeline.run(_now(), job, tool.upstream_name)
        if self.effort.timeline.trace is not None:
            noted.call_id = self.desk.call_of(job)
        try:
            async with asyncio.timeout_at(self.effort.searches_until):
                found = await tool.run(job, self.plan.scope)
        except TimeoutError:
            what = "The time for this answer was used up."
            error = UpstreamTimeout(tool.upstream_name, what, cause="out_of_time")
            return noted.end(_now(), Failed(error))
        except ProxyError as error:  # a kept one would keep this frame, and so itself
            return noted.end(_now(), Failed(error))
        return noted.end(_now(), found)

    async def _closing(self, turn: Turn) -> list[Chunk]:
        timeline = self.effort.timeline
        if not self.plan.grounded:
            extras = {FIELD: report_of_times(timeline, _now())}
            return self.writer.end(turn, annotations=[], extras=extras)
        steps = self._grounding.close(self.writer.text, self._asked, self.shelf)
        async with self.closing:
            closing = await taking_turns(steps)
        is_told = self._showing is not None and self._showing.shows_sources
        annotations = [] if is_told else closing.annotations
        report = report_of(
            self.plan, self.desk, timeline, closing.report, _now(), is_refused=self.is_refused
        )
        return self.writer.end(turn, annotations=annotations, extras={FIELD: report})


def _now() -> float:
    return asyncio.get_running_loop().time()
