"""The faults of the search's upstream, each of which a row of the table shows."""

from __future__ import annotations

from typing import Any, Final

from tests.faults.model_faults import HALF_DOCUMENT, HALF_HEAD, HANGS, Fault, moved, page
from tests.faults.upstream import document, drips, sends
from tests.support.script import result
from tests.upstreams.raw_server import Connection, reply

FOUND: Final = document({"results": [result("c1", "Leave is 27 days.")]})
_NAMES: Final = {
    400: "parse_error",
    401: "not_authenticated",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    422: "validation_error",
    429: "throttled",
    500: "internal_error",
    501: "not_implemented",
    502: "bad_gateway",
    503: "service_unavailable",
    504: "gateway_timeout",
}
_MAINTENANCE: Final[dict[str, Any]] = {
    "detail": "Maintenance.",
    "error": "service_maintenance",
    "mode": "full_shutdown",
    "reason": None,
    "started_at": "2026-01-01T00:00:00Z",
    "endpoint_category_names": [],
}


def failed(status: int, *headers: str, **more: Any) -> bytes:
    body = {"id": None, "code": status, "error": _NAMES[status], "detail": "No.", **more}
    return document(body, *headers, status=f"{status} No")


def finding(*results: Any, **more: Any) -> bytes:
    return document({"results": list(results), **more})


def _statuses() -> list[Fault]:
    maintenance = document(_MAINTENANCE, "retry-after: 600", status="503 No")
    return [
        *(Fault(f"status {status}", failed(status)) for status in _NAMES),
        Fault("status 429, `retry-after: 7`", failed(429, "retry-after: 7")),
        Fault("status 429, `retry-after: 3600`", failed(429, "retry-after: 3600")),
        Fault("status 422, names of fields", failed(422, fields={"query": [{"code": "x"}]})),
        Fault("maintenance, status 503, `retry-after: 600`", maintenance),
        Fault("status 503, no body", reply(status="503 Service Unavailable")),
        Fault("firewall's HTML page, status 403", page("403 Forbidden")),
        Fault("HTML page, status 502", page("502 Bad Gateway")),
        Fault("HTML page, status 200", page("200 OK")),
        Fault("redirect, status 302", moved(302)),
        Fault("redirect, status 308", moved(308)),
    ]


def _broken() -> list[Fault]:
    ends: dict[str, Any] = {"closed": None, "reset": Connection.reset, "silent": HANGS}
    places = {
        "before the head": b"",
        "in the head": HALF_HEAD,
        "after the head": HALF_DOCUMENT.partition(b"{")[0],
        "in the body": HALF_DOCUMENT,
    }
    return [
        Fault(f"{end} {place}", sends(told, then), is_slow=then is HANGS)
        for end, then in ends.items()
        for place, told in places.items()
    ]


def _bodies() -> list[Fault]:
    warning = {"code": "partial_results", "reason": "An index is being built."}
    hit = result("c1", "Leave is 27 days.")
    return [
        Fault("not HTTP", sends(b"SSH-2.0-OpenSSH_9.2\r\n")),
        Fault("body is not JSON", document_of(b"{oops")),
        Fault("body is empty", document_of(b"")),
        Fault("body is a list", document([])),
        Fault("results are null", document({"results": None})),
        Fault("results hold a text", document({"results": ["x"]})),
        Fault("a result's content is null", finding(result("c1", None))),
        Fault("a result is an empty object", finding({})),
        Fault("a result has no workspace", finding({**hit, "workspace": None})),
        Fault("nothing found", finding()),
        Fault("warnings beside results", finding(hit, warnings=[warning])),
        Fault("warnings of a wrong shape", finding(hit, warnings="x")),
        Fault("wrong content type", reply(_body(FOUND), "content-type: text/plain")),
        Fault("a byte at a time", drips(FOUND)),
        Fault("unknown encoding", reply(b"{}", "content-encoding: x-lzma")),
        Fault("not compressed as it says", reply(b"{}", "content-encoding: gzip")),
        Fault("content is not UTF-8", document_of(b'{"results": ["\xff"]}')),
    ]


def document_of(body: bytes) -> bytes:
    return reply(body, "content-type: application/json")


def _body(told: bytes) -> bytes:
    return told.partition(b"\r\n\r\n")[2]


SEARCH_FAULTS: Final = (*_statuses(), *_broken(), *_bodies())
