"""The settings that hold for a whole deployment and that a profile may narrow or replace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from proxy.core.followups import Followups
from proxy.core.languages import LANGUAGES, Language
from proxy.core.plan import AnswerLinks, CitationNumbers, TextCallsRead, WhenNothingFound
from proxy.core.scope import Retrieval, Scope, Shown
from proxy.settings.hints import NOT_BLANK, SOME, Hint

MakeScope = Callable[..., Scope]
"""Makes the search vendor's scope of `ScopeSettings.scope_fields`."""
PROFILE_NAME_MAX = 200


def _not_boolean(value: object) -> object:
    """Refuse `true`, which Python would count as 1: a slip must not open workspace 1."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number")  # noqa: TRY004 - pydantic reports ValueError only
    return value


def _not_empty(values: tuple[object, ...]) -> tuple[object, ...]:
    if not values:
        raise ValueError("would allow nothing; leave it out to mean unrestricted")
    return values


def _each_once(models: tuple[str, ...]) -> tuple[str, ...]:
    if not models or len(set(models)) < len(models):
        raise ValueError("must name at least one model, and none twice")
    return models


def _profile_name(name: str) -> str:
    if not name or len(name) > PROFILE_NAME_MAX or not name.isprintable() or " " in name:
        raise ValueError(
            "a profile's name must be 1 to "
            f"{PROFILE_NAME_MAX} characters without whitespace or control characters"
        )
    return name


def _in_each_language(value: object) -> object:
    """Let one text stand for all languages. Its faults are told once, not for each language."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, str):
        raise ValueError("must be text or a table")  # noqa: TRY004 - as above
    if not value.strip():
        raise ValueError("must not be empty")
    return dict.fromkeys(LANGUAGES, value)


NonBlank = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), NOT_BLANK]
ProfileName = Annotated[
    str, AfterValidator(_profile_name), Hint({"minLength": 1, "maxLength": PROFILE_NAME_MAX})
]
Ids = Annotated[
    tuple[Annotated[int, BeforeValidator(_not_boolean)], ...], AfterValidator(_not_empty), SOME
]
Models = Annotated[tuple[NonBlank, ...], AfterValidator(_each_once), SOME]
Labels = Annotated[tuple[NonBlank, ...], AfterValidator(_not_empty), SOME]
Rounds = Annotated[int, Field(ge=0, le=20)]
Searches = Annotated[int, Field(ge=1, le=32)]
Seconds = Annotated[float, Field(gt=0)]
ByLanguage = Annotated[
    dict[Language, NonBlank],
    BeforeValidator(_in_each_language, json_schema_input_type=str | dict[Language, NonBlank]),
]


class ScopeSettings(BaseModel):
    """The widest scope that requests can narrow. The names and values are LightOn's own.

    They are those of `LightOnScope`, which the settings do not import: a test compares the two.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    workspace_id: Ids | None = Field(
        None, description="The LightOn workspaces that the proxy may search."
    )
    tag_id: Ids | None = Field(
        None, description="Search only documents that carry one of these LightOn tags."
    )
    file_id: Ids | None = Field(None, description="Search only these LightOn files.")
    content_type: Labels | None = Field(
        None, description="Search only documents of one of these LightOn content types."
    )
    attribute: Labels | None = Field(
        None, description="Search only documents that match all of these LightOn attributes."
    )
    max_results: int | None = Field(
        None, ge=1, le=50, description="The most results that one search may return."
    )
    relevance_scoring: Literal["scoring_and_filtering", "scoring_only", "none"] | None = Field(
        None, description="Whether LightOn scores results for relevance, and filters by it."
    )
    min_relevance: float | None = Field(
        None, ge=0, le=1, description="Drop results whose relevance score is below this."
    )
    unknown_relevance: Literal["keep", "drop"] = Field(
        "keep",
        description="Whether results without a relevance score pass `min_relevance`.",
    )

    @property
    def scope_fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ScopeSettings.model_fields}


class Profile(ScopeSettings):
    """A model id that stands for a choice of knowledge. None means: as the settings say."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["model", "models"]}})

    model: NonBlank | None = Field(None, description="The Scaleway model that answers.")
    models: Models | None = Field(
        None,
        description="Instead of `model`: the Scaleway models that may answer. The next one does "
        "if one cannot.",
    )
    retrieval: Retrieval | None = Field(None, description="When the proxy searches documents.")
    followups: Followups | None = Field(
        None,
        description="How the modes that search first treat a short message that follows another.",
    )
    instructions: str | None = Field(
        None, description="Text of your own for the system message, instead of the settings'."
    )
    citation_numbers: CitationNumbers | None = Field(
        None, description="What the numbers in an answer count: its sources, or passages."
    )
    answer_links: AnswerLinks | None = Field(
        None, description="Which links an answer may hold that rests on documents."
    )
    progress: Shown | None = Field(
        None, description="What a streamed answer shows of searches while they run."
    )
    read_documents: bool | None = Field(
        None, description="Whether the model can read on in the documents that it found."
    )
    search_memory: bool | None = Field(
        None, description="Whether later answers can use the searches of earlier ones."
    )
    text_calls: TextCallsRead | None = Field(
        None, description="Whose tool calls the proxy reads where the model writes them as text."
    )
    when_nothing_found: WhenNothingFound | None = Field(
        None, description="What happens when the searches for an answer find nothing."
    )
    refusal_text: ByLanguage | None = Field(
        None, description="What the proxy says instead of an answer that it refuses."
    )
    max_rounds: Rounds | None = Field(None, description="The most rounds of searching.")
    max_searches: Searches | None = Field(None, description="The most searches in one round.")
    budget_s: Seconds | None = Field(None, description="Seconds of searching before answering.")

    @model_validator(mode="after")
    def _has_one_list_of_models(self) -> Self:
        if self.model is not None and self.models is not None:
            raise ValueError("set model or models, not both")
        return self

    @property
    def answering(self) -> tuple[str, ...]:
        """The models that answer, the first one first; none if it is left to the settings."""
        return self.models or (() if self.model is None else (self.model,))
