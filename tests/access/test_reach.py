from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access.reach import Reach

workspaces = st.none() | st.frozensets(st.integers(1, 4))


@given(workspaces, workspaces, st.integers(1, 4))
def test_a_reach_covers_only_what_it_opens_itself(
    now: frozenset[int] | None, then: frozenset[int] | None, workspace: int
) -> None:
    def is_open(opened: frozenset[int] | None) -> bool:
        return opened is None or workspace in opened

    if Reach("s", now).covers(Reach("s", then)) and is_open(then):
        assert is_open(now)


@pytest.mark.parametrize("then", [None, frozenset({1}), frozenset[int]()])
def test_a_reach_covers_itself_and_no_other_scope(then: frozenset[int] | None) -> None:
    assert Reach("s", then).covers(Reach("s", then))
    assert not Reach("other", then).covers(Reach("s", then))


def test_a_wider_reach_covers_a_narrower_one() -> None:
    narrow = Reach("s", frozenset({1}))
    for wide in (Reach("s"), Reach("s", frozenset({1, 2}))):
        assert wide.covers(narrow)
        assert not narrow.covers(wide)
