"""`rag-proxy check` against the stand-ins."""

import asyncio
import functools
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.cli import main
from proxy.commands import check
from proxy.commands.check import findings, models_in_use, run
from proxy.errors import SettingsError
from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from proxy.settings import Settings
from tests.support.connect_proxy import connect_proxy
from tests.support.program import clean_environment, run_program
from tests.support.server import serving


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[str]:
    (tmp_path / "test.md").write_text("# Test results\n\nThe test of the lift was in May.\n")
    async with serving(create_sandbox(load_corpus(tmp_path))) as url:
        yield url


def settings_for(url: str, **values: Any) -> Settings:
    given = {
        "lighton_api_key": "lighton-key",
        "lighton_base_url": url,
        "scaleway_api_key": "scaleway-key",
        "scaleway_base_url": f"{url}/v1",
    }
    return Settings(**{**given, **values})


async def verdicts(settings: Settings) -> list[str]:
    return [each.verdict async for each in findings(settings)]


async def test_with_good_keys_everything_is_ok(sandbox: str) -> None:
    assert await verdicts(settings_for(sandbox)) == ["ok"] * 8


@pytest.mark.parametrize(
    "text", ["The lift is new.", "Der Aufzug ist neu.", "L'ascenseur est de la maison Petit."]
)
async def test_a_few_words_are_enough_to_be_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "lift.md").write_text(text)
    async with serving(create_sandbox(load_corpus(tmp_path))) as url:
        found = {each.name: each.detail async for each in findings(settings_for(url))}
    assert found["LightOn searches"] == "one result"


async def test_one_upstream_s_failure_does_not_hide_the_other(sandbox: str) -> None:
    bad_lighton = settings_for(sandbox, lighton_api_key="bad")
    assert await verdicts(bad_lighton) == ["ok", "FAIL", "skipped"] + ["ok"] * 5
    bad_scaleway = settings_for(sandbox, scaleway_api_key="bad")
    assert await verdicts(bad_scaleway) == ["ok"] * 4 + ["FAIL"] + ["skipped"] * 3


async def test_the_scope_of_the_settings_is_searched(sandbox: str) -> None:
    assert (await verdicts(settings_for(sandbox, workspace_id=[77])))[:3] == [
        "ok",
        "ok",
        "FAIL",
    ]


async def test_so_is_that_of_the_profile_that_is_the_default(sandbox: str) -> None:
    model = Settings().default_model
    profiles = {"handbook": {"model": model, "workspace_id": [77]}, "other": {"model": model}}
    by_default = settings_for(sandbox, profiles=profiles, default_model="handbook")
    assert (await verdicts(by_default))[2] == "FAIL"
    other = settings_for(sandbox, profiles=profiles, default_model="other")
    assert (await verdicts(other))[2] == "ok"


async def test_a_redis_is_tried_if_there_is_one(sandbox: str, redis_url: str) -> None:
    found = [each async for each in findings(settings_for(sandbox, redis_url=redis_url))]
    assert [each.verdict for each in found] == ["ok"] * 9
    assert found[-1].name.startswith("Redis ")


async def test_neither_upstream_s_failure_hides_redis(sandbox: str) -> None:
    bad_keys = {"lighton_api_key": "bad", "scaleway_api_key": "bad"}
    settings = settings_for(sandbox, **bad_keys, redis_url="unix:///no/such/socket")
    assert (await verdicts(settings))[-1] == "FAIL"


async def report(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, config: Path | None = None
) -> int:
    """The exit code of the command, with these settings in place of those it would load."""
    monkeypatch.setattr(check, "load_settings", lambda _: settings)
    return await asyncio.to_thread(functools.partial(run, config))


async def test_the_exit_code_is_1_if_anything_failed(
    sandbox: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await report(settings_for(sandbox), monkeypatch) == 0
    assert capsys.readouterr().out.count("ok      ") == 8
    assert await report(settings_for(sandbox, lighton_api_key="bad"), monkeypatch) == 1
    assert (
        "FAIL    LightOn accepts the key: LightOn rejects LIGHTON_API_KEY"
        in capsys.readouterr().out
    )


async def test_a_missing_key_is_an_error_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="LIGHTON_API_KEY is not set"):
        await report(Settings(), monkeypatch)


def test_every_model_that_the_settings_name_must_be_served() -> None:
    profiles = {"a": {"model": "x"}, "b": {}, "c": {"model": "m"}, "d": {"model": "x"}}
    assert models_in_use(Settings(default_model="m", profiles=profiles)) == ["m", "x"]
    assert models_in_use(Settings(default_model="c", profiles=profiles)) == ["m", "x"]
    several = {"a": {"models": ["m", "y"]}}
    assert models_in_use(Settings(default_model="n", profiles=several)) == ["n", "m", "y"]
    assert models_in_use(Settings(default_model="a", profiles=several)) == ["m", "y"]


async def test_a_proxy_that_wants_credentials_is_named_although_no_upstream_was_heard(
    sandbox: str,
) -> None:
    async with connect_proxy("user", "right") as proxy:
        environment = {"HTTP_PROXY": proxy.url}
        found = [each async for each in findings(settings_for(sandbox), environment)]
    assert [each.verdict for each in found] == ["FAIL", *["skipped"] * 2] + ["FAIL"] + [
        "skipped"
    ] * 4
    for each in (found[0], found[3]):
        assert each.detail.startswith(f"HTTP 407. The proxy {proxy.url} wants credentials: ")
        assert "HTTP_PROXY" in each.detail
        assert "BASE_URL" not in each.detail


async def test_a_failure_is_said_once_and_leaves_no_line_in_a_log(
    sandbox: str, tmp_path: Path
) -> None:
    env = {
        "LIGHTON_API_KEY": "bad-key-1",
        "LIGHTON_BASE_URL": sandbox,
        "SCALEWAY_API_KEY": "bad-key-2",
        "SCALEWAY_BASE_URL": f"{sandbox}/v1",
        "RAG_PROXY_REDIS_URL": "redis://127.0.0.1:1",
    }
    done = await asyncio.to_thread(run_program, "check", cwd=tmp_path, env=env)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.count("FAIL") == 3
    assert "bad-key" not in done.stdout


def test_a_key_that_only_ask_sends_is_told_of_before_anything_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", clean_environment({"RAG_PROXY_API_KEY": "client-key"}))
    assert main(["check"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "did you mean RAG_PROXY_API_KEYS?" in shown.err
