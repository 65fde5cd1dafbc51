"""One model turn: what the model said and which tools it called, once its round has ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple, cast

import orjson

from proxy.core import json_text
from proxy.core.wire import Chunk, Function, Message, MessageCall, Usage

_DECODER: Final = json.JSONDecoder()
_CUT_SHORT: Final = frozenset({"length", "content_filter"})
"""The finish reasons of a turn that the model did not end by itself."""


class Owner(Enum):
    """Who answers a tool call."""

    HIDDEN = "hidden"
    """A tool of the proxy's own."""
    CLIENT = "client"
    NOBODY = "nobody"
    """A tool that neither the client nor the proxy declared."""


class ToolCall(NamedTuple):
    """A complete tool call. `arguments` is the text the model wrote, JSON or not."""

    id: str
    name: str
    arguments: str
    owner: Owner

    def as_message_part(self) -> MessageCall:
        """The call as it stands in an assistant message.

        If the arguments are no JSON object, the tool message that answers the call quotes them.
        """
        arguments = fit_arguments(self.arguments)
        function: Function = {"name": self.name, "arguments": arguments}
        return {"id": self.id, "type": "function", "function": function}

    def parse_arguments(self) -> dict[str, object] | None:
        """The JSON object in the arguments, or None. Empty arguments count as `{}`."""
        text = first_object(self.arguments) if self.arguments.strip() else "{}"
        return orjson.loads(text) if text else None


def fit_arguments(text: str) -> str:
    """The arguments of a call in the form that a history may hold.

    Text without a JSON object becomes `{}`, and text after an object goes. Upstreams parse the
    history, and one bad call makes them refuse all of it.
    """
    return first_object(text) or "{}"


def first_object(text: str) -> str:
    """The JSON object that `text` begins with, or "".

    This object alone decides what a call asks for. Arguments arrive in pieces, and the proxy acts
    on a whole object at once, so text after it comes too late to count. A half of a surrogate pair
    is replaced, as in any other JSON.
    """
    text = text.strip()
    if not text.startswith("{"):
        return ""
    if text.endswith("}"):
        try:
            orjson.loads(text)
        except ValueError:
            pass  # more text follows the object, or it is none
        else:
            return text
    try:
        _, end = _DECODER.raw_decode(text)
        found = json_text.mend(text[:end].encode()).decode()
        orjson.loads(found)  # the stricter of the two: no NaN
    except (ValueError, RecursionError):
        return ""
    return found


class Heard(NamedTuple):
    """A turn's text as the client has it, where citations bear the numbers of sources."""

    text: str = ""
    cites: Mapping[int, int] = MappingProxyType({})
    """The passage that each number in the text stands for: the first, if there are several."""
    is_refusal: bool = False
    """Whether the model has said, in the field for it, that it refuses."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One finished model round. `calls` holds all tool calls, in the order the model began them."""

    text: str
    finish_reason: str
    calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    reasoning: str = ""
    closing: Chunk = field(default_factory=Chunk)
    """The upstream's chunk with the finish_reason. Its vendor extras go into the closing chunk."""
    heard: Heard = field(default_factory=Heard)
    """What the client has heard of it."""

    def calls_of(self, owner: Owner) -> tuple[ToolCall, ...]:
        return tuple(call for call in self.calls if call.owner is owner)

    @property
    def is_cut(self) -> bool:
        """Whether a limit or a filter ended it, and not the model."""
        return self.finish_reason in _CUT_SHORT

    @property
    def is_empty(self) -> bool:
        """Whether the model ended it without a word for the client, if not with calls."""
        return not (self.text.strip() or self.is_cut or self.heard.is_refusal)

    @property
    def hidden_calls(self) -> tuple[ToolCall, ...]:
        """The calls that the client never hears of."""
        return tuple(call for call in self.calls if call.owner is not Owner.CLIENT)

    def as_message(self, calls: tuple[ToolCall, ...]) -> Message:
        """The turn as an assistant message of the history. `calls` are those that it keeps.

        It holds the reasoning too: some servers refuse a tool loop without it, and models do worse.
        """
        parts = [call.as_message_part() for call in calls]
        said: Message = {"role": "assistant", "content": self.text or None, "tool_calls": parts}
        return {**said, "reasoning_content": self.reasoning} if self.reasoning else said


def add_usage(total: Usage, more: Usage) -> Usage:
    """The sum of two usage objects and of the objects inside them, without null counts."""
    return cast("Usage", _add_counts(total, more))


def _add_counts(total: Mapping[str, object], more: Mapping[str, object]) -> dict[str, object]:
    result = dict(total)
    for name, value in more.items():
        known = result.get(name)
        if isinstance(value, dict):
            result[name] = _add_counts(known if isinstance(known, dict) else {}, value)
        elif isinstance(value, (int, float)) and isinstance(known, (int, float)):
            result[name] = known + value
        elif value is not None:
            result[name] = value
    return result


def whole_usage(usage: Usage) -> Usage:
    """`usage` with the three counts that every client expects: 0 where the upstream sent none."""
    return {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, **usage}


def cached_tokens(usage: Usage) -> int:
    """How many of the prompt's tokens the upstream had in its cache, by OpenAI's name for it."""
    details = usage.get("prompt_tokens_details") or {}
    return details.get("cached_tokens", 0)
