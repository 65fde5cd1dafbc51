"""No secret is shown anywhere: some are planted, and all that the proxy says is searched."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from pydantic import ValidationError

from proxy.access.key_making import hash_of
from proxy.app import create_app
from proxy.cli import main
from proxy.errors import SettingsError
from proxy.settings import Settings, load_settings
from proxy.settings.named_secrets import NamedSecrets
from tests.access.key_samples import table
from tests.commands.test_serve import started
from tests.support.asgi import ask
from tests.support.issuer import user_header
from tests.support.persons import ANN, FRONT, JWT, PORTAL, SECRETS, USER, world_in
from tests.support.program import Program, clean_environment

HI: Final = {"messages": [{"role": "user", "content": "Hi"}]}
PLANTED: Final = {
    "LIGHTON_API_KEY": "lo-planted-3141592653",
    "SCALEWAY_API_KEY": "scw-planted-2718281828",
    "RAG_PROXY_API_KEYS": "open-planted-1618033988",
    "RAG_PROXY_REDIS_URL": "redis://:redis-planted-1414213562@127.0.0.1:1/0",
    "ACME_LIGHTON_KEY": "acme-planted-5772156649",
}
CLIENT: Final = "rp-planted-6931471805599"
WORDS: Final = (
    *(value for name, value in PLANTED.items() if name != "RAG_PROXY_REDIS_URL"),
    "redis-planted-1414213562",
    CLIENT,
    hash_of(CLIENT),
)


def check(*texts: object) -> None:
    shown = "\n".join(map(str, texts))
    assert shown.strip()
    assert [each for each in WORDS if each in shown] == []


def plant_keys(folder: Path) -> Path:
    path = folder / "keys.toml"
    path.write_text(
        table("acme", CLIENT, 'workspaces = [42]\nlighton_key_env = "ACME_LIGHTON_KEY"')
    )
    path.chmod(0o600)
    return path


def settings(**more: Any) -> Settings:
    return Settings(
        lighton_api_key=PLANTED["LIGHTON_API_KEY"],
        scaleway_api_key=PLANTED["SCALEWAY_API_KEY"],
        api_keys=[PLANTED["RAG_PROXY_API_KEYS"]],
        **more,
    )


def refusing(request: httpx.Request) -> httpx.Response:
    """An upstream that repeats the key it was sent."""
    said = request.headers["authorization"]
    return httpx.Response(403, json={"error": {"message": f"bad key {said}"}, "detail": said})


def test_the_settings_and_keys_show_no_secret_of_themselves(tmp_path: Path) -> None:
    found = settings(redis_url=PLANTED["RAG_PROXY_REDIS_URL"], keys_file=str(plant_keys(tmp_path)))
    check(repr(found), str(found), found.model_dump())


@pytest.mark.parametrize("key", [CLIENT, PLANTED["RAG_PROXY_API_KEYS"], f"{CLIENT}x", ""])
async def test_replies_and_the_log_show_no_secret(
    key: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = create_app(settings(keys_file=str(plant_keys(tmp_path))), httpx.MockTransport(refusing))
    headers = {"authorization": f"Bearer {key}"}
    for path, method in (("/v1/chat/completions", "POST"), ("/v1/models", "GET")):
        answer = await ask(app, path, HI, method=method, headers=headers)
        assert answer.status >= 400
        check(answer.body.decode(), answer.headers)
    check(caplog.text)


PRIVATE: Final[dict[str, Any]] = {
    "name": "Ann Planted-9159655941",
    "role": "role-planted-8346268416",
}
"""Claims that say more of a person than the name by which rules know them."""


def parts_of(*tokens: str) -> list[str]:
    return [part for token in tokens for part in token.split(".") if len(part) > 20]


async def test_replies_and_the_log_show_no_token_and_nothing_more_of_a_person(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="proxy")
    world = world_in(tmp_path)
    secret = SECRETS["FRONT_SECRET"]
    tokens = [
        world.issuer.token(ANN, (), **PRIVATE),
        world.issuer.token("mallory@example.com", (), **PRIVATE),
        world.issuer.token(ANN, (), exp=1, **PRIVATE),
        world.issuer.token(ANN, (), aud="other", **PRIVATE),
    ]
    headers = [
        user_header(secret, ANN, **PRIVATE),
        user_header(secret, "mallory@example.com", **PRIVATE),
        user_header(secret, ANN, exp=1, **PRIVATE),
        user_header(f"{secret}x", ANN, **PRIVATE),
    ]
    said = [await world.chat(each) for each in (*tokens, *(f"{each}x" for each in tokens))]
    for each in (*headers, *(f"{each}x" for each in headers)):
        said += [await world.chat(FRONT, (JWT, each)), await world.chat(PORTAL, (USER, each))]
    world.issuer.is_down = True
    world.issuer.rotate()
    said.append(await world.chat(world.issuer.token(ANN, **PRIVATE)))
    assert {each.status for each in said} >= {200, 401, 403, 503}
    shown = caplog.text + "".join(f"{each.body!r} {each.headers}" for each in said)
    hidden = [*parts_of(*tokens, *headers), *PRIVATE.values(), *SECRETS.values()]
    assert [each for each in hidden if each in shown] == []


def test_what_holds_the_secrets_of_front_ends_does_not_show_them() -> None:
    shown = repr(NamedSecrets(SECRETS))
    assert not any(each in shown for each in SECRETS.values())


@pytest.mark.parametrize("name", [*PLANTED][:4])
def test_faults_of_settings_show_no_secret(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text(f"{PLANTED[name]}\n{PLANTED[name]} x")
    monkeypatch.setenv(f"{name}_FILE", "secret")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    check(caught.value)


def test_a_direct_fault_of_settings_shows_no_secret() -> None:
    with pytest.raises(ValidationError) as caught:
        settings(port="x")
    check(repr(caught.value), caught.value)


@pytest.mark.parametrize(
    "arguments", [["list"], ["list", "--json"], ["show", "acme"], ["show", "acme", "--json"]]
)
def test_what_shows_keys_shows_no_secret(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plant_keys(tmp_path)
    monkeypatch.chdir(tmp_path)
    env = {**PLANTED, "RAG_PROXY_KEYS_FILE": "keys.toml"}
    monkeypatch.setattr(os, "environ", clean_environment(env))
    assert main(["keys", *arguments]) == 0
    printed = capsys.readouterr()
    check(printed.out, printed.err)
    assert "ACME_LIGHTON_KEY" in printed.out or arguments == ["list"]


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
def test_the_list_of_processes_and_what_the_program_prints_show_no_secret(tmp_path: Path) -> None:
    plant_keys(tmp_path)
    env = {**PLANTED, "RAG_PROXY_KEYS_FILE": "keys.toml"}
    flags = ["--port", "0", "--workers", "2"]
    with Program("serve", *flags, cwd=tmp_path, env=env) as program:
        started(program)
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
        assert len(children) >= 2
        check(*(Path(f"/proc/{pid}/cmdline").read_text() for pid in [program.pid, *children]))
        assert program.press_ctrl_c() == 130
        check(program.err.rest(), program.out.rest())
