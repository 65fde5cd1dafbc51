"""Which request parameters do not reach the model by default: dropped ones and refused ones."""

from __future__ import annotations

from typing import Final

DROPPED: Final = (
    "audio",
    "frequency_penalty",
    "logit_bias",
    "metadata",
    "modalities",
    "n",
    "prediction",
    "prompt_cache_key",
    "safety_identifier",
    "service_tier",
    "store",
    "top_logprobs",
    "user",
    "web_search_options",
)
"""Those that Scaleway's documentation lists as unsupported. The proxy itself writes
`stream_options`, so `include_obfuscation` never reaches Scaleway either."""

REFUSED: Final = (
    "add_generation_prompt",
    "bootstrap_host",
    "bootstrap_port",
    "bootstrap_room",
    "chat_template",
    "continue_final_message",
    "documents",
    "ec_transfer_params",
    "echo",
    "input_embeds",
    "input_ids",
    "kv_transfer_params",
    "prompt",
    "prompt_embeds",
    "prompt_logprobs",
    "prompt_token_ids",
    "prompt_truncate_len",
    "raw_output",
    "return_hidden_states",
    "return_prompt_text",
    "return_prompt_token_ids",
    "return_token_ids",
    "session_params",
    "tokenize",
    "truncate_prompt_tokens",
)
"""Parameters of vLLM, SGLang and their kin that render another prompt, put another one in its
place, cut it, continue it from another cache, or return it as text, tokens, probabilities or
states."""
