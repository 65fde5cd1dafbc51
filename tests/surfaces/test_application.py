from __future__ import annotations

import pytest
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp

from proxy.surfaces.application import Application
from proxy.surfaces.middleware import Requests
from proxy.surfaces.replies import ErrorReplies, JSONReply
from tests.support.asgi import ask
from tests.support.openai_schema import check_error


def routes() -> ASGIApp:
    app = JSONReply({})
    return Application(
        routes=[Route("/chat/completions", app, methods=["POST"])],
        middleware=[Middleware(Requests), Middleware(ErrorReplies)],
    )


@pytest.mark.parametrize("host", ["localhost", "[", "a b", "x/y?z#"])
async def test_an_unknown_route_is_not_found_whatever_the_host_is_called(host: str) -> None:
    answer = await ask(routes(), "/embeddings", headers={"host": host})
    assert answer.status == 404
    assert answer.headers["x-should-retry"] == "false"
    check_error(answer.json())
    assert answer.json()["error"]["code"] == "not_found"
    assert answer.json()["error"]["message"] == (
        "There is no POST /embeddings here. There are: POST /v1/chat/completions."
    )


@pytest.mark.parametrize("path", ["/files/a\n", "/\r\n/content", "", "\n"])
async def test_a_path_with_a_line_break_is_not_found_like_any_other(path: str) -> None:
    answer = await ask(routes(), path)
    assert answer.status == 404
    check_error(answer.json())
    assert answer.json()["error"]["code"] == "not_found"


async def test_a_wrong_method_is_not_allowed_and_the_right_ones_are_named() -> None:
    answer = await ask(routes(), method="DELETE", path="/chat/completions")
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["x-should-retry"] == "false"
    check_error(answer.json())
    assert answer.json()["error"]["message"] == "/chat/completions takes POST, not DELETE."


async def test_a_route_answers_behind_the_middleware() -> None:
    answer = await ask(routes(), "/chat/completions")
    assert (answer.status, answer.json()) == (200, {})
    assert "x-request-id" in answer.headers
