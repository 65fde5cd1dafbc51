"""Heads of replies that llhttp refuses and other clients accept.

RFC 9112, 6.3: a length that is given more than once, each time the same, may be read as one.
"""

from __future__ import annotations

import re
from typing import Final

_END: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH: Final = b"content-length"


def is_whole(data: bytes) -> bool:
    """Whether `data` goes on to the end of a head."""
    return _END.search(data) is not None


def with_one_length(data: bytes) -> bytes | None:
    """`data`, which begins with a whole head, with that head's equal lengths written once.

    None if its lengths differ, or if there is nothing to change.
    """
    end = _END.search(data)
    if end is None:
        return None
    lengths: list[bytes] = []
    lines: list[bytes] = []
    for line in data[: end.start()].split(b"\n"):
        name, _, value = line.partition(b":")
        if name.lower() == _LENGTH:
            lengths += [each.strip() for each in value.split(b",")]
        else:
            lines.append(line.rstrip(b"\r"))
    if len(lengths) < 2 or len(set(lengths)) != 1:  # noqa: PLR2004 - a pair
        return None
    lines.append(b"%b: %b" % (_LENGTH, lengths[0]))
    return b"\r\n".join([*lines, b"", data[end.end() :]])
