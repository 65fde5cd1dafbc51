"""Why a turn ended: the words of many servers, in OpenAI's four.

A server that speaks OpenAI's protocol still lets the words of its engine through, or those of the
API behind it. What ended a turn in a fault is no answer, and neither is what nobody knows: a client
that reads `stop` takes half an answer for a whole one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

FinishReason = Literal["stop", "length", "content_filter", "tool_calls"]

CUT_SHORT: Final[frozenset[str]] = frozenset({"length", "content_filter"})
"""The turn was not at its end."""

_WORDS: Final[Mapping[FinishReason, tuple[str, ...]]] = {
    "stop": (
        "stop",
        "eos",  # llama.cpp, Together
        "eos_token",  # Text Generation Inference
        "stop_sequence",  # Text Generation Inference, Anthropic, Cohere
        "stop_token",
        "stop_word",
        "stop_words",  # TensorRT-LLM
        "word",  # llama.cpp
        "end_turn",  # Anthropic
        "complete",  # Cohere
        "completed",
        "finished",
    ),
    "length": (
        "length",
        "max_length",
        "max_tokens",  # Anthropic, Gemini, Cohere
        "max_token",
        "max_output_tokens",
        "max_new_tokens",
        "max_tokens_exceeded",
        "model_length",  # Mistral
        "model_context_window_exceeded",  # Anthropic
        "error_limit",  # Cohere
        "limit",  # llama.cpp
        "token_limit",
        "repetition",  # vLLM: the model went round in circles
    ),
    "content_filter": (
        "content_filter",
        "content_filtered",  # Bedrock
        "guardrail_intervened",  # Bedrock
        "refusal",  # Anthropic
        "error_toxic",  # Cohere
        "safety",  # Gemini, with the four that follow
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
    ),
    "tool_calls": (
        "tool_calls",
        "tool_call",  # Cohere
        "tool_use",  # Anthropic
        "function_call",  # OpenAI's first calls, SGLang
    ),
}
"""Known faults are in no row: `abort` (vLLM, SGLang), `error` (vLLM, Mistral, OpenRouter, Cohere),
`cancelled` and `timeout` (TensorRT-LLM), `insufficient_system_resource` (DeepSeek),
`malformed_function_call` and `other` (Gemini), `load` (Ollama)."""

_KNOWN: Final[Mapping[str, FinishReason]] = {
    word: reason for reason, words in _WORDS.items() for word in words
}


def known_reason(written: str) -> FinishReason | None:
    """The reason that a server means; None if it means a fault, or if nobody knows.

    Case does not count, nor whether words are joined by `-` or `_`.
    """
    return _KNOWN.get(written.strip().lower().replace("-", "_"))
