"""The headers of replies are those that the document names. `test_openapi.py` looks at the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.app import Proxy
from proxy.surfaces.by_settings import _EXPOSED_HEADERS
from tests.schemas.asked import EMBEDDER, QUESTION, get, proxy_on_stand_ins
from tests.schemas.described import document
from tests.support.asgi import Answer, ask

ORDINARY = {
    "content-type",
    "content-length",
    "cache-control",
    "vary",
    "x-accel-buffering",
    "x-content-type-options",
}
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


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/vector_stores/{store_id}/search", {"query": QUESTION}),
        ("/v1/embeddings", {"model": EMBEDDER, "input": QUESTION}),
        ("/v1/rerank", {"model": EMBEDDER, "query": QUESTION, "documents": ["Leave."]}),
    ],
)
async def test_what_is_sent_without_a_chat_has_its_own(
    app: Proxy, path: str, body: dict[str, object]
) -> None:
    answer = await ask(app, path.format(store_id="ws_1"), body)
    assert told(answer) == described(path, "post", 200)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/responses/{response_id}",
        "/v1/responses/{response_id}/input_items",
        "/v1/usage",
        "/v1/vector_stores",
        "/v1/vector_stores/{store_id}",
        "/v1/vector_stores/{store_id}/files",
        "/v1/vector_stores/{store_id}/files/{file_id}",
        "/v1/vector_stores/{store_id}/files/{file_id}/content",
        "/v1/files/{file_id}",
        "/v1/files/{file_id}/content",
    ],
)
async def test_what_is_read_has_its_own(app: Proxy, path: str) -> None:
    response = (await ask(app, "/v1/responses", {"input": QUESTION})).json()
    listed = (await get(app, "/v1/vector_stores/ws_1/files")).json()
    ids = {"store_id": "ws_1", "file_id": listed["first_id"], "response_id": response["id"]}
    answer = await get(app, path.format(**ids))
    assert answer.status == 200
    assert told(answer) == described(path, "get", 200)


async def test_a_refusal_has_its_own(app: Proxy) -> None:
    for _ in range(5):
        refused = await get(app, "/v1/vector_stores")
    assert refused.status == 429
    assert described("/v1/vector_stores", "get", 429) <= told(refused)


def test_all_that_pages_of_other_origins_may_read_is_described() -> None:
    assert set(document()["components"]["headers"]) == set(_EXPOSED_HEADERS)
