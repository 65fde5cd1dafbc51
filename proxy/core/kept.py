"""Kept turns: the parts of an answer that its client does not see, kept between requests.

A client that gets tool calls comes back with their results and with the messages that it knows. The
proxy keeps the rest of the answer under a handle, which the client sends back without knowing it:

- A turn that calls the client's tools has its handle in the ids of these calls. The proxy makes the
  ids, and all ids of one turn begin alike (`call_id`, `handle_of_call`).
- A finished answer has a hash of everything that user and assistant have said up to its end
  (`Said`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast

from proxy.core.chat import calls_in, text_of
from proxy.core.client_numbers import cited, renumbered
from proxy.core.fence import Fence
from proxy.core.hidden import Job
from proxy.core.passages import Passage
from proxy.core.wire import Message, MessageCall

_MINTED: Final = re.compile(r"(call_[0-9a-f]{24}_[0-9]{1,2})_[0-9]{1,3}")
_RANDOM: Final = 24
"""Clients allow 40 characters. This many random ones fit beside round and number."""


def call_id(completion_id: str, round_: int, number: int) -> str:
    """The id of a tool call. `completion_id` ends in at least 24 random hexadecimal digits."""
    return f"call_{completion_id[-_RANDOM:]}_{round_}_{number}"


def handle_of_call(id_: str) -> str | None:
    """The handle of the turn that a call belongs to; None if the proxy did not make its id."""
    match = _MINTED.fullmatch(id_)
    return match[1] if match else None


class Said:
    """Hashes what user and assistant have said so far. The hash is the handle of the last answer.

    White space does not count, because clients trim what they show. Messages of other roles do not
    count, because instructions often hold the date. Turns without words do not count, because some
    clients leave them out. The role and length of each text do count, so that no text passes for a
    part of another.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, message: Message) -> str | None:
        """Take in the next message. Returns the handle if the assistant says words in it.

        The cost depends on this message alone, not on those before it.
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
    """A job that a hidden tool has run, and the numbers of the passages it found."""

    job: Job
    numbers: tuple[int, ...] = ()
    left_out: int = 0
    """Results for which the character budget had no room."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one request found. The passages have no text, because the messages hold it."""

    passages: tuple[Passage, ...] = ()
    jobs: tuple[KeptJob, ...] = ()
    last_number: int = 0
    """The highest number of any passage by then."""


@dataclass(frozen=True, slots=True)
class Context:
    """The jobs before the first round, and their passages as the model reads them: one list."""

    jobs: tuple[Job, ...]
    text: str


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """The hidden part of one request's answer, and its last turn as the model wrote it."""

    text: str
    """What the model said in its last turn."""
    heard: str
    """What the client heard in all turns of the request."""
    before: tuple[Message, ...] = ()
    """The turns and tool messages before the last turn."""
    calls: tuple[MessageCall, ...] = ()
    """The calls of the last turn, the client's too, in the order in which the model made them."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """The answer to each hidden call of the last turn, by the id of the call."""
    context: Context | None = None
    findings: Findings = field(default_factory=Findings)
    sources: Mapping[str, int] = field(default_factory=dict)
    """The number of each source in the client's text of the whole answer, by its address."""
    cites: Mapping[int, int] = field(default_factory=dict)
    """The passage that each number in `heard` stands for."""
    reasoning: str = ""
    """What the model thought in its last turn. Only a turn with `calls` needs it."""
    model: str = ""
    """The model that the turn was asked of. Its reasoning goes back to no other one."""

    @property
    def size(self) -> int:
        """How many characters of passages it holds."""
        told = [text_of(each.get("content")) for each in self.before if each["role"] == "tool"]
        texts = (*told, *self.answers.values(), self.context.text if self.context else "")
        return sum(map(len, texts))

    def is_like(self, other: KeptTurn) -> bool:
        """Whether both say the same, whatever they thought and whatever ids hidden calls have."""
        return self._for_comparison() == other._for_comparison()

    def _for_comparison(self) -> KeptTurn:
        calls = (*(call for each in self.before for call in calls_in(each)), *self.calls)
        ids = dict.fromkeys(call["id"] for call in calls)
        plain = {id_: str(number) for number, id_ in enumerate(ids)}
        bare = self.without_reasoning()
        return replace(
            bare,
            before=tuple(_renamed(each, plain) for each in bare.before),
            calls=tuple({**call, "id": plain[call["id"]]} for call in self.calls),
            answers={plain.get(id_, id_): text for id_, text in self.answers.items()},
            model="",
        )

    def without_reasoning(self) -> KeptTurn:
        """The turn as another model gets it than the one that wrote it."""
        return replace(self, before=tuple(map(_without_reasoning, self.before)), reasoning="")

    def under(self, fence: Fence) -> KeptTurn:
        """The turn with its passages and notes between the marks of `fence`."""
        context = self.context
        return replace(
            self,
            before=tuple(_marked(each, fence) for each in self.before),
            answers={id_: fence.renewed(text) for id_, text in self.answers.items()},
            context=context and replace(context, text=fence.renewed(context.text)),
        )

    def fits(self, message: Message) -> bool:
        """Whether it is known what each number stands for that the client's message cites."""
        return not self._is_edited(message) or self.cites.keys() >= cited(
            text_of(message.get("content"))
        )

    def _is_edited(self, message: Message) -> bool:
        content = message.get("content")
        return bool(content) and not is_same_text(text_of(content), self.heard)

    def merge(self, message: Message) -> Message:
        """The client's message of this turn, with the hidden part put back.

        The client's own changes stay: other words, other arguments, calls that it left out. Its
        citations get the model's numbers back.
        """
        content = message.get("content")
        if self._is_edited(message):
            content = renumbered(content, self.cites)
        else:
            # A message without calls needs some words, even if the last turn had none.
            content = self.text or (None if self.calls else content)
        merged: Message = {**message, "content": content}
        if self.calls:
            merged["tool_calls"] = self._merge_calls(calls_in(message))
        return self._with_reasoning(merged)

    def _with_reasoning(self, message: Message) -> Message:
        """The message with the reasoning of the last turn alone.

        A client that sends back what it heard sends that of the rounds before it, too.
        """
        sent = cast("object", message.get("reasoning_content") or message.get("reasoning"))
        own = self.reasoning
        if sent:
            before = "".join(each.get("reasoning_content", "") for each in self.before)
            rest = _rest_after(sent, before) if isinstance(sent, str) else None
            if rest is None:
                return message
            own = self.reasoning if is_same_text(rest, self.reasoning) else rest
        message = _without_reasoning(message)
        if own and (self.calls or sent):
            message["reasoning_content"] = own
        return message

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


def _without_reasoning(message: Message) -> Message:
    message = message.copy()
    message.pop("reasoning_content", None)
    message.pop("reasoning", None)
    return message


def _renamed(message: Message, ids: Mapping[str, str]) -> Message:
    """A turn or a tool message with other ids for its calls."""
    if calls := calls_in(message):
        return {**message, "tool_calls": [{**call, "id": ids[call["id"]]} for call in calls]}
    return {**message, "tool_call_id": ids[message["tool_call_id"]]}


def _marked(message: Message, fence: Fence) -> Message:
    if message["role"] != "tool":
        return message
    return {**message, "content": fence.renewed(text_of(message.get("content")))}


def is_same_text(one: str, other: str) -> bool:
    """Whether two texts differ in white space alone."""
    return _words(one) == _words(other)


def _rest_after(text: str, begun: str) -> str | None:
    """What follows `begun` in a text that begins with it, whatever white space differs."""
    place = 0
    for character in "".join(begun.split()):
        while text[place : place + 1].isspace():
            place += 1
        if not text.startswith(character, place):
            return None
        place += 1
    return text[place:].lstrip()


def _words(text: str) -> str:
    return " ".join(text.split())
