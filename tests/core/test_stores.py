from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.stores import Workspace, file_of, scores_of, workspace_of
from tests.core.samples import result


@pytest.mark.parametrize("number", [0, 1, 42, 10**18 - 1])
def test_the_id_of_a_store_is_that_of_its_workspace(number: int) -> None:
    assert workspace_of(Workspace(number, "x").store_id) == number
    assert file_of(str(number)) == number


@pytest.mark.parametrize(
    "id_",
    ["", "ws_", "ws_042", "ws_-1", "ws_1 ", "ws_1\n", "vs_1", "WS_1", "ws_²", "ws_" + "9" * 19],
)
def test_no_other_id_is_one(id_: str) -> None:
    assert workspace_of(id_) is None
    assert file_of(id_.removeprefix("ws_")) is None


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ([], []),
        ([0.9, 0.2], [0.9, 0.2]),
        ([1, None, -0.5], [1, 0, 0]),
        ([25.0, 5.0, None], [1, 0.2, 0]),
    ],
)
def test_scores_are_as_the_vendor_says_if_they_have_a_bound_and_else_shares_of_the_best(
    told: list[float | None], shown: list[float]
) -> None:
    assert scores_of(result(score=each) for each in told) == shown


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)))
def test_scores_are_from_0_to_1_and_keep_their_order(told: list[float | None]) -> None:
    told.sort(key=lambda each: -(each or 0.0))
    shown = scores_of(result(score=each) for each in told)
    assert all(0 <= each <= 1 for each in shown)
    assert shown == sorted(shown, reverse=True)
