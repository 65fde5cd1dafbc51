"""Where values come from, which wins, and how problems are told."""

from pathlib import Path

import pytest

from proxy.errors import SettingsError
from proxy.settings import Settings, load_settings, variable_names
from proxy.settings.messages import unquoted
from tests.settings.given import SECRET, problems, set_variables, toml


def test_without_any_source_the_defaults_hold() -> None:
    assert load_settings() == Settings()


def test_flags_win_over_environment_over_dotenv_over_toml_over_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = toml("port = 1\nhost = 'toml'\nworkers = 2\nmax_rounds = 1\nretrieval = 'off'")
    assert load_settings(config).port == 1
    Path(".env").write_text("RAG_PROXY_PORT=2\nRAG_PROXY_HOST=dotenv\nRAG_PROXY_WORKERS=3\n")
    assert load_settings(config).port == 2
    set_variables(monkeypatch, RAG_PROXY_PORT="3", RAG_PROXY_HOST="environment")
    assert load_settings(config).port == 3

    settings = load_settings(config, port=4)

    assert (settings.port, settings.host, settings.workers) == (4, "environment", 3)
    assert (settings.max_rounds, settings.retrieval, settings.max_searches) == (1, "off", 8)


def test_a_flag_that_was_not_given_overrides_nothing() -> None:
    assert load_settings(toml("port = 1"), port=None).port == 1


@pytest.mark.parametrize("place", ["environment", "dotenv"])
def test_the_configuration_file_can_be_named_in_a_variable(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = toml("port = 1")
    if place == "environment":
        set_variables(monkeypatch, RAG_PROXY_CONFIG=str(path))
    else:
        Path(".env").write_text(f"RAG_PROXY_CONFIG={path}")
    assert load_settings().port == 1


def test_the_configuration_file_of_the_flag_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, RAG_PROXY_CONFIG="no-such-file.toml")
    assert load_settings(toml("port = 1")).port == 1


def test_no_problem_shows_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret may stand in the wrong variable, or in an address."""
    names = ["PORT", "RETRIEVAL", "BUDGET_S", "TAG_ID", "CORS_ORIGINS", "PROFILES", "LOG_LEVEL"]
    variables = {f"RAG_PROXY_{name}": SECRET for name in names}
    address = f"https://user:{SECRET}@example.com"
    set_variables(monkeypatch, **variables, LIGHTON_BASE_URL=address, SCALEWAY_BASE_URL=SECRET)
    found = problems()
    assert len(found) == len(names) + 2
    assert SECRET not in "\n".join(found)


def test_no_origins_differs_from_origins_left_out() -> None:
    assert load_settings(toml("cors_origins = []")).cors_origins == ()
    assert load_settings().cors_origins is None


def test_every_problem_is_named_by_what_its_source_calls_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("RAG_PROXY_BUDGET_S=x")
    set_variables(monkeypatch, RAG_PROXY_MAX_ROUNDS="x")
    config = toml("max_searches = 'x'\n[profiles.hr]\nmax_rounds = 'x'")
    assert set(problems(config, port="x")) == {
        "--port: must be a whole number",
        "RAG_PROXY_MAX_ROUNDS: must be a whole number",
        "RAG_PROXY_BUDGET_S in .env: must be a number",
        "max_searches in rag-proxy.toml: must be a whole number",
        "profiles.hr.max_rounds in rag-proxy.toml: must be a whole number",
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[access]\ngroup = 'hr'\n",
            "access in rag-proxy.toml: must be [[access]], in two brackets",
        ),
        ("access = 3\n", "access in rag-proxy.toml: must be a list"),
        (
            "[[access]]\ngroup = 'hr'\nworkspace = [1]\n",
            "access[1].workspace in rag-proxy.toml: no such setting; did you mean workspace_id?",
        ),
        (
            "[identity]\nissuer = 'https://login.test'\n",
            (
                "identity.issuer in rag-proxy.toml: no such setting; did you mean "
                "identity.oidc.issuer?"
            ),
        ),
        (
            "[identity.oicd]\nissuer = 'https://login.test'\n",
            "identity.oicd in rag-proxy.toml: no such setting; did you mean identity.oidc?",
        ),
        (
            "[identity.oidc]\nissuer = 'https://login.test'\naudience = 'a'\nuser_claims = 'a'\n",
            (
                "identity.oidc.user_claims in rag-proxy.toml: no such setting; did you mean "
                "user_claim?"
            ),
        ),
    ],
)
def test_a_table_in_a_wrong_place_or_with_a_wrong_name_says_where_it_belongs(
    text: str, told: str
) -> None:
    assert problems(toml(text)) == (told,)


def test_an_unknown_key_names_the_nearest_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, RAG_PROXY_PROT="1")
    config = toml("workspace = [1]\nzzz = 1\nLIGHTON_API_KEY = 'x'\n")
    with config.open("a") as file:
        file.write("[profiles.hr]\nfile_ids = [1]\nport = 1\n")
    assert set(problems(config)) == {
        "RAG_PROXY_PROT: no such setting; did you mean RAG_PROXY_PORT?",
        "workspace in rag-proxy.toml: no such setting; did you mean workspace_id?",
        "zzz in rag-proxy.toml: no such setting",
        "LIGHTON_API_KEY in rag-proxy.toml: no such setting; did you mean lighton_api_key?",
        "profiles.hr.file_ids in rag-proxy.toml: no such setting; did you mean file_id?",
        "profiles.hr.port in rag-proxy.toml: no such setting",
    }


def test_a_profile_s_name_with_a_dot_and_without_quotes_is_explained() -> None:
    assert problems(toml("[profiles.llama-3.3-70b-instruct]\nmax_rounds = 1\n")) == (
        "profiles.llama-3.3-70b-instruct in rag-proxy.toml: " + unquoted("llama-3.3-70b-instruct"),
    )


def test_names_that_are_set_are_those_of_environment_and_dotenv() -> None:
    Path(".env").write_text("LIGHTON_APIKEY=x")
    assert variable_names() >= {"PATH", "LIGHTON_APIKEY"}


def test_all_problems_are_one_error_with_a_line_each() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(toml("port = -1\nworkers = 0"))
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).splitlines() == list(caught.value.problems)
    assert len(caught.value.problems) == 2


def test_of_very_many_problems_some_are_told_and_the_others_counted() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(toml("".join(f"unknown_{n} = 1\n" for n in range(3_100))))
    assert len(caught.value.problems) == 101
    assert caught.value.problems[-1] == "and 3,000 more"


@pytest.mark.parametrize("key", ["_env_file", "_cli_parse_args", "model_config"])
def test_names_with_a_meaning_inside_are_no_settings(key: str) -> None:
    assert problems(toml(f"{key} = true"))[0].startswith(f"{key} in rag-proxy.toml: no such")


def test_profiles_of_environment_and_file_are_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, RAG_PROXY_PROFILES='{"hr": {"model": "a"}, "x": {}}')
    config = toml('[profiles.hr]\nmodel = "b"\nmax_rounds = 1\n[profiles.legal]')
    profiles = load_settings(config).profiles
    assert set(profiles) == {"hr", "legal", "x"}
    assert (profiles["hr"].model, profiles["hr"].max_rounds) == ("a", 1)


def test_profiles_are_read_from_tables() -> None:
    config = toml('[profiles."hr/assistant"]\nmodel = "m"\nworkspace_id = [42]')
    profile = load_settings(config).profiles["hr/assistant"]
    assert (profile.model, profile.workspace_id, profile.retrieval) == ("m", (42,), None)
