"""Makes Scaleway's chunks fit OpenAI's schema, and drops fields that would mislead a client.

A field that the schema does not know passes, unless some client acts on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import orjson
from typing_extensions import TypedDict

from proxy.core.wire import Choice, Chunk, Function, Usage

_NOT_THE_MODELS: Final = ("error", "event", "lighton", "selected_model_id", "sources")
"""Top-level keys that are the proxy's own, or that clients act on; an `error` here is empty."""
_SERVICE_TIERS: Final = ("auto", "default", "flex", "scale", "priority", None)
_DETAILS: Final = "_details"
"""How the names of objects within usage end, in OpenAI's schema."""
_LARGEST_COUNT: Final = 2**53
_TOKEN_TYPES: Final[dict[str, tuple[type, ...]]] = {"token": (str,), "logprob": (int, float)}


class _NotTheModels(TypedDict, total=False):
    error: object
    event: object
    lighton: object
    selected_model_id: object
    sources: object


class SentChunk(Chunk, _NotTheModels, total=False):
    """A chunk as Scaleway sends it, of the checked shape."""


def conform(chunk: SentChunk) -> Chunk:
    """Drop from a chunk of the checked shape what would break a client. Changes `chunk`."""
    for name in _NOT_THE_MODELS:
        if name in chunk:
            del chunk[name]
    if usage := chunk.get("usage"):
        chunk["usage"] = _counts(usage)
    if chunk.get("service_tier") not in _SERVICE_TIERS:
        del chunk["service_tier"]
    if not isinstance(chunk.get("system_fingerprint", ""), str):
        del chunk["system_fingerprint"]
    for choice in chunk.get("choices") or ():
        _conform_choice(choice)
    return chunk


def _conform_choice(choice: Choice) -> None:
    logprobs = choice.get("logprobs")
    if logprobs is not None and not (logprobs and all(map(_are_tokens, logprobs.values()))):
        choice["logprobs"] = None
    delta = choice.get("delta")
    if not delta:
        return
    if "annotations" in delta:
        del delta["annotations"]  # only the proxy writes them, into one delta
    if not isinstance(delta.get("audio", {}), dict):
        del delta["audio"]
    for fragment in delta.get("tool_calls") or ():
        _arguments_as_text(fragment.get("function") or {})


def _arguments_as_text(function: Function) -> None:
    """Some servers send a call's arguments decoded."""
    arguments = function.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        try:
            function["arguments"] = orjson.dumps(arguments).decode()
        except orjson.JSONEncodeError:  # nested too deeply to encode
            function["arguments"] = ""


def _counts(usage: Mapping[str, object]) -> Usage:
    """The token counts of a usage object, and its details, which are objects of token counts."""
    counts: dict[str, object] = {}
    for name, value in usage.items():
        if not name.endswith(_DETAILS):
            if _is_count(value):
                counts[name] = value
        elif type(value) is dict:
            counts[name] = {key: count for key, count in value.items() if _is_count(count)}
    return cast("Usage", counts)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST_COUNT


def _are_tokens(tokens: object) -> bool:
    return tokens is None or (isinstance(tokens, list) and all(map(_is_token, tokens)))


def _is_token(token: object) -> bool:
    """Whether a log probability has the fields OpenAI's schema demands. Fills in the others."""
    if not isinstance(token, dict):
        return False
    if not all(isinstance(token.get(name), kind) for name, kind in _TOKEN_TYPES.items()):
        return False
    token.setdefault("bytes", None)
    others = token.setdefault("top_logprobs", [])
    return isinstance(others, list) and all(map(_is_token_of_many, others))


def _is_token_of_many(token: object) -> bool:
    if not isinstance(token, dict):
        return False
    token.setdefault("bytes", None)
    return all(isinstance(token.get(name), kind) for name, kind in _TOKEN_TYPES.items())
