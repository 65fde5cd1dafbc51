"""What is kept of an answer between requests: the part of it that its client does not see.

A client that gets tool calls comes back with its results and with the messages it knows. What the
model did beside them is kept under a handle that the client sends back without knowing it:

- for a turn that calls the client's tools, the ids of these calls: the proxy makes them, and all
  ids of one turn begin alike (`call_id`, `handle_of_call`);
- for a finished answer, all that user and assistant have said up to its end (`Said`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from proxy.core.chat import calls_in, text_of
from proxy.core.hidden import Job
from proxy.core.passages import Passage
from proxy.core.wire import Message, MessageCall

_MINTED: Final = re.compile(r"(call_[0-9a-f]{24}_[0-9]{1,2})_[0-9]{1,3}")
_RANDOM: Final = 24
"""As many random characters as fit beside round and number into the 40 that clients allow."""


def call_id(completion_id: str, round_: int, number: int) -> str:
    """The id of a tool call. `completion_id` ends in at least 24 random hexadecimal digits."""
    return f"call_{completion_id[-_RANDOM:]}_{round_}_{number}"


def handle_of_call(id_: str) -> str | None:
    """The handle of the turn that a call belongs to; None if the proxy did not make its id."""
    match = _MINTED.fullmatch(id_)
    return match[1] if match else None


class Said:
    """What user and assistant have said so far: the handle of the answer that it ends with.

    White space does not count: clients trim what they show. Nor do messages of other roles, as
    instructions often hold the date, and turns without words, which some clients leave out. Texts
    are told apart by role and length, so that none passes for a part of another.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, message: Message) -> str | None:
        """Take in the next message. The handle if it is the assistant's and has words.

        The cost is that of the message, however much was said before.
        """
        role = message["role"]
        if role not in ("user", "assistant"):
            return None
        words = _words(text_of(message.get("content"))).encode("utf-8", "surrogatepass")
        if role == "assistant" and not words:
            return None
        self._hash.update(b"%b %d:%b" % (role.encode(), len(words), words))
        return f"text_{self._hash.hexdigest()}" if role == "assistant" else None


@dataclass(frozen=True, slots=True)
class KeptJob:
    """A job of a hidden tool that was run, and the numbers of the passages it brought."""

    job: Job
    numbers: tuple[int, ...] = ()
    left_out: int = 0
    """Results for which the character budget had no room."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one request found. The passages have no text: that is in the messages."""

    passages: tuple[Passage, ...] = ()
    jobs: tuple[KeptJob, ...] = ()
    last_number: int = 0
    """The highest number that a passage had been given by then."""


@dataclass(frozen=True, slots=True)
class Context:
    """The job before the first round, and its passages as the system message shows them."""

    job: Job
    text: str


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """The hidden part of one request's answer, and its last turn as the model made it."""

    text: str
    """What the model said in its last turn."""
    heard: str
    """What the client heard in all turns of the request."""
    before: tuple[Message, ...] = ()
    """The turns and tool messages before the last turn."""
    calls: tuple[MessageCall, ...] = ()
    """The calls of the last turn, the client's too, in the order in which the model made them."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """What each hidden call of the last turn was answered, by its id."""
    context: Context | None = None
    findings: Findings = field(default_factory=Findings)

    @property
    def size(self) -> int:
        """The characters that the model reads as passages."""
        told = [text_of(each.get("content")) for each in self.before if each["role"] == "tool"]
        texts = (*told, *self.answers.values(), self.context.text if self.context else "")
        return sum(map(len, texts))

    def is_like(self, other: KeptTurn) -> bool:
        """Whether both say the same, whatever ids the calls of their hidden rounds have."""
        return self._with_plain_ids() == other._with_plain_ids()

    def _with_plain_ids(self) -> KeptTurn:
        ids = dict.fromkeys(call["id"] for each in self.before for call in calls_in(each))
        plain = {id_: str(number) for number, id_ in enumerate(ids)}
        return replace(self, before=tuple(_renamed(each, plain) for each in self.before))

    def merge(self, message: Message) -> Message:
        """The client's message of this turn with what it does not know put back.

        What the client has changed stays changed: other words, other arguments, calls left out.
        """
        content = message.get("content")
        if not content or is_same_text(text_of(content), self.heard):
            # Without calls some words must stand, even if the last turn had none.
            content = self.text or (None if self.calls else content)
        merged: Message = {**message, "content": content}
        if self.calls:
            merged["tool_calls"] = self._merge_calls(calls_in(message))
        return merged

    def _merge_calls(self, sent: list[MessageCall]) -> list[MessageCall]:
        by_id = {call["id"]: call for call in sent}
        calls = []
        for call in self.calls:
            of_client = by_id.pop(call["id"], None)
            if call["id"] in self.answers:
                calls.append(call)
            elif of_client is not None:
                calls.append(of_client)
        return [*calls, *by_id.values()]


def _renamed(message: Message, ids: Mapping[str, str]) -> Message:
    """A turn or a tool message with other ids for its calls."""
    if calls := calls_in(message):
        return {**message, "tool_calls": [{**call, "id": ids[call["id"]]} for call in calls]}
    return {**message, "tool_call_id": ids[message["tool_call_id"]]}


def is_same_text(one: str, other: str) -> bool:
    """Whether two texts differ in white space alone."""
    return _words(one) == _words(other)


def _words(text: str) -> str:
    return " ".join(text.split())
