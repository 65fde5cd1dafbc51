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
_TAG: Final = re.compile(r"(</?think>)")


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
            rest = _without_lines(thoughts)
            fields = {k: v for k, v in fields.items() if k != name} | ({name: rest} if rest else {})
    content = fields.get("content")
    if isinstance(content, str) and MARK in content:
        rest = _without_tagged_lines(content)
        fields = fields if rest == content else {**fields, "content": rest}
    return cast("Message", fields)


def _without_lines(thoughts: str) -> str:
    return _LINE.sub("", thoughts).strip()


def _without_tagged_lines(content: str) -> str:
    """Open WebUI sends thoughts within the text, between tags, while its own tools are called.

    Where nothing else was thought, the tags go, too: then the text is the one that the client got.
    """
    pieces = _TAG.split(content)  # texts, with a tag between each two
    for i in range(2, len(pieces) - 1, 2):
        if (pieces[i - 1], pieces[i + 1]) == ("<think>", "</think>") and MARK in pieces[i]:
            if rest := _without_lines(pieces[i]):
                pieces[i] = rest
            else:
                pieces[i - 1 : i + 2] = "", "", ""
    return "".join(pieces)
