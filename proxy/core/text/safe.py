"""What may stay of a link: only what is harmless even where a renderer sees no link."""

from __future__ import annotations

import re
from typing import Final

_SAFE: Final = re.compile(
    r"\(?[ \t]{0,3}(?:<[^\s<>`\[\]\\|]*>|[^\s<>`\[\]\\|]*)"
    r"(?:[ \t]{1,3}[\"'(](?P<title>[^<>`\[\]\\|:/@\r\n]*)[\"')])?[ \t]{0,3}\)?"
)

_PLAIN_LABEL: Final = re.compile(r"(?:[^\[\]`\\<]|\\.|`[^`]*`|\[[^\[\]]*\](?!\())*", re.DOTALL)


def is_plain_label(label: str) -> bool:
    """Whether all renderers take this, between brackets, for the text of a link.

    Otherwise an address after it may be one of its own, which goes on past the parenthesis.
    """
    return _PLAIN_LABEL.fullmatch(label) is not None


def is_safe_destination(written: str) -> bool:
    """Whether a destination, as it is written with its title, holds no other mark of Markdown."""
    match = _SAFE.fullmatch(written)
    return match is not None and "www." not in (match["title"] or "").lower()
