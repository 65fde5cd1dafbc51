from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.telemetry.audit_chain import (
    BEGINNING,
    NO_HASH,
    End,
    end_of,
    line_after,
    read_end,
    read_lines,
    read_link,
)
from tests.telemetry.audit_samples import chain

LINES = chain(3)
LAST = End(3, hashlib.sha256(LINES[2]).hexdigest())


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "audit", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


def end_after(descriptor: int, data: bytes) -> End:
    """Where the chain ends, as the end of the file says and as all of its lines do."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, data, 0)
    end = read_end(descriptor, len(data))
    assert end == end_of(read_lines(io.BytesIO(data)))
    return end


def test_a_line_has_the_hash_that_sha256sum_gives_the_one_before() -> None:
    first, second, _ = map(read_link, LINES)
    assert first is not None
    assert second is not None
    assert (first.number, first.previous) == (1, NO_HASH)
    assert (second.number, second.previous) == (2, hashlib.sha256(LINES[0]).hexdigest())
    assert second.record["request_id"] == 2


def test_the_end_of_a_chain_is_its_last_line(descriptor: int) -> None:
    assert end_after(descriptor, b"") == BEGINNING
    assert end_after(descriptor, LINES[0]).number == 1
    assert end_after(descriptor, b"".join(LINES)) == LAST


@pytest.mark.parametrize("size", [63_000, 64_000, 65_000, 200_000, 1_000_000])
def test_the_end_is_found_behind_a_line_of_any_length(descriptor: int, size: int) -> None:
    line, end = line_after(LAST, b'{"text":"%b"}' % (b"x" * size))
    assert end_after(descriptor, b"".join([*LINES, line])) == end
    assert end_after(descriptor, b"".join([*LINES, line, *chain(1, end)])).number == 5


def test_a_line_inside_of_another_is_not_read_as_one(descriptor: int) -> None:
    """The reader sees the file's last 64,000 bytes first, which begin with the inner line."""
    inner, _ = line_after(LAST, b'{"text":"%b"}' % (b"x" * 64_000))
    surplus = len(inner) - 64_000
    inner, _ = line_after(LAST, b'{"text":"%b"}' % (b"x" * (64_000 - surplus)))
    assert len(inner) == 64_000
    assert end_after(descriptor, b"".join([*LINES, b"x", inner])).number == 4
    assert end_after(descriptor, b"x" + inner).number == 1


@pytest.mark.parametrize("kept", [1, 10, 80, len(LINES[2]) - 1])
def test_a_line_that_is_cut_off_has_a_number_and_a_hash(descriptor: int, kept: int) -> None:
    cut = LINES[2][:kept]
    hash_when_closed = hashlib.sha256(cut + b"\n").hexdigest()
    assert end_after(descriptor, b"".join(LINES[:2]) + cut) == End(3, hash_when_closed, is_cut=True)
    closed = b"".join(LINES[:2]) + cut + b"\n"
    assert end_after(descriptor, closed) == End(3, hash_when_closed)
    assert end_after(descriptor, LINES[0][:kept]).number == 1


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        LINES[1][:-1],
        LINES[1] + b"\n",
        LINES[1].replace(b'"n":2', b'"n":-2'),
        LINES[1].replace(b'"n":2', b'"n":02'),
        LINES[1].replace(b'"n":2', b'"n":%d' % 10**16),
        LINES[1].replace(b'"n":2', b'"m":2'),
        LINES[1].replace(b"}\n", b",}\n"),
        b" " + LINES[1],
        b'{"n":1,"previous":"0"}\n',
    ],
)
def test_what_is_no_line_of_an_audit_is_not_read_as_one(line: bytes) -> None:
    assert read_link(line) is None
