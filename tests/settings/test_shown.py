"""The settings in force as TOML: what is read again is the same, and no secret is in it."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import given as given_by
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from proxy.settings import Settings, load_settings
from proxy.settings.loading import build_settings, read_sources
from proxy.settings.secret_files import is_secret
from proxy.settings.shown import shown
from proxy.settings.sources import environment_names, from_toml
from tests.settings.given import set_variables, toml
from tests.settings.others import other, written

SECRETS = {name for name, info in Settings.model_fields.items() if is_secret(info)}
OPEN = [name for name in Settings.model_fields if name not in SECRETS]
LAYOUT = """
[identity.oidc]
issuer = "https://login.test"
audience = "proxy"

[prices]
search = 2

[prices."model.with.dots"]
input = 1
output = 2

[[access]]
user = "*"
workspace_id = "all"
models = "any"
retrieval = ["off", "tool"]

[[access]]
group = "hr # not a comment"
workspace_id = [2, 1]
profiles = ["hr"]
daily_tokens = 5

[profiles."v1.0"]
refusal_text = { en = "No.", de = "Nein." }
workspace_id = [1]
unknown_relevance = "keep"

[profiles.empty]
"""


def lines(config: Path | None = None, **flags: Any) -> list[str]:
    sources = read_sources(config, **flags)
    return list(shown(build_settings(sources), sources))


def read_again(text: str) -> Settings:
    path = Path("again.toml")
    path.write_text(text, encoding="utf-8")
    return build_settings((from_toml(path),))


def test_each_setting_has_a_line_with_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, RAG_PROXY_MAX_ROUNDS="2")
    Path(".env").write_text("RAG_PROXY_MAX_SEARCHES=3\n")
    found = lines(toml('retrieval = "off"'), port=9000)
    assert "port = 9000  # --port" in found
    assert "max_rounds = 2  # RAG_PROXY_MAX_ROUNDS" in found
    assert "max_searches = 3  # RAG_PROXY_MAX_SEARCHES in .env" in found
    assert 'retrieval = "off"  # in rag-proxy.toml' in found
    assert "queue_length = 1000  # default" in found
    assert "# ca_file is not set" in found


def test_no_setting_is_left_out() -> None:
    named = {line.removeprefix("# ").partition(" ")[0] for line in lines()}
    assert named == set(Settings.model_fields)


def test_the_source_that_wins_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, RAG_PROXY_PORT="2")
    config = toml("port = 1")
    assert "port = 2  # RAG_PROXY_PORT" in lines(config)
    assert "port = 3  # --port" in lines(config, port=3)


def test_tables_of_two_sources_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, RAG_PROXY_PROFILES='{"hr": {"model": "a"}}')
    found = lines(toml('[profiles.hr]\nmax_rounds = 1\n[profiles.legal]\nmodel = "b"'))
    assert 'model = "a"  # RAG_PROXY_PROFILES' in found
    assert "max_rounds = 1  # in rag-proxy.toml" in found
    assert 'model = "b"  # in rag-proxy.toml' in found


def test_a_secret_is_a_comment_that_says_where_it_comes_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("key").write_text("lighton-secret")
    set_variables(
        monkeypatch,
        LIGHTON_API_KEY_FILE="key",
        SCW_SECRET_KEY="scaleway-secret",
        RAG_PROXY_API_KEYS="one-secret,two-secret",
        RAG_PROXY_REDIS_URL="redis://:redis-secret@host",
    )
    found = lines()
    assert '# lighton_api_key = "…"  # LIGHTON_API_KEY_FILE' in found
    assert '# scaleway_api_key = "…"  # SCW_SECRET_KEY' in found
    assert '# api_keys = ["…", "…"]  # RAG_PROXY_API_KEYS' in found
    assert '# redis_url = "…"  # RAG_PROXY_REDIS_URL' in found


def test_an_address_that_may_hold_a_secret_is_a_comment_without_it() -> None:
    config = toml("""
        cors_origins = ["https://chat.test", "https://user:zq@chat.test"]
        [identity.oidc]
        issuer = "https://login.test"
        audience = "proxy"
        jwks_url = "https://login.test/keys?v=2&key=zq"
    """)
    found = lines(config)
    origin = "# in rag-proxy.toml"
    assert f'# jwks_url = "https://login.test/keys?v=…&key=…"  {origin}' in found
    assert f'# cors_origins = ["https://chat.test", "https://…@chat.test"]  {origin}' in found
    assert f'issuer = "https://login.test"  {origin}' in found
    assert "zq" not in "\n".join(found)


def test_what_is_shown_can_be_read_again() -> None:
    config = toml(LAYOUT)
    again = read_again("\n".join(lines(config)))
    before = load_settings(config)
    assert again == before
    assert [each.rule for each in again.access] == [each.rule for each in before.access]
    assert list(again.profiles) == ["v1.0", "empty"]
    text = "\n".join(lines(Path("again.toml"))).replace("in again.toml", "in rag-proxy.toml")
    assert tomllib.loads(text) == tomllib.loads("\n".join(lines(config)))


@pytest.mark.parametrize("name", OPEN)
def test_another_value_of_each_setting_can_be_read_again(name: str) -> None:
    config = toml(f"{name} = {written(other(name))}")
    again = read_again("\n".join(lines(config)))
    assert again == load_settings(config)
    assert again != Settings()


def test_a_table_without_anything_stays_one() -> None:
    for table in ("identity", "prices", "profiles.hr"):
        config = toml(f"[{table}]")
        assert read_again("\n".join(lines(config))) == load_settings(config) != Settings()


def test_a_path_cannot_end_the_comment_that_names_it() -> None:
    path = Path("a\nworkers = 9.toml")
    path.write_text("port = 1")
    assert read_again("\n".join(lines(path))).workers == 1


@given_by(
    keys=st.dictionaries(
        st.sampled_from(sorted(SECRETS)),
        st.text("abcdefghijklmnop0123456789", min_size=12, max_size=24),
        min_size=1,
    ),
    place=st.sampled_from(["environment", "dotenv", "file", "flags"]),
)
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
def test_no_secret_is_ever_shown(keys: dict[str, str], place: str) -> None:
    values = {name: f"zq{key}" for name, key in keys.items()}
    if "redis_url" in values:
        values["redis_url"] = f"redis://:{values['redis_url']}@host"
    Path(".env").unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as monkeypatch:
        config, flags = None, dict[str, Any]()
        variables = {environment_names(name)[0]: value for name, value in values.items()}
        if place == "environment":
            set_variables(monkeypatch, **variables)
        elif place == "dotenv":
            Path(".env").write_text("".join(f"{n}={v}\n" for n, v in variables.items()))
        else:
            flags = {n: [v] if n == "api_keys" else v for n, v in values.items()}
        if place == "file":
            config = toml("".join(f"{name} = {written(v)}\n" for name, v in flags.items()))
            flags = {}
        found = "\n".join(lines(config, **flags))
        settings = load_settings(config, **flags)
    for name in values:
        held = getattr(settings, name)
        for secret in held if isinstance(held, tuple) else (held,):
            assert isinstance(secret, SecretStr)
            assert secret.get_secret_value() not in found
            assert keys[name] not in found
    assert read_again(found) == Settings()
