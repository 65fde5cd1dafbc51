"""The proxy's own lines among a model's thoughts, which tell a user what goes on.

Each begins with a mark. Some clients send thoughts back, and the mark tells the proxy's lines from
the model's, which alone go to a model again.
"""

from __future__ import annotations

import re
from typing import Final, cast

from proxy.core.wire import Message

MARK: Final = "▸ "
"""Hardly any model begins a line of its thoughts so."""

_LINE: Final = re.compile(rf"^{MARK}[^\n]*\n?", re.MULTILINE)


def marked(text: str) -> str:
    """A line of the proxy's own. `text` has no line end."""
    return f"{MARK}{text}"


def without_own_lines(message: Message) -> Message:
    """A client's message without what the proxy wrote among its thoughts."""
    if message["role"] != "assistant":
        return message
    fields = cast("dict[str, object]", message)
    for name in ("reasoning_content", "reasoning"):
        thoughts = fields.get(name)
        if isinstance(thoughts, str) and MARK in thoughts:
            rest = _LINE.sub("", thoughts).strip()
            fields = {k: v for k, v in fields.items() if k != name} | ({name: rest} if rest else {})
    return cast("Message", fields)
