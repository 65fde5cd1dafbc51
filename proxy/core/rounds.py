"""The rounds of one answer so far, and what they say about the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from proxy.core.desk import Desk
from proxy.core.instructions import NO_MORE_SEARCHES
from proxy.core.nothing_found import refuses
from proxy.core.plan import Ask, Plan
from proxy.core.turn import Heard, Turn
from proxy.core.wire import Message


@dataclass(slots=True)
class Rounds:
    """The state of an answer between two rounds."""

    messages: list[Message] = field(default_factory=list)
    """The turns that another round follows, and their tool messages."""
    heard: list[Heard] = field(default_factory=list)
    """What the client heard of each turn, including the last one."""
    is_last: bool = False
    """The round offers no hidden tool."""
    is_bare: bool = False
    """The round offers no tool at all."""
    has_retried: bool = False
    """A last round brought nothing, or an answer was empty. It may happen once."""

    def ask(
        self, plan: Plan, desk: Desk, known: list[Message], out_of_time: Callable[[], bool]
    ) -> Ask:
        """The next round. `known` are the messages before the first one."""
        past = len(self.heard)
        is_over = past >= plan.policy.max_rounds or desk.is_spent or out_of_time()
        self.is_last = self.is_last or is_over
        messages = _say_no_more(plan, self.messages) if self.is_last else self.messages
        ask = plan.ask(
            [*known, *messages],
            passages=desk.book.passages,
            is_first=past == 0,
            is_last=self.is_last,
            is_bare=self.is_bare,
        )
        return ask._replace(is_withheld=True, is_silent=True) if refuses(plan, desk) else ask

    def must_end(self, plan: Plan, ask: Ask, turn: Turn) -> bool:
        """Whether no answers to the turn's calls may follow it.

        A model that still calls tools in the last round, and says nothing, gets one more chance.
        What the client has heard as JSON is JSON no more if other text follows.
        """
        is_json = plan.json_format is not None and not ask.is_withheld
        says_something = bool(turn.text.strip())
        return (self.is_last and self.has_retried) or (says_something and (self.is_last or is_json))

    def go_on(self, turn: Turn, answers: Mapping[str, str], *, is_repeated: bool) -> None:
        """Another round follows the answers to the turn's calls."""
        self.messages += [turn.as_message(turn.hidden_calls), *_tool_messages(answers)]
        self.has_retried = self.has_retried or self.is_last
        self.is_last = self.is_last or is_repeated

    def ask_again(self, turn: Turn, *, is_bare: bool) -> None:
        """Another round takes the place of the turn, which is no answer."""
        self.has_retried = self.has_retried or turn.is_empty
        self.is_last = True
        self.is_bare = self.is_bare or is_bare

    @property
    def all_heard(self) -> str:
        """What the client heard in all rounds."""
        return "\n\n".join(each.text for each in self.heard if each.text)


def _tool_messages(answers: Mapping[str, str]) -> list[Message]:
    return [{"role": "tool", "tool_call_id": id_, "content": text} for id_, text in answers.items()]


def _say_no_more(plan: Plan, messages: list[Message]) -> list[Message]:
    """The messages for the last round. The last of them says that no more searches follow.

    The store keeps the messages without it, because the answer may go on in another request.
    """
    if not messages:
        return messages
    *others, last = messages
    note = plan.fence.note(NO_MORE_SEARCHES)
    return [*others, {**last, "content": f"{last['content']}\n\n{note}"}]
