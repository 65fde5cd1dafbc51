"""One model turn: what the model said and which tools it called, once its round has ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

import orjson

from proxy.core.chat import Chunk, Message

Usage = dict[str, Any]
"""OpenAI's usage object: token counts, and objects of token counts."""

_COUNTS: Final = ("prompt_tokens", "completion_tokens", "total_tokens")


class Owner(Enum):
    """Who answers a tool call."""

    SEARCH = "search"
    CLIENT = "client"
    NOBODY = "nobody"
    """A tool that neither the client nor the proxy declared."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A complete tool call. `arguments` is the text the model wrote, JSON or not."""

    id: str
    name: str
    arguments: str
    owner: Owner

    def as_message_part(self) -> dict[str, Any]:
        """The call as it stands in an assistant message.

        Arguments that are not a JSON object become `{}`: upstreams parse the history and refuse all
        of it for one bad call. The tool message that answers the call quotes what was written.
        """
        is_object = bool(self.arguments.strip()) and isinstance(self.parse_arguments(), dict)
        arguments = self.arguments if is_object else "{}"
        function = {"name": self.name, "arguments": arguments}
        return {"id": self.id, "type": "function", "function": function}

    def parse_arguments(self) -> Any:
        """The decoded arguments; None if they are not JSON. No arguments at all are `{}`."""
        if not self.arguments.strip():
            return {}
        try:
            return orjson.loads(self.arguments)
        except orjson.JSONDecodeError:
            return None


@dataclass(frozen=True, slots=True)
class Turn:
    """One finished model round. `calls` are all tool calls in the order the model began them."""

    text: str
    finish_reason: str
    calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=dict)
    closing: Chunk = field(default_factory=dict)
    """The upstream's chunk that carried finish_reason: its vendor extras close the completion."""

    def calls_of(self, owner: Owner) -> tuple[ToolCall, ...]:
        return tuple(call for call in self.calls if call.owner is owner)

    def as_message(self, calls: tuple[ToolCall, ...]) -> Message:
        """The turn as an assistant message of the history, with `calls` of its calls."""
        parts = [call.as_message_part() for call in calls]
        return {"role": "assistant", "content": self.text or None, "tool_calls": parts}


def add_usage(total: Usage, more: Usage) -> Usage:
    """The sum of two usage objects, objects inside them included; null counts are left out."""
    result = dict(total)
    for name, value in more.items():
        known = result.get(name)
        if isinstance(value, dict):
            result[name] = add_usage(known if isinstance(known, dict) else {}, value)
        elif isinstance(value, (int, float)) and isinstance(known, (int, float)):
            result[name] = known + value
        elif value is not None:
            result[name] = value
    return result


def whole_usage(usage: Usage) -> Usage:
    """`usage` with the three counts every client expects, 0 where the upstream said nothing."""
    return {**dict.fromkeys(_COUNTS, 0), **usage}
