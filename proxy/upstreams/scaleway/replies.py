"""Reads and checks Scaleway's replies, so that the core can rely on the shape of each chunk."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import NoneType
from typing import Final, TypeGuard

import orjson

from proxy.core import json_text
from proxy.core.wire import Chunk
from proxy.errors import BadReply, UpstreamError, UpstreamTimeout
from proxy.upstreams.http.causes import IDLE, NOT_JSON, SHAPE
from proxy.upstreams.http.status import Vendor
from proxy.upstreams.scaleway.parts import join_parts
from proxy.upstreams.scaleway.quirks import fault_in, fit_chunk, read_fault
from proxy.upstreams.scaleway.schema import conform

NAME: Final = "Scaleway"
CREDENTIALS: Final = "SCALEWAY_API_KEY, the key's permissions and SCW_DEFAULT_PROJECT_ID"

_STATUS_OF_CODES: Final = {"rate_limit_exceeded": 429, "invalid_request_error": 400}
_FIRST_NO_STATUS: Final = 600

# Null counts as absent.
_STRING: Final = (str, NoneType)
_OBJECT: Final = (dict, NoneType)
_LIST: Final = (list, NoneType)
_OF_CHUNK: Final = {"usage": _OBJECT, "model": _STRING}
_OF_CHOICE: Final = {"finish_reason": _STRING, "delta": _OBJECT, "logprobs": _OBJECT}
_OF_DELTA: Final = {
    "content": _STRING,
    "reasoning_content": _STRING,
    "reasoning": _STRING,
    "refusal": _STRING,
    "tool_calls": _LIST,
}
_OF_FRAGMENT: Final = {"index": (int, NoneType), "id": _STRING, "function": _OBJECT}
_OF_FUNCTION: Final = {"name": _STRING}


def read_error(
    vendor: Vendor, status: int, body: bytes, headers: Mapping[str, str]
) -> UpstreamError:
    """The error of a reply with an error status."""
    fault = read_fault(body)
    return vendor.error(status, fault.message, param=fault.param, headers=headers)


def read_completion(vendor: Vendor, data: bytes) -> Chunk:
    """A plain completion as a chunk: its message is the delta. Raises UpstreamError."""
    document = read_document(vendor, data)
    for choice in _items(document.get("choices")):
        message = choice.pop("message", None) if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            raise BadReply(NAME, f"{NAME} sent a completion without a message.", cause=SHAPE)
        choice["delta"] = message
        for index, call in enumerate(_items(message.get("tool_calls"))):
            if isinstance(call, dict):
                call["index"] = index  # each is a call of its own, whatever it says
    return _checked(document)


def read_document(vendor: Vendor, data: bytes) -> dict[str, object]:
    """A reply that is a JSON object and no error. Raises UpstreamError."""
    return _without_error(vendor, decode(data))


def idle(vendor: Vendor, idle_s: float) -> UpstreamTimeout:
    """The error of a reply that has been silent for `idle_s` seconds."""
    what = f"{vendor.name} sent nothing of its answer for {idle_s:g} seconds. Try again later."
    return UpstreamTimeout(vendor.name, what, cause=IDLE)


def is_finished(data: bytes) -> bool:
    """Whether `data` is a whole completion, even if its reply broke off after it."""
    try:
        document = json_text.loads(data)
    except orjson.JSONDecodeError:
        return False
    choices = document.get("choices") if isinstance(document, dict) else None
    return isinstance(choices, list) and any(
        isinstance(choice, dict) and choice.get("finish_reason") for choice in choices
    )


def read_chunk(vendor: Vendor, data: bytes) -> Chunk:
    """One event of a stream. Raises UpstreamError, also for an error inside the stream."""
    return _checked(read_document(vendor, data))


def decode(data: bytes) -> object:
    try:
        return json_text.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadReply(NAME, f"{NAME} sent a reply that is not JSON.", cause=NOT_JSON) from error


def _without_error(vendor: Vendor, document: object) -> dict[str, object]:
    """`document`, unless it is an error: a reply that began with 200 may hold one too."""
    if not isinstance(document, dict):
        raise _unknown_shape()
    error = document.get("error")
    if not error and document.get("object") != "error":
        return document
    source = error if isinstance(error, dict) else document
    fault = fault_in(document)
    status = _status_of(source.get("code") or source.get("status"))
    told = vendor.error(status, fault.message, param=fault.param)
    told.is_refused = False  # the model had begun
    raise told


def _status_of(code: object) -> int:
    """The HTTP status that an error would have had before its reply began."""
    if isinstance(code, int) and HTTPStatus.BAD_REQUEST <= code < _FIRST_NO_STATUS:
        return code
    return _STATUS_OF_CODES.get(code, 500) if isinstance(code, str) else 500


def _checked(document: dict[str, object]) -> Chunk:
    if not _is_chunk(document):
        join_parts(document)  # not before: nearly all chunks have none
        if not _is_chunk(document):
            raise _unknown_shape()
    return conform(fit_chunk(document))


def _is_chunk(document: Mapping[str, object]) -> TypeGuard[Chunk]:
    if not _fits(document, _OF_CHUNK):
        return False
    choices = document.get("choices")
    return choices is None or (isinstance(choices, list) and all(map(_is_choice, choices)))


def _is_choice(choice: object) -> bool:
    """Whether a choice has the shape that the reader, the writer and the fold rely on."""
    if not (isinstance(choice, dict) and _fits(choice, _OF_CHOICE)):
        return False
    delta = choice.get("delta") or {}
    logprobs = choice.get("logprobs") or {}
    return (
        _fits(delta, _OF_DELTA)
        and all(map(_is_fragment, delta.get("tool_calls") or ()))
        and all(isinstance(each, _LIST) for each in logprobs.values())
    )


def _is_fragment(fragment: object) -> bool:
    if not (isinstance(fragment, dict) and _fits(fragment, _OF_FRAGMENT)):
        return False
    return _fits(fragment.get("function") or {}, _OF_FUNCTION)


def _fits(document: Mapping[str, object], fields: Mapping[str, tuple[type, ...]]) -> bool:
    """Whether each of `fields` has one of its types."""
    for name, types in fields.items():  # noqa: SIM110  # this runs for each chunk
        if not isinstance(document.get(name), types):
            return False
    return True


def _items(value: object) -> list[object]:
    """A list that may also be null or absent. Raises BadReply for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise _unknown_shape()
    return value


def _unknown_shape() -> BadReply:
    return BadReply(NAME, f"{NAME} sent a reply of an unknown shape.", cause=SHAPE)
