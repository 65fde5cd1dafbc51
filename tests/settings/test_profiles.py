from typing import Any

import pytest
from pydantic import ValidationError

from proxy.settings import Settings
from proxy.settings.profiles import Profile, ScopeSettings
from proxy.upstreams.lighton.scope import LightOnScope


def test_a_profile_that_says_nothing_leaves_everything_to_the_settings() -> None:
    said = Profile().model_dump(exclude={"unknown_relevance"})
    assert set(said.values()) == {None}
    assert Profile().scope() == LightOnScope()  # a profile's "keep" narrows nothing


def test_a_profile_can_fix_every_field_of_the_scope() -> None:
    assert set(ScopeSettings.model_fields) < set(Profile.model_fields)


def test_the_scope_holds_every_field() -> None:
    values: dict[str, Any] = {"workspace_id": (1,), "attribute": ("a:b",), "min_relevance": 0.5}
    assert ScopeSettings(**values).scope() == LightOnScope(**values)


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
