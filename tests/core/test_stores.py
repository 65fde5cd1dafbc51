from __future__ import annotations

import pytest

from proxy.core.stores import Workspace, file_of, workspace_of


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
