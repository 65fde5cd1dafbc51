"""`rag-proxy check --key NAME` against the stand-ins."""

import asyncio
import functools
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proxy.access.clients import PeopleHeaders
from proxy.access.grants import Grant
from proxy.access.key_records import KeyRecord, Secret
from proxy.commands import check
from proxy.commands.check_key import find_key, findings_of
from proxy.errors import SettingsError
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.settings import Settings
from proxy.settings.named_secrets import NamedSecrets
from tests.access.key_samples import table, write
from tests.support.server import serving

PROFILES = {
    "hr": {"model": "llama", "workspace_id": [1]},
    "legal": {"model": "llama", "workspace_id": [2]},
    "plain": {"model": "llama", "retrieval": "off"},
}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[str]:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "test.md").write_text("# Test results\n\nThe test was in May.\n")
    async with serving(create_sandbox(load_corpus(tmp_path))) as url:
        yield url


def settings_for(url: str, **values: Any) -> Settings:
    given = {
        "lighton_api_key": "lighton-key",
        "lighton_base_url": url,
        "scaleway_api_key": "scaleway-key",
        "scaleway_base_url": f"{url}/v1",
        "default_model": "llama",
        "profiles": PROFILES,
    }
    return Settings(**{**given, **values})


def record(expires: datetime | None = None, **grant: Any) -> KeyRecord:
    return KeyRecord("acme", "k_1", Secret(b""), Grant(**grant), expires=expires)


async def lines(
    url: str, key: KeyRecord, variables: dict[str, str | None] | None = None, **values: Any
) -> list[str]:
    found = findings_of(key, settings_for(url, **values), NamedSecrets(variables or {}), {})
    return [str(each) async for each in found]


async def test_a_key_of_everything_may_use_everything(sandbox: str) -> None:
    assert await lines(sandbox, record()) == [
        "ok      key acme: does not expire",
        "ok      no model named: llama, retrieval tool, workspaces all",
        "ok      profile hr: llama, retrieval tool, workspaces 1",
        "ok      profile legal: llama, retrieval tool, workspaces 2",
        "ok      profile plain: llama, retrieval off, no search",
        "ok      any other model: as a request names it",
        "ok      LightOn searches in all workspaces: one result",
    ]


async def test_a_key_that_stands_for_people_says_so(sandbox: str) -> None:
    plain = replace(record(), people=PeopleHeaders("X-User"))
    assert (await lines(sandbox, plain))[1] == (
        "ok      who asks: people in X-User: what follows is what the key opens, and rules may "
        "open less (see --as PERSON)"
    )


async def test_a_key_without_the_secret_of_its_front_end_has_failed(sandbox: str) -> None:
    signed = replace(record(), people=PeopleHeaders("X-Jwt", "SECRET"))
    assert (await lines(sandbox, signed))[1].startswith(
        "FAIL    who asks: keys.acme.signed_user_secret_env: SECRET is not set, so every request "
    )
    found = await lines(sandbox, signed, {"SECRET": "0" * 64})
    assert not [line for line in found if "FAIL" in line]


async def test_each_workspace_of_a_key_is_searched(sandbox: str) -> None:
    found = await lines(sandbox, record(workspaces=frozenset({1, 2, 77})))
    assert found[-3:-1] == [
        "ok      LightOn searches in workspace 1: one result",
        "ok      LightOn searches in workspace 2: one result",
    ]
    assert found[-1].startswith("FAIL    LightOn searches in workspace 77: ")


async def test_only_what_key_and_settings_both_open_is_searched(sandbox: str) -> None:
    key = record(workspaces=frozenset({1, 2}))
    found = await lines(sandbox, key, workspace_id=[2], profiles={})
    assert [each for each in found if "LightOn" in each] == [
        "ok      LightOn searches in workspace 2: one result"
    ]


async def test_what_a_key_names_and_cannot_use_has_failed(sandbox: str) -> None:
    key = record(
        workspaces=frozenset({1}), profiles=frozenset({"hr", "legal"}), models=frozenset({"PLAIN"})
    )
    found = await lines(sandbox, key)
    assert found[1].startswith("skipped no model named: 404: ")
    assert found[2] == "ok      profile hr: llama, retrieval tool, workspaces 1"
    assert found[3].startswith("FAIL    profile legal: 403: ")
    assert found[4].startswith("FAIL    model PLAIN: 404: ")


async def test_a_key_of_no_workspace_searches_nothing(sandbox: str) -> None:
    found = await lines(sandbox, record(workspaces=frozenset()))
    assert [each.partition(":")[0] for each in found[1:]] == [
        "skipped no model named",
        "skipped profile hr",
        "skipped profile legal",
        "ok      profile plain",
        "ok      any other model",
    ]


async def test_a_key_that_must_search_does_so_in_every_profile(sandbox: str) -> None:
    found = await lines(sandbox, record(retrieval=frozenset({"context"})))
    assert "ok      profile plain: llama, retrieval context, workspaces all" in found


async def test_a_keys_own_lighton_key_is_tried(sandbox: str) -> None:
    key = record(lighton_key_env="ACME_KEY")
    good = await lines(sandbox, key, {"ACME_KEY": "acmes-own"}, lighton_api_key="bad")
    assert good[-1] == "ok      LightOn searches in all workspaces: one result"
    bad = await lines(sandbox, key, {"ACME_KEY": "bad"})
    assert bad[-1].startswith(
        "FAIL    LightOn accepts the key in all workspaces: LightOn rejects ACME_KEY"
    )
    missing = await lines(sandbox, key)
    assert missing[-1].startswith("FAIL    LightOn key: ")
    assert "ACME_KEY" in missing[-1]


async def test_a_key_that_has_expired_has_failed(sandbox: str) -> None:
    now = datetime.now(UTC)
    assert (await lines(sandbox, record(now)))[0].startswith("FAIL    key acme: expired at 20")
    later = await lines(sandbox, record(now + timedelta(days=9)))
    assert later[0].startswith("ok      key acme: expires at 20")


async def test_the_command_reports_on_the_key_of_a_name(
    sandbox: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = write(tmp_path / "keys.toml", table("acme", more="workspaces = [1]"), table("b", "rp-b"))
    settings = settings_for(sandbox, keys_file=str(file), profiles={})
    monkeypatch.setattr(check, "load_settings", lambda _: settings)
    assert await asyncio.to_thread(functools.partial(check.run, None, "acme")) == 0
    printed = capsys.readouterr().out
    assert "key acme" in printed
    assert "Scaleway" not in printed


def test_a_key_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="RAG_PROXY_KEYS_FILE"):
        find_key(Settings(), "acme")
    file = write(tmp_path / "keys.toml", table("acme"))
    assert find_key(Settings(keys_file=str(file)), "acme").name == "acme"
    with pytest.raises(SettingsError, match="holds no key 'b'"):
        find_key(Settings(keys_file=str(file)), "b")
