from __future__ import annotations

import dataclasses

import pytest

from proxy.access.grants import EVERYTHING, Grant, Limits


def test_a_grant_that_says_nothing_restricts_nothing() -> None:
    assert Grant() == EVERYTHING
    assert all(value is None for value in dataclasses.astuple(Limits()))


def test_no_representation_names_the_variable_of_a_key() -> None:
    assert "HR_KEY" not in repr(Grant(lighton_key_env="HR_KEY"))


def test_a_grant_does_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        EVERYTHING.workspaces = frozenset({1})  # type: ignore[misc]  # which mypy sees, too
