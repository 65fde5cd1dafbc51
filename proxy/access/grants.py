"""What a key opens, and how much of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Self, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be used. None is no limit."""

    requests_per_minute: int | None = None
    """The most requests in any 60 seconds."""
    tokens_per_minute: int | None = None
    """The most tokens in any 60 seconds, those of hidden rounds among them."""
    concurrent: int | None = None
    """The most answers that are made at the same time."""
    daily_tokens: int | None = None
    """The most tokens in a day, which begins at 0:00 UTC."""
    monthly_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client may use. It narrows what the settings allow, and never widens it.

    None is no restriction; an empty set allows nothing.
    """

    workspaces: frozenset[int] | None = None
    profiles: frozenset[str] | None = None
    """The profiles that it may name. All others do not exist for this client."""
    models: frozenset[str] | None = None
    """The upstream's models that it may name."""
    retrieval: frozenset[str] | None = None
    """The retrieval modes that it may ask for or get from a profile."""
    lighton_key_env: str = field(default="", repr=False)
    """The variable that holds its own key for the search; "" for the proxy's."""
    may_read_metrics: bool = False
    limits: Limits = field(default_factory=Limits)
    weight: int = 1
    """How many of its requests are served in a row where many wait for the model."""

    def within(self, other: Grant) -> Self:
        """What both allow. All that cannot be narrowed stays this one's."""
        return replace(
            self,
            workspaces=_common(self.workspaces, other.workspaces),
            profiles=_common(self.profiles, other.profiles),
            models=_common(self.models, other.models),
            retrieval=_common(self.retrieval, other.retrieval),
        )


def sum_of(grants: Iterable[Grant]) -> Grant:
    """What any of them allows, and of each limit the highest that one of them names.

    A grant that names no limit says nothing of it. No grants allow nothing.
    """
    given = tuple(grants)
    limits = {
        name: max(filter(None, (getattr(each.limits, name) for each in given)), default=None)
        for name in Limits.__dataclass_fields__
    }
    return Grant(
        workspaces=_union(each.workspaces for each in given),
        profiles=_union(each.profiles for each in given),
        models=_union(each.models for each in given),
        retrieval=_union(each.retrieval for each in given),
        limits=Limits(**limits),
    )


def _union(parts: Iterable[frozenset[_T] | None]) -> frozenset[_T] | None:
    found: set[_T] = set()
    for part in parts:
        if part is None:
            return None
        found |= part
    return frozenset(found)


def _common(left: frozenset[_T] | None, right: frozenset[_T] | None) -> frozenset[_T] | None:
    if left is None:
        return right
    return left if right is None else left & right


EVERYTHING: Final = Grant()
"""All that the settings allow."""
