"""What upstreams say: the same round in both forms, and who may search."""

import pytest

from tests.support.openai_assemble import assemble, assemble_reply
from tests.support.script import Call, Round, event, offers_search, search_call

ROUND = Round("It is sunny.", "Let me see.", (search_call("leave"), Call("f", "{}", "c2")))


def halves(text: str) -> list[str]:
    return [text[: len(text) // 2], text[len(text) // 2 :]]


@pytest.mark.parametrize("role_apart", [False, True])
def test_a_streamed_round_says_what_the_plain_one_says(*, role_apart: bool) -> None:
    streamed = assemble(ROUND.chunks(halves, role_apart=role_apart))
    plain = assemble_reply(ROUND.completion())
    for key in ("role", "content", "tool_calls", "finish_reason", "usage"):
        assert streamed[key] == plain[key]


@pytest.mark.parametrize("role_apart", [False, True])
def test_the_role_comes_once_and_first(*, role_apart: bool) -> None:
    chunks = ROUND.chunks(halves, role_apart=role_apart)
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert ["role" in delta for delta in deltas] == [True] + [False] * (len(deltas) - 1)
    assert ("reasoning" in deltas[0]) is not role_apart


def test_a_document_is_one_event() -> None:
    assert event({"text": "one\ntwo"}) == b'data: {"text":"one\\ntwo"}\n\n'


def test_only_the_search_tool_is_taken_for_it() -> None:
    assert offers_search({"tools": [{"type": "function", "function": {"name": "lighton_search"}}]})
    for function in ({"name": "other"}, {}, None, "lighton_search"):
        assert not offers_search({"tools": [{"type": "function", "function": function}]})
    assert not offers_search({"tools": None})
