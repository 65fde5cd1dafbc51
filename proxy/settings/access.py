"""The rules for people in the settings: tables `[[access]]`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator

from proxy.access.grant_fields import (
    MOST,
    grant_of,
    read_amount,
    read_models,
    read_names,
    read_retrieval,
    read_workspaces,
)
from proxy.access.people import person_of
from proxy.access.rules import EVERYBODY, Rule
from proxy.core.scope import Retrieval
from proxy.settings.hints import SOME


def _user(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 - pydantic reports ValueError only
    return value if value == EVERYBODY else person_of(value).name


def _group(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be text that is not empty")
    return value


def _read_by(read: Callable[[Any], Any], kind: Any) -> PlainValidator:
    """The reader of a key's field, so that both kinds of tables mean the same.

    `kind` is what it takes, for the schema alone.
    """
    return PlainValidator(read, json_schema_input_type=kind)


_UNRESTRICTED: Final = {"workspace_id": "all", "models": "any"}
"""The words that mean None."""

_Text = Annotated[str, Field(min_length=1)]
_Texts = tuple[_Text, ...]
_Modes = Annotated[tuple[Retrieval, ...], SOME]

Amount = Annotated[int | None, _read_by(read_amount, Annotated[int, Field(ge=1, le=MOST)])]
Names = Annotated[frozenset[str] | None, _read_by(read_names, _Texts)]


class AccessRule(BaseModel):
    """What one group, or one user, may use. The fields are those of a key's table."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"oneOf": [{"required": ["group"]}, {"required": ["user"]}]},
    )

    group: Annotated[str, _read_by(_group, _Text)] = Field("", description="Whose members it is.")
    user: Annotated[str, _read_by(_user, _Text)] = Field(
        "", description="The person whose it is, or `*` for everybody."
    )
    workspace_id: Annotated[
        frozenset[int] | None, _read_by(read_workspaces, tuple[int, ...] | Literal["all"])
    ] = Field(
        frozenset(),
        description='The LightOn workspaces that it opens, or "all"; none if it is left out.',
    )
    profiles: Names = Field(None, description="The profiles that it opens.")
    models: Annotated[frozenset[str] | None, _read_by(read_models, _Texts | Literal["any"])] = (
        Field(None, description='The models that it opens, or "any".')
    )
    retrieval: Annotated[frozenset[str] | None, _read_by(read_retrieval, _Modes)] = Field(
        None, description="The retrieval modes that it opens."
    )
    requests_per_minute: Amount = Field(None, description="The most requests in any 60 seconds.")
    tokens_per_minute: Amount = Field(None, description="The most tokens in any 60 seconds.")
    concurrent: Amount = Field(None, description="The most answers at the same time.")
    daily_tokens: Amount = Field(None, description="The most tokens in a day of UTC.")
    monthly_tokens: Amount = Field(None, description="The most tokens in a month of UTC.")

    @model_validator(mode="after")
    def _for_one(self) -> Self:
        if bool(self.group) == bool(self.user):
            raise ValueError("must have either a group or a user")
        return self

    @property
    def written(self) -> dict[str, Any]:
        """The rule as a table that can be read again, without the fields that were left out."""
        given = [name for name in type(self).model_fields if name in self.model_fields_set]
        table = {name: getattr(self, name) for name in given}
        table |= {name: word for name, word in _UNRESTRICTED.items() if table.get(name, "") is None}
        return table

    @property
    def rule(self) -> Rule:
        values = {name: getattr(self, name) for name in self.model_fields_set}
        values["workspaces"] = self.workspace_id
        return Rule(grant_of(values), self.group, self.user)


def rules_of(tables: Iterable[AccessRule]) -> tuple[Rule, ...]:
    return tuple(each.rule for each in tables)
