from __future__ import annotations

from typing import Any

import pytest

from proxy.core.responses.logprobs import fit


def test_missing_fields_are_added_and_others_left_out() -> None:
    tokens: Any = [{"token": "a", "logprob": -1, "bytes": None, "x": 1, "top_logprobs": None}]
    assert fit(tokens) == [{"token": "a", "bytes": [], "logprob": -1, "top_logprobs": []}]


def test_the_likeliest_tokens_are_fitted_too() -> None:
    tokens: Any = [
        {
            "token": "a",
            "logprob": -1.0,
            "bytes": [97],
            "top_logprobs": [{"token": "b", "logprob": -2.0}, {"token": "c"}],
        }
    ]
    assert fit(tokens) == [
        {
            "token": "a",
            "bytes": [97],
            "logprob": -1.0,
            "top_logprobs": [{"token": "b", "bytes": [], "logprob": -2.0}],
        }
    ]


@pytest.mark.parametrize("token", [None, {}, {"token": "a"}, {"logprob": 1}, {"token": 1}, "a"])
def test_a_token_without_text_or_probability_is_left_out(token: Any) -> None:
    assert fit([token]) == []
