import pytest

from proxy.sandbox.served import END_OF_LIFE, OWNER, SERVED, find


def test_no_model_pretends_to_be_a_language_model() -> None:
    assert "not a language model" in OWNER
    assert SERVED[0].id == "sandbox-no-language-model"


@pytest.mark.parametrize("model", [model.id for model in SERVED])
def test_every_listed_model_answers_for_itself(model: str) -> None:
    found = find(model)
    assert found is not None
    assert found.id == model


@pytest.mark.parametrize("gone", ["llama-3.1-8b-instruct", "mistral-nemo-instruct-2407"])
def test_an_end_of_life_model_is_redirected_and_not_listed(gone: str) -> None:
    found = find(gone)
    assert found is not None
    assert found.id == "mistral-small-3.2-24b-instruct-2506"
    assert gone not in {model.id for model in SERVED}


def test_a_model_that_was_taken_away_is_not_found() -> None:
    assert find("mixtral-8x7b-instruct-v0.1") is None


def test_redirects_lead_to_listed_models() -> None:
    assert set(END_OF_LIFE.values()) <= {model.id for model in SERVED}


def test_both_names_of_reasoning_occur() -> None:
    assert {model.reasoning_field for model in SERVED} == {None, "reasoning", "reasoning_content"}
