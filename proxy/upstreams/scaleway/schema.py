"""Makes Scaleway's chunks fit OpenAI's schema, and drops what is no client's business.

Chunks and choices keep the fields of the schema alone. Others may hold the prompt, and with it what
the proxy put there, as text or as tokens, or may be taken for the proxy's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import orjson

from proxy.core.wire import Choice, Chunk, Function, Usage

_OF_CHUNK: Final = frozenset(
    {
        "choices",
        "created",
        "id",
        "model",
        "object",
        "service_tier",
        "system_fingerprint",
        "usage",
    }
)
_OF_CHOICE: Final = frozenset({"delta", "finish_reason", "index", "logprobs", "stop_reason"})
"""`stop_reason` is vLLM's: the stop string or token that ended the text."""
_NOT_OF_DELTA: Final = ("annotations", "hidden_states", "prompt_token_ids", "token_ids")
"""Only the proxy writes annotations, into one delta. A delta keeps other fields it has."""
_SERVICE_TIERS: Final = ("auto", "default", "flex", "scale", "priority", None)
_DETAILS: Final = "_details"
"""How the names of objects within usage end, in OpenAI's schema."""
_LARGEST_COUNT: Final = 2**53
_TOKEN_TYPES: Final[dict[str, tuple[type, ...]]] = {"token": (str,), "logprob": (int, float)}


def conform(chunk: Chunk) -> Chunk:
    """Drop from a chunk of the checked shape what would break a client. Changes `chunk`."""
    _keep_only(_OF_CHUNK, chunk)
    if usage := chunk.get("usage"):
        chunk["usage"] = _counts(usage)
    if chunk.get("service_tier") not in _SERVICE_TIERS:
        del chunk["service_tier"]
    if not isinstance(chunk.get("system_fingerprint", ""), str):
        del chunk["system_fingerprint"]
    for choice in chunk.get("choices") or ():
        _conform_choice(choice)
    return chunk


def _keep_only(names: frozenset[str], document: Mapping[str, object]) -> None:
    """Delete all other fields of `document`, which is a dict."""
    if not names.issuperset(document):
        for name in document.keys() - names:
            del cast("dict[str, object]", document)[name]


def _conform_choice(choice: Choice) -> None:
    _keep_only(_OF_CHOICE, choice)
    logprobs = choice.get("logprobs")
    if logprobs is not None and not (logprobs and all(map(_are_tokens, logprobs.values()))):
        choice["logprobs"] = None
    delta = choice.get("delta")
    if not delta:
        return
    for name in _NOT_OF_DELTA:
        cast("dict[str, object]", delta).pop(name, None)
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
