"""The fields of a response that repeat its request's, with OpenAI's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from proxy.core.responses.wire import ResponseObject

_DEFAULTS: Final[Mapping[str, object]] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "user": None,
}
_REASONING: Final[Mapping[str, object]] = {"effort": None, "summary": None}
_TEXT: Final[Mapping[str, object]] = {"format": {"type": "text"}, "verbosity": "medium"}


def echo_of(document: Mapping[str, Any]) -> ResponseObject:
    """What a response to a checked request repeats of it.

    Nothing is ever cut from the input, whatever `truncation` asks for, and there is one tier.
    """
    known = {name: _or(document.get(name), usual) for name, usual in _DEFAULTS.items()}
    return {
        **known,  # type: ignore[typeddict-item]  # the names are those of `ResponseObject`
        "background": False,
        "reasoning": _filled(document.get("reasoning"), _REASONING),
        "service_tier": "default",
        "text": _filled(document.get("text"), _TEXT),
        "tools": list(map(_tool, document.get("tools") or ())),
        "truncation": "disabled",
    }


def _or(value: object, usual: object) -> object:
    return usual if value is None else value


def _filled(given: Mapping[str, object] | None, usual: Mapping[str, object]) -> dict[str, object]:
    known = {name: value for name, value in (given or {}).items() if value not in (None, {})}
    return {**usual, **known}


def _tool(tool: Mapping[str, object]) -> Mapping[str, object]:
    """Some SDKs need fields that a function or a namespace may leave out."""
    if tool["type"] == "function":
        return {"parameters": None, "strict": None, **tool}
    if tool["type"] == "namespace":
        return {
            **tool,
            "description": tool.get("description") or "",
            "tools": tool.get("tools") or [],
        }
    return tool
