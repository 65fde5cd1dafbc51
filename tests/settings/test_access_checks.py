from __future__ import annotations

from pathlib import Path
from typing import Any

from proxy.settings import Settings
from proxy.settings.access_checks import warnings_of_rules
from tests.access.key_samples import OTHER, SECRET, table, write

ISSUER = {"oidc": {"issuer": "https://login.example.com", "audience": "rag-proxy"}}


def warnings(*access: Any, **more: Any) -> tuple[str, ...]:
    return warnings_of_rules(Settings(access=access, **more))


def test_without_people_there_is_nothing_to_warn_about() -> None:
    assert warnings() == ()
    assert warnings({"group": "hr"}, identity=ISSUER) == ()


def test_people_who_are_known_and_have_no_rules_are_warned_about(tmp_path: Path) -> None:
    front = table("webui", SECRET, 'trust_user_header = "X-User"')
    file = write(tmp_path / "keys.toml", front, table("plain", OTHER))
    (warning,) = warnings(identity=ISSUER, keys_file=str(file))
    people = "access: there are no rules for the people of identity.oidc, keys.webui, so "
    assert warning.startswith(people)
    assert "error 403" in warning
    (warning,) = warnings(keys_file=str(file))
    assert "the people of keys.webui, so " in warning
    assert warnings({"group": "hr"}, keys_file=str(file)) == ()


def test_a_rule_that_names_a_profile_which_does_not_exist_is_warned_about() -> None:
    rules = ({"group": "it"}, {"user": "ann", "profiles": ["legal", "hr", "sales"]})
    assert warnings(*rules, profiles={"hr": {}}) == (
        "access[2].profiles: no profile is named legal or sales",
    )


def test_limits_of_rules_that_each_process_counts_by_itself_are_warned_about() -> None:
    rules = ({"group": "it"}, *({"group": f"g{n}", "concurrent": 1} for n in range(5)))
    (warning,) = warnings(*rules, workers=4)
    assert warning.startswith(
        "each of the 4 workers counts the limits of access[2], access[3], access[4] and 2 "
        "more rules"
    )
    assert warnings(*rules) == ()
    (warning,) = warnings({"group": "it", "daily_tokens": 5})
    assert warning.startswith("the daily and monthly tokens of access[1] begin anew")
    assert warnings(*rules, workers=4, redis_url="redis://127.0.0.1:1/0") == ()
