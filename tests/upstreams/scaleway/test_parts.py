from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from proxy.upstreams.scaleway.parts import join_parts
from tests.upstreams.json_documents import json_values, unhurried

THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"text": "m"}]}
A, B = ({"type": "text", "text": each} for each in "ab")


@pytest.mark.parametrize(
    ("delta", "joined"),
    [
        ({"content": [A, B]}, {"content": "ab"}),
        ({"content": [A, "b"]}, {"content": "ab"}),
        ({"content": []}, {"content": ""}),
        ({"content": [{"type": "image_url"}, 5, None, A]}, {"content": "a"}),
        ({"content": [{"type": "text", "text": None}]}, {"content": ""}),
        ({"content": [THOUGHT, A]}, {"content": "a", "reasoning_content": "hm"}),
        (
            {"content": [{"type": "thinking", "thinking": "hm"}]},
            {"content": "", "reasoning_content": "hm"},
        ),
        (
            {"content": [THOUGHT], "reasoning": "so "},
            {"content": "", "reasoning_content": "so hm"},
        ),
        (
            {"content": [THOUGHT], "reasoning_content": [A]},
            {"content": "", "reasoning_content": "ahm"},
        ),
        ({"reasoning": [A, B]}, {"reasoning": "ab"}),
        ({"content": "a", "tool_calls": [1]}, {"content": "a", "tool_calls": [1]}),
    ],
)
def test_parts_become_one_text_and_thoughts_reasoning(delta: Any, joined: Any) -> None:
    document = {"choices": [{"delta": delta}]}
    join_parts(document)
    assert document == {"choices": [{"delta": joined}]}


@unhurried
@given(json_values(keys=("choices", "delta", "content", "thinking", "reasoning", "text")))
def test_any_document_is_stood(document: Any) -> None:
    join_parts(document if isinstance(document, dict) else {"choices": document})
