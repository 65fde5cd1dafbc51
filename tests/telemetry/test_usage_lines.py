from __future__ import annotations

import io

import pytest

from proxy.telemetry import usage_lines
from proxy.telemetry.usage_lines import read_lines

TEXT = b"one\n\ntwo\nthree"


@pytest.mark.parametrize("at_once", [1, 2, 3, 5, 8, 100])
def test_lines_are_whole_however_they_are_read(at_once: int) -> None:
    parts = list(read_lines(io.BytesIO(TEXT), at_once))
    assert b"\n".join(lines for lines, _ in parts) == TEXT
    assert all(lines in TEXT for lines, _ in parts)
    assert sum(size for _, size in parts) == len(TEXT)


@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_a_line_that_somebody_may_be_writing_is_left_for_later(at_once: int) -> None:
    parts = list(read_lines(io.BytesIO(TEXT), at_once, to_end=False))
    assert sum(size for _, size in parts) == len(b"one\n\ntwo\n")


def test_bytes_without_a_line_end_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(usage_lines, "LONGEST_LINE", 10)
    parts = list(read_lines(io.BytesIO(b"x" * 100 + b"\nend\n"), 4))
    assert max(len(lines) for lines, _ in parts) <= 14
    assert sum(size for _, size in parts) == 105
