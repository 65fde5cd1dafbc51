"""Where values come from and which wins; each rule about a single value."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from proxy.errors import SettingsError
from proxy.settings import Settings, load_settings, variable_names
from proxy.settings.messages import unquoted
from proxy.state.store import make_store

SECRET = "scw-very-secret"


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder and an environment that says nothing about the proxy."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {"PATH": "/usr/bin"})


def set_variables(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, **variables})


def toml(text: str) -> Path:
    path = Path("rag-proxy.toml")
    path.write_text(text, encoding="utf-8")
    return path


def problems(config: Path | None = None, **overrides: Any) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(config, **overrides)
    return caught.value.problems


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


def test_whitespace_around_a_key_is_not_part_of_it() -> None:
    key = Settings(lighton_api_key=f" {SECRET}\n").lighton_api_key
    assert key
    assert key.get_secret_value() == SECRET


@pytest.mark.parametrize("value", [f"{SECRET} x", f"{SECRET}\nx", f"{SECRET}\u200bx", f"{SECRET}é"])
def test_a_key_with_a_space_or_line_break_is_refused_without_showing_it(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_variables(monkeypatch, SCW_SECRET_KEY=value)
    (problem,) = problems()
    assert problem.startswith("SCW_SECRET_KEY: must be one word of plain ASCII")
    assert SECRET not in problem


def test_no_problem_shows_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret may stand in the wrong variable, or in an address."""
    names = ["PORT", "RETRIEVAL", "BUDGET_S", "TAG_ID", "CORS_ORIGINS", "PROFILES", "LOG_LEVEL"]
    variables = {f"RAG_PROXY_{name}": SECRET for name in names}
    address = f"https://user:{SECRET}@example.com"
    set_variables(monkeypatch, **variables, LIGHTON_BASE_URL=address, SCALEWAY_BASE_URL=SECRET)
    found = problems()
    assert len(found) == len(names) + 2
    assert SECRET not in "\n".join(found)


def test_an_empty_key_in_the_file_is_an_error() -> None:
    assert problems(toml("lighton_api_key = ' '")) == (
        "lighton_api_key in rag-proxy.toml: must not be empty",
    )


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


@pytest.mark.parametrize(
    "value",
    [
        "ftp://x",
        "api.lighton.ai",
        "https://",
        "https://u:p@x",
        "https://x/?a",
        "https://x#a",
        "https://x y",
        "https://[x",
        "https://x\u0000y",
    ],
)
def test_an_address_must_be_plain_http(value: str) -> None:
    with pytest.raises(ValidationError):
        Settings(lighton_base_url=value)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("lighton_base_url", "/api/v3"),
        ("lighton_base_url", "/api/v3/search"),
        ("scaleway_base_url", "/chat/completions"),
    ],
)
def test_what_the_proxy_adds_to_an_address_is_to_be_left_out(name: str, path: str) -> None:
    assert problems(toml(f"{name} = 'https://x/v1{path}/'")) == (
        f"{name} in rag-proxy.toml: must be the address without {path} at its end",
    )


def test_an_address_loses_whitespace_and_slashes_at_its_end() -> None:
    assert Settings(lighton_base_url=" http://x:1/a// ").lighton_base_url == "http://x:1/a"


@pytest.mark.parametrize(
    "value",
    [
        "redis://localhost",
        "redis://localhost/",
        "redis://user:p%40ss@redis.internal:6379/15",
        "rediss://:pass@[::1]:6380/0?ssl_ca_certs=/etc/ca.pem&ssl_check_hostname=false",
        "unix:///run/redis.sock",
        "unix://user@/run/redis.sock?db=2&password=p%26ss",
        " redis://localhost\n",
    ],
)
def test_a_redis_is_reached_by_tcp_tls_or_a_socket(value: str) -> None:
    url = Settings(redis_url=value).redis_url
    assert url
    assert url.get_secret_value() == value.strip()
    assert value.strip() not in f"{Settings(redis_url=value)!r}"
    assert callable(make_store(url.get_secret_value(), 0, b"").read)


@pytest.mark.parametrize(
    "address",
    [
        "localhost:6379",
        "http://{secret}@localhost:6379",
        "redis+sentinel://{secret}@localhost",
        "redis://",
        "redis://:{secret}@",
        "redis://:{secret}#@localhost",
        "redis://:{secret}/@localhost",
        "redis://localhost:{secret}",
        "redis://localhost:65536",
        "redis://localhost:0",
        "redis://localhost/{secret}",
        "redis://localhost/0/1",
        "redis://localhost/0#{secret}",
        "redis://[{secret}",
        "unix://run/redis.sock",
        "unix:///",
        "unix:run.sock",
    ],
)
def test_what_is_no_redis_address_is_refused_without_showing_it(address: str) -> None:
    (problem,) = problems(toml(f"redis_url = '{address.format(secret=SECRET)}'"))
    assert problem.startswith(
        "redis_url in rag-proxy.toml: must be redis://host:6379/0, rediss://… for TLS, or unix:///path"
    )
    assert SECRET not in problem


@pytest.mark.parametrize(
    ("address", "options"),
    [
        ("redis://localhost?max_connections=1", "nothing"),
        ("redis://localhost?ssl_ca_certs=/ca.pem", "nothing"),
        ("redis://localhost?{secret}", "nothing"),
        ("rediss://localhost?pasword={secret}", "ssl_ca_certs, ssl_cert_reqs, ssl_certfile, "),
        ("unix:///redis.sock?decode_responses=true", "db, password"),
        ("unix:///redis.sock?db={secret}", "db, password"),
        ("unix:///redis.sock?db=", "db, password"),
    ],
)
def test_an_option_of_redis_that_is_unknown_is_refused_without_showing_it(
    address: str, options: str
) -> None:
    (problem,) = problems(toml(f"redis_url = '{address.format(secret=SECRET)}'"))
    expected = f"redis_url in rag-proxy.toml: may have after '?' only {options}"
    assert problem.startswith(expected)
    assert SECRET not in problem


@pytest.mark.parametrize(
    ("origin", "stored"),
    [("https://a.example/", "https://a.example"), ("*", "*"), ("app://obsidian.md",) * 2],
)
def test_an_origin_is_kept_as_browsers_send_it(origin: str, stored: str) -> None:
    assert Settings(cors_origins=[origin]).cors_origins == (stored,)


@pytest.mark.parametrize("origin", ["a.example", "https://a.example/path", "https://", ""])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError):
        Settings(cors_origins=[origin])


def test_no_origins_differs_from_origins_left_out() -> None:
    assert load_settings(toml("cors_origins = []")).cors_origins == ()
    assert load_settings().cors_origins is None


def test_the_log_level_may_be_written_in_capitals() -> None:
    assert Settings(log_level="WARNING").log_level == "warning"


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
        ("scaleway_project_id = 'a/b'", "must be a project id like " + "-".join(
            ("0" * 8, "0" * 4, "0" * 4, "0" * 4, "0" * 12)
        )),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_plain_line(line: str, fault: str) -> None:
    key = line.partition(" ")[0]
    assert problems(toml(line)) == (f"{key} in rag-proxy.toml: {fault}",)


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
