"""A refusal, by the application's way out and over the wire."""

from __future__ import annotations

import orjson
from starlette.types import Message

from proxy.errors import BadRequest
from proxy.surfaces.door_refusals import Refusal, reply_bytes

ERROR = BadRequest("No.")


def test_the_bytes_of_a_refusal_are_a_whole_reply_that_closes() -> None:
    head, _, body = reply_bytes(ERROR).partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    assert status == b"HTTP/1.1 400 Bad Request"
    assert b"connection: close" in headers
    assert b"content-length: %d" % len(body) in headers
    assert orjson.loads(body)["error"]["message"] == "No."


async def test_a_refusal_in_the_application_s_place_says_the_same() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await Refusal(ERROR)({"type": "http"}, receive, send)
    assert sent[0]["status"] == 400
    assert (b"connection", b"close") in sent[0]["headers"]
    assert reply_bytes(ERROR).endswith(sent[1]["body"])
