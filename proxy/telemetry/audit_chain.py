"""The chain of an audit's lines: each has a number and the hash of the line before.

A line is JSON on one line. Its hash is the SHA-256 of its bytes with the line end, as `sha256sum`
counts it. The first line follows a hash of zeros. A line that a crash has cut off has a number and
a hash, too, once its line end is there.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final, NamedTuple

import orjson

LONGEST_LINE: Final = 32_000_000
"""Bytes without a line end that are longer are no line of an audit."""
NO_HASH: Final = "0" * 64
"""What the first line follows."""
_HEAD: Final = re.compile(rb'\{"n":([1-9][0-9]{0,14}),"previous":"([0-9a-f]{64})",')
_AT_ONCE: Final = 64_000


class Link(NamedTuple):
    """What a line says, and where it stands."""

    number: int
    previous: str
    """The hash of the line before."""
    record: Mapping[str, Any]
    """All of the line."""


class End(NamedTuple):
    """Where a chain goes on."""

    number: int = 0
    """That of the last line."""
    hash: str = NO_HASH
    is_cut: bool = False
    """Whether the last line lacks its line end. Its hash is what it will be with it."""


BEGINNING: Final = End()


def hash_of(line: bytes) -> str:
    """The hash of a line, which ends with its line end."""
    return hashlib.sha256(line).hexdigest()


def line_after(end: End, record: bytes) -> tuple[bytes, End]:
    """The line of `record`, a JSON object that is not empty, and the end of the chain with it."""
    number = end.number + 1
    line = b'{"n":%d,"previous":"%b",%b\n' % (number, end.hash.encode(), record[1:])
    return line, End(number, hash_of(line))


def read_link(line: bytes) -> Link | None:
    """What a line that ends with its line end says; None if it is no line of an audit."""
    head = _HEAD.match(line)
    if head is None or not line.endswith(b"}\n"):
        return None
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return Link(int(head[1]), head[2].decode(), record)


def read_end(descriptor: int, size: int) -> End:
    """The end of the chain in the file's first `size` bytes. Raises OSError.

    If no line there is one of an audit, all are counted. That is so if a crash cut off the first.
    """
    data, start, at_once = b"", size, _AT_ONCE
    while start > 0 and len(data) <= LONGEST_LINE:
        step = min(at_once, start)
        start, at_once = start - step, at_once * 2
        os.lseek(descriptor, start, os.SEEK_SET)
        data = os.read(descriptor, step) + data
        lines = _lines(data)
        if start > 0:
            del lines[0]  # it may have begun before
        end = _end_of(lines, is_all=start == 0)
        if end is not None:
            return end
    return BEGINNING._replace(is_cut=size > 0)


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines with their line ends, which the last one may lack, and one that is too long."""
    while line := file.readline(LONGEST_LINE):
        yield line


def end_of(lines: Iterable[bytes]) -> End:
    """The end of the chain in all lines of a file. A line of something else counts as one."""
    end = BEGINNING
    for line in lines:
        link = read_link(line)
        number = end.number + 1 if link is None else link.number
        end = End(number, hash_of(closed(line)), not line.endswith(b"\n"))
    return end


def closed(line: bytes) -> bytes:
    """The line with its line end."""
    return line if line.endswith(b"\n") else line + b"\n"


def _end_of(lines: list[bytes], *, is_all: bool) -> End | None:
    """The end of the chain by the last lines of a file; None if earlier ones must say it."""
    if not lines:
        return None
    is_cut, last = not lines[-1].endswith(b"\n"), closed(lines[-1])
    for after, line in enumerate(reversed(lines)):
        link = read_link(line)
        if link is not None:
            return End(link.number + after, hash_of(last), is_cut)
    return End(len(lines), hash_of(last), is_cut) if is_all else None


def _lines(data: bytes) -> list[bytes]:
    """The lines with their line ends, which the last one may lack."""
    *whole, rest = data.split(b"\n")
    return [*(each + b"\n" for each in whole), *([rest] if rest else [])]
