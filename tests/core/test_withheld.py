"""The text of a round that the client does not hear as it comes."""

from __future__ import annotations

from typing import Any

from proxy.core.frames import Frame, TextChunk
from proxy.core.withheld import Withheld

TOP: Any = {"id": "x", "model": "m"}


def chunk(delta: Any, **choice: Any) -> Any:
    return {**TOP, "choices": [{"index": 0, "delta": delta, **choice}]}


def test_text_is_taken_and_told_as_one_chunk() -> None:
    withheld = Withheld()
    framed = TextChunk(Frame(TOP, {"index": 0}), "b", b"b")
    assert [withheld.take(each) for each in (chunk({"content": "a"}), framed)] == [None, None]
    assert withheld.tell() == chunk({"content": "ab"})
    assert withheld.chars == 2


def test_everything_else_is_heard_at_once() -> None:
    withheld = Withheld()
    call = {"index": 0, "function": {"arguments": "{}"}}
    both = chunk({"content": "a", "reasoning_content": "Hm", "tool_calls": [call]})
    rest = chunk({"reasoning_content": "Hm", "tool_calls": [call]})
    assert withheld.take(both) == rest
    assert withheld.take(chunk({"refusal": "No."})) == chunk({"refusal": "No."})
    assert withheld.tell() == chunk({"content": "a"})


def test_log_probabilities_go_with_their_text() -> None:
    withheld = Withheld()
    one, two = ({"content": [{"token": each}]} for each in "ab")
    assert withheld.take(chunk({"content": "a"}, logprobs=one)) is None
    assert withheld.take(chunk({}, logprobs=two)) is None
    thought = chunk({"reasoning_content": "Hm"}, logprobs=one)
    assert withheld.take(thought) == chunk({"reasoning_content": "Hm"}, logprobs=one)
    told = {"content": [{"token": "a"}, {"token": "b"}], "refusal": None}
    assert withheld.tell() == chunk({"content": "a"}, logprobs=told)


def test_of_a_silent_round_only_calls_are_heard() -> None:
    silent = Withheld(is_silent=True)
    call = {"index": 0, "function": {"arguments": "{}"}}
    said = {"content": "ab", "reasoning_content": "Hm", "refusal": "No."}
    one = {"content": [{"token": "ab"}]}
    assert silent.take(chunk(dict(said), logprobs=one)) is None
    assert silent.take(TextChunk(Frame(TOP, {"index": 0}), "b", b"b")) is None
    assert silent.take(chunk({**said, "tool_calls": [call]}, logprobs=one)) == chunk(
        {"tool_calls": [call]}
    )
    assert silent.chars == 15
