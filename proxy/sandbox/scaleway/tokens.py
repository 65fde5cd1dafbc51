"""The stand-in's tokens: a token is a word with the white space before it.

Cheap, deterministic, and the same unit everywhere: usage, `max_tokens`, and the pieces of a stream.
"""

import re

_PIECE = re.compile(r"\s*\S+")


def pieces(text: str) -> list[str]:
    """Cut text into tokens. Joined they are the text, so the last keeps white space after it."""
    found = _PIECE.findall(text)
    if not found:
        return [text] if text else []
    found[-1] += text[len(text.rstrip()) :]
    return found


def count(text: str) -> int:
    return len(pieces(text))


def cut(text: str, budget: int | None) -> tuple[str, bool]:
    """Keep the first `budget` tokens (None: all); says whether anything was cut off."""
    found = pieces(text)
    if budget is None or len(found) <= budget:
        return text, False
    return "".join(found[:budget]), True
