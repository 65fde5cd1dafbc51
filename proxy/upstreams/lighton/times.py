"""The times in LightOn's replies."""

from __future__ import annotations

from datetime import UTC, datetime


def seconds_of(text: object) -> int:
    """An ISO 8601 time as seconds since 1970, in UTC if it names no zone; 0 if it is none."""
    if not isinstance(text, str):
        return 0
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return 0
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    try:
        return max(0, int(time.timestamp()))
    except OverflowError:
        return 0
