from pathlib import Path
from typing import Any

import pytest

from proxy.access.clients import ANYBODY, Client
from proxy.access.grants import Grant
from proxy.settings import load_named_secrets
from proxy.settings.named_secrets import NamedSecrets
from tests.settings.given import SECRET, set_variables

KEYS = NamedSecrets({"GOOD": f" {SECRET}\n", "EMPTY": " ", "NULL": None, "TWO": "a b", "BAD": "é"})


def searching_with(variable: str) -> Client:
    return Client(f"key-{variable.lower()}", "1", Grant(lighton_key_env=variable))


def test_a_key_is_the_value_of_its_variable_without_the_space_around_it() -> None:
    assert KEYS.named("GOOD") == SECRET


@pytest.mark.parametrize("variable", ["EMPTY", "NULL", "TWO", "BAD", "NOWHERE", "good", ""])
def test_a_variable_that_holds_no_key_has_none(variable: str) -> None:
    assert KEYS.named(variable) is None


def test_a_client_whose_key_is_missing_is_named_with_its_variable() -> None:
    clients = [ANYBODY, *map(searching_with, ("GOOD", "NOWHERE", "TWO"))]
    nowhere, two = KEYS.missing(clients)
    assert nowhere.startswith("keys.key-nowhere.lighton_key_env: NOWHERE is not set")
    assert two.startswith("keys.key-two.lighton_key_env: TWO holds no key")


def test_no_key_is_shown() -> None:
    assert SECRET not in repr(KEYS)
    assert SECRET not in "".join(KEYS.missing([searching_with("TWO")]))


@pytest.mark.parametrize("here", [{}, {"ACME_KEY": " "}])
def test_keys_are_read_from_the_environment_and_else_from_dotenv(
    here: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".env").write_text("ACME_KEY=of-dotenv\n")
    set_variables(monkeypatch, **here)
    assert load_named_secrets().named("ACME_KEY") == "of-dotenv"
    set_variables(monkeypatch, ACME_KEY="of-environment")
    assert load_named_secrets().named("ACME_KEY") == "of-environment"
