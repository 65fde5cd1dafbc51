from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.core.call_forms import WrittenCall
from proxy.core.call_signs import LONGEST_UNNAMED
from proxy.core.text_calls import TextCalls
from proxy.core.tool_names import ToolNames
from tests.core.written_calls import FORMS, written

OWN = frozenset({"lighton_search"})
CLIENT = frozenset({"get_weather", "get_weather_now", "light"})
BOTH = ToolNames(OWN | CLIENT, own_in_text=OWN, client_in_text=CLIENT)
ONLY_OWN = BOTH._replace(client_in_text=frozenset())
ONLY_CLIENT = BOTH._replace(own_in_text=frozenset())
NEITHER = ToolNames(OWN | CLIENT)
ALL_NAMES = [BOTH, ONLY_OWN, ONLY_CLIENT, NEITHER]

Heard = tuple[str, tuple[WrittenCall, ...]]

PARTS = [
    *(
        written(form, name)
        for form in FORMS
        for name in ("lighton_search", "get_weather", "nobody")
    ),
    *("```", "```json\n", "`", "\n", " ", "<", "[", "{", "[1]", "<b>", "[" * 9, "`" * 9, "~~~\n"),
    *('{"name": "', '{"type": "object", ', '{"arguments": {"a": "', '{"name": "light_house"}'),
    *("<tool_call>", "</tool_call>", "light", "get_", "functions.", "some words ", " " * 300),
    '{"name": "lighton_search", "description": "Searches."}',
]
part = st.sampled_from(PARTS) | st.builds(
    lambda text, end: text[:end], st.sampled_from(PARTS), st.integers(0, 60)
)
texts = st.lists(part, max_size=5).map("".join)


def heard(pieces: list[str], names: ToolNames = BOTH) -> Heard:
    one = TextCalls(names)
    passed = [one.feed(piece) for piece in pieces]
    rest, calls = one.close()
    return "".join([*passed, rest]), calls


def pieces_of(text: str, places: list[int]) -> list[str]:
    cuts = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[a:b] for a, b in itertools.pairwise(cuts)]


def asked(calls: tuple[WrittenCall, ...]) -> list[tuple[str, object]]:
    return [(call.name, json.loads(call.arguments)) for call in calls]


@settings(max_examples=300, deadline=None)
@given(texts, st.lists(st.integers(0, 10**6), max_size=6), st.sampled_from(ALL_NAMES))
def test_a_cut_makes_no_difference(text: str, places: list[int], names: ToolNames) -> None:
    whole = heard([text], names)
    assert heard(pieces_of(text, places), names) == whole
    assert heard(list(text), names) == whole


@settings(max_examples=300, deadline=None)
@given(texts, st.sampled_from(ALL_NAMES))
def test_nothing_is_lost_but_what_follows_a_call(text: str, names: ToolNames) -> None:
    passed, calls = heard([text], names)
    assert text.startswith(passed) if calls else text == passed


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join), st.integers(1, 900))
def test_no_more_is_held_than_may_be_before_a_name(text: str, size: int) -> None:
    one = TextCalls(NEITHER._replace(own_in_text=frozenset({"no_part_has_this_name"})))
    fed = passed = 0
    for place in range(0, len(text), size):
        piece = text[place : place + size]
        fed += len(piece)
        passed += len(one.feed(piece))
        assert fed - passed < LONGEST_UNNAMED


# The proxy's own tools


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", ["", "Let me look.\n\n"])
@pytest.mark.parametrize("after", ["", "\n", " and so on", "\n<tool_response>No.</tool_response>"])
def test_an_own_call_is_read_wherever_it_stands(form: str, before: str, after: str) -> None:
    text, calls = heard([before, written(form, "lighton_search"), after])
    assert text == before
    assert asked(calls) == [("lighton_search", {"query": "notice period"})]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```", "~~~tool_code\n{}\n~~~"])
def test_an_own_call_is_read_in_a_code_fence(form: str, fence: str) -> None:
    text, calls = heard(["So:\n", fence.replace("{}", written(form, "lighton_search"))])
    assert text == "So:\n"
    assert asked(calls) == [("lighton_search", {"query": "notice period"})]


def test_several_own_calls_are_read() -> None:
    text = "".join(written("hermes", "lighton_search", query) for query in ("a", "b"))
    assert asked(heard([text])[1]) == [("lighton_search", {"query": each}) for each in "ab"]


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "lighton_search", "arguments": {"query": "a',
        '{"name": "lighton_search", "arguments": {"query": "a"',
        '[TOOL_CALLS]lighton_search{"query": ',
        "<tool_call>lighton_search<arg_key>query",
        '<function=lighton_search">odd',
    ],
)
def test_a_broken_own_call_is_not_for_the_user_either(text: str) -> None:
    passed, (call,) = heard([text])
    assert passed == ""
    assert (call.name, call.is_whole) == ("lighton_search", False)


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "lighton_search", "description": "Searches.", "parameters": {}}',
        "[lighton_search](https://example.com)",
        "`lighton_search(query)`",
        "I can use lighton_search(query).",
        "```python\nlighton_search(query)\n```",
        '{"name": "lighton_searcher", "arguments": {}}',
    ],
)
def test_a_tool_that_is_only_named_is_text(text: str) -> None:
    assert heard([text]) == (text, ())


def test_a_call_after_something_that_looks_like_one_is_read() -> None:
    described = '{"name": "lighton_search", "description": "Searches."}'
    text, calls = heard([described, written("hermes", "lighton_search")])
    assert text == described
    assert len(calls) == 1


def test_names_with_a_namespace_or_a_control_token_are_the_tools() -> None:
    for name in ("functions.lighton_search", "lighton_search<|channel|>commentary"):
        assert heard([written("bare", name)])[1][0].name == "lighton_search"


# The client's tools


@pytest.mark.parametrize("form", FORMS)
def test_a_clients_call_is_read_if_it_is_the_whole_turn(form: str) -> None:
    text, calls = heard(["\n", written(form, "get_weather"), "\n"])
    assert text.strip() == ""
    assert asked(calls) == [("get_weather", {"query": "notice period"})]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "around", ["Write {}", "{} does it.", "```json\n{}\n```", "`{}`", "> {}", "{}\n\nThat is all."]
)
def test_a_clients_call_that_is_quoted_or_explained_is_text(form: str, around: str) -> None:
    text = around.replace("{}", written(form, "get_weather"))
    assert heard([text]) == (text, ())


@pytest.mark.parametrize("form", FORMS)
def test_a_call_of_a_tool_that_is_not_offered_is_text(form: str) -> None:
    text = written(form, "nobody")
    assert heard([text]) == (text, ())


def test_a_broken_call_of_a_client_is_text() -> None:
    text = '<tool_call>{"name": "get_weather", "arguments": {"city": "Par'
    assert heard([text]) == (text, ())


def test_calls_of_both_are_read_if_they_are_the_whole_turn() -> None:
    both = [written("hermes", "get_weather"), written("hermes", "lighton_search")]
    assert [call.name for call in heard(both)[1]] == ["get_weather", "lighton_search"]


def test_an_own_call_is_read_after_a_clients_that_is_text() -> None:
    quoted = written("hermes", "get_weather") + " is how. "
    text, calls = heard([quoted, written("hermes", "lighton_search")])
    assert text == quoted
    assert [call.name for call in calls] == ["lighton_search"]


def chopped(text: str) -> list[str]:
    return [text[place : place + 70_000] for place in range(0, len(text), 70_000)]


def test_a_clients_call_that_is_too_long_is_text() -> None:
    text = written("hermes", "get_weather", "x" * 1_000_000)
    assert heard([text]) == heard(chopped(text)) == (text, ())


def test_an_own_call_is_read_in_a_text_that_is_too_long_for_a_clients_call() -> None:
    quoted = written("hermes", "get_weather") + "x" * 1_000_000
    text = quoted + written("hermes", "lighton_search")
    assert heard([text])[0] == heard(chopped(text))[0] == quoted


def test_what_is_held_after_an_own_call_is_bounded() -> None:
    one = TextCalls(BOTH)
    for piece in (written("hermes", "lighton_search"), *["more " * 20_000] * 12):
        assert one.feed(piece) == ""
    assert sum(map(len, one._held)) == 1_000_000
    assert asked(one.close()[1]) == [("lighton_search", {"query": "notice period"})]


# What is read


@pytest.mark.parametrize(
    ("names", "name", "is_read"),
    [
        (ONLY_OWN, "lighton_search", True),
        (ONLY_OWN, "get_weather", False),
        (ONLY_CLIENT, "lighton_search", False),
        (ONLY_CLIENT, "get_weather", True),
        (NEITHER, "lighton_search", False),
        (NEITHER, "get_weather", False),
    ],
)
def test_only_the_calls_that_shall_be_read_are(
    names: ToolNames, name: str, *, is_read: bool
) -> None:
    text = written("hermes", name)
    passed, calls = heard(list(text), names)
    assert (passed, bool(calls)) == (("" if is_read else text), is_read)


@pytest.mark.parametrize("names", ALL_NAMES)
def test_text_without_an_opening_passes_as_the_same_object(names: ToolNames) -> None:
    one = TextCalls(names)
    for piece in ("Three months", " are usual.", "\n\nSo: it is (27) days."):
        assert one.feed(piece) is piece
    assert one.is_idle


def test_after_its_end_all_text_passes() -> None:
    one = TextCalls(BOTH)
    one.feed("<")
    assert one.is_holding
    assert one.close() == ("<", ())
    late = written("hermes", "lighton_search")
    assert one.feed(late) == late
    assert one.close() == ("", ())


@example("```" * 3)
@given(st.text(alphabet="`~<[{ \n", max_size=40))
def test_openings_alone_pass(text: str) -> None:
    assert heard(list(text)) == heard([text]) == (text, ())
