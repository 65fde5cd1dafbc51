"""The rules for people in the settings: tables `[[access]]`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, PlainValidator, model_validator

from proxy.access.grant_fields import (
    grant_of,
    read_amount,
    read_models,
    read_names,
    read_retrieval,
    read_workspaces,
)
from proxy.access.people import person_of
from proxy.access.rules import EVERYBODY, Rule


def _user(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004 - pydantic reports ValueError only
    return value if value == EVERYBODY else person_of(value).name


def _group(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be text that is not empty")
    return value


def _read_by(read: Callable[[Any], Any]) -> PlainValidator:
    """The reader of a key's field, so that both kinds of tables mean the same."""
    return PlainValidator(read)


_UNRESTRICTED: Final = {"workspace_id": "all", "models": "any"}
"""The words that mean None."""

Amount = Annotated[int | None, _read_by(read_amount)]
Names = Annotated[frozenset[str] | None, _read_by(read_names)]


class AccessRule(BaseModel):
    """What one group, or one user, may use. The fields are those of a key's table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: Annotated[str, PlainValidator(_group)] = ""
    user: Annotated[str, PlainValidator(_user)] = ""
    workspace_id: Annotated[frozenset[int] | None, _read_by(read_workspaces)] = frozenset()
    profiles: Names = None
    models: Annotated[frozenset[str] | None, _read_by(read_models)] = None
    retrieval: Annotated[frozenset[str] | None, _read_by(read_retrieval)] = None
    requests_per_minute: Amount = None
    tokens_per_minute: Amount = None
    concurrent: Amount = None
    daily_tokens: Amount = None
    monthly_tokens: Amount = None

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
