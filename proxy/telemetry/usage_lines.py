"""The whole lines of a usage file, many at once, in memory that does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

LONGEST_LINE: Final = 1_000_000
"""Bytes without a line end that are longer are no line of ours."""


def read_lines(file: BinaryIO, at_once: int, *, to_end: bool = True) -> Iterator[tuple[bytes, int]]:
    """Whole lines, without the last line end, and how many bytes of the file are done with them.

    With `to_end`, the last line counts also without a line end: a process was killed there.
    Without, somebody may be writing it.
    """
    rest = b""
    while chunk := file.read(at_once):
        lines, end, rest = (rest + chunk).rpartition(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, end, rest = lines + end + rest, b"", b""
        if lines or end:
            yield lines, len(lines) + len(end)
    if rest and to_end:
        yield rest, len(rest)
