from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.commands.starting import check_start
from proxy.errors import SettingsError
from proxy.settings import Settings
from proxy.settings.named_secrets import NO_SECRETS

KEYS: dict[str, Any] = {"lighton_api_key": "k", "scaleway_api_key": "k"}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"scaleway_api_key": None}, "SCALEWAY_API_KEY is not set"),
        ({"host": "0.0.0.0"}, "refusing to listen on 0.0.0.0 without client keys"),  # noqa: S104
        ({"default_model": "hr", "profiles": {"hr": {}}}, "profiles.hr.model: must be set"),
        ({"usage_file": "missing/usage.jsonl"}, "cannot write missing/usage.jsonl"),
        ({"audit_file": "missing/audit.jsonl"}, "cannot write missing/audit.jsonl"),
        ({"keys_file": "broken.toml"}, "broken.toml: not valid TOML"),
    ],
)
def test_what_would_keep_the_proxy_from_starting_is_refused(
    given: dict[str, Any], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.toml").write_text("[[[")
    with pytest.raises(SettingsError) as caught:
        check_start(Settings(**{**KEYS, **given}), NO_SECRETS)
    assert any(problem in each for each in caught.value.problems)


def test_what_works_less_well_than_one_may_expect_is_a_warning() -> None:
    (warning,) = check_start(Settings(**KEYS, workers=2, cors_origins=()), NO_SECRETS)
    assert warning.startswith("each of the 2 workers keeps its own")


def test_a_key_that_only_ask_sends_keeps_a_proxy_without_keys_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAG_PROXY_API_KEY", "client-key")
    with pytest.raises(SettingsError, match="did you mean RAG_PROXY_API_KEYS"):
        check_start(Settings(**KEYS), NO_SECRETS)
    assert check_start(Settings(**KEYS, api_keys=["k" * 20]), NO_SECRETS) == ()
