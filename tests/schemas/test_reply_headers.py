"""The headers of replies are those that the document names. `test_openapi.py` looks at the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.app import Proxy
from proxy.surfaces.by_settings import _EXPOSED_HEADERS
from tests.schemas.asked import QUESTION, get, proxy_on_stand_ins
from tests.schemas.described import document
from tests.support.asgi import Answer, ask

ORDINARY = {"content-type", "content-length", "cache-control", "x-accel-buffering"}
LIMITED = {"requests_per_minute": 4, "tokens_per_minute": 1_000_000}


@pytest.fixture
def app(tmp_path: Path) -> Proxy:
    return proxy_on_stand_ins(tmp_path, **LIMITED)


def described(path: str, method: str, status: int) -> set[str]:
    reply = document()["paths"][path][method]["responses"][str(status)]
    if "$ref" in reply:
        reply = document()["components"]["responses"][reply["$ref"].rpartition("/")[2]]
    return set(reply["headers"])


def told(answer: Answer) -> set[str]:
    return set(answer.headers) - ORDINARY


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": QUESTION}]}),
        ("/v1/responses", {"input": QUESTION}),
    ],
)
async def test_an_answer_has_the_headers_that_are_described(
    app: Proxy,
    path: str,
    body: dict[str, object],
    stream: bool,  # noqa: FBT001  # a table
) -> None:
    answer = await ask(app, path, {**body, "stream": stream})
    assert told(answer) == described(path, "post", 200)


async def test_a_search_and_a_refusal_have_theirs(app: Proxy) -> None:
    path = "/v1/vector_stores/ws_1/search"
    found = await ask(app, path, {"query": QUESTION})
    assert described(path.replace("ws_1", "{store_id}"), "post", 200) <= told(found)
    for _ in range(4):
        refused = await get(app, "/v1/vector_stores")
    assert refused.status == 429
    assert described("/v1/vector_stores", "get", 429) <= told(refused)


def test_all_that_pages_of_other_origins_may_read_is_described() -> None:
    assert set(document()["components"]["headers"]) == set(_EXPOSED_HEADERS)
