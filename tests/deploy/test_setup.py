"""`deploy/setup`, and what it makes: with a stand-in for the engine, and the real program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from proxy.sandbox.app import create_sandbox
from proxy.sandbox.documents.corpus import load_corpus
from tests.deploy.composed import Composed
from tests.support.program import PATIENCE_S, Program, clean_environment
from tests.support.server import serving_in_thread

DOCUMENTS = Path(__file__).parents[1] / "e2e" / "documents"
KEYS = {"LIGHTON_API_KEY": "of-lighton", "SCALEWAY_API_KEY": "of-scaleway"}


@pytest.fixture(name="composed")
def _composed(tmp_path: Path) -> Composed:
    composed = Composed.copied_to(tmp_path)
    programs = tmp_path / "programs"
    programs.mkdir()
    composed.engine(programs)
    ours = programs / "rag-proxy"
    ours.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m proxy "$@"\n')
    ours.chmod(0o755)
    return composed


def environment(composed: Composed, extra: dict[str, str]) -> dict[str, str]:
    path = f"{composed.folder.parent / 'programs'}:{os.environ['PATH']}"
    return clean_environment({"PATH": path, **extra})


def set_up(composed: Composed, given: str = "", **keys: str) -> subprocess.CompletedProcess[str]:
    names = {k: v for k, v in composed.environment().items() if not k.endswith("_KEY_FILE")}
    return subprocess.run(  # noqa: S603 - our own script
        [str(composed.folder / "setup")],
        input=given,
        env=environment(composed, {**names, **keys}),
        cwd=composed.folder.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def contents(composed: Composed) -> dict[str, str]:
    folders = (composed.folder / "secrets", composed.folder / "keys")
    return {each.name: each.read_text() for folder in folders for each in folder.iterdir()}


def test_it_makes_all_that_the_services_mount_for_its_user_alone(composed: Composed) -> None:
    done = set_up(composed, **KEYS)

    assert done.returncode == 0, done.stderr
    secrets = composed.folder / "secrets"
    assert {file.name for file in secrets.iterdir()} == {
        "lighton_api_key",
        "scaleway_api_key",
        "open_webui_key",
        "open_webui_secret",
        "open_webui_session",
        "grafana_password",
    }
    assert {file.stat().st_mode & 0o077 for file in secrets.iterdir()} == {0}
    assert secrets.stat().st_mode & 0o077 == 0
    owner = f"{secrets.stat().st_uid}:{secrets.stat().st_gid}"
    assert (composed.folder / ".env").read_text() == f"DEPLOY_USER={owner}\n"
    assert not owner.startswith("0:")


def test_it_asks_for_the_keys_that_only_you_have(composed: Composed) -> None:
    done = set_up(composed, "typed-1\ntyped-2\n")

    assert "LightOn's API key: " in done.stderr
    assert contents(composed)["lighton_api_key"] == "typed-1\n"
    assert contents(composed)["scaleway_api_key"] == "typed-2\n"


def test_run_again_it_changes_nothing(composed: Composed) -> None:
    set_up(composed, **KEYS)
    before = contents(composed)

    done = set_up(composed, LIGHTON_API_KEY="another")

    assert done.returncode == 0, done.stderr
    assert contents(composed) == before


def test_a_failure_leaves_no_empty_key_behind(composed: Composed) -> None:
    (composed.folder.parent / "programs" / "docker").write_text("#!/bin/sh\nexit 1\n")

    done = set_up(composed, **KEYS)

    assert done.returncode != 0
    assert "open_webui_key" not in contents(composed)


def test_open_webui_s_people_are_answered_with_what_it_has_made(composed: Composed) -> None:
    set_up(composed, **KEYS)
    made = contents(composed)
    person = {"email": "ada@example.com", "sub": "1", "exp": 4_000_000_000}
    header = jwt.encode(
        {"alg": "HS256"}, person, OctKey.import_key(made["open_webui_secret"].strip())
    )
    with serving_in_thread(create_sandbox(load_corpus(DOCUMENTS))) as upstream:
        env = {
            **composed.environment(),
            "LIGHTON_BASE_URL": upstream,
            "SCALEWAY_BASE_URL": f"{upstream}/v1",
            "RAG_PROXY_REDIS_URL": "",
            "RAG_PROXY_METRICS_PORT": "0",
            "RAG_PROXY_PORT": "0",
        }
        command = composed.command()
        whole = environment(composed, env)
        with Program(cwd=composed.folder, env=whole, command=command) as proxy:
            url = proxy.out.until(r"(http://[\d.]+:\d+)")[1]
            request = {"model": "assistant", "messages": [{"role": "user", "content": "Leave?"}]}
            signed = {"authorization": f"Bearer {made['open_webui_key'].strip()}"}
            nobody = httpx.post(
                f"{url}/v1/chat/completions", json=request, headers=signed, timeout=PATIENCE_S
            )
            signed["x-openwebui-user-jwt"] = header
            somebody = httpx.post(
                f"{url}/v1/chat/completions", json=request, headers=signed, timeout=PATIENCE_S
            )

    assert nobody.status_code == 401
    assert somebody.status_code == 200, somebody.text
    assert somebody.json()["choices"][0]["message"]["annotations"]
