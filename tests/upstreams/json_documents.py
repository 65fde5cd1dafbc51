"""Arbitrary JSON documents, and such as nearly have a given shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

Values = st.SearchStrategy[Any]

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
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=12,
    )


def nearly(shape: Values) -> Values:
    """Values of a shape, mostly; now and then any other value."""
    return st.one_of(shape, shape, shape, json_values())


def objects(**fields: Values) -> Values:
    """Objects with some of the fields, each with a value that may be wrong, and with others."""
    known = st.fixed_dictionaries({}, optional={name: nearly(v) for name, v in fields.items()})
    others = st.dictionaries(st.text(max_size=4), json_values(), max_size=2)
    return nearly(st.builds(lambda some, more: {**more, **some}, known, others))


def lists(items: Values) -> Values:
    return nearly(st.lists(items, max_size=3))
