"""Tells tool calls of one turn apart that have the same id.

Some models number no calls, or all alike, and some clients put the tool's name for the id
(continuedev/continue#11500, huggingface/smolagents#2684). Only the place says then which result
belongs to which call. Upstreams refuse equal ids in a turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from proxy.core.chat import calls_in
from proxy.core.wire import Message, MessageCall


def told_apart(messages: Sequence[Message]) -> Sequence[Message]:
    """The messages, with different ids for the calls of each turn and for their results.

    The results of calls with one id answer them in their order. If there are more results than
    calls, the last call gets the rest.
    """
    if not any(map(_is_unclear, messages)):
        return messages
    apart: list[Message] = []
    waiting: dict[str, list[str]] = {}
    """For each id that a turn had twice, the new ids of the calls that have no result yet."""
    for message in messages:
        if message["role"] == "tool":
            new = waiting.get(message["tool_call_id"])
            if new:
                message = {**message, "tool_call_id": new.pop(0) if len(new) > 1 else new[0]}  # noqa: PLW2901  # the same message
        elif calls := calls_in(message):
            new_calls = list(_renamed(calls))
            for call in calls:
                waiting[call["id"]] = []
            for call, renamed in zip(calls, new_calls, strict=True):
                waiting[call["id"]].append(renamed["id"])
            message = {**message, "tool_calls": new_calls}  # noqa: PLW2901  # the same message
        apart.append(message)
    return apart


def _is_unclear(message: Message) -> bool:
    ids = {call["id"] for call in calls_in(message)}
    return "" in ids or len(ids) < len(calls_in(message))


def _renamed(calls: Sequence[MessageCall]) -> Iterator[MessageCall]:
    """The calls with an id each. The first with an id keeps it, unless it is empty."""
    taken = {call["id"] for call in calls}
    seen: Counter[str] = Counter()
    for call in calls:
        id_ = call["id"]
        seen[id_] += 1
        if id_ and seen[id_] == 1:
            yield call
            continue
        while (new := f"{id_ or 'call'}#{seen[id_]}") in taken:
            seen[id_] += 1
        taken.add(new)
        yield {**call, "id": new}
