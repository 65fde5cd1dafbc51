from __future__ import annotations

import pytest

from proxy.core.finish import known_reason


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("eos_token", "stop"),
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("STOP", "stop"),
        ("COMPLETE", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("max_tokens", "length"),
        ("MAX_TOKENS", "length"),
        ("max-tokens", "length"),
        ("repetition", "length"),
        ("content_filter", "content_filter"),
        ("SAFETY", "content_filter"),
        ("tool_calls", "tool_calls"),
        ("tool_use", "tool_calls"),
        ("function_call", "tool_calls"),
    ],
)
def test_a_servers_word_means_one_of_openais(written: str, reason: str) -> None:
    assert known_reason(written) == reason


@pytest.mark.parametrize(
    "written",
    ["abort", "error", "cancelled", "timeout", "insufficient_system_resource", "odd", "", "x" * 99],
)
def test_a_fault_and_what_nobody_knows_end_no_answer(written: str) -> None:
    assert known_reason(written) is None
