from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.arguments import MAX_ARGUMENT_CHARS, Arguments
from proxy.core.turn import first_object
from tests.core.samples import JSON

LIKE_JSON = st.lists(
    st.sampled_from(['"', "\\", "{", "}", "[", "]", ":", ",", " ", "\n", "a", "1", '"a"', '"a":1'])
).map("".join)
ANY = LIKE_JSON | JSON.map(json.dumps) | st.dictionaries(st.text(), JSON).map(json.dumps)
WITH_MORE = st.tuples(ANY, LIKE_JSON).map("".join)


def gathered(pieces: list[str]) -> Arguments:
    arguments = Arguments()
    for piece in pieces:
        arguments.add(piece)
    return arguments


@given(WITH_MORE, st.integers(1, 9))
def test_an_object_is_whole_as_soon_as_its_json_is_however_it_is_cut(text: str, size: int) -> None:
    arguments = Arguments()
    for place in range(0, len(text), size):
        arguments.add(text[place : place + size])
        assert arguments.is_object == bool(first_object(text[: place + size]))
    assert arguments.text == text


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "text",
    [
        r'{"q": "\"}", "r": "}"}',
        r'{"q": "\\"}',
        r'{"q": "\\\"}"}',
        ' \n\t {"q": {"r": {}}}',
        '\u00a0{"q": "\u00a0"}',
        '{"q": [{}, "{", {"r": "}"}]}',
    ],
)
def test_braces_and_quotes_in_strings_close_nothing_however_they_are_cut(
    text: str, size: int
) -> None:
    arguments = Arguments()
    for place in range(0, len(text), size):
        assert not arguments.is_object
        arguments.add(text[place : place + size])
    assert arguments.is_object


@pytest.mark.parametrize("text", ["[]", "x{}", "}{}", "1 {}", '"{}"', "{x}", "{}}"])
def test_what_does_not_begin_with_an_object_is_none(text: str) -> None:
    assert gathered(list(text)).is_object == bool(first_object(text))


def test_an_object_may_be_as_long_as_the_limit() -> None:
    text = json.dumps({"query": "x" * (MAX_ARGUMENT_CHARS - len('{"query": ""}'))})
    assert len(text) == MAX_ARGUMENT_CHARS
    assert gathered(list(text)).is_object
    assert not gathered(list(text)).is_too_long


@pytest.mark.parametrize("size", [1, 1_000, 10**9])
def test_what_is_longer_is_cut_and_no_object(size: int) -> None:
    text = json.dumps({"query": "x" * MAX_ARGUMENT_CHARS})
    arguments = gathered([text[place : place + size] for place in range(0, len(text), size)])
    assert (arguments.is_object, arguments.is_too_long) == (False, True)
    assert arguments.text == text[: MAX_ARGUMENT_CHARS + 1]


def test_what_follows_an_object_is_cut_and_the_object_counts() -> None:
    arguments = gathered(['{"query": "x"}', " " * MAX_ARGUMENT_CHARS, "more"])
    assert arguments.is_object
    assert len(arguments.text) == MAX_ARGUMENT_CHARS + 1


def test_what_the_client_hears_is_not_cut_here() -> None:
    arguments = Arguments()
    arguments.pass_on("x" * MAX_ARGUMENT_CHARS)
    arguments.pass_on("more")
    assert arguments.text == "x" * MAX_ARGUMENT_CHARS + "more"


def test_arguments_that_a_client_hears_are_known_to_be_whole_too() -> None:
    arguments = Arguments()
    assert not arguments.has_begun
    for piece in ('{"a": ', "1", "}"):
        assert not arguments.is_object
        arguments.pass_on(piece)
    assert (arguments.has_begun, arguments.is_object) == (True, True)
