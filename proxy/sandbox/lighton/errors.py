"""LightOn's error bodies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

FieldErrors = dict[str, list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Problem:
    """The default name and text of an HTTP status."""

    error: str
    detail: str


_PROBLEMS: Mapping[int, Problem] = {
    400: Problem("parse_error", "The request body is not valid JSON."),
    401: Problem("not_authenticated", "The API key is missing or not valid."),
    403: Problem("permission_denied", "No document that this key may read matches the filters."),
    404: Problem("not_found", "There is nothing at this address."),
    405: Problem("method_not_allowed", "This method is not allowed here."),
    422: Problem("validation_error", "Some fields of the request are not valid."),
    429: Problem("throttled", "Too many requests."),
    500: Problem("internal_error", "An unexpected error occurred."),
    503: Problem("service_unavailable", "The service is not available at the moment."),
}
_MAINTENANCE = "service_maintenance"


def error_response(
    status: int,
    *,
    error: str | None = None,
    detail: str | None = None,
    fields: FieldErrors | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Answer an error in LightOn's shape; `service_maintenance` has a shape of its own."""
    problem = _PROBLEMS.get(status, _PROBLEMS[500 if status >= 500 else 400])  # noqa: PLR2004 - HTTP
    error, detail = error or problem.error, detail or problem.detail
    body: dict[str, Any]
    if error == _MAINTENANCE:
        body = _maintenance(detail)
    else:
        doc_url = f"https://sandbox.invalid/errors/{error}"
        body = {"id": None, "code": status, "error": error, "detail": detail, "doc_url": doc_url}
    if fields is not None:
        body["fields"] = fields
    return JSONResponse(body, status, headers)


def _maintenance(detail: str) -> dict[str, Any]:
    return {
        "detail": detail,
        "error": _MAINTENANCE,
        "mode": "full_shutdown",
        "reason": None,
        "started_at": "2026-01-01T00:00:00Z",
        "endpoint_category_names": [],
    }
