"""How long an upstream asks to wait, by the headers of its reply.

Three ways of saying so are in use. The first that a reply has counts:

- `retry-after-ms: 250`, which OpenAI's SDKs read;
- `retry-after: 7`, or a date (RFC 9110, 10.2.3);
- with status 429, `x-ratelimit-reset-requests: 6m0.5s` and `x-ratelimit-reset-tokens: 250ms`, as
  OpenAI and Scaleway write them.

With any other status, the latter headers say how much may still be asked: see `told_left`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, NamedTuple

_RATE_LIMIT: Final = "x-ratelimit"
_LIMITED: Final = ("requests", "tokens")
_LONGEST: Final = 40
"""No header of these kinds is longer: an HTTP date has 29 characters."""
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "ns": 1e-9}
_PART: Final = re.compile(r"(\d{1,12}(?:\.\d{0,12})?)(h|ms|m|s|us|ns)", re.ASCII)
_DURATION: Final = re.compile(rf"(?:{_PART.pattern}){{1,6}}", re.ASCII)


def told_wait_s(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that a reply asks to wait, never less than 0; None if it does not say.

    `now` is the time of day, in seconds since 1970. It counts only for a date in a reply that does
    not tell its own: the two clocks may differ.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after", "").strip()
    seconds = _number(said)
    if seconds is not None:
        return seconds
    until = _date(said)
    if until is not None:
        sent = _date(headers.get("date", ""))
        return max(0.0, until - (now if sent is None else sent))
    return _reset_s(headers) if status == HTTPStatus.TOO_MANY_REQUESTS else None


class Left(NamedTuple):
    """What may still be asked."""

    requests: float
    reset_s: float
    """When more may be, in seconds."""


def told_left(headers: Mapping[str, str]) -> Left | None:
    """How many requests remain by a reply's headers; None if they do not say, or not until when.

    Without tokens no request remains, either.
    """
    if f"{_RATE_LIMIT}-remaining-requests" not in headers and (
        f"{_RATE_LIMIT}-remaining-tokens" not in headers
    ):
        return None
    reset_s = _reset_s(headers, absent="")
    if reset_s is not None:
        return Left(0, reset_s)
    requests = _number(headers.get(f"{_RATE_LIMIT}-remaining-requests", ""))
    reset_s = _duration_s(headers.get(f"{_RATE_LIMIT}-reset-requests", ""))
    return None if requests is None or reset_s is None else Left(requests, reset_s)


def _number(text: str) -> float | None:
    """A finite number that is not below 0: a negative one counts as 0."""
    try:
        number = float(text) if len(text) <= _LONGEST else math.nan
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _date(text: str) -> float | None:
    if not text or len(text) > _LONGEST:
        return None
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _reset_s(headers: Mapping[str, str], absent: str = "0") -> float | None:
    """When the limit that was reached opens again: the later one if the reply does not say which.

    A limit of which something remains is not the one that was reached. `absent` stands for what the
    reply does not say of one.
    """
    waits = [
        wait_s
        for what in _LIMITED
        if _number(headers.get(f"{_RATE_LIMIT}-remaining-{what}", absent)) == 0
        and (wait_s := _duration_s(headers.get(f"{_RATE_LIMIT}-reset-{what}", ""))) is not None
    ]
    return max(waits, default=None)


def _duration_s(text: str) -> float | None:
    """Seconds, of a text such as `250ms`, `1m30s` or `12`."""
    text = text.strip()
    if len(text) <= _LONGEST and _DURATION.fullmatch(text):
        return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    return _number(text)
