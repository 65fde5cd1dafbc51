"""The fields of a request: which there are, and what each may hold.

Unknown fields are passed over, because newer SDKs send more of them; those that are nearly one of
the proxy's own, and those of a chat that would change the answer, are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from proxy.core.checks import NUMBER, Types, check_length, check_type, check_types
from proxy.core.lookalikes import refuse_lookalike
from proxy.core.names import FIELD
from proxy.core.wish import Wishes
from proxy.errors import BadRequest

_LONGEST_SHOWN: Final = 80
_MOST_FIELDS: Final = 1_000
_MOST_PAIRS: Final = 16
_MOST_INCLUDED: Final = 100
_LONGEST_KEY: Final = 64
_LONGEST_VALUE: Final = 512
"""With the two before it, OpenAI's limits of `metadata`."""

FIELD_TYPES: Final[Mapping[str, Types]] = {
    "background": (bool,),
    "include": (list,),
    "input": (str, list),
    "instructions": (str,),
    "max_output_tokens": (int,),
    "max_tool_calls": (int,),
    "metadata": (dict,),
    "model": (str,),
    "parallel_tool_calls": (bool,),
    "previous_response_id": (str,),
    "prompt_cache_key": (str,),
    "prompt_cache_retention": (str,),
    "reasoning": (dict,),
    "safety_identifier": (str,),
    "service_tier": (str,),
    "store": (bool,),
    "stream": (bool,),
    "stream_options": (dict,),
    "temperature": NUMBER,
    "text": (dict,),
    "tool_choice": (str, dict),
    "tools": (list,),
    "top_logprobs": (int,),
    "top_p": NUMBER,
    "truncation": (str,),
    "user": (str,),
}
_REASONING: Final[Mapping[str, Types]] = {
    "context": (str,),
    "effort": (str,),
    "generate_summary": (str,),
    "mode": (str,),
    "summary": (str,),
}
_OF_REASONING: Final[Mapping[str, tuple[str, ...]]] = {
    "context": ("auto", "current_turn", "all_turns"),
    "generate_summary": ("auto", "concise", "detailed"),
    "summary": ("auto", "concise", "detailed"),
}
_SHORT: Final = ("previous_response_id", "prompt_cache_key", "safety_identifier", "user")
INCLUDABLE: Final = (
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
    "web_search_call.results",
)
"""OpenAI's. What is not made here is never there to be included."""
_NOT_HERE: Final = {
    "background": "Leave it out, and wait for the answer or stream it.",
    "context_management": "Leave it out, and shorten the input yourself.",
    "conversation": "Send the items so far as 'input', or a 'previous_response_id'.",
    "moderation": "Leave it out.",
    "prompt": "Send its text as 'instructions'.",
}
_OF_CHAT: Final = {
    "function_call": "tool_choice",
    "functions": "tools",
    "max_completion_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
    "messages": "input",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
}
"""Fields of a chat, and where a request of this API has them."""
_ONLY_OF_CHAT: Final[Mapping[str, tuple[object, ...]]] = {
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "n": (1,),
    "presence_penalty": (0,),
    "stop": ([], ""),
}
"""Fields of a chat that this API has not, with the values that ask for nothing."""


def check_fields(document: object, wishes: Wishes) -> Mapping[str, Any]:
    """The request's fields, each of its type or null. Raises BadRequest."""
    if not isinstance(document, dict):
        raise BadRequest("The request body must be a JSON object.")
    if len(document) > _MOST_FIELDS:
        raise BadRequest(f"The request body has more than {_MOST_FIELDS} fields.")
    for name, value in document.items():
        if types := FIELD_TYPES.get(name):
            check_type(name, value, types)
        elif name != FIELD:
            refuse_lookalike(name, value, wishes.narrowing)
    _refuse_unsupported(document)
    _check_numbers(document)
    _check_metadata(document.get("metadata") or {})
    _check_include(document.get("include") or [])
    _check_reasoning(document.get("reasoning") or {})
    for name in _SHORT:
        check_length(name, document.get(name), _LONGEST_VALUE)
    if document.get("truncation") not in (None, "auto", "disabled"):
        raise BadRequest("'truncation' must be auto or disabled.", param="truncation")
    return document


def _refuse_unsupported(document: Mapping[str, object]) -> None:
    for name, advice in _NOT_HERE.items():
        if document.get(name) not in (None, False):
            raise BadRequest(f"'{name}' is not supported here. {advice}", param=name)
    for name, ours in _OF_CHAT.items():
        if document.get(name) is not None:
            raise BadRequest(
                f"'{name}' is a field of chat completions. Here it is '{ours}'.", param=name
            )
    for name, nothing in _ONLY_OF_CHAT.items():
        if (value := document.get(name)) is not None and value not in nothing:
            raise BadRequest(
                f"'{name}' is a field of chat completions, and there is none like it here. Leave "
                "it out.",
                param=name,
            )


def _check_numbers(document: Mapping[str, Any]) -> None:
    for name in ("max_output_tokens", "max_tool_calls"):
        if (number := document.get(name)) is not None and number < 1:
            raise BadRequest(f"'{name}' must be at least 1.", param=name)


def _check_reasoning(reasoning: Mapping[str, object]) -> None:
    """What efforts there are, the model knows."""
    check_types("reasoning.", reasoning, _REASONING)
    for name, values in _OF_REASONING.items():
        if reasoning.get(name) not in (None, *values):
            param, (*others, last) = f"reasoning.{name}", values
            raise BadRequest(f"'{param}' must be {', '.join(others)} or {last}.", param=param)


def _check_metadata(metadata: Mapping[str, object]) -> None:
    if len(metadata) > _MOST_PAIRS:
        raise BadRequest(
            f"'metadata' has {len(metadata)} entries, and may have {_MOST_PAIRS}.",
            param="metadata",
        )
    for name, value in metadata.items():
        param = f"metadata.{name[:_LONGEST_SHOWN]}"
        if len(name) > _LONGEST_KEY:
            raise BadRequest(
                f"The name '{param}' has more than {_LONGEST_KEY} characters.", param=param
            )
        if not isinstance(value, str):
            raise BadRequest(f"'{param}' must be a string.", param=param)
        check_length(param, value, _LONGEST_VALUE)


def _check_include(include: list[object]) -> None:
    check_length("include", include, _MOST_INCLUDED)
    for place, each in enumerate(include):
        if each not in INCLUDABLE:
            raise BadRequest(
                f"'include[{place}]' must be one of {', '.join(INCLUDABLE)}.",
                param=f"include[{place}]",
            )
