"""The headers of replies are those that the document names. `test_openapi.py` looks at the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.access.refusals import LIMIT_HEADERS
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
    "x-should-retry",
}
STORE = "ws_2"
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


def all_told(answer: Answer, described: set[str]) -> bool:
    """Whether a reply has what is described, and nothing else. Not all count against all limits."""
    return told(answer) <= described <= {*answer.headers, *LIMIT_HEADERS}


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
        ("/v1/embeddings", {"model": EMBEDDER, "input": "a"}),
        ("/v1/rerank", {"model": EMBEDDER, "query": "a", "documents": ["b"]}),
    ],
)
async def test_what_is_asked_without_a_model_of_answers_has_its_own(
    app: Proxy, path: str, body: dict[str, object]
) -> None:
    answer = await ask(app, path.format(store_id=STORE), body)
    assert all_told(answer, described(path, "post", 200))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/vector_stores",
        "/v1/vector_stores/{store_id}",
        "/v1/vector_stores/{store_id}/files",
        "/v1/vector_stores/{store_id}/files/{file_id}",
        "/v1/vector_stores/{store_id}/files/{file_id}/content",
        "/v1/files/{file_id}",
        "/v1/files/{file_id}/content",
        "/v1/usage",
        "/v1/models",
        "/health",
    ],
)
async def test_what_is_read_has_its_own(app: Proxy, path: str) -> None:
    found = await ask(app, f"/v1/vector_stores/{STORE}/search", {"query": QUESTION})
    file_id = found.json()["data"][0]["file_id"]
    answer = await get(app, path.format(store_id=STORE, file_id=file_id))
    assert answer.status == 200
    assert all_told(answer, described(path, "get", 200))


async def test_a_stored_response_has_its_own(app: Proxy) -> None:
    path = "/v1/responses/{response_id}"
    stored = (await ask(app, "/v1/responses", {"input": QUESTION})).json()["id"]
    for below in ("", "/input_items"):
        answer = await get(app, path.format(response_id=stored) + below)
        assert all_told(answer, described(path + below, "get", 200))


async def test_a_refusal_has_none_that_is_not_described(app: Proxy) -> None:
    for _ in range(5):
        refused = await ask(app, "/v1/rerank", {"model": EMBEDDER, "query": "a", "documents": []})
    assert refused.status == 429
    assert told(refused) <= described("/v1/rerank", "post", 429)
    assert {"retry-after", "server-timing", "x-ratelimit-limit-requests"} <= told(refused)


def test_all_that_pages_of_other_origins_may_read_is_described() -> None:
    assert set(document()["components"]["headers"]) == set(_EXPOSED_HEADERS)
