"""What a reply's head says about its length, and heads that only llhttp refuses.

RFC 9112, 6.3: a client may read equal lengths, however often a head repeats them, as one.
"""

from __future__ import annotations

import re
from typing import Final

from proxy.upstreams.http.receiver import Headers

_END: Final = re.compile(rb"\r?\n\r?\n")
_LENGTH: Final = b"content-length"


def is_whole(data: bytes) -> bool:
    """Whether `data` contains the end of a head."""
    return _END.search(data) is not None


def with_one_length(data: bytes) -> bytes | None:
    """`data` with the equal lengths of the head at its start merged into one.

    None if the lengths differ, or if the head has fewer than two.
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


def ends_with_connection(headers: Headers) -> bool:
    """Whether the reply says nothing of its length, so that closing the connection ends it."""
    told = [(name.lower(), value.strip().lower()) for name, value in headers]
    codings = {value for name, value in told if name == b"transfer-encoding"}
    has_length = any(name == _LENGTH for name, _ in told)
    return not has_length and codings <= {b"identity"}
