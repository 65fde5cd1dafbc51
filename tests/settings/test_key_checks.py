from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.errors import SettingsError
from proxy.settings import Settings
from proxy.settings.key_checks import warnings_of_keys
from proxy.settings.named_secrets import NamedSecrets
from tests.access.key_samples import OTHER, table, write


def warnings(path: Path, **more: Any) -> tuple[str, ...]:
    return warnings_of_keys(Settings(keys_file=str(path), **more))


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


def private(path: Path, *tables: str) -> Path:
    write(path, *tables).chmod(0o600)
    return path


def test_without_a_key_file_there_is_nothing_to_warn_about() -> None:
    assert warnings_of_keys(Settings()) == ()


def test_a_file_that_does_not_exist_yet_is_no_fault_at_the_start(path: Path) -> None:
    assert warnings(path) == ()


def test_a_key_that_names_a_profile_which_does_not_exist_is_warned_about(path: Path) -> None:
    private(
        path,
        table("acme", more='profiles = ["legal", "hr", "sales"]'),
        table("other", OTHER, 'profiles = ["hr"]'),
    )
    assert warnings(path, profiles={"hr": {}}) == (
        f"{path}: keys.acme.profiles: no profile is named legal or sales",
    )


def test_a_file_that_others_may_write_is_warned_about(path: Path) -> None:
    private(path, table()).chmod(0o620)
    assert warnings(path) == (f"{path}: others may write it, and so make keys: chmod 600 {path}",)


def test_a_broken_file_is_refused_at_the_start(path: Path) -> None:
    path.write_text("[keys")
    with pytest.raises(SettingsError, match=r"keys\.toml: not valid TOML"):
        warnings(path)


def test_limits_of_keys_that_each_worker_counts_by_itself_are_warned_about(path: Path) -> None:
    private(path, table("acme", more="requests_per_minute = 9"), table("other", OTHER))
    (warning,) = warnings(path, workers=4)
    assert warning.startswith(f"{path}: each of the 4 workers counts the limits of acme by itself")
    assert warnings(path, workers=4, redis_url="redis://localhost") == ()
    assert warnings(path) == ()


def test_budgets_of_keys_that_a_restart_forgets_are_warned_about(path: Path) -> None:
    private(
        path,
        *(table(f"k{n}", f"rp-{n}", "daily_tokens = 9") for n in range(5)),
        table("acme", more="concurrent = 1"),
    )
    (warning,) = warnings(path)
    assert warning == (
        f"{path}: the daily and monthly tokens of k0, k1, k2 and 2 more keys begin anew when the "
        "proxy starts again; set RAG_PROXY_REDIS_URL to keep the counts"
    )
    assert warnings(path, redis_url="redis://localhost") == ()


def test_a_secret_that_can_be_guessed_from_a_signed_header_is_warned_about(path: Path) -> None:
    more = 'signed_user_header = "X-Jwt"\nsigned_user_secret_env = "JWT_SECRET"'
    private(path, table("chat", more=more))
    settings = Settings(keys_file=str(path))
    (warning,) = warnings_of_keys(settings, NamedSecrets({"JWT_SECRET": "short"}))
    assert warning.startswith(f"{path}: keys.chat.signed_user_secret_env: JWT_SECRET has fewer")
    assert "short" not in warning
    assert warnings_of_keys(settings, NamedSecrets({"JWT_SECRET": "x" * 32})) == ()
    assert warnings_of_keys(settings) == ()
