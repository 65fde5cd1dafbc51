"""Values as TOML writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_UNWRITABLE: Final = re.compile(r"[\ud800-\udfff]")
"""Halves of a pair. JSON can hold one alone, and TOML cannot."""


def key_text(*keys: str) -> str:
    """A key, or keys with dots between."""
    return ".".join(key if _BARE.fullmatch(key) else text_of(key) for key in keys)


def value_text(value: object) -> str:
    """A value on one line. What is a set has no order, and is written in order."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, Mapping):
        inside = (f"{key_text(name)} = {value_text(each)}" for name, each in value.items())
        return f"{{ {', '.join(inside)} }}" if value else "{}"
    if isinstance(value, frozenset):
        return value_text(sorted(value))
    if isinstance(value, Iterable):
        return f"[{', '.join(map(value_text, value))}]"
    raise TypeError(f"TOML has no {type(value).__name__}.")


def text_of(text: str) -> str:
    """Text in quotes. JSON's escapes are TOML's, but JSON leaves DEL as it is."""
    whole = _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def comment_text(text: str) -> str:
    """Text as a comment: nothing in it can end the line."""
    shown = "".join(each if each.isprintable() else "?" for each in text)
    return f"# {shown}"
