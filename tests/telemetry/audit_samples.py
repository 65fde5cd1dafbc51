"""Chains to read, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import orjson

from proxy.telemetry.audit_chain import BEGINNING, End, line_after
from proxy.telemetry.audit_check import Check


def record(number: int) -> bytes:
    return orjson.dumps({"time": f"2026-11-26T07:30:{number % 60:02}.000Z", "request_id": number})


def chain(count: int, end: End = BEGINNING) -> list[bytes]:
    """Lines that follow `end`."""
    lines = []
    for _ in range(count):
        line, end = line_after(end, record(end.number + 1))
        lines.append(line)
    return lines


def checked(*files: Iterable[bytes] | Path, after: str = "", holds: Iterable[str] = ()) -> Check:
    check = Check(after, holds)
    for number, each in enumerate(files, 1):
        lines = each.read_bytes().splitlines(keepends=True) if isinstance(each, Path) else each
        check.read(f"file{number}", lines)
    return check


def faults(*files: Iterable[bytes] | Path, after: str = "") -> list[str]:
    """What is wrong, as `file:line what`."""
    found = checked(*files, after=after).faults
    return [f"{each.file}:{each.place} {each.what}" for each in found]
