"""What is kept of an answer between requests: the part of it that its client does not see.

A client that gets tool calls comes back with its results and with the messages it knows. What the
model did beside them is kept under a handle that the client sends back without knowing it:

- for a turn that calls the client's tools, the ids of these calls: the proxy makes them, and all
  ids of one turn begin alike (`call_id`, `handle_of_call`);
- for a finished answer, its text and the question before it (`handle_of_text`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from proxy.core.chat import Message, calls_in, text_of
from proxy.core.passages import Passage
from proxy.core.search_tool import Search

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


def handle_of_text(question: str, answer: str) -> str:
    """The handle of a finished answer. White space does not count: clients trim what they show.

    The question is a part of it, because many questions have the answer "Yes.".
    """
    return handles_after(question)(answer)


def handles_after(question: str) -> Callable[[str], str]:
    """`handle_of_text` for any number of answers to one question, which is read once."""
    asked = hashlib.sha256(_bytes(f"{_words(question)}\0"))

    def handle(answer: str) -> str:
        whole = asked.copy()
        whole.update(_bytes(_words(answer)))
        return f"text_{whole.hexdigest()}"

    return handle


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class KeptSearch:
    """A search that was run, and the numbers of the passages it brought."""

    search: Search
    numbers: tuple[int, ...] = ()
    left_out: int = 0
    """Results for which the character budget had no room."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What one request found. The passages have no text: that is in the messages."""

    passages: tuple[Passage, ...] = ()
    searches: tuple[KeptSearch, ...] = ()
    last_number: int = 0
    """The highest number that a passage had been given by then."""


@dataclass(frozen=True, slots=True)
class Context:
    """The search before the first round, and its passages as the system message shows them."""

    search: Search
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
    calls: tuple[dict[str, Any], ...] = ()
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

    def merge(self, message: Message) -> Message:
        """The client's message of this turn with what it does not know put back.

        What the client has changed stays changed: other words, other arguments, calls left out.
        """
        content = message.get("content")
        if not content or is_same_text(text_of(content), self.heard):
            # Without calls some words must stand, even if the last turn had none.
            content = self.text or (None if self.calls else content)
        merged = {**message, "content": content}
        if self.calls:
            merged["tool_calls"] = self._merge_calls(calls_in(message))
        return merged

    def _merge_calls(self, sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
        by_id = {call["id"]: call for call in sent}
        calls = []
        for call in self.calls:
            of_client = by_id.pop(call["id"], None)
            if call["id"] in self.answers:
                calls.append(call)
            elif of_client is not None:
                calls.append(of_client)
        return [*calls, *by_id.values()]


def is_same_text(one: str, other: str) -> bool:
    """Whether two texts differ in white space alone."""
    return _words(one) == _words(other)


def _words(text: str) -> str:
    return " ".join(text.split())
