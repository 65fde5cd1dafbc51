"""Where Scaleway's API differs from OpenAI's: makes requests fit for it and reads its errors.

Sources: Scaleway's Generative APIs documentation and the vLLM server behind it. What the models
themselves demand of messages is in `proxy.upstreams.scaleway.dialect`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson

from proxy.core import json_text
from proxy.core.wire import ChatRequest, Chunk
from proxy.upstreams.scaleway.dialect import fit_messages

_HTML_TITLE: Final = re.compile(r"<title[^>]{0,200}>([^<]{1,200})</title>", re.IGNORECASE)
_LONGEST_PAGE: Final = 64 * 1024
"""The proxy looks at no more of an error page, in bytes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What an error body says, whichever of the four shapes it has."""

    message: str
    param: str | None = None


def fit_request(body: ChatRequest, drop_params: frozenset[str]) -> dict[str, object]:
    """`body` as Scaleway accepts it for the model it names."""
    fitted: dict[str, object] = {
        name: value for name, value in body.items() if name not in drop_params
    }
    fitted["messages"] = fit_messages(body["model"], body["messages"], body.get("tools") or ())
    return fitted


def fit_chunk(chunk: Chunk) -> Chunk:
    """A reply's chunk with its reasoning under the one name that clients know."""
    for choice in chunk.get("choices") or ():
        delta = choice.get("delta") or {}
        if "reasoning" in delta:
            reasoning = delta.pop("reasoning")
            delta["reasoning_content"] = delta.get("reasoning_content") or reasoning
    return chunk


def read_fault(body: bytes) -> Fault:
    """The message of an error body: one of Scaleway's four JSON shapes, HTML or anything else."""
    try:
        document = json_text.loads(body)
    except orjson.JSONDecodeError:
        title = _HTML_TITLE.search(body[:_LONGEST_PAGE].decode("utf-8", "replace"))
        return Fault(title[1].strip() if title else "")
    return fault_in(document)


def fault_in(document: object) -> Fault:
    """The message of an error that is JSON, whichever shape it has."""
    if isinstance(document, list):
        return _validation_fault(document)
    if not isinstance(document, dict):
        return Fault("")
    error = document.get("error")
    if isinstance(error, dict):
        return _plain_fault(error)
    if isinstance(document.get("detail"), list):
        return _validation_fault(document["detail"])
    return _plain_fault({"message": error, **document})


def _plain_fault(error: Mapping[str, object]) -> Fault:
    message, param = error.get("message"), error.get("param")
    return Fault(
        message if isinstance(message, str) else "",
        param if isinstance(param, str) else None,
    )


def _validation_fault(errors: list[object]) -> Fault:
    """Pydantic's list of errors: `{loc: ["body", "tools", 0], msg, type}`."""
    lines = []
    params = []
    for error in errors:
        if isinstance(error, dict):
            place, said = error.get("loc"), error.get("msg")
            path = place if isinstance(place, list) else []
            params.append(".".join(str(part) for part in path if part != "body"))
            lines.append(": ".join(filter(None, [params[-1], str(said or "")])))
    return Fault("; ".join(lines), next(filter(None, params), None))
