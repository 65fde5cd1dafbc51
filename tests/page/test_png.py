from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pytest

from tests.page.png import _chunk, _chunks, _rows, packed

WIDTH, HEIGHT, PIXEL = 7, 5, 3
PIXELS = [bytes((13 * y + 29 * x * x) % 256 for x in range(WIDTH * PIXEL)) for y in range(HEIGHT)]


def paeth(a: int, b: int, c: int) -> int:
    """As the specification has it."""
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    if pa <= pb and pa <= pc:
        return a
    return b if pb <= pc else c


FILTERS: list[Callable[[int, int, int], int]] = [
    lambda _a, _b, _c: 0,
    lambda a, _b, _c: a,
    lambda _a, b, _c: b,
    lambda a, b, _c: (a + b) // 2,
    paeth,
]


def picture(kinds: list[int]) -> bytes:
    """A PNG file whose rows have these filters."""
    data, above = b"", bytes(WIDTH * PIXEL)
    for kind, row in zip(kinds, PIXELS, strict=True):
        data += bytes([kind])
        for at, value in enumerate(row):
            a, c = (row[at - PIXEL], above[at - PIXEL]) if at >= PIXEL else (0, 0)
            data += bytes([(value - FILTERS[kind](a, above[at], c)) % 256])
        above = row
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    body = zlib.compress(data)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", header),
            *(_chunk(b"IDAT", part) for part in (body[:9], body[9:])),
            _chunk(b"IEND", b""),
        ]
    )


@pytest.mark.parametrize("kinds", [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [4] * HEIGHT, [3] * HEIGHT])
def test_the_pixels_stay_what_they_are(kinds: list[int]) -> None:
    small = packed(picture(kinds))
    chunks = dict(_chunks(small))
    data = zlib.decompress(chunks[b"IDAT"])
    assert list(_rows(data, WIDTH * PIXEL, PIXEL)) == PIXELS
    assert {data[at] for at in range(0, len(data), WIDTH * PIXEL + 1)} == {0}
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
