"""The proxy's own lines among a model's thoughts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.thoughts import MARK, marked, without_own_lines

NAMES = ("reasoning_content", "reasoning")


def thinking(thoughts: Any, name: str = "reasoning_content") -> Any:
    return {"role": "assistant", "content": "27 days.", name: thoughts}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_models_own_thoughts_stay(name: str, end: str) -> None:
    lines = ("I must search.", "", marked("Searching: leave"), marked("Found 1 passage."), "27.")
    sent = thinking(end.join(lines), name)
    assert without_own_lines(sent)[name].split() == ["I", "must", "search.", "27."]  # type: ignore[literal-required]
    assert sent[name] == end.join(lines)


@pytest.mark.parametrize("name", NAMES)
def test_thoughts_that_were_the_proxys_alone_go_whole(name: str) -> None:
    sent = thinking(f"{marked('Searching: leave')}\n{marked('Nothing found.')}\n", name)
    assert without_own_lines(sent) == {"role": "assistant", "content": "27 days."}


def test_both_names_are_looked_at() -> None:
    sent: Any = {**thinking(marked("a")), "reasoning": f"{marked('b')}\nI see."}
    assert without_own_lines(sent) == thinking("I see.", "reasoning")


@pytest.mark.parametrize("thoughts", [None, "", 7, [MARK], {"text": MARK}, "a ▸ b", "As ▸ I said"])
def test_other_thoughts_stay_as_they_are(thoughts: Any) -> None:
    sent = thinking(thoughts)
    assert without_own_lines(sent) == sent


@pytest.mark.parametrize(
    ("content", "left"),
    [
        ("<think>▸ Searching: leave\n▸ Found 1 passage.\n</think>\n27.", "\n27."),
        ("<think>Hm.\n▸ Searching: leave\n</think>27.", "<think>Hm.</think>27."),
        ("<think>▸ a\n</think>One.<think>▸ b</think>Two.", "One.Two."),
        ("<think>Hm.</think>▸ mine", "<think>Hm.</think>▸ mine"),
        ("<think>▸ Searching: leave", "<think>▸ Searching: leave"),
        ("</think>▸ a</think>", "</think>▸ a</think>"),
    ],
)
def test_they_go_from_tagged_thoughts_in_the_content(content: str, left: str) -> None:
    sent: Any = {"role": "assistant", "content": content, "tool_calls": []}
    assert without_own_lines(sent) == {**sent, "content": left}


def test_content_and_other_roles_are_the_clients_own() -> None:
    for sent in (
        {"role": "assistant", "content": marked("Searching: leave")},
        {"role": "user", "content": "", "reasoning": marked("Searching: leave")},
    ):
        assert without_own_lines(sent) is sent  # type: ignore[arg-type]


lines = st.lists(st.text().filter(lambda text: "\n" not in text and MARK not in text), max_size=5)


@given(lines, lines, st.lists(st.text().map(lambda text: text.replace("\n", "")), min_size=1))
def test_nothing_of_the_proxys_remains(before: list[str], after: list[str], own: list[str]) -> None:
    thoughts = "\n".join([*before, *map(marked, own), *after])
    left: Any = without_own_lines(thinking(thoughts))
    assert left.get("reasoning_content", "") == "\n".join([*before, *after]).strip()
