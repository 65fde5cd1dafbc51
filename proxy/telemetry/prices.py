"""What answers cost, in EUR, by the operator's own prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

NANO: Final = 1_000_000_000
"""Costs have nine decimals, so that they add up as whole numbers."""
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """EUR for a million tokens of one model."""

    input: float
    output: float
    cached: float | None = None
    """For input that the upstream had in its cache; None is the price of other input."""


class Tokens(NamedTuple):
    """The tokens of all rounds of an answer. The cached ones are among those of the input."""

    input: int
    output: int
    cached: int
    total: int


@dataclass(frozen=True, slots=True)
class Prices:
    """The price of a search, and those of models by the names that the upstream reports."""

    models: Mapping[str, ModelPrice] = field(default_factory=dict)
    search: float | None = None

    def of_tokens(self, model: str, tokens: Tokens) -> float | None:
        """None if nobody knows: the model has no price."""
        if not (tokens.input or tokens.output or tokens.total):
            return 0.0
        price = self.models.get(model)
        if price is None:
            return None
        cached = min(tokens.cached, tokens.input)
        of_cached = price.input if price.cached is None else price.cached
        cost = (
            (tokens.input - cached) * price.input
            + cached * of_cached
            + tokens.output * price.output
        )
        return round(cost / _MILLION, 9)

    def of_searches(self, searches: int) -> float | None:
        """None if nobody knows: a search has no price."""
        if not searches:
            return 0.0
        return None if self.search is None else round(searches * self.search, 9)
