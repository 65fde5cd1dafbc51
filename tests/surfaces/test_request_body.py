"""The body of a request, and the wishes that may not hide in or beside it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from proxy.core.inflight import InFlight
from proxy.errors import BadRequest, PayloadTooLarge, ProxyError, UnsupportedMedia
from proxy.settings import Settings
from proxy.surfaces.exchange import begin_exchange, headers_of
from proxy.surfaces.request_body import Document, read_document
from proxy.upstreams.lighton.wish import WISHES


async def read(body: bytes, query: bytes = b"", **headers: str) -> Document:
    raw = [(name.replace("_", "-").encode(), each.encode()) for name, each in headers.items()]
    return await read_with(body, raw, query)


async def read_with(body: bytes, raw: list[tuple[bytes, bytes]], query: bytes = b"") -> Document:
    scope: dict[str, Any] = {"path": "/", "headers": raw, "query_string": query}
    begin_exchange(scope, "req_1", headers_of(scope))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    with InFlight().hold() as held:
        return await read_document(scope, receive, held, Settings(max_body_bytes=1_000), WISHES)


async def test_the_document_comes_with_the_size_of_its_body() -> None:
    assert await read(b'{"a": [1]}') == Document({"a": [1]}, 10)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", BadRequest),
        (b"[" * 300 + b"]" * 300, BadRequest),
        (orjson.dumps("x" * 1_000), PayloadTooLarge),
        (b'{"lighton": {}, "lighton": {"workspace_id": [1]}}', BadRequest),
    ],
    ids=["no JSON", "too deep", "too large", "two wishes"],
)
async def test_a_body_that_nobody_should_answer_is_refused(
    body: bytes, error: type[ProxyError]
) -> None:
    with pytest.raises(error):
        await read(body)


async def test_a_body_may_be_so_deep_that_it_can_still_be_passed_on_a_little_deeper() -> None:
    def nested(depth: int) -> bytes:
        return b"[" * depth + b"]" * depth

    deepest = next(n for n in range(300, 200, -1) if _is_writable(orjson.loads(nested(n))))
    assert _is_writable([[[(await read(nested(deepest - 3))).content]]])
    for depth in range(deepest - 2, deepest + 2):
        with pytest.raises(BadRequest, match="too deeply"):
            await read(nested(depth))


def _is_writable(document: Any) -> bool:
    try:
        orjson.dumps(document)
    except orjson.JSONEncodeError:
        return False
    return True


async def test_a_compressed_body_is_refused() -> None:
    with pytest.raises(UnsupportedMedia):
        await read(b"{}", content_encoding="gzip")


async def test_a_wish_in_the_address_is_refused() -> None:
    with pytest.raises(BadRequest, match="request body"):
        await read(b"{}", b"workspace_id=42")


async def test_two_wishes_of_one_name_in_the_headers_are_refused() -> None:
    name = b"x-lighton-workspace-id"
    with pytest.raises(BadRequest, match="more than once"):
        await read_with(b"{}", [(name, b"1"), (name, b"2")])
