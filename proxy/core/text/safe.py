"""What may stay of a link: only what is harmless even where a renderer sees no link."""

from __future__ import annotations

import re
from typing import Final

_SAFE: Final = re.compile(
    r"\(?[ \t]{0,3}(?:<[^\s<>`\[\]\\|]*>|[^\s<>`\[\]\\|]*)"
    r"(?:[ \t]{1,3}[\"'(](?P<title>[^<>`\[\]\\|:/@\r\n]*)[\"')])?[ \t]{0,3}\)?"
)


def is_safe_destination(written: str) -> bool:
    """Whether a destination, as it is written with its title, holds no other mark of Markdown."""
    match = _SAFE.fullmatch(written)
    return match is not None and "www." not in (match["title"] or "").lower()
