"""Replies whose text comes as a list of parts, as some servers send it for Mistral's models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_TEXTS: Final = ("content", "reasoning_content", "reasoning")


def join_parts(document: Mapping[str, object]) -> None:
    """Put texts in the place of lists of parts in a chunk's deltas. Changes `document`.

    Thoughts among the parts become reasoning. Parts of other kinds, such as images, go.
    """
    choices = document.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if isinstance(delta, dict):
            _join_in(delta)


def _join_in(delta: dict[str, object]) -> None:
    thoughts = "".join(map(_thought, _parts(delta.get("content"))))
    for name in _TEXTS:
        if isinstance(parts := delta.get(name), list):
            delta[name] = "".join(map(_text, parts))
    if thoughts:
        known = delta.get("reasoning_content") or delta.pop("reasoning", None)
        delta["reasoning_content"] = (known if isinstance(known, str) else "") + thoughts


def _text(part: object) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""


def _thought(part: object) -> str:
    """What a part thinks: `{type: "thinking", thinking: [parts of text]}`, or a text there."""
    thinking = part.get("thinking") if isinstance(part, dict) else None
    return thinking if isinstance(thinking, str) else "".join(map(_text, _parts(thinking)))


def _parts(value: object) -> list[object]:
    return value if isinstance(value, list) else []
