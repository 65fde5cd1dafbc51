"""Scaleway's replies, read and checked: everything behind this has the shape the core relies on."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson

from proxy.core.chat import Chunk
from proxy.errors import BadReply, UpstreamError
from proxy.upstreams.scaleway_quirks import fault_in, fit_chunk, read_fault
from proxy.upstreams.scaleway_schema import conform
from proxy.upstreams.status import Vendor

NAME: Final = "Scaleway"
CREDENTIALS: Final = "SCALEWAY_API_KEY, the key's permissions and SCW_DEFAULT_PROJECT_ID"

_STATUS_OF_CODES: Final = {"rate_limit_exceeded": 429, "invalid_request_error": 400}
_FIRST_NO_STATUS: Final = 600
_TEXTS: Final = ("content", "reasoning_content", "reasoning", "refusal")


def read_error(
    vendor: Vendor, status: int, body: bytes, headers: Mapping[str, str]
) -> UpstreamError:
    """The error of a reply with an error status."""
    fault = read_fault(body)
    return vendor.error(status, fault.message, param=fault.param, headers=headers)


def read_completion(vendor: Vendor, data: bytes) -> Chunk:
    """A plain completion as a chunk: its message is the delta. Raises UpstreamError."""
    document = _without_error(vendor, decode(data))
    for choice in _items(document.get("choices")):
        message = choice.pop("message", None) if isinstance(choice, dict) else None
        if not isinstance(message, dict):
            raise BadReply(NAME, f"{NAME} sent a completion without a message.")
        choice["delta"] = message
        for index, call in enumerate(_items(message.get("tool_calls"))):
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
        raise _unknown_shape()
    error = document.get("error")
    if not error and document.get("object") != "error":
        return document
    source = error if isinstance(error, dict) else document
    fault = fault_in(document)
    status = _status_of(source.get("code") or source.get("status"))
    raise vendor.error(status, fault.message, param=fault.param)


def _status_of(code: Any) -> int:
    """The HTTP status that an error would have had before its reply began."""
    if isinstance(code, int) and HTTPStatus.BAD_REQUEST <= code < _FIRST_NO_STATUS:
        return code
    return _STATUS_OF_CODES.get(code, 500) if isinstance(code, str) else 500


def _checked(document: dict[str, Any]) -> Chunk:
    """The chunk, its reasoning renamed; BadReply if it has not a chunk's shape."""
    is_chunk = (
        _is(dict, document.get("usage"))
        and _is(str, document.get("model"))
        and all(map(_is_choice, _items(document.get("choices"))))
    )
    if not is_chunk:
        raise _unknown_shape()
    return conform(fit_chunk(document))


def _is_choice(choice: Any) -> bool:
    """Whether a choice has the shape that the reader, the writer and the fold rely on."""
    return (
        isinstance(choice, dict)
        and _is(str, choice.get("finish_reason"))
        and _is_delta(choice.get("delta"))
        and _is_logprobs(choice.get("logprobs"))
    )


def _is_delta(delta: Any) -> bool:
    if delta is None:
        return True
    return (
        isinstance(delta, dict)
        and all(_is(str, delta.get(name)) for name in _TEXTS)
        and all(map(_is_fragment, _items(delta.get("tool_calls"))))
    )


def _is_fragment(fragment: Any) -> bool:
    if not isinstance(fragment, dict):
        return False
    function = fragment.get("function")
    return (
        _is(int, fragment.get("index"))
        and _is(str, fragment.get("id"))
        and _is(dict, function)
        and (not function or _is(str, function.get("name")))
    )


def _is_logprobs(logprobs: Any) -> bool:
    if logprobs is None:
        return True
    return isinstance(logprobs, dict) and all(_is(list, each) for each in logprobs.values())


def _is(kind: type, value: Any) -> bool:
    """Whether a field is of its kind; each may also be null or absent."""
    return value is None or isinstance(value, kind)


def _items(value: Any) -> list[Any]:
    """A list that may also be null or absent. Raises BadReply for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise _unknown_shape()
    return value


def _unknown_shape() -> BadReply:
    return BadReply(NAME, f"{NAME} sent a reply of an unknown shape.")
