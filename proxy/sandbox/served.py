"""The models that the Scaleway stand-in lists, each with its peculiarities, as data.

None of them is a language model: `proxy.sandbox.scaleway.model` answers every id. The list
has Scaleway's own ids, so that clients and settings that name them work unchanged, and gives each
the manners of its model. Windows and output caps count the stand-in's tokens, which are words.
"""

from dataclasses import dataclass
from typing import Literal

Family = Literal["sandbox", "llama", "mistral", "qwen", "gemma", "gpt-oss", "deepseek"]

OWNER = "sandbox (not a language model)"


@dataclass(frozen=True, slots=True)
class ServedModel:
    id: str
    family: Family
    context_window: int
    max_output: int
    reasoning_field: Literal["reasoning", "reasoning_content"] | None = None
    """The field of this model's reasoning; None if it does not reason."""
    parallel_calls: bool = True
    legacy_errors: bool = False
    """Errors have the shape that Scaleway uses for its older models."""
    talks_before_calls: bool = False
    """Says a sentence before it calls a tool, as some models do."""


SERVED = (
    ServedModel("sandbox-no-language-model", "sandbox", 131_072, 16_384),
    ServedModel("llama-3.3-70b-instruct", "llama", 131_072, 16_384, legacy_errors=True),
    ServedModel("mistral-small-3.2-24b-instruct-2506", "mistral", 131_072, 32_768),
    ServedModel("mistral-medium-3.5-128b", "mistral", 262_144, 32_768, talks_before_calls=True),
    ServedModel("devstral-2-123b-instruct-2512", "mistral", 262_144, 16_384),
    ServedModel("qwen3-235b-a22b-instruct-2507", "qwen", 256_000, 16_384),
    ServedModel("qwen3.5-397b-a17b", "qwen", 262_144, 16_384, reasoning_field="reasoning"),
    ServedModel("qwen3.6-35b-a3b", "qwen", 262_144, 16_384),
    ServedModel(
        "gemma-4-26b-a4b-it", "gemma", 262_144, 8_192, parallel_calls=False, legacy_errors=True
    ),
    ServedModel("gpt-oss-120b", "gpt-oss", 131_072, 32_768, reasoning_field="reasoning_content"),
    ServedModel(
        "deepseek-v4-flash-0731",
        "deepseek",
        262_144,
        16_384,
        reasoning_field="reasoning_content",
    ),
)


@dataclass(frozen=True, slots=True)
class ServedEmbedder:
    """A model that makes vectors of texts. `proxy.sandbox.scaleway.vectors` stands for all."""

    id: str
    dimensions: int
    knows_base64: bool
    """Whether it sends vectors in base64 where a request asks so; else it ignores that."""


EMBEDDERS = (
    ServedEmbedder("qwen3-embedding-8b", 512, knows_base64=True),
    ServedEmbedder("bge-multilingual-gemma2", 384, knows_base64=False),
)

END_OF_LIFE = {
    "llama-3.1-8b-instruct": "mistral-small-3.2-24b-instruct-2506",
    "mistral-nemo-instruct-2407": "mistral-small-3.2-24b-instruct-2506",
}
"""Ids that another model answers. The list of models leaves them out."""

_BY_ID = {model.id: model for model in SERVED}


def find(model_id: str) -> ServedModel | None:
    """Return the model that answers for this id. It may have another id."""
    return _BY_ID.get(END_OF_LIFE.get(model_id, model_id))


def find_embedder(model_id: str) -> ServedEmbedder | None:
    return next((each for each in EMBEDDERS if each.id == model_id), None)
