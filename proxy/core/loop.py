"""The loop: everything the proxy decides about the rounds of one answer.

`answer` is a generator that yields commands and is sent their replies, so that it reads from top to
bottom and is tested as a script, without an event loop:

    AskModel(ask)          -> Turn
    RunSearches(searches)  -> {Search: Outcome}, in the order of the searches

It returns the turn that ends the answer. Whoever drives it may have started a search earlier, as
soon as its call was complete; the loop neither knows nor minds.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from proxy.core.chat import Message
from proxy.core.desk import Failed, Outcome, SearchDesk
from proxy.core.instructions import NO_MORE_SEARCHES
from proxy.core.plan import Ask, Plan, with_context
from proxy.core.search_tool import Search
from proxy.core.turn import Owner, ToolCall, Turn


@dataclass(frozen=True, slots=True)
class AskModel:
    """Run one model round."""

    ask: Ask


@dataclass(frozen=True, slots=True)
class RunSearches:
    """Run searches at the same time, or wait for those that run already."""

    searches: tuple[Search, ...]


Command = AskModel | RunSearches


def answer(
    plan: Plan, desk: SearchDesk, out_of_time: Callable[[], bool]
) -> Generator[Command, Any, Turn]:
    """The rounds of one answer. Raises the error of a failed search if the plan says so."""
    messages = plan.messages
    if plan.search_first:
        yield from _search(plan, desk, (plan.search_first,))
        messages = with_context(plan, desk.context(plan.search_first))
    rounds = 0
    last_rounds = 0
    while True:
        is_last = rounds >= plan.policy.max_rounds or out_of_time()
        last_rounds += is_last
        ask = plan.ask(messages, is_first=rounds == 0, is_last=is_last)
        desk.begin_round()
        turn: Turn = yield AskModel(ask)
        hidden = tuple(call for call in turn.calls if call.owner is not Owner.CLIENT)
        for call in turn.calls_of(Owner.SEARCH):
            desk.take(call)
        yield from _search(plan, desk, desk.round_searches())
        # A model that still calls tools in the last round, and says nothing, gets one more chance.
        is_over = is_last and (bool(turn.text.strip()) or last_rounds > 1)
        if is_over or not hidden or turn.calls_of(Owner.CLIENT):
            return turn
        rounds += 1
        is_used_up = rounds >= plan.policy.max_rounds or out_of_time()
        answers = _answers(plan, desk, ask, hidden, is_used_up=is_used_up)
        messages = [*messages, turn.as_message(hidden), *answers]


def _search(
    plan: Plan, desk: SearchDesk, searches: tuple[Search, ...]
) -> Generator[Command, Any, None]:
    if not searches:
        return
    outcomes: dict[Search, Outcome] = yield RunSearches(searches)
    for outcome in outcomes.values():
        if isinstance(outcome, Failed) and plan.policy.fail_on_search_error:
            raise outcome.error
    desk.record(outcomes)


def _answers(
    plan: Plan, desk: SearchDesk, ask: Ask, calls: tuple[ToolCall, ...], *, is_used_up: bool
) -> list[Message]:
    """One tool message for each of `calls`, in their order."""
    found = iter(desk.answers(tuple(call for call in calls if call.owner is Owner.SEARCH)))
    texts = [
        next(found)
        if call.owner is Owner.SEARCH
        else plan.correction(call.name, can_search=ask.can_search)
        for call in calls
    ]
    if is_used_up:
        texts[-1] = f"{texts[-1]}\n\n{NO_MORE_SEARCHES}"
    return [
        {"role": "tool", "tool_call_id": call.id, "content": text}
        for call, text in zip(calls, texts, strict=True)
    ]
