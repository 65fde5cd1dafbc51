"""The engine drives the loop of one answer, with real models, real tools and a real clock.

This is the one place where the pure core meets the event loop. It pushes what the client may hear
into a listener, and waits until the listener has taken it. So a slow client slows the model down,
and memory does not fill up. Cancelling `Run.drive` ends every request that the answer has made.
"""

from __future__ import annotations

import asyncio
import functools
import re
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from proxy.core.desk import Desk
from proxy.core.effort import Effort
from proxy.core.evidence.shelf import Shelf
from proxy.core.frames import TextChunk
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
from proxy.core.reader import FailedTurnError, TurnReader, UnfinishedTurnError
from proxy.core.room import Room
from proxy.core.showing import Showing
from proxy.core.slices import slices_of
from proxy.core.spending import Spending
from proxy.core.turn import Owner, ToolCall, Turn, add_usage, cached_tokens
from proxy.core.wire import ChatRequest, Chunk, Message
from proxy.core.withheld import Withheld
from proxy.core.writer import CompletionWriter
from proxy.errors import BadReply, ProxyError, UpstreamTimeout
from proxy.tasks import Behind, TaskScope, taking_turns
from proxy.telemetry.facts import AnswerFacts
from proxy.telemetry.trail import Trail, trail_of

_WORD: Final = re.compile(r"[\w-]{1,60}", re.ASCII)
"""A finish_reason that a log line may show."""


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
    rounds: int = 0
    is_cut: bool = False
    """The answer reached its limit of characters and ended."""
    is_refused: bool = False
    """The proxy has answered itself, because nothing was found or could be searched."""
    first_heard_at: float | None = field(init=False, default=None)
    """When a client that hears a stream heard the first of it, by `time.perf_counter`."""
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
            rounds=self.rounds,
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
            retries=tuple(self.effort.causes),
            queued_s=self.effort.queued_s,
        )

    def trail(self) -> Trail:
        """What the answer so far rests on."""
        return trail_of(self.plan, self.desk, self._grounding, self.writer.text)

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
        """One model round: the client hears it, and jobs start as soon as they are known."""
        self.rounds += 1
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
            self.effort.has_heard = True
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
            behind = listener.hear(heard) if heard else None
            if heard and self.first_heard_at is None:
                self.first_heard_at = time.perf_counter()
            if room.is_full:
                raise _AnswerIsFull
            return behind

        with suppress(_AnswerIsFull), self._spending.of_round(ask.messages, room):
            await self.model.ask(self._body(ask), hear)
        await self._write_in_slices(whole, listener)
        self._room, self.is_cut = room.left + withheld.chars, room.is_full
        turn = self._turn(reader)
        self._reading = None
        self._spending.count(turn.usage)
        if (rest := self.writer.end_round(turn)) is not None:
            listener.hear([rest])
        return self._with_heard(turn)

    async def _tell(self, turn: Turn, listener: Listener) -> Turn:
        """Let the client hear a text that was withheld. The reader has checked its room."""
        self._room -= self._withheld.chars
        behind = None
        if (told := self.writer.write(self._withheld.tell())) is not None:
            behind = listener.hear([told])
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
        behind = listener.hear([self.writer.say(text)])
        if behind is not None:
            await behind
        turn = replace(turn, text=text, finish_reason="length" if room.is_full else "stop")
        return self._with_heard(turn)

    def _with_heard(self, turn: Turn) -> Turn:
        heard = self._grounding.heard(self.writer.round_text)
        return replace(turn, heard=heard._replace(is_refusal=self.writer.has_refused))

    def _turn(self, reader: TurnReader) -> Turn:
        """The turn that has been read. Raises BadReply if it did not end as an answer does."""
        try:
            return reader.close()
        except UnfinishedTurnError as error:
            what = f"{self.model.name}'s reply broke off before its end."
            raise BadReply(self.model.name, what, cause="broke_off") from error
        except FailedTurnError as error:
            what = f"{self.model.name} gave up before the end of its answer. Try again."
            said = error.finish_reason if _WORD.fullmatch(error.finish_reason) else ""
            raise BadReply(self.model.name, what, cause="finish_reason", said=said) from error

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

    def _body(self, ask: Ask) -> ChatRequest:
        """The request of one round: the client's own parameters, and the fields of the proxy."""
        chat, policy = self.plan.chat, self.plan.policy
        body: ChatRequest = {**chat.body, "model": policy.model, "messages": ask.messages}
        if not ask.has_format:
            body.pop("response_format", None)
        if ask.tools:
            body["tools"] = list(ask.tools)
        else:
            body.pop("parallel_tool_calls", None)
        if ask.tool_choice is not None:
            body["tool_choice"] = ask.tool_choice
        if chat.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body

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
        self.desk.begin(job)
        listener.begin(tool, job)
        outcome = await self._outcome(tool, job)
        self.desk.end(job, outcome)
        listener.end(tool, job, outcome)
        return outcome

    async def _outcome(self, tool: HiddenTool, job: Job) -> Outcome:
        clock = asyncio.get_running_loop().time
        began = clock()

        def took_ms() -> int:
            return round((clock() - began) * 1000)

        try:
            async with asyncio.timeout_at(self.effort.searches_until):
                found = await tool.run(job, self.plan.scope)
        except TimeoutError:
            what = "The time for this answer was used up."
            error = UpstreamTimeout(tool.upstream_name, what, cause="out_of_time")
            return Failed(error, took_ms())
        except ProxyError as error:
            return Failed(error, took_ms())
        return found._replace(took_ms=took_ms())

    async def _closing(self, turn: Turn) -> list[Chunk]:
        if not self.plan.grounded:
            return self.writer.end(turn, annotations=[], extras={})
        steps = self._grounding.close(self.writer.text, self._asked, self.shelf)
        async with self.closing:
            closing = await taking_turns(steps)
        report = {**closing.report, "rounds": self.rounds, **self.effort.report}
        is_told = self._showing is not None and self._showing.shows_sources
        annotations = [] if is_told else closing.annotations
        if self.is_refused:
            report["refused"] = True
        elif self.desk.is_ungrounded and not closing.report["citations"]:
            report["ungrounded"] = True
        if self.plan.policy.show_scope:
            report["scope"] = {**self.plan.scope.identity, "retrieval": self.plan.retrieval}
        return self.writer.end(turn, annotations=annotations, extras={FIELD: report})
