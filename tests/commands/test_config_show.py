"""`rag-proxy config show`: the settings with which the proxy would start."""

import tomllib
from pathlib import Path

import pytest

from proxy.cli import main
from proxy.settings import Settings

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_takes_the_options_of_serve(capsys: Printed) -> None:
    Path("rag-proxy.toml").write_text("port = 1\nmax_rounds = 2")
    options = ["--config", "rag-proxy.toml", "--port", "9000", "--workers", "2"]
    assert main(["config", "show", *options, "--host", "::1", "--keys-file", "keys.toml"]) == 0
    shown = tomllib.loads(capsys.readouterr().out)
    assert (shown["port"], shown["workers"], shown["max_rounds"]) == (9000, 2, 2)
    assert (shown["host"], shown["keys_file"]) == ("::1", "keys.toml")


def test_secrets_of_client_keys_are_not_read_at_all(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys name them in the key file: `lighton_key_env`, `signed_user_secret_env`."""
    monkeypatch.setenv("ACME_LIGHTON_KEY", "named-secret")
    monkeypatch.setenv("LIGHTON_API_KEY", "lighton-secret")
    keys = Path("keys.toml")
    keys.write_text('[keys.acme]\nlighton_key_env = "ACME_LIGHTON_KEY"\n')
    assert main(["config", "show", "--keys-file", "keys.toml"]) == 0
    out = capsys.readouterr().out
    assert 'keys_file = "keys.toml"  # --keys-file' in out
    assert "secret" not in out.replace("Secrets are hidden", "")


def test_wrong_settings_are_problems_as_at_the_start(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_PROXY_PORT", "no-port")
    assert main(["config", "show"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "rag-proxy: RAG_PROXY_PORT: must be a whole number\n"


def test_a_proxy_that_would_not_start_without_keys_is_shown(capsys: Printed) -> None:
    assert main(["config", "show"]) == 0
    shown = tomllib.loads(capsys.readouterr().out)
    assert set(shown) <= set(Settings.model_fields)
