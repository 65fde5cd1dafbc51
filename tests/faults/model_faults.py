"""The faults of the model's upstream, each of which a row of the table shows."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import Any, Final

from proxy.sandbox.scaleway.errors import Shape, error_body
from tests.faults.upstream import Both, Say, document, drips, sends, stream
from tests.support.script import DONE, Round, delta_event, event
from tests.upstreams.raw_server import Connection, chunk, chunked, reply

_NAMES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    413: "Content Too Large",
    418: "I'm a Teapot",
    422: "Unprocessable Content",
    425: "Too Early",
    429: "Too Many Requests",
    451: "Unavailable For Legal Reasons",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    507: "Insufficient Storage",
    529: "Overloaded",
}
HTML: Final = b"<html><head><title>Attention</title></head><body>firewall</body></html>"
HANGS: Final = Connection.gone


@dataclass(frozen=True)
class Fault:
    """A fault: its name in the table, what is said instead of a reply, and what it needs."""

    says: str
    say: Say = b""
    is_slow: bool = False
    """It ends with a time-out, so the proxy gets a short one."""
    is_costly: bool = False
    """It takes long to play, so it is played in one phase alone."""


def failed(status: int, *headers: str, shape: Shape = 1) -> bytes:
    name = _NAMES[status]
    return document(error_body(shape, status, "No."), *headers, status=f"{status} {name}")


def page(status: str) -> bytes:
    return reply(HTML, "content-type: text/html", status=status)


def moved(status: int) -> bytes:
    return reply(b"", "location: https://elsewhere.test/v1/chat", status=f"{status} Moved")


def _statuses() -> list[Fault]:
    shapes: dict[Shape, str] = {
        1: "model server",
        2: "legacy model",
        3: "gateway",
        4: "list of field errors",
    }
    return [
        *(Fault(f"status {status}", failed(status)) for status in _NAMES if status != 429),
        *(
            Fault(f"status {status}, error of the {name}", failed(status, shape=shape))
            for status in (400, 503)
            for shape, name in shapes.items()
            if shape != 1
        ),
        Fault("status 503, no body", reply(status="503 Service Unavailable")),
        Fault("status 500, body is not JSON", reply(b"{oops", status="500 No")),
        Fault("status 404 of a proxy on the way", reply(b"no route", status="404 Not Found")),
        Fault("status 407", reply(status="407 Proxy Authentication Required")),
        Fault("status 204, no body", b"HTTP/1.1 204 No Content\r\n\r\n"),
        Fault("status 600", reply(status="600 What")),
    ]


def _waits() -> list[Fault]:
    date = ("date: Thu, 26 Nov 2026 12:00:00 GMT",)
    headers: dict[str, tuple[str, ...]] = {
        "no Retry-After": (),
        "`retry-after: 7`": ("retry-after: 7",),
        "`retry-after: 0`": ("retry-after: 0",),
        "`retry-after: 3600`": ("retry-after: 3600",),
        "`retry-after` with a date in 9 s": (
            *date,
            "retry-after: Thu, 26 Nov 2026 12:00:09 GMT",
        ),
        "`retry-after` with a date that is past": (
            *date,
            "retry-after: Thu, 26 Nov 2026 11:00:00 GMT",
        ),
        "`retry-after: soon`": ("retry-after: soon",),
        "`retry-after-ms: 2500`": ("retry-after-ms: 2500",),
        "`x-ratelimit-reset-requests: 1m30s`": (
            "x-ratelimit-remaining-requests: 0",
            "x-ratelimit-reset-requests: 1m30s",
        ),
        "`x-ratelimit-reset-tokens: 3s`": (
            "x-ratelimit-remaining-tokens: 0",
            "x-ratelimit-reset-tokens: 3s",
        ),
    }
    return [
        *(Fault(f"status 429, {says}", failed(429, *lines)) for says, lines in headers.items()),
        Fault("status 429, error of the gateway", failed(429, shape=3)),
        Fault("status 503, `retry-after: 7`", failed(503, "retry-after: 7")),
        Fault("status 503, `retry-after: 3600`", failed(503, "retry-after: 3600")),
    ]


def _pages() -> list[Fault]:
    return [
        Fault("firewall's HTML page, status 403", page("403 Forbidden")),
        Fault("firewall's HTML page, status 503", page("503 Service Unavailable")),
        Fault("HTML page, status 200", page("200 OK")),
        *(Fault(f"redirect, status {status}", moved(status)) for status in (301, 302, 307, 308)),
        Fault("redirect without a location", reply(status="302 Found")),
    ]


BEGUN: Final = chunked(delta_event({"role": "assistant", "content": ""}))
TOLD: Final = BEGUN + chunk(delta_event({"content": "Half of "}))
HALF_DOCUMENT: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n"
    b'{"choices": [{"ind'
)
HALF_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-ty"


def _broken() -> list[Fault]:
    ends: dict[str, Any] = {
        "closed": None,
        "reset": Connection.reset,
        "silent": HANGS,
    }
    places: dict[str, bytes | tuple[bytes, bytes]] = {
        "before the head": b"",
        "in the head": HALF_HEAD,
        "after the head": (HALF_DOCUMENT.partition(b"{")[0], BEGUN),
        "in the text": (HALF_DOCUMENT, TOLD),
    }
    return [
        Fault(
            f"{end} {place}",
            Both(sends(told[0], then), sends(told[1], then))
            if isinstance(told, tuple)
            else sends(told, then),
            is_slow=then is HANGS,
        )
        for end, then in ends.items()
        for place, told in places.items()
    ]


def _unfinished(*, text: str = "Yes.") -> bytes:
    return stream(delta_event({"role": "assistant", "content": text}))


def _error_event(status: int, text: str = "") -> bytes:
    said = [delta_event({"content": text})] if text else []
    return stream(b"".join(said) + event(error_body(1, status, "No.")))


def _squeezed(body: bytes, content_type: str, coding: str = "gzip") -> bytes:
    lines = (f"content-type: {content_type}", f"content-encoding: {coding}")
    return reply(body, *lines)


def _both(plain: bytes, streamed: bytes) -> Both:
    return Both(plain, streamed)


def _bodies() -> list[Fault]:
    json_type, events = "application/json", "text/event-stream"
    bomb = gzip.compress(b" " * 33 * 1024 * 1024, 1)
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
    return [
        Fault("not HTTP", sends(b"SSH-2.0-OpenSSH_9.2\r\n")),
        Fault("head of 1 MB", sends(b"HTTP/1.1 200 OK\r\nx: " + b"x" * 1_000_000)),
        Fault("body is not JSON", _both(document_of(b"{oops"), stream(b"data: {oops\n\n"))),
        Fault("body is empty", _both(document_of(b""), stream(b""))),
        Fault("body is a list", _both(document([]), stream(event([])))),
        Fault(
            "choices are a text", _both(document({"choices": "x"}), stream(event({"choices": "x"})))
        ),
        Fault(
            "no choices", _both(document({"choices": []}), stream(event({"choices": []}) + DONE))
        ),
        Fault(
            "choice without a message",
            _both(document({"choices": [choice]}), stream(event({"choices": [choice]}) + DONE)),
        ),
        Fault(
            "content is null",
            _both(
                document({"choices": [{**choice, "message": {"content": None}}]}),
                stream(event({"choices": [{**choice, "delta": {"content": None}}]}) + DONE),
            ),
        ),
        Fault("error as a document, status 200", document(error_body(1, 503, "No."))),
        Fault(
            "error event first",
            _both(document(error_body(1, 429, "No.")), _error_event(429)),
        ),
        Fault(
            "error event after text",
            _both(document(error_body(1, 500, "No.")), _error_event(500, "Half of ")),
        ),
        Fault("no finish_reason", _both(document_of(b'{"choices": []}'), _unfinished())),
        Fault(
            "wrong content type",
            _both(
                reply(Round("Yes.").stream(), f"content-type: {events}"),
                reply(Round("Yes.").stream(), "content-type: text/plain"),
            ),
        ),
        Fault("no stream though asked for one", document(Round("Yes.").completion())),
        Fault("a byte at a time", _dripped()),
        Fault(
            "too long, 33 MB",
            _both(_squeezed(bomb, json_type), _squeezed(bomb, events)),
            is_costly=True,
        ),
        Fault(
            "not compressed as it says",
            _both(_squeezed(b"{}", json_type), _squeezed(b"data: {}\n\n", events)),
        ),
        Fault(
            "unknown encoding",
            _both(_squeezed(b"{}", json_type, "x-lzma"), _squeezed(b"{}", events, "x-lzma")),
        ),
        Fault(
            "chunk's length is no number",
            sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
        ),
        Fault("content is not UTF-8", _both(document_of(b'"\xff\xfe"'), stream(b"data: \xff\n\n"))),
    ]


def document_of(body: bytes) -> bytes:
    return reply(body, "content-type: application/json")


def _dripped() -> Both:
    one = Round("Yes.")
    return Both(drips(document(one.completion())), drips(stream(one.stream())))


MODEL_FAULTS: Final = (*_statuses(), *_waits(), *_pages(), *_broken(), *_bodies())
