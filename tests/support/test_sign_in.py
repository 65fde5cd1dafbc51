"""What signing in prints."""

from __future__ import annotations

import json
import subprocess
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.program import PATIENCE_S
from tests.support.sign_in import signing_in

Run = Callable[..., str]


@pytest.fixture(name="url")
def _url(tmp_path: Path) -> Iterator[str]:
    with signing_in(tmp_path) as url:
        yield url


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Run:
    def run(program: str, *arguments: str) -> str:
        command = [str(tmp_path / program), *arguments]
        return subprocess.run(  # noqa: S603 - a program of ours
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=True
        ).stdout

    return run


def part(token: str, place: int) -> Any:
    text = token.split(".")[place]
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_a_token_says_who_signed_in_and_for_what(url: str, run: Run) -> None:
    claims = part(run("token", "ada"), 1)
    assert claims["iss"] == url
    assert claims["aud"] == "rag-proxy"
    assert claims["email"] == "ada@example.com"
    assert claims["groups"] == ["legal"]


@pytest.mark.usefixtures("url")
def test_a_token_can_be_for_another_application_or_old(run: Run) -> None:
    assert part(run("token", "ada", "--audience", "wiki"), 1)["aud"] == "wiki"
    old = part(run("token", "ada", "--expired"), 1)
    assert old["exp"] < old["iat"]


def test_rotation_changes_the_published_key(url: str, run: Run) -> None:
    def published() -> list[str]:
        keys = httpx.get(f"{url}/keys", trust_env=False, timeout=PATIENCE_S).json()["keys"]
        return [each["kid"] for each in keys]

    before = published()
    assert part(run("token", "ada"), 0)["kid"] in before
    run("rotate-keys")
    assert not set(before) & set(published())
    assert part(run("token", "ada"), 0)["kid"] in published()
