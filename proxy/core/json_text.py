r"""Reads JSON that holds halves of surrogate pairs, such as an emoji that a program cut in two.

`"\ud83d"` alone is valid JSON, but it stands for no character. orjson refuses the whole document
then. Here it costs one character: U+FFFD takes the place of each half.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

_HALVES: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one, escaped
    rb"|(\xed[\xa0-\xbf][\x80-\xbf])"  # half of one, encoded as if it were a character
    rb"|\\.",  # any other escape, so that a backslash that is escaped begins none
    re.DOTALL,
)
_ESCAPED: Final = rb"\ufffd"
_ENCODED: Final = "\N{REPLACEMENT CHARACTER}".encode()


def loads(data: bytes) -> Any:
    """The JSON document in `data`. Raises orjson.JSONDecodeError.

    A document without halves is parsed once. Another one is parsed twice.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        mended = mend(data)
        if mended == data:
            raise
        return orjson.loads(mended)


def mend(data: bytes) -> bytes:
    """`data`, which is JSON, with U+FFFD for each half of a pair. It keeps its length."""
    return _HALVES.sub(_mended, data)


def _mended(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return _ESCAPED
    return _ENCODED if match[2] else match[0]
