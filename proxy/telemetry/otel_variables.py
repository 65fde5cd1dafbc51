"""OpenTelemetry's variables that its SDK fails on, or would show in the log.

The SDK raises for some values, while it is imported or later, and quotes headers that it cannot
read. So they are looked at before. A fault never repeats a value: headers and addresses may hold
secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_HEADERS: Final = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
_TIMES: Final = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
_QUEUE: Final = "OTEL_BSP_MAX_QUEUE_SIZE"
_BATCH: Final = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"
_DEFAULTS: Final = {_QUEUE: 2048, _BATCH: 512}
_COUNTS: Final = (_QUEUE, _BATCH, "OTEL_BSP_SCHEDULE_DELAY")
_LIMITS: Final = (
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
)
_LONGEST: Final = 9
"""Digits of a number, so that it is one to the SDK, too."""
_NAME: Final = frozenset("!#$%&'*+-.^_`|~")
"""What a header's name may have besides letters and digits."""
_NO_VALUE: Final = frozenset('";\\')
"""What no header's value may have, but as %XX."""


def faults_of(environment: Mapping[str, str]) -> list[str]:
    """What is wrong, a line for each variable. One that is empty counts as not set."""
    given = {name: value.strip() for name, value in environment.items() if value.strip()}
    return [*_texts(given), *_numbers(given)]


def _texts(given: Mapping[str, str]) -> Iterator[str]:
    for name in ENDPOINTS:
        if name in given and not _is_address(given[name]):
            yield f"{name}: must be an address such as http://collector:4318"
    for name in _HEADERS:
        if not all(map(_is_header, filter(str.strip, given.get(name, "").split(",")))):
            yield (
                f"{name}: must be name=value, with commas between several, and special characters "
                "as %XX: Authorization=Bearer%20…"
            )


def _numbers(given: Mapping[str, str]) -> Iterator[str]:
    for name in _TIMES:
        if name in given and not _is_time(given[name]):
            yield f"{name}: must be a number of seconds, more than 0"
    wrong = [name for name in _COUNTS if name in given and not _whole(given[name])]
    for name in wrong:
        yield f"{name}: must be a whole number, more than 0"
    for name in _LIMITS:
        if name in given and _whole(given[name]) is None:
            yield f"{name}: must be a whole number"
    queue, batch = (_whole(given.get(name, str(number))) for name, number in _DEFAULTS.items())
    if queue and batch and queue < batch:
        yield f"{_BATCH}: must be at most {_QUEUE}; it is {batch}"


def _whole(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST
    return int(text) if is_number else None


def _is_time(text: str) -> bool:
    whole, _, rest = text.partition(".")
    numbers = (_whole(whole or "0"), _whole(rest or "0"))
    return None not in numbers and any(numbers)


def _is_address(text: str) -> bool:
    try:
        split = urlsplit(text)
        has_host = bool(split.hostname) and split.port != 0
    except ValueError:
        return False
    is_plain = text.isascii() and text.isprintable() and " " not in text
    return split.scheme in {"http", "https"} and has_host and is_plain


def _is_header(text: str) -> bool:
    name, equals, value = text.partition("=")
    name = unquote(name).strip()
    is_name = name.isascii() and all(each.isalnum() or each in _NAME for each in name)
    is_value = all(each.isascii() and each.isprintable() for each in (value, unquote(value)))
    return bool(equals and name and is_name) and is_value and _NO_VALUE.isdisjoint(value)
