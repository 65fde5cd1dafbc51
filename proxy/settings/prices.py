"""The prices in the settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from proxy.telemetry.prices import ModelPrice, Prices

Price = Annotated[float, Field(ge=0, le=1_000_000)]


class ModelPriceSettings(BaseModel):
    """EUR for a million tokens of one model."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    input: Price = Field(description="EUR for a million tokens that the model reads.")
    output: Price = Field(description="EUR for a million tokens that the model writes.")
    cached: Price | None = Field(
        None, description="EUR for a million tokens that the model had read before."
    )


class PriceSettings(BaseModel):
    """The price of a search, and beside it those of models, each under its name."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, ModelPriceSettings] = Field(init=False)

    search: Price | None = Field(None, description="EUR for one search.")

    @property
    def prices(self) -> Prices:
        models = {
            name: ModelPrice(each.input, each.output, each.cached)
            for name, each in (self.__pydantic_extra__ or {}).items()
        }
        return Prices(models, self.search)
