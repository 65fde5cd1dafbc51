"""Replies without what the clock decides, to be compared with others."""

from __future__ import annotations

import re
from typing import Any, Final

_WRITTEN: Final = re.compile(rb'"timings":\{[^\]]*\][^}]*\}')


def untimed(report: dict[str, Any]) -> dict[str, Any]:
    """A report of a reply (its field `lighton`) without times. Fails if it has none."""
    timings = report["timings"]
    assert timings["total_ms"] >= timings["searches_ms"] >= 0
    searches = [{**each} for each in report.get("searches", ())]
    for search in searches:
        del search["took_ms"]
    others = {name: value for name, value in report.items() if name != "timings"}
    return {**others, "searches": searches} if searches else others


def without_timings(written: bytes) -> bytes:
    """A written reply without the times of its rounds. Fails if it has none."""
    without, count = _WRITTEN.subn(b"", written)
    assert count == 1
    return without
