from collections.abc import Iterable

import pytest

from proxy.access.grants import EVERYTHING, Grant
from proxy.errors import ModelNotFound
from proxy.settings.model_names import ModelNames

NAMES = ModelNames(("hr", "legal", "LEGAL"))


def only(profiles: Iterable[str] | None = None, models: Iterable[str] | None = None) -> Grant:
    return Grant(
        profiles=None if profiles is None else frozenset(profiles),
        models=None if models is None else frozenset(models),
    )


def refusal(name: str, grant: Grant = EVERYTHING) -> str:
    with pytest.raises(ModelNotFound) as caught:
        NAMES.is_profile(name, grant)
    assert caught.value.param == "model"
    return caught.value.message


NOWHERE = "GET /v1/models lists those that do."


@pytest.mark.parametrize("grant", [EVERYTHING, only(profiles={"hr"}), only(profiles={"hr", "no"})])
def test_a_profile_is_told_from_a_model(grant: Grant) -> None:
    assert NAMES.is_profile("hr", grant)
    assert not NAMES.is_profile("llama", grant)


@pytest.mark.parametrize("name", ["hr", "legal", "LEGAL", "Legal", "hr ", "gpt", "", "HR"])
def test_what_a_key_may_not_name_is_refused_like_what_is_nowhere(name: str) -> None:
    expected = f"The model {name!r} does not exist. {NOWHERE}"
    assert refusal(name, only(profiles=(), models=("llama",))) == expected


@pytest.mark.parametrize("name", ["legal", "LEGAL", "Legal", "le-gal", "\uff4cegal", "legal\u200b"])
def test_no_model_stands_in_for_what_is_nearly_a_hidden_profile(name: str) -> None:
    """A key that may name any model could otherwise search more than the profile does."""
    assert refusal(name, only(profiles={"hr"})).endswith(NOWHERE)
    assert not NAMES.shows(name, only(profiles={"hr"}))


def test_a_model_among_a_keys_models_is_none_if_a_profile_has_nearly_its_name() -> None:
    refusal("Legal", only(profiles=(), models={"Legal", "legal"}))
    assert refusal("legal", only(profiles=(), models={"Legal", "legal"})).endswith(NOWHERE)


def test_a_hint_names_only_what_a_key_may_use() -> None:
    assert "'legal'" in refusal("Legal")
    assert "'LEGAL'" in refusal("Legal", only(profiles={"LEGAL"}))
    assert "'LEGAL'" not in refusal("Legal", only(profiles={"legal"}))
    assert refusal("Legal", only(profiles={"hr"})).endswith(NOWHERE)
    assert "'hr'" in refusal("H R", only(profiles={"hr"}))


def test_a_list_holds_only_what_a_key_may_use_in_the_order_of_the_settings() -> None:
    assert NAMES.profiles_of(EVERYTHING) == ["hr", "legal", "LEGAL"]
    assert NAMES.profiles_of(only(profiles={"LEGAL", "hr", "no"})) == ["hr", "LEGAL"]
    assert NAMES.profiles_of(only(profiles=())) == []
    assert NAMES.shows("llama", EVERYTHING)
    assert not NAMES.shows("hr", EVERYTHING)
    assert not NAMES.shows("llama", only(models={"qwen"}))
    assert NAMES.shows("qwen", only(models={"qwen"}, profiles=()))


def test_a_key_may_name_a_model_if_one_of_its_own_is_none_of_the_profiles() -> None:
    assert NAMES.may_name_model(EVERYTHING)
    assert NAMES.may_name_model(only(models={"hr", "qwen"}))
    assert not NAMES.may_name_model(only(models={"hr", "Legal"}))
    assert not NAMES.may_name_model(only(models=()))
