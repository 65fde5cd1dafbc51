"""Scaleway's replies, read and checked: everything behind this has the shape the core relies on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from proxy.core.chat import Chunk
from proxy.errors import BadReply, UpstreamError
from proxy.upstreams.scaleway_quirks import fit_chunk, read_fault
from proxy.upstreams.status import Vendor

NAME: Final = "Scaleway"
CREDENTIALS: Final = "SCALEWAY_API_KEY, the key's permissions and SCW_DEFAULT_PROJECT_ID"

_STATUS_OF_CODES: Final = {"rate_limit_exceeded": 429, "invalid_request_error": 400}


def read_error(
    vendor: Vendor, status: int, body: bytes, headers: Mapping[str, str]
) -> UpstreamError:
    """The error of a reply with an error status."""
    fault = read_fault(body)
    return vendor.error(status, fault.message, param=fault.param, headers=headers)


def read_completion(vendor: Vendor, data: bytes) -> Chunk:
    """A plain completion as a chunk: its message is the delta. Raises UpstreamError."""
    document = _without_error(vendor, decode(data))
    for choice in document.get("choices") or ():
        message = choice.pop("message", None) if isinstance(choice, dict) else None
        if not isinstance(message, dict):
            raise BadReply(NAME, f"{NAME} sent a completion without a message.")
        choice["delta"] = message
        for index, call in enumerate(message.get("tool_calls") or ()):
            if isinstance(call, dict):
                call.setdefault("index", index)
    return _checked(document)


def read_chunk(vendor: Vendor, data: bytes) -> Chunk:
    """One event of a stream. Raises UpstreamError, also for an error inside the stream."""
    return _checked(_without_error(vendor, decode(data)))


def decode(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadReply(NAME, f"{NAME} sent a reply that is not JSON.") from error


def _without_error(vendor: Vendor, document: Any) -> dict[str, Any]:
    """`document`, unless it is an error: those also come in replies that began with 200."""
    if not isinstance(document, dict):
        raise BadReply(NAME, f"{NAME} sent a reply of an unknown shape.")
    error = document.get("error")
    if not error and document.get("object") != "error":
        return document
    source = error if isinstance(error, dict) else document
    code = source.get("code") or source.get("status")
    status = code if isinstance(code, int) else _STATUS_OF_CODES.get(str(code), 500)
    raise read_error(vendor, status, orjson.dumps(document), {})


def _checked(document: dict[str, Any]) -> Chunk:
    """The chunk, its reasoning renamed; BadReply if it has not a chunk's shape."""
    choices = document.get("choices") or []
    usage = document.get("usage") or {}
    if (
        not isinstance(choices, list)
        or not all(map(_is_choice, choices))
        or not isinstance(usage, dict)
    ):
        raise BadReply(NAME, f"{NAME} sent a reply of an unknown shape.")
    return fit_chunk(document)


def _is_choice(choice: Any) -> bool:
    """Whether a choice has the shape that the turn reader relies on."""
    delta = choice.get("delta") if isinstance(choice, dict) else 0
    if delta is None:
        return True
    if not isinstance(delta, dict):
        return False
    texts = (delta.get("content"), delta.get("reasoning_content"), delta.get("reasoning"))
    calls = delta.get("tool_calls")
    return all(text is None or isinstance(text, str) for text in texts) and (
        calls is None or (isinstance(calls, list) and all(map(_is_fragment, calls)))
    )


def _is_fragment(fragment: Any) -> bool:
    function = fragment.get("function") if isinstance(fragment, dict) else 0
    return function is None or isinstance(function, dict)
