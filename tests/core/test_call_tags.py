from __future__ import annotations

import pytest

from proxy.core.call_tags import FENCE, FENCE_BEGUN, OPENING, TAGS, after_between
from tests.core.written_calls import FORMS, written


@pytest.mark.parametrize("form", FORMS)
def test_every_form_begins_with_an_opening(form: str) -> None:
    assert OPENING.match(written(form, "f"))


def test_a_longer_tag_comes_before_a_shorter_one() -> None:
    assert [len(each) for each in TAGS] == sorted(map(len, TAGS), reverse=True)
    assert len(set(TAGS)) == len(TAGS)


@pytest.mark.parametrize("text", ["```\n", "```json\n", "~~~tool_code\n", "`````\n"])
def test_a_fence_and_all_its_begins_are_known(text: str) -> None:
    assert FENCE.fullmatch(text)
    assert all(FENCE_BEGUN.fullmatch(text[:end]) for end in range(1, len(text)))


@pytest.mark.parametrize("text", ["`x`", "``", "``` `\n", "~5\n", "```" + "x" * 41 + "\n"])
def test_other_ticks_are_no_fence(text: str) -> None:
    assert not FENCE.match(text)


@pytest.mark.parametrize(
    "text", ["</tool_call>\n<tool_call>", "<|tool▁call▁end|>", "```", ", ", "</s>", "<|im_end|>"]
)
def test_what_stands_between_calls_means_nothing(text: str) -> None:
    assert after_between(f"{text}<b>", 0)[0] == len(text)


@pytest.mark.parametrize("text", ["and", "<b>", "{", "[", "<function=f>", "<tool_response>"])
def test_all_else_is_not_between_calls(text: str) -> None:
    assert after_between(text, 0) == (0, False)


def test_it_is_known_whether_a_tag_was_there() -> None:
    assert after_between("x```json\n<tool_call> {", 1) == (21, True)
    assert after_between("```json\n{", 0) == (8, False)
