from __future__ import annotations

from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.surfaces.cors import CORS
from proxy.surfaces.middleware import Requests
from proxy.surfaces.replies import JSONReply
from tests.support.asgi import ask

PAGE = {"origin": "https://chat.example.com"}


def behind() -> ASGIApp:
    """An application that lets in one page."""
    return Requests(CORS(JSONReply({}), allow_origins=[PAGE["origin"]], allow_methods=["POST"]))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_page_that_may_read_the_reply_is_told_so(method: str) -> None:
    answer = await ask(behind(), method=method, headers=PAGE)
    assert answer.headers["access-control-allow-origin"] == PAGE["origin"]
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_another_page_is_not(method: str) -> None:
    answer = await ask(behind(), method=method, headers={"origin": "https://evil.example.com"})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_preflight_is_answered() -> None:
    asked = {**PAGE, "access-control-request-method": "POST"}
    answer = await ask(behind(), method="OPTIONS", headers=asked)
    assert (answer.status, answer.body) == (200, b"OK")


async def test_caches_are_told_of_a_reply_that_they_may_keep() -> None:
    assert (await ask(behind(), method="GET")).headers["vary"] == "Origin"


async def test_a_program_gets_the_reply_as_it_is() -> None:
    answer = await ask(behind(), method="POST")
    assert set(answer.headers) == {"content-length", "content-type", "x-request-id"}


async def test_what_is_not_http_passes() -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing is read or sent")

    await CORS(app)({"type": "lifespan"}, nothing, nothing)
    assert seen == [{"type": "lifespan"}]
