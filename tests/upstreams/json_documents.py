"""Arbitrary JSON documents, and such as nearly have a given shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

Values = st.SearchStrategy[Any]

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For tests of documents: a busy machine takes its time to make them up."""

_SCALARS: Values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)


def json_values(keys: Sequence[str] = ()) -> Values:
    """Any JSON value; its objects have arbitrary keys, and the given ones often."""
    names = st.text(max_size=4) | st.sampled_from(keys) if keys else st.text(max_size=4)
    return st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
        max_leaves=8,
    )


def objects(**fields: Values) -> Values:
    """Objects with some of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def spoiled(draw: st.DrawFn, documents: Values, *, most: int = 2) -> Any:
    """Documents of which at most `most` parts were replaced by any other value."""
    document = draw(documents)
    for _ in range(draw(st.integers(0, most))):
        document = _spoil(draw, document)
    return document


def _spoil(draw: st.DrawFn, value: Any) -> Any:
    """`value` with one part of it, or all of it, replaced."""
    if isinstance(value, dict) and value:
        key = draw(st.sampled_from([*value, None]))
        if key is not None:
            return {**value, key: _spoil(draw, value[key])}
    if isinstance(value, list) and value:
        place = draw(st.integers(0, len(value)))
        if place < len(value):
            return [*value[:place], _spoil(draw, value[place]), *value[place + 1 :]]
    return draw(json_values())
