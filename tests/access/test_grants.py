from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.access.grants import EVERYTHING, Grant, Limits


def test_a_grant_that_says_nothing_restricts_nothing() -> None:
    assert Grant() == EVERYTHING
    assert all(value is None for value in dataclasses.astuple(Limits()))


def test_no_representation_names_the_variable_of_a_key() -> None:
    assert "HR_KEY" not in repr(Grant(lighton_key_env="HR_KEY"))


def test_a_grant_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EVERYTHING.workspaces = frozenset({1})  # type: ignore[misc]  # which mypy sees, too


names = st.none() | st.frozensets(st.sampled_from("abc"))
grants = st.builds(Grant, workspaces=names, profiles=names, models=names, retrieval=names)


@given(left=grants, right=grants)
def test_two_grants_together_allow_what_each_of_them_allows(left: Grant, right: Grant) -> None:
    both = left.within(right)
    for field in ("workspaces", "profiles", "models", "retrieval"):
        for name in "abc":
            allowed = [
                (allow := getattr(each, field)) is None or name in allow
                for each in (left, right, both)
            ]
            assert allowed[2] == (allowed[0] and allowed[1])
