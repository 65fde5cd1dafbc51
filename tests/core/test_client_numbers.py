"""The numbers of citations in messages that a client sends back."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.core.client_numbers import (
    cited,
    highest_number,
    renumbered,
    since_question,
    without,
)


def said(content: Any, role: str = "assistant") -> Any:
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        ("It is so [2].", 2),
        ("[1][7] and [3]", 7),
        ("as [1, 12] and 【3†source】", 12),
        ("［5］", 5),
        ("[3, p. 400] [Quelle 4]", 4),
        ("[1-200]", 200),
        ("[3,\n40]", 40),
        ("[2024] EWCA", 0),
        ("[999] [1000]", 999),
        ("[see 4 below]", 4),
        ("version [3.5]", 0),
        ("no bracket 8", 0),
    ],
)
def test_the_highest_number_in_brackets_counts(text: str, number: int) -> None:
    assert highest_number([said(text)]) == number


def test_only_the_assistant_is_heard() -> None:
    messages = [said("[9]", "user"), said("[8]", "system"), said(None), said("[2]")]
    assert highest_number(messages) == 2


def test_parts_of_a_message_count_too() -> None:
    assert highest_number([said([{"type": "text", "text": "so [4]"}])]) == 4


def test_an_answer_begins_after_the_last_question() -> None:
    messages = [said("a", "user"), said("b"), said("c", "user"), said("d"), said("e", "tool")]
    assert since_question(messages) == 3
    assert since_question([said("d")]) == 0


def test_citations_get_other_numbers_and_links_and_indices_stay() -> None:
    text = "a [1][2], b [3] [1](https://x.example) [1]: no"
    assert renumbered(text, {1: 11, 2: 12}) == "a [11][12], b [3] [1](https://x.example) [1]: no"
    assert cited(text) == {1, 2, 3}


def test_parts_get_other_numbers_each() -> None:
    image: Any = {"type": "image_url", "image_url": {"url": "https://x.example"}}
    assert renumbered([{"type": "text", "text": "a [1]"}, image], {1: 5}) == [
        {"type": "text", "text": "a [5]"},
        image,
    ]
    assert renumbered(None, {1: 5}) is None


def test_some_numbers_can_be_taken_out() -> None:
    assert without("a [1] b [2].", {2}) == "a [1] b ."
