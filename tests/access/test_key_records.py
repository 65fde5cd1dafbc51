from __future__ import annotations

import time
import tomllib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from proxy.access.grants import Grant, Limits
from proxy.access.key_records import KeyRecord, Secret, in_utc, is_name, records_of
from proxy.errors import SettingsError
from tests.access.key_samples import OTHER, SECRET, sha256, table


def read(*tables: str) -> tuple[KeyRecord, ...]:
    return records_of(tomllib.loads("\n".join(tables)))


def grant_of(more: str) -> Grant:
    (record,) = read(table(more=more))
    return record.grant


def problems(*tables: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        read(*tables)
    return caught.value.problems


def test_a_file_without_keys_holds_none() -> None:
    assert read("") == read("[keys]") == ()


def test_a_table_is_a_key_with_all_that_it_says() -> None:
    (record,) = read(
        table(
            more="""
created = 2026-11-26T06:49:00Z
expires = 2027-01-01
workspaces = [42, 43]
profiles = ["hr"]
models = ["llama"]
retrieval = ["tool", "off"]
requests_per_minute = 1
tokens_per_minute = 2
concurrent = 3
daily_tokens = 4
monthly_tokens = 5
weight = 6
metrics = true
lighton_key_env = "ACME_LIGHTON_KEY"
"""
        )
    )
    assert record == KeyRecord(
        name="acme",
        id="k_acme",
        secret=Secret(bytes.fromhex(sha256(SECRET))),
        grant=Grant(
            workspaces=frozenset({42, 43}),
            profiles=frozenset({"hr"}),
            models=frozenset({"llama"}),
            retrieval=frozenset({"tool", "off"}),
            lighton_key_env="ACME_LIGHTON_KEY",
            may_read_metrics=True,
            limits=Limits(1, 2, 3, 4, 5),
            weight=6,
        ),
        created=datetime(2026, 11, 26, 6, 49, tzinfo=UTC),
        expires=datetime(2027, 1, 1, tzinfo=UTC),
    )


def test_a_key_without_workspaces_sees_none_and_all_must_be_said() -> None:
    assert grant_of("").workspaces == frozenset()
    assert grant_of("workspaces = []").workspaces == frozenset()
    assert grant_of('workspaces = "all"').workspaces is None


@pytest.mark.parametrize(
    ("more", "profiles", "models"),
    [
        ("", None, None),
        ('profiles = ["hr"]', {"hr"}, set()),
        ('models = ["m"]', set(), {"m"}),
        ('profiles = ["hr"]\nmodels = ["m"]', {"hr"}, {"m"}),
        ('profiles = ["hr"]\nmodels = "any"', {"hr"}, None),
        ('models = "any"', set(), None),
        ("profiles = []", set(), set()),
    ],
)
def test_a_key_that_names_a_profile_or_a_model_may_use_nothing_else(
    more: str, profiles: set[str] | None, models: set[str] | None
) -> None:
    assert (grant_of(more).profiles, grant_of(more).models) == (profiles, models)


def test_earlier_secrets_have_an_end() -> None:
    until = "2026-11-27T06:49:00+01:00"
    (record,) = read(table(more=f'previous = [{{ sha256 = "{sha256(OTHER)}", until = {until} }}]'))
    assert record.previous == (
        Secret(bytes.fromhex(sha256(OTHER)), datetime(2026, 11, 27, 5, 49, tzinfo=UTC)),
    )


def test_a_time_without_a_zone_is_in_utc() -> None:
    (record,) = read(table(more="expires = 2027-01-01T10:00:00"))
    assert record.expires == datetime(2027, 1, 1, 10, tzinfo=UTC)


def test_a_time_of_another_zone_is_told_in_utc() -> None:
    (key,) = records_of(tomllib.loads(table(more="expires = 2027-01-31T18:00:00+05:00")))
    assert f"{key.expires}" == "2027-01-31 13:00:00+00:00"


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("workspace = [1]", "workspace: no such field; there are id, sha256, "),
        ("workspaces = 1", 'workspaces: must be a list of workspace ids, or "all"'),
        ('workspaces = "none"', 'workspaces: must be a list of workspace ids, or "all"'),
        ("workspaces = [true]", 'workspaces: must be a list of workspace ids, or "all"'),
        ('workspaces = ["1"]', 'workspaces: must be a list of workspace ids, or "all"'),
        ('profiles = "hr"', "profiles: must be a list of names"),
        ('profiles = [""]', "profiles: must be a list of names"),
        ('profiles = ["a\\n"]', "profiles: must be a list of names"),
        ('models = "all"', 'models: must be a list of names, or "any"'),
        ('retrieval = "off"', "retrieval: must be a list with some of tool, context, hybrid, off"),
        ('retrieval = ["on"]', "retrieval: must be a list with some of "),
        ("retrieval = [[]]", "retrieval: must be a list with some of "),
        ("retrieval = []", "retrieval: must be a list with some of "),
        ("concurrent = 0", "concurrent: must be a whole number of at least 1"),
        ("concurrent = true", "concurrent: must be a whole number of at least 1"),
        ("weight = 0", "weight: must be a whole number from 1 to 100"),
        ("weight = 101", "weight: must be a whole number from 1 to 100"),
        ("weight = true", "weight: must be a whole number from 1 to 100"),
        ("daily_tokens = 1.5", "daily_tokens: must be a whole number of at least 1"),
        ('expires = "2027-01-01"', "expires: must be a date, or a date with a time, without "),
        ("expires = 10:00:00", "expires: must be a date, or a date with a time, without "),
        ("expires = 9999-12-31T23:59:59-14:00", "expires: must be a date, or a date with "),
        ("metrics = 1", "metrics: must be true or false"),
        ('lighton_key_env = "lo-key-1"', "lighton_key_env: must be the name of an environment "),
        ('lighton_key_env = "RAG_PROXY_X"', "lighton_key_env: must not begin with RAG_PROXY_"),
        ('previous = ["x"]', "previous: must be a list of tables with sha256 and until"),
        ('previous = [{ sha256 = "x" }]', "previous: must be a list of tables with "),
        ("'a b' = 1", "a field: no such field"),
    ],
)
def test_a_field_with_a_fault_is_named_with_what_it_must_be(more: str, problem: str) -> None:
    (said,) = problems(table(more=more))
    assert said.startswith(f"keys.acme.{problem}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[keys.acme]", ("keys.acme.id: is missing", "keys.acme.sha256: is missing")),
        ("keys = 1", ("keys: must hold tables [keys.NAME]",)),
        ("[keys]\nacme = 1", ("keys.acme: must be a table",)),
        ("port = 1", ("port: no such table; a key file has only tables [keys.NAME]",)),
    ],
)
def test_what_is_no_key_file_is_refused(text: str, expected: tuple[str, ...]) -> None:
    assert problems(text) == expected


def test_a_key_in_the_place_of_its_hash_is_refused_and_not_repeated() -> None:
    (said,) = problems(f'[keys.acme]\nid = "k"\nsha256 = "{SECRET}"')
    assert said.startswith("keys.acme.sha256: must be 64 hexadecimal digits")
    assert SECRET not in said


@pytest.mark.parametrize("name", ["", "a b", "é", "x" * 65, "a/b", "a\nb"])
def test_a_name_of_other_characters_is_refused(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(SettingsError, match="a key's name must be 1 to 64 of the characters"):
        records_of({"keys": {name: {}}})


def test_all_problems_of_a_file_are_told_at_once() -> None:
    assert (
        len(problems("port = 1", table("a", more="metrics = 1"), table("b", OTHER, "x = 1"))) == 3
    )


@pytest.mark.parametrize("second", [table("b", SECRET), table("b", OTHER, id="k_acme")])
def test_two_keys_cannot_share_a_secret_or_an_id(second: str) -> None:
    assert problems(table("acme"), second) == (
        "keys.b: has an id or a hash that keys.acme has, too",
    )


def test_a_moment_with_a_time_zone_is_told_in_utc_wherever_the_proxy_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        plain = datetime(2026, 7, 1, 12)  # noqa: DTZ001 - it names no time zone
        found = [in_utc(plain), in_utc(plain.replace(tzinfo=timezone(timedelta(hours=2))))]
        assert [str(each) for each in found] == [
            "2026-07-01 12:00:00+00:00",
            "2026-07-01 10:00:00+00:00",
        ]
    finally:
        monkeypatch.undo()
        time.tzset()
