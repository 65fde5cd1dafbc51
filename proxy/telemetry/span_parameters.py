"""What a client has asked of the model, as spans tell of it: numbers, and the form of the answer.

The names are those of OpenTelemetry's conventions for generative AI: see `spans`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeGuard

Value = str | int | float | bool | list[str]
"""What an attribute may hold."""

_FRACTIONS: Final = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_OUTPUTS: Final = {"text": "text", "json_object": "json", "json_schema": "json"}
"""The type of an answer, by that of `response_format`."""
_MOST: Final = 2**63
"""Whole numbers must be less, so that they fit into an attribute."""


def of_parameters(parameters: Mapping[str, object]) -> Mapping[str, Value]:
    """The attributes, by the names of a chat request. Only what is as it should be is told."""
    told: dict[str, Value] = {}
    for name in _FRACTIONS:
        if _is_number(value := parameters.get(name)):
            told[f"gen_ai.request.{name}"] = float(value)
    most = parameters.get("max_completion_tokens") or parameters.get("max_tokens")
    for name, value in (("max_tokens", most), ("seed", parameters.get("seed"))):
        if type(value) is int and abs(value) < _MOST:
            told[f"gen_ai.request.{name}"] = value
    form = parameters.get("response_format")
    kind = form.get("type") if isinstance(form, Mapping) else None
    if isinstance(kind, str) and kind in _OUTPUTS:
        told["gen_ai.output.type"] = _OUTPUTS[kind]
    return told


def _is_number(value: object) -> TypeGuard[int | float]:
    return type(value) is float or (type(value) is int and abs(value) < _MOST)
