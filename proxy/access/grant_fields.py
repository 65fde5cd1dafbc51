"""The fields of a table that say what it opens: of a key, or of a rule for people.

Each reader raises ValueError that says what the value must be, and never repeats the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from proxy.access.grants import Grant, Limits

RETRIEVAL_MODES: Final = ("tool", "context", "hybrid", "off")
LIMITS: Final = (
    "requests_per_minute",
    "tokens_per_minute",
    "concurrent",
    "daily_tokens",
    "monthly_tokens",
)
WEIGHT: Final = "weight"
"""Of keys alone: people of one key share its weight equally."""
MOST_WEIGHT: Final = 100
"""With more, one key could keep the others waiting for longer than they may wait."""
MOST: Final = 2**53
"""The largest amount: a number that every reader of JSON knows exactly."""


def grant_of(values: Mapping[str, Any]) -> Grant:
    """What the fields open. A table that names a profile or model opens no other name."""
    names_some = "profiles" in values or "models" in values
    nothing: frozenset[str] | None = frozenset() if names_some else None
    return Grant(
        workspaces=values.get("workspaces", frozenset()),
        profiles=values.get("profiles", nothing),
        models=values.get("models", nothing),
        retrieval=values.get("retrieval"),
        lighton_key_env=values.get("lighton_key_env", ""),
        may_read_metrics=values.get("metrics", False),
        limits=Limits(**{field: values[field] for field in LIMITS if field in values}),
        weight=values.get(WEIGHT, 1),
    )


def read_workspaces(value: Any) -> frozenset[int] | None:
    if value == "all":
        return None
    if not isinstance(value, list) or not all(type(each) is int for each in value):
        raise ValueError('must be a list of workspace ids, or "all"')
    return frozenset(value)


def read_names(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(map(_is_printable, value)):
        raise ValueError("must be a list of names")
    return frozenset(value)


def read_models(value: Any) -> frozenset[str] | None:
    try:
        return None if value == "any" else read_names(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "any"') from None


def read_retrieval(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not value or not all(map(_is_mode, value)):
        raise ValueError(f"must be a list with some of {', '.join(RETRIEVAL_MODES)}")
    return frozenset(value)


def read_amount(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST:
        raise ValueError("must be a whole number of at least 1")
    return value


def read_weight(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST_WEIGHT:
        raise ValueError(f"must be a whole number from 1 to {MOST_WEIGHT}")
    return value


def _is_printable(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and bool(value)


def _is_mode(value: Any) -> bool:
    return isinstance(value, str) and value in RETRIEVAL_MODES
