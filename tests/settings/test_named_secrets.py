from pathlib import Path
from typing import Any

import pytest

from proxy.access.clients import ANYBODY, Client, PeopleHeaders
from proxy.access.grants import Grant
from proxy.settings import extras, load_named_secrets
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


def signed_with(variable: str) -> Client:
    return Client("chat", "1", people=PeopleHeaders("X-Jwt", variable))


def test_a_secret_that_signs_may_be_any_text() -> None:
    assert KEYS.text("TWO") == "a b"
    assert KEYS.text("BAD") == "é"
    assert KEYS.text("EMPTY") is None
    assert KEYS.text("NOWHERE") is None


def test_a_client_whose_signing_secret_is_missing_is_named_with_its_variable() -> None:
    (missing,) = KEYS.missing([signed_with("NOWHERE"), signed_with("TWO")])
    assert missing.startswith("keys.chat.signed_user_secret_env: NOWHERE is not set, so every ")


def test_a_client_whose_header_nothing_can_check_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "_LIBRARY", "no_such_library")
    (missing,) = KEYS.missing([signed_with("TWO"), ANYBODY])
    assert missing.startswith("keys.chat.signed_user_header: nothing can check signatures, so ")
    assert "pip install 'joserfc>=1.4'" in missing


def test_a_short_signing_secret_is_weak() -> None:
    secrets = NamedSecrets({"SHORT": "x" * 31, "LONG": "x" * 32, "UMLAUTS": "ä" * 16})
    clients = [signed_with(name) for name in ("SHORT", "LONG", "UMLAUTS", "NOWHERE")]
    (weak,) = secrets.weak([*clients, ANYBODY])
    assert weak.startswith("keys.chat.signed_user_secret_env: SHORT has fewer than 32 bytes")


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
