"""Bodies that a server compressed (RFC 9110, 8.4) although the proxy did not ask for it."""

from __future__ import annotations

import zlib
from typing import Final

_GZIP: Final = frozenset({"gzip", "x-gzip"})
_DEFLATE: Final = "deflate"
_AS_GZIP: Final = zlib.MAX_WBITS | 16
_AS_ZLIB: Final = zlib.MAX_WBITS
_AS_RAW: Final = -zlib.MAX_WBITS
_START: Final = 2
"""How many bytes show whether a body begins with zlib's header."""


def codings(header: str) -> list[str]:
    """The encodings that a Content-Encoding header names, in lower case."""
    named = (each.strip().lower() for each in header.split(","))
    return [each for each in named if each not in {"", "identity"}]


def is_known(coding: str) -> bool:
    return coding in _GZIP or coding == _DEFLATE


class OverlongError(Exception):
    """A part of a body holds more than the caller wants."""


class NotCompressedError(Exception):
    """A body is not compressed in the way that its header says."""


class Inflater:
    """Undoes gzip or deflate, part by part.

    If a body ends early, the inflater returns all that has arrived. The decoded text itself must
    show where it should end.
    """

    def __init__(self, coding: str) -> None:
        self._is_gzip = coding in _GZIP
        self._member: zlib._Decompress | None = None
        """The current member: a gzip body may hold several in a row (RFC 1952, 2.2)."""
        self._start = b""
        """The first bytes of the next member, while they are too few to begin with."""

    def inflate(self, part: bytes, most: int) -> bytes:
        """The content of `part`. Raises OverlongError if that is more than `most` bytes.

        Raises NotCompressedError if `part` is not compressed.
        """
        data, self._start = self._start + part, b""
        inflated: list[bytes] = []
        may_come = most + 1
        while data:
            if self._member is None:
                if len(data) < _START:
                    self._start = data
                    break
                self._member = zlib.decompressobj(self._wbits(data))
            try:
                inflated.append(self._member.decompress(data, may_come))
            except zlib.error as error:
                raise NotCompressedError from error
            may_come -= len(inflated[-1])
            if not may_come:
                raise OverlongError
            data = self._member.unused_data
            if self._member.eof:
                self._member = None
        return b"".join(inflated)

    def _wbits(self, start: bytes) -> int:
        """The format, as zlib wants to know it. Some servers send deflate without zlib's header."""
        if self._is_gzip:
            return _AS_GZIP
        is_zlib = start[0] & 0x0F == zlib.DEFLATED and not int.from_bytes(start[:_START]) % 31
        return _AS_ZLIB if is_zlib else _AS_RAW
