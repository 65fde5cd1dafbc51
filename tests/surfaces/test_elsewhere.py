from __future__ import annotations

from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from proxy.app import create_app
from proxy.errors import MethodNotAllowed
from proxy.settings import Settings
from proxy.surfaces.application import Application
from proxy.surfaces.middleware import Paths, Requests
from proxy.surfaces.page import read_page
from proxy.surfaces.replies import ErrorReplies, JSONReply
from tests.support.asgi import Answer, ask
from tests.support.openai_schema import check_error

APP = JSONReply({})


class Never:
    async def __call__(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        raise MethodNotAllowed("Never.", allowed=["GET"])


ROUTES = [
    Route("/chat/completions", APP, methods=["POST"]),
    Route("/responses/{id}", APP, methods=["GET"]),
    Route("/responses/{id}", APP, methods=["DELETE"]),
    Route("/health", APP, methods=["GET"]),
    Route("/health", Never(), methods=["POST"], include_in_schema=False),
    Route("/files", Never(), methods=["POST"], include_in_schema=False),
]


async def refused(path: str, method: str = "POST") -> tuple[Answer, str]:
    middleware = [Middleware(Requests), Middleware(ErrorReplies), Middleware(Paths)]
    answer = await ask(Application(ROUTES, middleware), path, method=method)
    check_error(answer.json())
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.headers["x-should-retry"] == "false"
    return answer, answer.json()["error"]["message"]


async def test_what_is_not_here_is_told_what_is() -> None:
    answer, message = await refused("/v1/audio/speech")
    assert (answer.status, answer.json()["error"]["code"]) == (404, "not_found")
    assert message == (
        "There is no POST /v1/audio/speech here. There are: POST /v1/chat/completions, "
        "GET /v1/responses/{id}, DELETE /v1/responses/{id}, GET /health."
    )


async def test_a_client_of_the_api_before_chats_is_told_to_use_chats() -> None:
    answer, message = await refused("/v1/completions/")
    assert answer.status == 404
    assert "use POST /v1/chat/completions" in message


async def test_a_wrong_method_is_told_the_right_ones_of_all_routes_of_the_path() -> None:
    answer, message = await refused("/v1/responses/resp_1", "PATCH")
    assert (answer.status, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD"
    assert message == "/v1/responses/resp_1 takes DELETE and GET and HEAD, not PATCH."


async def test_a_route_that_only_refuses_is_not_listed_and_refuses_in_its_own_words() -> None:
    for path in ("/v1/files", "/health"):
        answer, message = await refused(path)
        assert (answer.status, message, answer.headers["allow"]) == (405, "Never.", "GET")
    _, message = await refused("/v1/files", "GET")
    assert "There is no GET /v1/files here." in message
    assert "POST /v1/files" not in message
    _, message = await refused("/health", "PUT")
    assert message == "/health takes GET and HEAD, not PUT."


async def test_the_page_is_not_listed_among_what_clients_of_the_api_can_ask_for() -> None:
    app = Application(
        [*ROUTES, *read_page().routes], [Middleware(Requests), Middleware(ErrorReplies)]
    )
    message = (await ask(app, "/nothing", method="GET")).json()["error"]["message"]
    assert "/page" not in message
    assert message.endswith("GET /health.")


async def test_a_long_path_is_not_repeated_in_full() -> None:
    _, message = await refused("/v1/" + "x" * 10_000)
    assert len(message) < 500


def every_route(app: Any) -> list[tuple[str, str]]:
    """Method and path of each route of an application, as its own 404 says."""
    _, _, listed = app.partition("There are: ")
    return [tuple(each.split(" ")) for each in listed.rstrip(".").split(", ")]


@pytest.mark.parametrize("path", ["/", "/v1/audio/speech", "/v1/assistants", "/api/chat"])
async def test_all_that_the_proxy_lists_is_there(path: str) -> None:
    settings = Settings(lighton_api_key="a", scaleway_api_key="b")
    app = create_app(settings)
    answer = await ask(app, path)
    assert answer.status == 404
    offered = every_route(answer.json()["error"]["message"])
    assert ("POST", "/v1/chat/completions") in offered
    assert ("GET", "/health") in offered
    assert ("GET", "/v1/vector_stores/{store_id}") in offered
    assert ("POST", "/v1/files") not in offered
    for method, known in offered:
        wrong = await ask(app, known, method="TRACE")
        assert wrong.status == 405, known
        assert method in wrong.headers["allow"]
