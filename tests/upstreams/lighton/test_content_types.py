from __future__ import annotations

import itertools
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import EmptyScope
from proxy.upstreams.lighton.scope import LightOnScope
from tests.upstreams.lighton.admission import PATHS


def each_with_each(left: tuple[str, ...], right: tuple[str, ...]) -> set[str]:
    """The plain way: each of `left` with each of `right`, the deeper one of the two."""
    both = set()
    for a, b in itertools.product(left, right):
        both |= {b} if each_covers(a, b) else {a} if each_covers(b, a) else set()
    return both


def each_covers(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return True
    if set("|,?[]") & set(narrow):
        return False
    if "*" not in wide:
        return narrow.partition("*")[0].startswith(f"{wide}:")
    pattern = ".*".join(map(re.escape, wide.split("*")))
    return wide.endswith("*") and re.fullmatch(pattern, narrow) is not None


paths = st.lists(
    st.sampled_from(PATHS[:12]) | st.text(alphabet="ab:*|?", min_size=1, max_size=6), max_size=5
).map(tuple)


def both(left: tuple[str, ...], right: tuple[str, ...]) -> set[str]:
    try:
        scope = LightOnScope(content_type=left).narrow(LightOnScope(content_type=right))
    except EmptyScope:
        return set()
    return set(scope.content_type or ())


@given(left=paths, right=paths)
@settings(deadline=None, max_examples=500)
def test_content_types_meet_as_if_each_were_tried_with_each(
    left: tuple[str, ...], right: tuple[str, ...]
) -> None:
    found, plain = both(left, right), each_with_each(left, right)
    assert plain <= found
    # Of two patterns that mean the same, the plain way keeps one.
    assert all(any(each_covers(a, b) and each_covers(b, a) for b in plain) for a in found)
