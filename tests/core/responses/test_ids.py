from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.responses.ids import Ids, response_of

RANDOM = "0123456789abcdef" * 2


def test_each_id_is_another_one_and_tells_its_response() -> None:
    ids = Ids(RANDOM)
    minted = [ids.mint(prefix) for prefix in ("msg", "fc", "ctc", "rs", "fs") * 2_000]
    assert len(set(minted)) == 10_000
    assert {response_of(each) for each in minted} == {ids.response} == {f"resp_{RANDOM}"}
    assert minted[0] == f"msg_{RANDOM}001"
    assert max(map(len, minted)) <= 64, "OpenAI's ids are no longer"


@pytest.mark.parametrize(
    "other", ["", "msg_1", f"resp_{RANDOM}", f"msg_{RANDOM}", f"msg_{RANDOM}001g", f"_{RANDOM}001"]
)
def test_an_id_that_no_proxy_has_made_tells_nothing(other: str) -> None:
    assert response_of(other) is None


@given(st.text())
def test_any_text_may_come_as_an_id(text: str) -> None:
    assert response_of(text) in {None, f"resp_{text.partition('_')[2][:32]}"}
