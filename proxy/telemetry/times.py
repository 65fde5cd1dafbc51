"""Times as the lines of files hold them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


def time_of(now: datetime) -> str:
    """A time in UTC, to the millisecond: `2026-11-26T07:30:05.120Z`."""
    return now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
