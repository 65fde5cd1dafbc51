"""What the API and the settings file look like, for whoever asks."""

from __future__ import annotations

from importlib.resources import files

import pytest

from proxy.app import create_app
from proxy.settings import Settings
from proxy.surfaces.schemas import SCHEMA_PATHS
from tests.support.asgi import ask

KEYS = Settings(api_keys=["a-client-key-of-this-proxy"], lighton_api_key="l", scaleway_api_key="s")
TYPES = {
    "/openapi.json": "application/json",
    "/config.schema.json": "application/schema+json",
}


@pytest.mark.parametrize("path", SCHEMA_PATHS)
async def test_they_need_no_key_and_are_the_files_of_the_package(path: str) -> None:
    answer = await ask(create_app(KEYS), path, method="GET", content=b"")
    assert answer.status == 200
    assert answer.headers["content-type"] == TYPES[path]
    assert answer.body == (files("proxy") / "schemas" / path[1:]).read_bytes()
    assert answer.json()["$schema" if "config" in path else "openapi"]


@pytest.mark.parametrize("path", SCHEMA_PATHS)
async def test_all_proxies_serve_the_same_whatever_their_settings(path: str) -> None:
    told = Settings(instructions="A company secret.", workspace_id=[4711], host="127.0.0.9")
    answers = [
        await ask(create_app(each), path, method="GET", content=b"") for each in (KEYS, told)
    ]
    assert answers[0].body == answers[1].body
    assert b"4711" not in answers[0].body


@pytest.mark.parametrize("path", SCHEMA_PATHS)
async def test_who_reads_them_is_in_the_log_unlike_a_monitor(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="proxy.access")
    app = create_app(KEYS)
    for each in (path, "/health"):
        await ask(app, each, method="GET", content=b"")
    assert [each for each in caplog.messages if path in each] == caplog.messages
    assert caplog.messages
