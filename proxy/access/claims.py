"""What the claims of a signed token say: whether it holds now, and of whom it speaks.

The names of claims are those of RFC 7519 and OpenID Connect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from proxy.access.signatures import BadToken

SKEW_S: Final = 60.0
"""How far clocks may differ, each way."""

Claims = Mapping[str, Any]


def end_of(claims: Claims, now: float) -> float:
    """When a token that holds now ends, in seconds since 1970. Raises BadToken if it does not."""
    end = _moment(claims, "exp")
    if end is None:
        raise BadToken("it has no time at which it expires (exp)")
    if end + SKEW_S <= now:
        raise BadToken("it has expired")
    for name in ("nbf", "iat"):
        begin = _moment(claims, name)
        if begin is not None and begin - SKEW_S > now:
            raise BadToken(f"it does not hold yet ({name}); check the clocks")
    return end + SKEW_S


def text_at(claims: Claims, name: str) -> str | None:
    """The text of a claim; None if there is none."""
    value = value_at(claims, name)
    return value if isinstance(value, str) and value else None


def texts_at(claims: Claims, name: str) -> tuple[str, ...]:
    """The texts of a claim that is a list, or one text. It passes over all that is no text."""
    value = value_at(claims, name)
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return ()
    return tuple(each for each in value if isinstance(each, str) and each)


def value_at(claims: Claims, name: str) -> Any:
    """The claim of this name or, if there is none, what stands at its dotted path."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _moment(claims: Claims, name: str) -> float | None:
    """Seconds since 1970. A claim that is there but no number is a fault, and not a missing one."""
    if name not in claims:
        return None
    value = claims[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and math.isfinite(value):
        return float(value)
    raise BadToken(f"its claim {name} is no time")
