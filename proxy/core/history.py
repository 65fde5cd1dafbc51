"""Builds the history for the model: the client's messages in order, with hidden turns put back.

Every upstream accepts the result: exactly one tool message answers each tool call, right after the
turn and in the order of the calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import orjson

from proxy.core.call_ids import told_apart
from proxy.core.chat import calls_in, last_user_place, text_of
from proxy.core.client_numbers import cited, without
from proxy.core.kept import Context, KeptTurn, Said, handle_of_call
from proxy.core.turn import fit_arguments
from proxy.core.wire import Message, MessageCall

NO_RESULT: Final = "No result was given for this call."
"""The answer to a call of a client's tool that the client left open."""

_MOST_EARLIER: Final = 64
"""How many messages of earlier answers the proxy looks up, the newest ones."""
_MOST_UNFINISHED: Final = 1_000
"""The same for the answer in progress, which may take an agent many turns."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """An assistant message that may have a hidden part in the store."""

    place: int
    """Its index among the messages."""
    handle: str
    is_unfinished: bool
    """Whether it belongs to the answer in progress, and not to an earlier one."""


@dataclass(frozen=True, slots=True)
class History:
    """The messages for the model, and what earlier requests searched before they asked it."""

    messages: list[Message]
    contexts: Mapping[int, tuple[Context, ...]] = field(default_factory=dict)
    """By the index in `messages` of the user message that was searched."""
    recalled: Mapping[int, KeptTurn] = field(default_factory=dict)
    """The turns that were put back, by the place of their message among the client's."""

    @property
    def last_user(self) -> int:
        """The index in `messages` of the last user message; -1 if there is none."""
        return last_user_place(self.messages)


def recognise(messages: Sequence[Message], *, earlier: bool) -> list[Recognised]:
    """The messages to look up, oldest first.

    With `earlier`, they come from all answers, else from the one in progress. That one begins
    after the last assistant message that called no tool.
    """
    begin = 1 + max(
        (i for i, each in enumerate(messages) if _is_final(each)),
        default=-1,
    )
    found = []
    said = Said()
    for place, message in enumerate(messages):
        handle = said.add(message) if earlier else None
        if message["role"] != "assistant" or (place < begin and not earlier):
            continue
        if calls := calls_in(message):
            handle = next(filter(None, (handle_of_call(call["id"]) for call in calls)), None)
        if handle is not None:
            found.append(Recognised(place, handle, is_unfinished=place >= begin))
    earlier_ones = [each for each in found if not each.is_unfinished]
    unfinished = [each for each in found if each.is_unfinished]
    return earlier_ones[-_MOST_EARLIER:] + unfinished[-_MOST_UNFINISHED:]


def choose(
    recognised: Sequence[Recognised],
    kept: Mapping[str, KeptTurn],
    budget: int,
    memory_chars: int = 12_000,
) -> dict[int, KeptTurn]:
    """The kept turns to put back, by the place of their message, oldest first.

    `budget` is the most characters of passages that a request may hold. The answer in progress
    gets three quarters of it, and its newest turn in any case. Earlier answers share the rest, up
    to `memory_chars` and to half of the budget, which leaves room for new results. The oldest turns
    go first.
    """
    known = {each.place: each for each in recognised if each.handle in kept}
    unfinished = [place for place, each in known.items() if each.is_unfinished]
    earlier = [place for place, each in known.items() if not each.is_unfinished]
    turns = {place: kept[each.handle] for place, each in known.items()}
    chosen = _newest(unfinished, turns, budget * 3 // 4) or unfinished[-1:]
    left = budget - sum(turns[place].size for place in chosen)
    chosen += _newest(earlier, turns, min(left, memory_chars, budget // 2))
    once = {known[place].handle: place for place in sorted(chosen, reverse=True)}
    return {place: turns[place] for place in sorted(once.values())}


def _newest(places: Sequence[int], turns: Mapping[int, KeptTurn], room: int) -> list[int]:
    """As many of the newest places as have room for their turns."""
    chosen = []
    for place in reversed(places):
        room -= turns[place].size
        if room < 0:
            break
        chosen.append(place)
    return chosen


def restore(
    messages: Sequence[Message],
    chosen: Mapping[int, KeptTurn],
    recall: Callable[[KeptTurn], bool],
) -> History:
    """The messages with the `chosen` turns put back.

    `recall` takes in what a turn found, and says whether its passages can keep their numbers. If
    they cannot, the turn stays out.
    """
    if not any(map(calls_in, messages)) and not chosen:
        return History(list(messages))
    messages = told_apart(messages)
    recalled = {
        place: turn for place, turn in chosen.items() if turn.fits(messages[place]) and recall(turn)
    }
    taken = {each.n for turn in recalled.values() for each in turn.findings.passages}
    results = _results(messages)
    restored: list[Message] = []
    for place, message in enumerate(messages):
        if results.is_moved(place):
            continue
        turn = recalled.get(place)
        if turn is not None:
            restored += turn.before
            message = turn.merge(message)  # noqa: PLW2901  # the same message, made whole
        elif message["role"] == "assistant" and taken & cited(text_of(message.get("content"))):
            # Its numbers are those of another answer, and to the model they would mean passages.
            message = {**message, "content": without(message["content"], taken)}  # noqa: PLW2901
        restored.append(_with_fit_arguments(message))
        answers = turn.answers if turn else {}
        restored += [results.answer(place, call["id"], answers) for call in calls_in(message)]
    return History(restored, _contexts(messages, recalled, restored), recalled)


def _contexts(
    messages: Sequence[Message], recalled: Mapping[int, KeptTurn], restored: Sequence[Message]
) -> dict[int, tuple[Context, ...]]:
    """What was searched first, by the index among `restored` of the user message before it.

    All user messages stand in `restored`, in their order.
    """
    indexes = iter(i for i, each in enumerate(restored) if each["role"] == "user")
    contexts: dict[int, tuple[Context, ...]] = {}
    asked: int | None = None
    for place, message in enumerate(messages):
        if message["role"] == "user":
            asked = next(indexes)
        turn = recalled.get(place)
        if asked is not None and turn is not None and turn.context is not None:
            known = contexts.get(asked, ())
            if all(each.jobs != turn.context.jobs for each in known):
                contexts[asked] = (*known, turn.context)
    return contexts


@dataclass(frozen=True, slots=True)
class _Results:
    """The client's tool messages, each with the turn whose call it answers."""

    of_calls: Mapping[tuple[int, str], Message]
    """By place of the turn and id of the call."""
    moved: frozenset[int]
    """The places of the tool messages that answer a call."""

    def is_moved(self, place: int) -> bool:
        return place in self.moved

    def answer(self, place: int, id_: str, answers: Mapping[str, str]) -> Message:
        """The tool message for one call. `answers` holds those to hidden calls."""
        given = None if id_ in answers else self.of_calls.get((place, id_))
        if given is not None:
            return given
        return {"role": "tool", "tool_call_id": id_, "content": answers.get(id_, NO_RESULT)}


def _results(messages: Sequence[Message]) -> _Results:
    """A tool message answers the nearest call before it with its id. The last of several counts."""
    of_calls: dict[tuple[int, str], Message] = {}
    moved: list[int] = []
    waiting: dict[str, list[int]] = {}
    for place in reversed(range(len(messages))):
        message = messages[place]
        if message["role"] == "tool":
            waiting.setdefault(message["tool_call_id"], []).append(place)
        for call in calls_in(message):
            if places := waiting.pop(call["id"], None):
                of_calls[place, call["id"]] = messages[places[0]]
                moved += places
    return _Results(of_calls, frozenset(moved))


def _with_fit_arguments(message: Message) -> Message:
    """Mends what the model wrote and the client sends back, JSON or not."""
    calls = calls_in(message)
    return {**message, "tool_calls": list(map(_fit_call, calls))} if calls else message


def _fit_call(call: MessageCall) -> MessageCall:
    function = call.get("function")
    if not isinstance(function, dict):
        return call
    arguments = cast("object", function.get("arguments"))
    if not isinstance(arguments, str):  # some clients send them decoded
        arguments = orjson.dumps(arguments).decode() if isinstance(arguments, dict) else ""
    return {**call, "function": {**function, "arguments": fit_arguments(arguments)}}


def _is_final(message: Message) -> bool:
    return message["role"] == "assistant" and not calls_in(message)
