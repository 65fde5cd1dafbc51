import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from proxy.sandbox.faults import Dropped, Faults, fault_of, forever
from proxy.sandbox.requestlog import Received
from proxy.sandbox.watched import Watched
from tests.support.program import PATIENCE_S
from tests.support.server import serving_in_thread

SEARCH = "/api/v3/search"
CHAT = "/v1/chat/completions"


async def echo(request: Request) -> Response:
    body = await request.body()
    return JSONResponse({"length": len(body), "status": fault_of(request).status})


async def never_ends(_: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.Event().wait()

    return StreamingResponse(chunks())


async def breaks_off(_: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"first"
        raise Dropped

    return StreamingResponse(chunks())


async def takes_its_time(_: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b"first ", b"second ", b"third"):
            yield chunk
            for _ in range(10):
                await asyncio.sleep(0)

    return StreamingResponse(chunks())


async def fails(_: Request) -> Response:
    raise ValueError


async def own(_: Request) -> Response:
    return Response("own")


@contextmanager
def watched() -> Iterator[tuple[httpx.Client, Faults]]:
    faults = Faults()
    inner = Starlette(
        routes=[
            Route(SEARCH, echo, methods=["POST"]),
            Route(CHAT, echo, methods=["POST"]),
            Route("/v1/never-ends", never_ends),
            Route("/v1/breaks-off", breaks_off),
            Route("/v1/takes-its-time", takes_its_time),
            Route("/v1/fails", fails),
            *(Route(path, own) for path in ("/", "/health", "/sandbox/faults")),
        ]
    )
    with (
        serving_in_thread(Watched(inner, faults)) as url,
        httpx.Client(base_url=url, timeout=PATIENCE_S) as client,
    ):
        yield client, faults


def only(faults: Faults) -> Received:
    assert faults.requests.wait_for(lambda all_: all(each.outcome != "open" for each in all_))
    (received,) = faults.requests.all()
    return received


def test_a_request_is_logged_without_its_key() -> None:
    with watched() as (client, faults):
        client.post(SEARCH, json={"query": "é"}, headers={"authorization": "Bearer key"})
        assert only(faults) == Received("lighton", "POST", SEARCH, {"query": "é"}, 200, "answered")
        assert "key" not in json.dumps(faults.requests.as_json())


@pytest.mark.parametrize(
    ("body", "logged"),
    [(b"", None), (b"not JSON \xff", "not JSON \ufffd"), (b"[1]", [1]), (b"[" * 9999, "[" * 9999)],
)
def test_any_body_is_logged_and_passed_on(body: bytes, logged: Any) -> None:
    with watched() as (client, faults):
        assert client.post(CHAT, content=body).json()["length"] == len(body)
        assert only(faults).body == logged


def test_the_path_tells_whose_request_it_is_and_the_sandboxs_own_are_not_logged() -> None:
    with watched() as (client, faults):
        for path in ("/", "/health", "/sandbox/faults", "/v1/unknown", "/api/unknown"):
            client.get(path)
        assert [each.upstream for each in faults.requests.all()] == ["scaleway", "lighton"]


def test_the_stand_in_is_told_its_fault() -> None:
    with watched() as (client, faults):
        faults.add("lighton", status=503)
        assert client.post(SEARCH).json()["status"] == 503
        assert client.post(SEARCH).json()["status"] is None


def test_a_firewalls_page_takes_the_place_of_the_reply() -> None:
    with watched() as (client, faults):
        faults.add("lighton", html=True)
        faults.add("lighton", html=True, status=502, headers={"x-a": "b"})
        first, second = client.post(SEARCH), client.post(SEARCH)
        assert (first.status_code, second.status_code) == (403, 502)
        assert first.headers["content-type"].startswith("text/html")
        assert first.text.startswith("<html>")
        assert second.headers["x-a"] == "b"


def test_any_body_can_take_the_place_of_the_reply() -> None:
    with watched() as (client, faults):
        faults.add("lighton", body="{oops", padding_bytes=3, headers={"retry-after": "7"})
        faults.add("scaleway", body="Too early.", status=425, content_type="text/plain")
        broken, early = client.post(SEARCH), client.post(CHAT)
        assert (broken.status_code, broken.text) == (200, "{oops   ")
        assert broken.headers["content-type"] == "application/json"
        assert broken.headers["retry-after"] == "7"
        assert (early.status_code, early.text) == (425, "Too early.")
        assert early.headers["content-type"].startswith("text/plain")


def test_a_reply_can_come_a_byte_at_a_time() -> None:
    with watched() as (client, faults):
        faults.add("scaleway", drip_s=0.001)
        with client.stream("POST", CHAT, json={}) as reply:
            parts = list(reply.iter_raw())
        assert b"".join(parts) == b'{"length":2,"status":null}'
        assert len(parts) > 1
        assert only(faults).outcome == "answered"


def test_a_reply_that_drips_ends_when_its_caller_goes() -> None:
    with watched() as (client, faults):
        faults.add("lighton", drip_s=3600)
        with client.stream("POST", SEARCH, json={}):
            assert faults.requests.wait_for(bool)
        assert only(faults).outcome == "hung_up"


def test_a_connection_can_close_without_a_reply() -> None:
    with watched() as (client, faults):
        faults.add("lighton", disconnect=True)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            client.post(SEARCH)
        assert only(faults).outcome == "hung_up"
        assert only(faults).status is None
        assert client.post(SEARCH).status_code == 200


def test_a_reply_can_break_off_in_the_middle() -> None:
    with watched() as (client, faults):
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
            client.get("/v1/breaks-off")
        assert (only(faults).status, only(faults).outcome) == (200, "hung_up")


def test_a_request_hangs_until_its_caller_goes() -> None:
    with watched() as (client, faults):
        faults.add("lighton", hang=True)
        with hung_up_after_sending(client, SEARCH):
            assert faults.requests.wait_for(bool)
        assert only(faults).outcome == "hung_up"


def test_a_delay_comes_before_the_reply_and_ends_when_the_caller_goes() -> None:
    with watched() as (client, faults):
        faults.add("lighton", delay_s=0.001, status=503)
        assert client.post(SEARCH).json()["status"] == 503
        faults.requests.clear()
        faults.add("lighton", delay_s=3600)
        with hung_up_after_sending(client, SEARCH):
            assert faults.requests.wait_for(bool)
        assert only(faults).outcome == "hung_up"


def test_a_stream_goes_on_while_its_caller_listens() -> None:
    with watched() as (client, faults):
        assert client.get("/v1/takes-its-time").text == "first second third"
        assert only(faults).outcome == "answered"


def test_a_stream_ends_when_its_caller_goes() -> None:
    with watched() as (client, faults):
        with client.stream("GET", "/v1/never-ends") as reply:
            assert next(reply.iter_raw()) == b"first"
        assert (only(faults).status, only(faults).outcome) == (200, "hung_up")


def test_hanging_and_dropping_in_a_stream_are_left_to_the_stand_in() -> None:
    with watched() as (client, faults):
        faults.add("scaleway", hang=True, disconnect=True, after_chunks=1)
        assert client.post(CHAT).status_code == 200


def test_an_error_of_a_stand_in_is_the_servers_to_report() -> None:
    with watched() as (client, faults):
        assert client.get("/v1/fails").status_code == 500
        assert only(faults).status == 500


def test_a_caller_that_goes_before_its_body_came_is_not_logged() -> None:
    with watched() as (client, faults):
        url = urlsplit(str(client.base_url))
        with socket.create_connection((str(url.hostname), url.port or 0)) as connection:
            connection.sendall(f"POST {SEARCH} HTTP/1.1\r\nhost: x\r\n".encode())
            connection.sendall(b"content-length: 5\r\n\r\nab")
        client.post(CHAT)
        assert [each.path for each in faults.requests.all()] == [CHAT]


async def test_what_still_comes_after_the_body_is_passed_over() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b"},
        {"type": "http.request", "body": b""},
        {"type": "http.disconnect"},
    ]
    faults = Faults()
    faults.add("lighton", hang=True)

    async def receive() -> Message:
        return messages.pop(0)

    async def ignore(_: Message) -> None:
        """Take it."""

    scope = {"type": "http", "method": "POST", "path": SEARCH}
    await Watched(Starlette(), faults)(scope, receive, ignore)
    assert faults.requests.all()[0].body == "ab"
    assert messages == []


async def test_an_error_before_the_reply_is_raised_to_the_server() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
        raise ValueError("broken stand-in")

    async def receive() -> Message:
        return messages.pop() if messages else await forever()

    async def ignore(_: Message) -> None:
        """Take it."""

    messages: list[Message] = [{"type": "http.request"}]
    scope = {"type": "http", "method": "GET", "path": "/v1/models"}
    with pytest.raises(ValueError, match="broken stand-in"):
        await Watched(broken, Faults())(scope, receive, ignore)


async def test_what_is_not_http_passes() -> None:
    seen = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
        seen.append(scope["type"])

    async def nothing() -> Message:
        return {"type": "lifespan.startup"}

    async def ignore(_: Message) -> None:
        """Take it."""

    await Watched(inner, Faults())({"type": "lifespan"}, nothing, ignore)
    assert seen == ["lifespan"]


@contextmanager
def hung_up_after_sending(client: httpx.Client, path: str) -> Iterator[None]:
    """Send a request, run the body of the `with`, then close the connection."""
    url = urlsplit(str(client.base_url))
    with socket.create_connection((str(url.hostname), url.port or 0)) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".encode())
        yield
