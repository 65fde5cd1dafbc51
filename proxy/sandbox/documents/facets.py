"""LightOn's facet filters: content types (`legal:contract`) and their attributes (`status:active`).

The syntax is that of the vendor's request schema. Attribute names and values compare without case.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Attributes = Mapping[str, tuple[str, ...]]

_ENTRY = re.compile(
    r"(?:content_type\((?P<scope>[^)]+)\)\.)?(?P<name>[^\s:.()]+)(?::(?P<values>.+))?",
    re.DOTALL,
)
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_COMPARISON = re.compile(r"(?P<sign>>=|<=|>|<)(?P<limit>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AttributeFilter:
    """One `attribute` entry. No `values` means: has the attribute, whatever its value."""

    name: str
    values: tuple[str, ...]
    content_type: str | None = None

    def matches(self, content_types: Iterable[str], attributes: Attributes) -> bool:
        if self.content_type and not matches_content_type(self.content_type, content_types):
            return False
        present = attributes.get(self.name.lower(), ())
        if not self.values:
            return bool(present)
        return any(_matches_value(wanted, value) for wanted in self.values for value in present)


def parse_attribute(entry: str) -> AttributeFilter | None:
    """Parse an entry such as `fiscal_year:2024|2025`; None if it is not one."""
    parsed = _ENTRY.fullmatch(entry.strip())
    if not parsed:
        return None
    values = tuple(value.strip() for value in (parsed["values"] or "").split("|"))
    return AttributeFilter(parsed["name"], tuple(filter(None, values)), parsed["scope"])


def matches_content_type(wanted: str, content_types: Iterable[str]) -> bool:
    """Tell whether any path is `wanted` or below it; with `*`, whether any fits the pattern."""
    if "*" in wanted:
        return any(_fits(wanted, path) for path in content_types)
    wanted = wanted.lower()
    return any(
        path == wanted or path.startswith(f"{wanted}:") for path in map(str.lower, content_types)
    )


def _matches_value(wanted: str, value: str) -> bool:
    if comparison := _COMPARISON.fullmatch(wanted):
        return _compares(value, comparison["sign"], comparison["limit"].strip())
    if "*" in wanted:
        return _fits(wanted, value)
    return value.lower() == wanted.lower() or _is_date_within(value, wanted)


def _fits(pattern: str, text: str) -> bool:
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(expression, text, re.IGNORECASE | re.DOTALL) is not None


def _is_date_within(value: str, period: str) -> bool:
    """`2023` and `2023-06` stand for every day in them."""
    return bool(
        re.fullmatch(r"\d{4}(-\d{2})?", period)
        and re.match(rf"{period}-\d{{2}}", value)
        and re.fullmatch(r"\d{4}-\d{2}-\d{2}.*", value, re.DOTALL)
    )


def _compares(value: str, sign: str, limit: str) -> bool:
    """Compare as numbers if both are, else as text, which orders ISO dates rightly."""
    compare = _OPERATORS[sign]
    try:
        return compare(float(value), float(limit))
    except ValueError:
        return compare(value.lower(), limit.lower())
