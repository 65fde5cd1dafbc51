"""The loop: everything the proxy decides about the rounds of one answer.

`answer` is a generator that yields commands and gets their replies. So it reads from top to bottom,
and tests play it as a script, without an event loop:

    Recall(handles)        -> {handle: KeptTurn}, those that the store still has
    AskModel(ask)          -> Turn
    RunJobs(jobs)          -> {Job: Outcome}, in the order of the jobs
    Keep(handle, turn)     -> None

It returns the turn that ends the answer. The driver may start a job before the loop asks for it, as
soon as its call is complete. The loop neither knows nor cares.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from proxy.core.desk import Desk
from proxy.core.hidden import Failed, Job, Outcome
from proxy.core.history import History, choose, recognise, restore
from proxy.core.instructions import NO_MORE_SEARCHES
from proxy.core.kept import Context, KeptTurn, Said, handle_of_call
from proxy.core.plan import Ask, Plan, with_context
from proxy.core.turn import Owner, ToolCall, Turn
from proxy.core.wire import Message

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Recall:
    """Look up the hidden parts of earlier answers."""

    handles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskModel:
    """Run one model round."""

    ask: Ask


@dataclass(frozen=True, slots=True)
class RunJobs:
    """Run jobs of hidden tools concurrently, or wait for those that run already."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the hidden part of this answer until its client comes back."""

    handle: str
    turn: KeptTurn


Command = Recall | AskModel | RunJobs | Keep
Script = Generator[Command, Any, _T]
"""Yields commands, and returns a `_T`. Each command has a reply of its own type, see above."""


@dataclass(slots=True)
class _Rounds:
    """The rounds so far."""

    messages: list[Message] = field(default_factory=list)
    """The turns that another round follows, and their tool messages."""
    heard: list[str] = field(default_factory=list)
    """What the client heard of each turn, including the last one."""


def answer(plan: Plan, desk: Desk, out_of_time: Callable[[], bool]) -> Script[Turn]:
    """Make the rounds of one answer. Raises the error of a failed job if the plan says so."""
    history = yield from _history(plan, desk)
    context = yield from _run_first(plan, desk, history)
    passages = [each.text for each in (*history.contexts, context) if each]
    known = with_context(plan, history.messages, passages)
    rounds = _Rounds()
    last_rounds = 0
    while True:
        past = len(rounds.heard)
        is_last = past >= plan.policy.max_rounds or out_of_time()
        last_rounds += is_last
        messages = [*known, *(_say_no_more(rounds.messages) if is_last else rounds.messages)]
        ask = plan.ask(messages, passages=desk.book.passages, is_first=past == 0, is_last=is_last)
        desk.begin_round()
        turn: Turn = yield AskModel(ask)
        rounds.heard.append(turn.text)
        for call in turn.calls_of(Owner.HIDDEN):
            desk.take(call)
        if turn.hidden_calls:  # none in a turn that was cut, although jobs may run
            yield from _run(plan, desk, desk.round_jobs())
        answers = _answers(plan, desk, ask, turn.hidden_calls)
        # A model that still calls tools in the last round, and says nothing, gets one more chance.
        is_over = is_last and (bool(turn.text.strip()) or last_rounds > 1)
        if is_over or not answers or turn.calls_of(Owner.CLIENT):
            break
        rounds.messages += [turn.as_message(turn.hidden_calls), *_tool_messages(answers)]
        del turn, answers  # a long round need not keep them in memory
    if handle := _handle(plan, turn, rounds):
        kept = _kept(desk, turn, rounds, answers, context)
        # Keep a finished answer that hid nothing, or it passes for another one with its handle.
        if kept.size or not turn.calls_of(Owner.CLIENT):
            yield Keep(handle, kept)
    return turn


def _history(plan: Plan, desk: Desk) -> Script[History]:
    """The client's messages, with the hidden turns put back."""
    chosen: Mapping[int, KeptTurn] = {}
    if plan.grounded and (
        recognised := recognise(plan.messages, earlier=plan.policy.search_memory)
    ):
        handles = dict.fromkeys(each.handle for each in recognised)
        kept: Mapping[str, KeptTurn] = yield Recall(tuple(handles))
        chosen = choose(recognised, kept, plan.policy.passage_chars)
    return restore(plan.messages, chosen, lambda turn: desk.recall(turn.findings, turn.size))


def _run_first(plan: Plan, desk: Desk, history: History) -> Script[Context | None]:
    """Run the job before the first round, unless the history holds its passages."""
    job = plan.first_job
    if job is None or any(each.job == job for each in history.contexts):
        return None
    yield from _run(plan, desk, (job,))
    return Context(job, desk.context(job))


def _run(plan: Plan, desk: Desk, jobs: tuple[Job, ...]) -> Script[None]:
    if not jobs:
        return
    outcomes: dict[Job, Outcome] = yield RunJobs(jobs)
    for job, outcome in outcomes.items():
        may_end = plan.policy.fail_on_search_error and desk.tool_of(job).failure_may_end_answer
        if isinstance(outcome, Failed) and may_end:
            raise outcome.error
    desk.record(outcomes)


def _answers(plan: Plan, desk: Desk, ask: Ask, calls: tuple[ToolCall, ...]) -> dict[str, str]:
    """The answer to each of `calls`, by id and in their order."""
    found = iter(desk.answers(tuple(call for call in calls if call.owner is Owner.HIDDEN)))
    return {
        call.id: next(found)
        if call.owner is Owner.HIDDEN
        else plan.correction(call.name, hidden=ask.hidden)
        for call in calls
    }


def _tool_messages(answers: Mapping[str, str]) -> list[Message]:
    return [{"role": "tool", "tool_call_id": id_, "content": text} for id_, text in answers.items()]


def _say_no_more(messages: list[Message]) -> list[Message]:
    """The messages for the last round. The last of them says that no more searches follow.

    The store keeps the messages without it, because the answer may go on in another request.
    """
    if not messages:
        return messages
    *others, last = messages
    return [*others, {**last, "content": f"{last['content']}\n\n{NO_MORE_SEARCHES}"}]


def _handle(plan: Plan, turn: Turn, rounds: _Rounds) -> str | None:
    """The handle of the hidden part of the answer; None if no request will look for it."""
    if calls := turn.calls_of(Owner.CLIENT):
        return handle_of_call(calls[0].id)
    if not (plan.policy.search_memory and plan.grounded):
        return None
    said = Said()
    for message in plan.messages:
        said.add(message)
    return said.add({"role": "assistant", "content": _all_heard(rounds)})


def _kept(
    desk: Desk,
    turn: Turn,
    rounds: _Rounds,
    answers: Mapping[str, str],
    context: Context | None,
) -> KeptTurn:
    """The hidden part of the answer. It holds the last calls if the client answers some of them."""
    is_answered = bool(turn.calls_of(Owner.CLIENT))
    return KeptTurn(
        text=turn.text,
        heard=_all_heard(rounds),
        before=tuple(rounds.messages),
        calls=tuple(call.as_message_part() for call in turn.calls) if is_answered else (),
        answers=answers if is_answered else {},
        context=context if context and desk.has_found(context.job) else None,
        findings=desk.findings(),
    )


def _all_heard(rounds: _Rounds) -> str:
    return "\n\n".join(filter(None, rounds.heard))
