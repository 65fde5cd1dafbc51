from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.upstreams.http.encodings import (
    Inflater,
    NotCompressedError,
    OverlongError,
    codings,
    is_known,
)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        ("identity", []),
        ("Identity , ,identity", []),
        ("GZIP", ["gzip"]),
        (" deflate,gzip ", ["deflate", "gzip"]),
    ],
)
def test_codings_are_what_has_been_done_to_a_body(header: str, expected: list[str]) -> None:
    assert codings(header) == expected


def test_gzip_and_deflate_are_known() -> None:
    assert all(map(is_known, ("gzip", "x-gzip", "deflate")))
    assert not any(map(is_known, ("br", "zstd", "compress", "gzip2", "")))


def _raw(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


WAYS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "raw": ("deflate", _raw),
}


@given(
    st.sampled_from(sorted(WAYS)),
    st.lists(st.binary(max_size=200), min_size=1, max_size=3),
    st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
def test_what_was_compressed_is_told_whole_however_it_is_cut(
    way: str, members: list[bytes], sizes: list[int]
) -> None:
    coding, compress = WAYS[way]
    if coding == "deflate":
        members = members[:1]
    data = b"".join(compress(each) for each in members)
    inflater = Inflater(coding)
    found = b""
    number = 0
    while data:
        size = sizes[number % len(sizes)]
        number += 1
        found += inflater.inflate(data[:size], 1_000)
        data = data[size:]
    assert found == b"".join(members)


@pytest.mark.parametrize("size", [0, 1, 99, 100])
def test_as_much_as_is_wanted_is_told(size: int) -> None:
    assert Inflater("gzip").inflate(gzip.compress(b"x" * size), 100) == b"x" * size


@pytest.mark.parametrize(("size", "members"), [(101, 1), (51, 2)])
def test_more_than_is_wanted_is_refused(size: int, members: int) -> None:
    data = gzip.compress(b"x" * size) * members
    with pytest.raises(OverlongError):
        Inflater("gzip").inflate(data, 100)


def test_the_limit_is_one_of_each_part() -> None:
    inflater = Inflater("gzip")
    for _ in range(3):
        assert inflater.inflate(gzip.compress(b"x" * 100), 100) == b"x" * 100


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_is_not_compressed_so_is_refused(coding: str) -> None:
    with pytest.raises(NotCompressedError):
        Inflater(coding).inflate(b"\xff\xff\xff\xff plain", 100)


def test_what_has_come_of_a_body_that_ends_early_is_told() -> None:
    data = b"".join(b"%d," % number for number in range(1_000))
    found = Inflater("gzip").inflate(gzip.compress(data)[:-100], 10_000)
    assert found
    assert data.startswith(found)
