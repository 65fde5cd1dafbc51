"""`rag-proxy check --as PERSON` against the stand-ins."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.access.clients import Client, PeopleHeaders
from proxy.access.grants import Limits
from proxy.access.key_records import KeyRecord
from proxy.app import make_people
from proxy.cli import main
from proxy.commands import check
from proxy.commands.check_person import find_person, findings_of_person, require_people
from proxy.errors import SettingsError
from proxy.settings import Settings
from proxy.settings.named_secrets import NamedSecrets
from tests.access.key_samples import table, write
from tests.commands.test_check_key import record, sandbox, settings_for

__all__ = ["sandbox"]  # a fixture, which tests name as a parameter
RULES = (
    {"group": "hr", "workspace_id": [1, 77], "concurrent": 2},
    {"group": "legal", "workspace_id": "all"},
    {"user": "Ann@example.com", "profiles": ["hr", "plain"], "models": "any", "concurrent": 5},
    {"user": "bob@example.com", "workspace_id": [2]},
    {"user": "*", "retrieval": ["tool"], "requests_per_minute": 9},
)


async def lines(
    url: str,
    key: KeyRecord | None = None,
    name: str = "ann@example.com",
    groups: tuple[str, ...] = ("hr",),
    **values: Any,
) -> list[str]:
    settings = settings_for(url, **{"access": RULES, **values})
    person = find_person(name, groups)
    found = findings_of_person(person, key, settings, NamedSecrets({}), {})
    return [str(each) async for each in found]


async def test_each_rule_says_whether_it_fits_and_why(sandbox: str) -> None:
    found = await lines(sandbox)
    recorded = make_people(settings_for(sandbox)).name_of(
        Client("front-end", "k_9", person=find_person("ann@example.com", ()))
    )
    assert len(recorded) == 16
    assert found[:6] == [
        f"ok      person ann@example.com: groups: hr; in records: {recorded}",
        (
            "ok      access[1] group hr: opens workspaces: 1, 77; profiles: any; models: any; "
            "retrieval: any; limits: concurrent=2"
        ),
        "skipped access[2] group legal: not a group of this person",
        (
            "ok      access[3] user ann@example.com: opens workspaces: none; profiles: hr, plain; "
            "models: any; retrieval: any; limits: concurrent=5"
        ),
        "skipped access[4] user bob@example.com: another person",
        (
            "ok      access[5] user *: opens workspaces: none; profiles: any; models: any; "
            "retrieval: tool; limits: rpm=9"
        ),
    ]
    assert found[6] == (
        "ok      all rules that fit: open workspaces: 1, 77; profiles: any; models: any; "
        "retrieval: any; limits: rpm=9 concurrent=5"
    )


async def test_what_may_be_named_and_searched_is_what_key_and_rules_both_open(sandbox: str) -> None:
    key = record(
        workspaces=frozenset({1, 2}), profiles=frozenset({"hr", "legal"}), limits=Limits(4)
    )
    found = await lines(sandbox, key)
    assert found[:2] == [
        "ok      key acme: does not expire",
        (
            "ok      what the key opens: workspaces: 1, 2; profiles: hr, legal; models: any; "
            "retrieval: any; limits: rpm=4"
        ),
    ]
    assert [each.partition(", ")[0].partition(" in all")[0] for each in found[-6:-1]] == [
        "ok      all rules that fit: open workspaces: 1",
        "ok      no model named: llama",
        "ok      profile hr: llama",
        "FAIL    profile legal: 403: Nothing is left to search: no workspace_id is",
        "ok      any other model: as a request names it",
    ]
    assert found[-1] == "ok      LightOn searches in workspace 1: one result"


async def test_a_person_with_a_token_is_narrowed_by_rules_and_settings_alone(sandbox: str) -> None:
    found = await lines(sandbox, None, "bob@example.com", (), profiles={})
    assert not [each for each in found if "key" in each]
    assert found[-3:] == [
        "ok      no model named: llama, retrieval tool, workspaces 2",
        "ok      any other model: as a request names it",
        "ok      LightOn searches in workspace 2: one result",
    ]


async def test_a_person_behind_a_key_without_its_secret_has_failed(sandbox: str) -> None:
    signed = replace(record(), people=PeopleHeaders("X-Jwt", "SECRET"))
    found = await lines(sandbox, signed)
    assert found[1].startswith("FAIL    who asks: keys.acme.signed_user_secret_env: SECRET is not ")


async def test_a_person_whom_no_rule_fits_has_failed_and_searches_nothing(sandbox: str) -> None:
    found = await lines(sandbox, None, "eve", ("HR",), access=RULES[:2], people_in_records="given")
    assert found[:3] == [
        "ok      person eve: groups: HR",
        "skipped access[1] group hr: not a group of this person",
        "skipped access[2] group legal: not a group of this person",
    ]
    (last,) = found[3:]
    assert last.startswith("FAIL    all rules that fit: 403: The rules of this proxy open nothing ")
    (_, last) = await lines(sandbox, None, "eve", access=())
    assert last.startswith("FAIL    all rules that fit: 403: ")


async def test_the_command_reports_on_a_person_behind_a_key(
    sandbox: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = write(
        tmp_path / "keys.toml",
        table("webui", more='workspaces = [1]\ntrust_user_header = "X-User"'),
    )
    settings = settings_for(sandbox, keys_file=str(file), profiles={}, access=RULES)
    monkeypatch.setattr(check, "load_settings", lambda _: settings)
    for groups, code in ((("hr",), 0), ((), 0)):
        run = functools.partial(check.run, None, "webui", "ann@example.com", groups)
        assert await asyncio.to_thread(run) == code
    printed = capsys.readouterr().out
    assert printed.count("key webui") == printed.count("person ann@example.com") == 2
    assert "Scaleway" not in printed
    run = functools.partial(check.run, None, "webui", "ann@example.com")
    monkeypatch.setattr(
        check, "load_settings", lambda _: settings.model_copy(update={"access": ()})
    )
    assert await asyncio.to_thread(run) == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--group", "hr"), "rag-proxy: --group needs --as: say whose group it is"),
        (("--as", " ann"), "rag-proxy: --as: must be 1 to 256 printable characters, "),
        (("--as", "ann", "--key", "k"), "rag-proxy: --key needs a file of client keys: "),
    ],
)
def test_what_the_options_cannot_mean_is_an_error(
    arguments: tuple[str, ...],
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = settings_for("http://127.0.0.1:1")
    monkeypatch.setattr(check, "load_settings", lambda _: settings)
    assert main(["check", *arguments]) == 2
    assert capsys.readouterr().err.startswith(problem)


def test_a_persons_address_is_found_in_any_case() -> None:
    assert find_person("ANN@Example.com", ()).name == "ann@example.com"
    with pytest.raises(SettingsError, match="--as: must be 1 to 256"):
        find_person("", ())


def test_a_key_that_stands_for_nobody_else_has_no_people_to_check() -> None:
    with pytest.raises(SettingsError, match="the key acme stands for nobody but itself"):
        require_people(record(), Settings())
    require_people(replace(record(), people=PeopleHeaders("X-User")), Settings())


def test_without_a_key_only_an_issuer_tells_people_apart() -> None:
    with pytest.raises(SettingsError, match="nothing tells people apart"):
        require_people(None, Settings())
    issuer = {"issuer": "https://login.example.com", "audience": "rag-proxy"}
    require_people(None, Settings(identity={"oidc": issuer}))
