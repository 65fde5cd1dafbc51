from __future__ import annotations

import pytest

from proxy.telemetry.prices import ModelPrice, Prices, Tokens

PRICES = Prices({"llama": ModelPrice(1.0, 3.0, 0.25), "plain": ModelPrice(1.0, 3.0)}, search=0.01)


@pytest.mark.parametrize(
    ("model", "tokens", "cost"),
    [
        ("llama", Tokens(1_000_000, 0, 0, 1_000_000), 1.0),
        ("llama", Tokens(0, 1_000_000, 0, 1_000_000), 3.0),
        ("llama", Tokens(1_000_000, 0, 400_000, 1_000_000), 0.7),
        ("plain", Tokens(1_000_000, 0, 400_000, 1_000_000), 1.0),
        ("llama", Tokens(1, 1, 0, 2), 0.000004),
    ],
)
def test_tokens_cost_what_their_model_asks_for_each_kind(
    model: str, tokens: Tokens, cost: float
) -> None:
    assert PRICES.of_tokens(model, tokens) == cost


def test_more_cached_tokens_than_input_are_no_credit() -> None:
    assert PRICES.of_tokens("llama", Tokens(100, 0, 900, 100)) == 0.000025


@pytest.mark.parametrize("model", ["qwen", "", "Llama", "llama "])
def test_tokens_of_a_model_without_a_price_cost_nobody_knows_what(model: str) -> None:
    assert PRICES.of_tokens(model, Tokens(1, 0, 0, 1)) is None
    assert PRICES.of_tokens(model, Tokens(0, 0, 0, 1)) is None
    assert PRICES.of_tokens(model, Tokens(0, 0, 0, 0)) == 0


def test_searches_cost_their_price_or_nobody_knows_what() -> None:
    assert PRICES.of_searches(3) == 0.03
    assert Prices().of_searches(0) == 0
    assert Prices().of_searches(1) is None
