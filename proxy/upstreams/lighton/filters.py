"""OpenAI's filters of file search, said in LightOn's grammar of attributes.

    {"type": "eq", "key": "year", "value": 2026}                   year:2026
    {"type": "in", "key": "status", "value": ["active", "new"]}    status:active|new
    {"type": "gte", "key": "signed", "value": "2026-01-31"}        signed:>=2026-01-31
    {"type": "and", "filters": […, …]}                             an entry for each
    {"type": "or", "filters": […, …]}                              one entry, if all ask for values
                                                                   of one key

What the grammar cannot say exactly is refused: a filter that was left out, or read as something
else, would search more than its sender meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple, NoReturn

from proxy.errors import BadRequest
from proxy.upstreams.lighton.wish import MAX_ENTRIES, MAX_ENTRY_CHARS

MAX_DEPTH: Final = 10
"""How deep `and` and `or` may be nested."""

_SIGNS: Final[Mapping[str, str]] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_COMPARED: Final = frozenset({"type", "key", "value"})
_COMBINED: Final = frozenset({"type", "filters"})
_KEY: Final = re.compile(r"[\w-]{1,64}")
_RESERVED: Final = re.compile(r"[,|*:\x00-\x1f\x7f]")
"""What LightOn reads in a value as alternatives, wildcards or the end of a name, or may."""
_OPERATORS: Final = ("<", ">", "=", "!")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TYPES: Final = "eq, in, gt, gte, lt, lte, and, or"
_SAYS: Final = (
    "The document search can look for values (eq, in), compare numbers and dates (gt, gte, lt, "
    "lte), join filters by 'and', and join values of one key by 'or'."
)


class _Condition(NamedTuple):
    """What one entry says of one key."""

    key: str
    values: tuple[str, ...]
    """One of them must be there."""
    sign: str = ""
    """How the key's value compares with the only one of `values`; "" if it is the same."""

    @property
    def entry(self) -> str:
        return f"{self.key}:{self.sign}{'|'.join(self.values)}"


def attributes_of(filters: object, param: str) -> tuple[str, ...]:
    """The `attribute` entries that let pass exactly what `filters` does. None filters nothing.

    `param` is where a client finds the filters in its request. Raises BadRequest that names the
    part of them which is wrong, or which LightOn's grammar cannot say.
    """
    if filters is None:
        return ()
    entries = tuple(dict.fromkeys(each.entry for each in _conditions(filters, param, MAX_DEPTH)))
    if len(entries) > MAX_ENTRIES:
        _refuse(param, f"It may hold {MAX_ENTRIES} comparisons. Name fewer.")
    return entries


def _conditions(filters: object, param: str, depth: int) -> list[_Condition]:
    """All of which must hold."""
    if not isinstance(filters, dict):
        _refuse(param, 'It must be an object such as {"type": "eq", "key": "year", "value": 2026}.')
    kind = filters.get("type")
    if kind in ("ne", "nin"):
        _refuse(f"{param}.type", f"The document search cannot do {kind!r}. {_SAYS}")
    if kind in ("and", "or"):
        return _combined(kind, filters, param, depth)
    if kind not in ("eq", "in", *_SIGNS):
        _refuse(f"{param}.type", f"It must be one of {_TYPES}.")
    return [_compared(kind, filters, param)]


def _combined(kind: str, filters: Mapping[str, object], param: str, depth: int) -> list[_Condition]:
    _refuse_others(filters, _COMBINED, param)
    parts, where = filters.get("filters"), f"{param}.filters"
    if not isinstance(parts, list) or not parts:
        _refuse(where, "It must be an array of at least one filter.")
    if not depth:
        _refuse(where, f"Filters may be nested {MAX_DEPTH} deep.")
    read = [_conditions(each, f"{where}[{n}]", depth - 1) for n, each in enumerate(parts)]
    if kind == "or" and len(read) > 1:
        return [_any_of(read, param)]
    return [condition for part in read for condition in part]


def _any_of(parts: list[list[_Condition]], param: str) -> _Condition:
    """Alternatives as one condition: within an entry they are values of its one key."""
    first = parts[0][0]
    values: dict[str, None] = {}
    for part in parts:
        condition = part[0]
        if len(part) > 1 or condition.sign or condition.key != first.key:
            _refuse(param, f"The document search cannot do this 'or'. {_SAYS}")
        values |= dict.fromkeys(condition.values)
    return _checked(_Condition(first.key, tuple(values)), param)


def _compared(kind: str, filters: Mapping[str, object], param: str) -> _Condition:
    _refuse_others(filters, _COMPARED, param)
    key, value = filters.get("key"), filters.get("value")
    where = f"{param}.value"
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        _refuse(
            f"{param}.key",
            "It must be the name of an attribute: 1 to 64 letters, digits, '_' and '-'.",
        )
    if kind == "in":
        if not isinstance(value, list) or not value:
            _refuse(where, "It must be an array of at least one string, number or boolean.")
        values = dict.fromkeys(_text(each, f"{where}[{n}]") for n, each in enumerate(value))
        return _checked(_Condition(key, tuple(values)), param)
    if kind == "eq":
        return _checked(_Condition(key, (_text(value, where),)), param)
    return _checked(_Condition(key, (_limit(value, where),), _SIGNS[kind]), param)


def _checked(condition: _Condition, param: str) -> _Condition:
    if len(condition.entry) > MAX_ENTRY_CHARS:
        _refuse(
            param,
            f"The values of {condition.key!r} have more than {MAX_ENTRY_CHARS} characters in all. "
            "Name fewer.",
        )
    return condition


def _text(value: object, where: str) -> str:
    """A value to be found as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value, where)
    if not isinstance(value, str) or not value:
        _refuse(where, "It must be a string that is not empty, a number or a boolean.")
    if _RESERVED.search(value) or value.startswith(_OPERATORS) or value != value.strip():
        _refuse(
            where,
            "The document search cannot look for a value with ',', '|', '*', ':' or control "
            "characters in it, with '<', '>', '=' or '!' at its beginning, or with spaces around "
            "it.",
        )
    return value


def _limit(value: object, where: str) -> str:
    """A value to compare with. A year or a month has two ends, and nobody says which is meant."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, where)
    if not isinstance(value, str) or not _is_date(value):
        _refuse(where, "It must be a number, or a date such as '2026-01-31'.")
    return value


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _number(value: float, where: str) -> str:
    """Without an exponent, and without a fraction that is zero: JSON's 1.0 is 1."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        _refuse(where, "It must be a finite number.")
    return format(Decimal(int(value)) if value.is_integer() else Decimal(repr(value)), "f")


def _refuse_others(filters: Mapping[str, object], known: frozenset[str], param: str) -> None:
    for name in filters:
        if name not in known:
            _refuse(param, f"A filter of this type holds only {', '.join(sorted(known))}.")


def _refuse(param: str, what: str) -> NoReturn:
    raise BadRequest(f"'{param}' is not a filter that can be applied. {what}", param=param)
