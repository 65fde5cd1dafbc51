from __future__ import annotations

import tomllib
from datetime import UTC, datetime

import pytest

from proxy.access.key_records import KeyRecord, records_of
from proxy.commands.key_table import json_of, lines_of, summary_of, table_of
from tests.access.key_samples import OTHER, SECRET, sha256, table

NOW = datetime(2026, 11, 26, 7, tzinfo=UTC)
FULL = f"""
created = 2026-11-26T06:49:10Z
expires = 2026-11-26
workspaces = [43, 42]
profiles = ["hr"]
models = ["b", "a"]
retrieval = ["tool", "off"]
requests_per_minute = 1
tokens_per_minute = 2
concurrent = 3
daily_tokens = 4
monthly_tokens = 5
weight = 6
metrics = true
lighton_key_env = "ACME_KEY"
signed_user_header = "X-User-Jwt"
signed_user_secret_env = "JWT_SECRET"
trust_groups_header = "X-Groups"
previous = [
    {{ sha256 = "{sha256(OTHER)}", until = 2026-11-25 }},
    {{ sha256 = "{sha256("rp-x")}", until = 2026-11-27T07:00:00Z }},
]
"""


def records(*tables: str) -> tuple[KeyRecord, ...]:
    return records_of(tomllib.loads("\n".join(tables)))


def test_a_table_is_as_wide_as_what_stands_in_it() -> None:
    found = records(
        table("acme", more="expires = 2026-11-26\nworkspaces = [43, 42]\nconcurrent = 3"),
        table('"x.y"', OTHER, 'workspaces = "all"\nmodels = ["b", "a"]', id="k2"),
    )
    assert table_of(found, NOW) == [
        "NAME  WORKSPACES  PROFILES  MODELS  LIMITS        EXPIRES                         CREATED",
        "acme  42, 43      any       any     concurrent=3  2026-11-26 00:00 UTC (expired)  unknown",
        "x.y   all         none      a, b    none          never                           unknown",
    ]


def test_without_keys_there_is_only_the_header() -> None:
    assert table_of((), NOW) == [
        "NAME  WORKSPACES  PROFILES  MODELS  LIMITS  EXPIRES  CREATED",
    ]


def test_one_key_is_shown_with_all_that_its_record_says() -> None:
    (record,) = records(table("acme", more=FULL))
    assert lines_of(record, NOW) == [
        "name             acme",
        "id               k_acme",
        "workspaces       42, 43",
        "profiles         hr",
        "models           a, b",
        "retrieval        off, tool",
        "metrics          yes",
        "lighton key      ACME_KEY",
        "limits           rpm=1 tpm=2 concurrent=3 daily=4 monthly=5",
        "weight           6",
        "created          2026-11-26 06:49 UTC",
        "expires          2026-11-26 00:00 UTC (expired)",
        "people           X-User-Jwt, signed with JWT_SECRET; groups X-Groups",
        "earlier secrets  until 2026-11-25 00:00 UTC (expired); 2026-11-27 07:00 UTC",
    ]


def test_a_header_without_a_proof_is_shown_as_such() -> None:
    (record,) = records(table("acme", more='trust_user_header = "X-User"'))
    assert lines_of(record, NOW)[-1] == "people       X-User, not signed"


def test_a_key_in_one_line_is_what_it_opens() -> None:
    (record,) = records(table("acme"))
    assert summary_of(record) == "workspaces: none; profiles: any; models: any"


def test_json_tells_no_restriction_from_nothing() -> None:
    narrow, wide = records(
        table("narrow", more="profiles = []"), table("wide", OTHER, 'workspaces = "all"')
    )
    fields = ("workspaces", "profiles", "models", "retrieval")
    assert [json_of(narrow)[each] for each in fields] == [[], [], [], "any"]
    assert [json_of(wide)[each] for each in fields] == ["all", "any", "any", "any"]


def test_json_has_all_that_the_record_says() -> None:
    (record,) = records(table("acme", more=FULL))
    assert json_of(record) == {
        "name": "acme",
        "id": "k_acme",
        "workspaces": [42, 43],
        "profiles": ["hr"],
        "models": ["a", "b"],
        "retrieval": ["off", "tool"],
        "limits": {
            "requests_per_minute": 1,
            "tokens_per_minute": 2,
            "concurrent": 3,
            "daily_tokens": 4,
            "monthly_tokens": 5,
        },
        "weight": 6,
        "metrics": True,
        "lighton_key_env": "ACME_KEY",
        "people": {"user": "X-User-Jwt", "secret_env": "JWT_SECRET", "groups": "X-Groups"},
        "created": "2026-11-26T06:49:10+00:00",
        "expires": "2026-11-26T00:00:00+00:00",
        "earlier_secrets_until": ["2026-11-25T00:00:00+00:00", "2026-11-27T07:00:00+00:00"],
    }


@pytest.mark.parametrize("secret", [SECRET, OTHER, "rp-x"])
def test_no_hash_is_shown(secret: str) -> None:
    (record,) = records(table("acme", more=FULL))
    shown = f"{table_of([record], NOW)}{lines_of(record, NOW)}{json_of(record)}"
    assert sha256(secret) not in shown
