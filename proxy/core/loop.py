"""The loop: everything the proxy decides about the rounds of one answer.

`answer` is a generator that yields commands and gets their replies. So it reads from top to bottom,
and tests play it as a script, without an event loop:

    Recall(handles)        -> {handle: KeptTurn}, those that the store still has
    AskModel(ask)          -> Turn
    RunJobs(jobs)          -> {Job: Outcome}, in the order of the jobs
    Tell(turn)             -> the same Turn, with what the client heard of it
    Refuse(turn)           -> the same Turn, with what the client heard of it
    Keep(handle, turn)     -> None

It returns the turn that ends the answer. An answer must have words if something was searched for
it: an empty turn is asked again, once. The driver may start a job before the loop asks for it, as
soon as its call is complete. The loop neither knows nor cares.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from proxy.core.chat import last_user_text
from proxy.core.client_numbers import highest_number, since_question
from proxy.core.desk import Desk
from proxy.core.hidden import Failed, Job, Outcome
from proxy.core.history import History, choose, recognise, restore
from proxy.core.kept import Context, KeptTurn, Said, handle_of_call
from proxy.core.nothing_found import fails, is_hopeless, refusal
from proxy.core.old_calls import with_lasting_id
from proxy.core.placing import made_call, with_contexts
from proxy.core.plan import Ask, Plan
from proxy.core.rounds import Rounds
from proxy.core.small_talk import is_small_talk
from proxy.core.turn import Owner, ToolCall, Turn
from proxy.core.wire import Message
from proxy.errors import NotFound

_T = TypeVar("_T")


class EmptyAnswerError(Exception):
    """The model searched, but has no words for the client, and had none when asked again."""


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
class Tell:
    """Let the client hear the text of the last round, which was withheld."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Refuse:
    """Let the client hear a turn of the proxy's own words, which ends the answer."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the hidden part of this answer until its client comes back."""

    handle: str
    turn: KeptTurn


Command = Recall | AskModel | RunJobs | Tell | Refuse | Keep
Script = Generator[Command, Any, _T]
"""Yields commands, and returns a `_T`. Each command has a reply of its own type, see above."""


def answer(plan: Plan, desk: Desk, out_of_time: Callable[[], bool]) -> Script[Turn]:
    """Make the rounds of one answer.

    Raises the error of a failed job if the plan says so, and EmptyAnswerError.
    """
    history = yield from _history(plan, desk)
    context = yield from _run_first(plan, desk, history)
    known = with_contexts(plan, history, context)
    rounds = Rounds()
    turn: Turn
    answers: dict[str, str]
    while True:
        ask = rounds.ask(plan, desk, known, out_of_time)
        if is_hopeless(ask):
            turn, answers = (yield from _refuse(plan, desk, rounds)), {}
            break
        desk.begin_round()
        turn = yield AskModel(ask)
        rounds.heard.append(turn.heard)
        turn = _searching(plan, desk, ask, turn, history.last_user)
        answers = yield from _answers(plan, desk, ask, turn)
        if turn.calls_of(Owner.CLIENT):
            break
        if answers and not rounds.must_end(plan, ask, turn):
            rounds.go_on(turn, answers, is_repeated=desk.is_repeated(turn.hidden_calls))
            del turn, answers  # a long round need not keep them in memory
        elif ask.is_withheld and not _is_json(plan, ask, turn):
            rounds.ask_again(turn, is_bare=True)
        elif _is_no_answer(turn) and (desk.trace or _has_searched(plan, history)):
            if rounds.has_retried:
                raise EmptyAnswerError
            rounds.ask_again(turn, is_bare=False)
        else:
            turn = yield from _tell(ask, turn, rounds)
            break
    turn = _lasting(plan, turn)
    if handle := _handle(plan, turn, rounds):
        kept = replace(_kept(desk, turn, rounds, answers, context), model=plan.policy.model)
        if _is_worth_keeping(kept, ask, turn):
            yield Keep(handle, kept)
    return turn


def _is_no_answer(turn: Turn) -> bool:
    """Whether the model ended without words. One that only calls tools to the end has done so."""
    return turn.is_empty and not turn.hidden_calls


def _is_worth_keeping(kept: KeptTurn, ask: Ask, turn: Turn) -> bool:
    """Keep a finished answer that hid nothing, or it passes for another one with its handle."""
    hides = kept.size or kept.cites or kept.reasoning or (ask.is_withheld and turn.text.strip())
    return bool(hides) or not turn.calls_of(Owner.CLIENT)


def _searching(plan: Plan, desk: Desk, ask: Ask, turn: Turn, place: int) -> Turn:
    """The turn, or the one that it should have been if it ignores that it must search.

    That one searches for the question at `place`. The client hears none of the other's text. Calls
    that cannot be met are no search either.
    """
    job = plan.forced_job
    if job is None or not ask.is_forced or turn.heard.is_refusal:
        return turn
    if turn.calls_of(Owner.CLIENT) or any(map(desk.can_meet, turn.calls_of(Owner.HIDDEN))):
        return turn
    call = made_call(plan, job, place)
    function = call["function"]
    made = ToolCall(call["id"], function["name"], function["arguments"], Owner.HIDDEN)
    return replace(turn, text="", finish_reason="tool_calls", calls=(made,))


def _is_json(plan: Plan, ask: Ask, turn: Turn) -> bool:
    """Whether a withheld turn is the JSON that the client wants, or the end of the answer.

    A model that was asked for the format, but was cut or writes what cannot be judged, does not do
    better in another round.
    """
    if ask.is_silent:
        return False  # a refusal takes its place: no other round follows, see `is_hopeless`
    if turn.heard.is_refusal or plan.json_format is None:
        return True
    if not turn.text.strip():
        return turn.is_cut
    fit = plan.json_format.fit(turn.text)
    return fit == "yes" or (ask.has_format and (turn.is_cut or fit == "unsure"))


def _tell(ask: Ask, turn: Turn, rounds: Rounds) -> Script[Turn]:
    """The turn that ends the answer, once the client has heard its text."""
    if ask.is_withheld and turn.text.strip():
        turn = yield Tell(turn)
        rounds.heard[-1] = turn.heard
    return turn


def _refuse(plan: Plan, desk: Desk, rounds: Rounds) -> Script[Turn]:
    """The turn that ends the answer without passages, once the client has heard it."""
    turn: Turn = yield Refuse(refusal(plan, desk))
    rounds.heard.append(turn.heard)
    return turn


def _has_searched(plan: Plan, history: History) -> bool:
    """Whether the answer goes on from an earlier request that searched."""
    begin = since_question(plan.messages)
    return any(
        place >= begin and bool(turn.context or turn.findings.jobs)
        for place, turn in history.recalled.items()
    )


def _history(plan: Plan, desk: Desk) -> Script[History]:
    """The client's messages, with the hidden turns put back."""
    chosen: Mapping[int, KeptTurn] = {}
    if plan.grounded and (
        recognised := recognise(plan.messages, earlier=plan.policy.search_memory)
    ):
        handles = dict.fromkeys(each.handle for each in recognised)
        kept: Mapping[str, KeptTurn] = yield Recall(tuple(handles))
        model = plan.policy.model
        kept = {k: v if v.model == model else v.without_reasoning() for k, v in kept.items()}
        policy = plan.policy
        chosen = choose(recognised, kept, policy.passage_chars, policy.memory_chars)
        chosen = {place: turn.under(plan.fence) for place, turn in chosen.items()}
    history = restore(plan.messages, chosen, lambda turn: desk.recall(turn.findings, turn.size))
    if plan.grounded:
        _number_on(plan.messages, history.recalled, desk)
    return history


def _number_on(messages: Sequence[Message], recalled: Mapping[int, KeptTurn], desk: Desk) -> None:
    """Number passages above all that the client's messages cite, and sources as the answer began.

    An answer begins after the user's message. It goes on over calls of the client's tools.
    """
    said = [each for place, each in enumerate(messages) if place not in recalled]
    desk.book.number_above(highest_number(said))
    begin = since_question(messages)
    for turn in (turn for place, turn in recalled.items() if place >= begin):
        desk.numbering.take_over(turn.sources)
    unknown = (each for i, each in enumerate(messages) if i >= begin and i not in recalled)
    desk.numbering.go_above(highest_number(unknown))


def _run_first(plan: Plan, desk: Desk, history: History) -> Script[Context | None]:
    """Run the jobs before the first round, unless the history holds their passages.

    If they stand at an earlier question, the model is told where.
    """
    jobs = plan.first_jobs
    known = history.contexts.get(history.last_user, ())
    if not jobs or any(each.jobs == jobs for each in known):
        return None
    waiting = tuple(job for job in jobs if not desk.has_passages(job))
    outcomes: dict[Job, Outcome] = (yield RunJobs(waiting)) if waiting else {}
    failures = _failures(plan, desk, outcomes)
    if len(failures) == len(jobs):
        raise failures[0].error
    desk.record_question(jobs, outcomes)
    if desk.has_found_nothing and is_small_talk(last_user_text(plan.messages)):
        return None  # the model answers it, and need not know that it was searched for
    return Context(jobs, desk.context(jobs))


def _run(plan: Plan, desk: Desk, jobs: tuple[Job, ...]) -> Script[None]:
    if not jobs:
        return
    outcomes: dict[Job, Outcome] = yield RunJobs(jobs)
    if failures := _failures(plan, desk, outcomes):
        raise failures[0].error
    desk.record(outcomes)


def _failures(plan: Plan, desk: Desk, outcomes: Mapping[Job, Outcome]) -> list[Failed]:
    """Those of the jobs' failures that end the answer, as a client's wrong name always does."""
    is_fatal = fails(plan)
    return [
        outcome
        for job, outcome in outcomes.items()
        if isinstance(outcome, Failed)
        and desk.tool_of(job).failure_may_end_answer
        and (is_fatal or isinstance(outcome.error, NotFound))
    ]


def _answers(plan: Plan, desk: Desk, ask: Ask, turn: Turn) -> Script[dict[str, str]]:
    """The answer to each hidden call of the turn, by id and in their order."""
    for call in turn.calls_of(Owner.HIDDEN):
        desk.take(call)
    if turn.hidden_calls:  # none in a turn that was cut, although jobs may run
        yield from _run(plan, desk, desk.round_jobs())
    found = iter(desk.answers(turn.calls_of(Owner.HIDDEN)))
    return {
        call.id: next(found)
        if call.owner is Owner.HIDDEN
        else plan.fence.note(plan.correction(call.name, hidden=ask.hidden))
        for call in turn.hidden_calls
    }


def _lasting(plan: Plan, turn: Turn) -> Turn:
    """The turn, whose calls bear the ids that come back with their results."""
    return with_lasting_id(turn, plan.messages) if plan.chat.has_functions else turn


def _handle(plan: Plan, turn: Turn, rounds: Rounds) -> str | None:
    """The handle of the hidden part of the answer; None if no request will look for it."""
    if calls := turn.calls_of(Owner.CLIENT):
        return handle_of_call(calls[0].id)
    if not (plan.policy.search_memory and plan.grounded):
        return None
    said = Said()
    for message in plan.messages:
        said.add(message)
    return said.add({"role": "assistant", "content": rounds.all_heard})


def _kept(
    desk: Desk,
    turn: Turn,
    rounds: Rounds,
    answers: Mapping[str, str],
    context: Context | None,
) -> KeptTurn:
    """The hidden part of the answer. It holds the last calls if the client answers some of them."""
    is_answered = bool(turn.calls_of(Owner.CLIENT))
    return KeptTurn(
        text=turn.text,
        heard=rounds.all_heard,
        before=tuple(rounds.messages),
        calls=tuple(call.as_message_part() for call in turn.calls) if is_answered else (),
        answers=answers if is_answered else {},
        context=context if context and any(map(desk.has_found, context.jobs)) else None,
        findings=desk.findings(),
        sources=dict(desk.numbering.numbers),
        cites={n: passage for heard in rounds.heard for n, passage in heard.cites.items()},
        reasoning=turn.reasoning if is_answered else "",
    )
