from dataclasses import fields
from typing import Any

import pytest
from pydantic import ValidationError

from proxy.settings import Settings
from proxy.settings.profiles import Profile, ScopeSettings
from proxy.upstreams.lighton.scope import (
    MAX_RESULTS,
    LightOnScope,
    RelevanceScoring,
    UnknownRelevance,
)


def test_a_profile_that_says_nothing_leaves_everything_to_the_settings() -> None:
    said = Profile().model_dump(exclude={"unknown_relevance"})
    assert set(said.values()) == {None}
    scope = LightOnScope(**Profile().scope_fields)
    assert scope == LightOnScope()  # a profile's "keep" narrows nothing


def test_a_profile_can_fix_every_field_of_the_scope() -> None:
    assert set(ScopeSettings.model_fields) < set(Profile.model_fields)


def test_the_scope_holds_every_field() -> None:
    values: dict[str, Any] = {"workspace_id": (1,), "attribute": ("a:b",), "min_relevance": 0.5}
    assert LightOnScope(**ScopeSettings(**values).scope_fields) == LightOnScope(**values)


def test_the_settings_take_the_fields_and_values_that_lighton_does() -> None:
    assert list(ScopeSettings.model_fields) == [each.name for each in fields(LightOnScope)]
    kinds: dict[str, Any] = {
        name: each.annotation for name, each in ScopeSettings.model_fields.items()
    }
    assert kinds["relevance_scoring"] == RelevanceScoring | None
    assert kinds["unknown_relevance"] == UnknownRelevance
    assert ScopeSettings(max_results=MAX_RESULTS).max_results == MAX_RESULTS
    with pytest.raises(ValidationError):
        ScopeSettings(max_results=MAX_RESULTS + 1)


@pytest.mark.parametrize("name", ["hr-assistant", "hr/assistant", "Ünïcode.1", "x" * 200])
def test_a_profile_name_may_be_any_word(name: str) -> None:
    assert name in Settings(profiles={name: {}}).profiles


@pytest.mark.parametrize("name", ["", " ", "a b", "a\tb", "a\u00a0b", "a\x07b", "x" * 201])
def test_a_profile_name_without_a_clear_spelling_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Settings(profiles={name: {}})


@pytest.mark.parametrize(
    "values",
    [
        {"workspace_id": []},
        {"attribute": []},
        {"file_id": [True]},
        {"max_results": 0},
        {"max_rounds": -1},
        {"max_searches": 0},
        {"budget_s": float("nan")},
        {"retrieval": "always"},
        {"relevance_scoring": "yes"},
        {"model": ""},
        {"host": "127.0.0.1"},
    ],
)
def test_a_profile_follows_the_same_rules_as_the_settings(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Profile(**values)
