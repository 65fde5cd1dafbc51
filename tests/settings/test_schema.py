"""The object that holds all settings, and the bounds of each."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from proxy.core.languages import LANGUAGES
from proxy.settings import Settings
from tests.settings.given import SECRET, problems, set_variables, toml


def test_constructing_settings_reads_neither_environment_nor_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_variables(monkeypatch, RAG_PROXY_PORT="3", RAG_PROXY_CONFIG=str(toml("workers = 2")))
    set_variables(monkeypatch, port="3", HOST="environment")
    Path(".env").write_text("RAG_PROXY_HOST=dotenv")
    assert Settings() == Settings(port=8000, workers=1, host="127.0.0.1")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]  # this is the point of the test


def test_secrets_are_hidden_wherever_settings_are_shown() -> None:
    settings = Settings(lighton_api_key=SECRET, scaleway_api_key=SECRET, api_keys=[SECRET])
    assert (
        SECRET
        not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    )
    assert settings.api_keys[0].get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("given", "resolved"),
    [
        ({}, "https://api.scaleway.ai/v1"),
        ({"scaleway_project_id": "p-1"}, "https://api.scaleway.ai/p-1/v1"),
        ({"scaleway_project_id": "p-1", "scaleway_base_url": "http://x/v1/"}, "http://x/v1"),
    ],
)
def test_the_project_is_put_into_the_address_unless_an_address_is_given(
    given: dict[str, Any], resolved: str
) -> None:
    assert Settings(**given).scaleway_base_url == resolved


NO_HOST = "must be a host like docs.example.com, or .example.com for all below it"
NO_NETWORK = "item 1 must be an address like 10.0.0.1, or a network like 10.0.0.0/8"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("port = 65536", "must be at most 65535"),
        ("port = -1", "must be at least 0"),
        ("port = 'x'", "must be a whole number"),
        ("port = 1.5", "must be a whole number"),
        ("workers = 0", "must be at least 1"),
        ("state_max_bytes = -1", "must be at least 0"),
        ("turns_ttl_s = 0", "must be more than 0"),
        ("max_rounds = 21", "must be at most 20"),
        ("max_searches = 33", "must be at most 32"),
        ("max_results = 51", "must be at most 50"),
        ("min_relevance = 1.1", "must be at most 1"),
        ("budget_s = 0", "must be more than 0"),
        ("budget_s = inf", "must be a finite number"),
        ("budget_s = []", "must be a number"),
        ("retrieval = 'tools'", "must be one of 'tool', 'context', 'hybrid' or 'off'"),
        (
            "when_nothing_found = 'ask'",
            "must be one of 'model', 'own_knowledge' or 'refuse'",
        ),
        ("refusal_text = 3", "must be text or a table"),
        ("refusal_text = ['No.']", "must be text or a table"),
        ("refusal_text = ''", "must not be empty"),
        ("refusal_text = ' '", "must not be empty"),
        ("log_level = 3", "must be one of 'debug', 'info', 'warning' or 'error'"),
        ("default_model = ' '", "must not be empty"),
        ("default_model = 3", "must be text"),
        ("drop_params = 'user'", "must be a list"),
        ("workspace_id = [1, 'x']", "item 2 must be a whole number"),
        ("workspace_id = [true]", "item 1 must be a whole number"),
        ("workspace_id = []", "would allow nothing; leave it out to mean unrestricted"),
        ("content_type = []", "would allow nothing; leave it out to mean unrestricted"),
        ("content_type = ['']", "item 1 must not be empty"),
        ("profiles = 3", "must be a table"),
        ("max_head_bytes = 10", "must be at least 1000"),
        ("max_waiting_connections = 1", "must be at least 2"),
        ("trusted_proxies = ['10.0.0.0/99']", NO_NETWORK),
        ("citation_hosts = ['a.example', 'https://b.example']", "item 2 " + NO_HOST),
        ("scaleway_project_id = 'a/b'", "must be a project id like " + "-".join(
            ("0" * 8, "0" * 4, "0" * 4, "0" * 4, "0" * 12)
        )),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_plain_line(line: str, fault: str) -> None:
    key = line.partition(" ")[0]
    assert problems(toml(line)) == (f"{key} in rag-proxy.toml: {fault}",)


def test_one_text_of_a_refusal_stands_for_all_languages() -> None:
    assert Settings(refusal_text="No.").refusal_text == dict.fromkeys(LANGUAGES, "No.")
    assert Settings(refusal_text={"fr": " Non. "}).refusal_text == {"fr": "Non."}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("{nl = 'Nee.'}", "refusal_text.nl in rag-proxy.toml: must be one of 'en', 'fr', 'de', "),
        ("{fr = ' '}", "refusal_text.fr in rag-proxy.toml: must not be empty"),
    ],
)
def test_a_wrong_text_of_a_refusal_is_named_by_its_language(value: str, problem: str) -> None:
    (line,) = problems(toml(f"refusal_text = {value}"))
    assert line.startswith(problem)
