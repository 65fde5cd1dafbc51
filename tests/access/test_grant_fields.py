"""The readers; `test_key_records` shows their faults in a table of a key."""

from __future__ import annotations

from typing import get_args

from proxy.access.grant_fields import LIMITS, RETRIEVAL_MODES, grant_of, read_retrieval
from proxy.access.grants import EVERYTHING, Grant, Limits
from proxy.core.scope import Retrieval


def test_the_modes_are_those_of_the_core() -> None:
    assert set(RETRIEVAL_MODES) == set(get_args(Retrieval))
    assert read_retrieval(list(RETRIEVAL_MODES)) == frozenset(RETRIEVAL_MODES)


def test_the_limits_are_those_of_a_grant_in_their_order() -> None:
    numbers = {name: number for number, name in enumerate(LIMITS, 1)}
    assert grant_of({**numbers, "workspaces": None}) == Grant(limits=Limits(1, 2, 3, 4, 5))


def test_a_table_that_says_nothing_opens_every_name_and_no_workspace() -> None:
    assert grant_of({}) == Grant(workspaces=frozenset())
    assert grant_of({"workspaces": None}) == EVERYTHING
