from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.responses.free_text import FreeText
from proxy.core.turn import first_object

spaces = st.text(" \t\n", max_size=3)
inputs = st.text(st.characters() | st.sampled_from('"\\/\n\u00e9\U0001f98a\ud83e\udd8a{}'))


def told(*pieces: str) -> list[str]:
    """What each piece tells, and then the end."""
    one = FreeText()
    return [*map(one.feed, pieces), one.close("".join(pieces))]


def test_the_input_is_told_as_the_model_writes_it() -> None:
    assert told("{", '"inp', 'ut": ', '"ls', " -l\\", 'n"', "}") == [
        "",
        "",
        "",
        "ls",
        " -l",
        "\n",
        "",
        "",
    ]


def test_an_escape_and_a_pair_of_them_are_told_when_they_are_whole() -> None:
    assert told('{"input":"a\\u00', "e9b\\ud83e", "\\udd8", 'a"}') == ["a", "éb", "", "🦊", ""]


def test_half_of_a_pair_is_told_once_the_other_cannot_follow() -> None:
    assert told('{"input":"\\ud83e', 'a"}') == ["", "\ufffda", ""]


@given(inputs, spaces, st.booleans(), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_the_pieces_are_the_input_however_the_json_is_cut(
    text: str,
    space: str,
    ascii_only: bool,  # noqa: FBT001  # hypothesis passes it
    sizes: list[int],
) -> None:
    string = json.dumps(text, ensure_ascii=ascii_only).encode("utf-8", "replace").decode()
    written = f'{space}{{{space}"input"{space}:{space}{string}{space}}}{space}'
    one, pieces, place, turn = FreeText(), [], 0, 0
    while place < len(written):
        size = sizes[turn % len(sizes)]
        pieces.append(one.feed(written[place : place + size]))
        place, turn = place + size, turn + 1
    assert one.close(written) == ""
    assert "".join(pieces) == one.text == json.loads(first_object(written))["input"]


@given(st.text('{}"input:\\u d8é', max_size=30), st.integers(1, 5))
def test_whatever_a_model_writes_what_is_told_is_the_input_or_is_taken_back(
    written: str, size: int
) -> None:
    one = FreeText()
    pieces = [one.feed(written[at : at + size]) for at in range(0, len(written), size)]
    pieces.append(one.close(written))
    assert one.text in ("".join(pieces), "")


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("", ""),
        (" ", " "),
        ("*** Begin Patch\n{", "*** Begin Patch\n{"),
        ('{"command": "ls"}', '{"command": "ls"}'),
        ('{"command": "ls", "input": "a"}', "a"),
        ('{"in put": "ls"}', '{"in put": "ls"}'),
        ('{"input": 5}', '{"input": 5}'),
        ('{"input": ""}', ""),
        ('{"input": "a", "more": 1}', "a"),
        ('{"input": "a"} and so on', "a"),
        (" " * 200 + '{"input": "a"}', "a"),
    ],
)
@pytest.mark.parametrize("size", [1, 1_000])
def test_what_is_no_such_json_is_the_input_as_it_stands(
    written: str, given: str, size: int
) -> None:
    one = FreeText()
    pieces = [one.feed(written[at : at + size]) for at in range(0, len(written), size)]
    assert "".join([*pieces, one.close(written)]) == one.text == given


def test_a_beginning_without_an_end_is_looked_at_no_longer() -> None:
    assert told(*" " * 101, '{"input": "a', '"}')[-3:] == ["", "", "a"]


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_a_line_break_that_is_not_escaped_belongs_to_the_input(size: int) -> None:
    written = '{\n"input": "if a:\n\tprint(\\"b\\")\r\n\x01",\n"why": "so\n"}'
    one = FreeText()
    pieces = [one.feed(written[at : at + size]) for at in range(0, len(written), size)]
    assert one.close(written) == ""
    assert "".join(pieces) == one.text == 'if a:\n\tprint("b")\r\n\x01'


def test_a_line_break_does_not_make_half_an_input_whole() -> None:
    assert told('{"input": "a\nb', "\nc") == ["a\nb", "\nc", ""]
    one = FreeText()
    one.feed('{"input": "a\nb')
    one.close('{"input": "a\nb')
    assert one.text == ""


def test_bare_text_is_told_as_it_comes() -> None:
    assert told("*** Beg", "in Patch") == ["*** Beg", "in Patch", ""]


@pytest.mark.parametrize(
    "written", ['{"input": "rm -r', '{"input": "a\\x"}', '{"input": "a\\\nb"}', '{"input": "a" b}']
)
def test_the_input_of_broken_json_is_taken_back(written: str) -> None:
    one = FreeText()
    one.feed(written)
    assert (one.close(written), one.text) == ("", "")
