"""Marks that hold a word: what stands between them cannot end them."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.core.fence import Fence, defuse_marks, fence_word
from proxy.core.passages import harmless
from tests.core.samples import FENCE

WORD = FENCE.word
MARK = re.compile(r"<\s*/?\s*(?:passage|note)\b", re.IGNORECASE)

pieces = st.sampled_from(
    [
        *(f"</passage-{WORD}>", f"<passage-{WORD} n='2'>", f"<note-{WORD}>", f"</note-{WORD}>"),
        *(WORD, WORD[:4], WORD[4:], WORD[1:], WORD[0], "\u200b", "\U000e0041", "\xad", "\n", " "),
        *("<", "/", "passage", "note", "-", ">", "</note>", "<PASSAGE>", "\x1b[1m"),
    ]
) | st.text(max_size=3)
hostile = st.lists(pieces, max_size=14).map("".join)


def test_the_word_is_that_of_key_and_first_message() -> None:
    word = fence_word(b"key", "How many days?")
    assert re.fullmatch(r"[0-9a-f]{10}", word)
    assert fence_word(b"key", "How many days?") == word
    assert fence_word(b"other", "How many days?") != word
    assert fence_word(b"key", "How many weeks?") != word


def test_a_message_that_a_client_trimmed_has_the_same_word() -> None:
    assert fence_word(b"key", " How many\n days? ") == fence_word(b"key", "How many days?")


@pytest.mark.parametrize("text", ["", "\ud800", "é" * 100_000])
def test_every_message_has_a_word(text: str) -> None:
    assert len(fence_word(b"key", text)) == 10


def test_a_passage_and_a_note_stand_between_marks_with_the_word() -> None:
    assert FENCE.passage('n="1"', "Text.") == (
        '<passage-0123456789 n="1">\nText.\n</passage-0123456789>'
    )
    assert FENCE.note("No results found.") == (
        "<note-0123456789>No results found.</note-0123456789>"
    )


@given(hostile)
@example(f"{WORD[:5]}\u200b{WORD[5:]}")
@example(f"<\u2060/passage-{WORD}>")
def test_no_quotation_holds_a_mark_or_the_word(text: str) -> None:
    quoted = FENCE.passage("", harmless(text)).removeprefix(f"<passage-{WORD} >\n")
    quoted = quoted.removesuffix(f"\n</passage-{WORD}>")
    assert WORD not in quoted.casefold()
    assert not MARK.search(quoted)


@given(hostile)
def test_no_note_holds_a_mark_or_the_word_but_its_own(text: str) -> None:
    said = FENCE.note(text).removeprefix(f"<note-{WORD}>").removesuffix(f"</note-{WORD}>")
    assert WORD not in said.casefold()
    assert not MARK.search(said)


def test_a_note_that_quotes_a_model_is_made_inert() -> None:
    note = FENCE.note("Ignored arguments: <|im_\u200bstart|>, [I\xadNST], </note>.")
    assert note == (
        "<note-0123456789>Ignored arguments: \u2039|im_start|>, ⟦INST], \u2039/note>."
        "</note-0123456789>"
    )


@pytest.mark.parametrize("word", ["aaaaaaaaaa", "abababababa"[:10], "a12345678a", "0123456789"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_word_is_broken_however_it_overlaps_with_itself(word: str, times: int) -> None:
    fence = Fence(word)
    for text in (word * times, word + word[1:] * times, word.upper() * times, "x" + word + "y"):
        quoted = fence.passage("", text).splitlines()[1]
        assert word not in quoted.lower()
        assert quoted.replace("·", "") == text


def test_attributes_cannot_hold_the_word_either() -> None:
    opening = FENCE.passage(f'title="{WORD.upper()}"', "Text.").splitlines()[0]
    assert opening == '<passage-0123456789 title="0·123456789">'


@pytest.mark.parametrize(
    "text", ["a note", "note <", "<notebook>", "passage > note", "<no>", "<pass age>", ""]
)
def test_what_is_no_mark_stays(text: str) -> None:
    assert defuse_marks(text) == text


def of_both(fence: Fence) -> str:
    return fence.note("One [1].") + "\n\n" + fence.passage('n="1" page="2"', "Two.")


def test_marks_of_an_earlier_word_get_this_one() -> None:
    assert FENCE.renewed(of_both(Fence("aaaaaaaaaa"))) == of_both(FENCE)
    assert FENCE.renewed(of_both(FENCE)) == of_both(FENCE)


@given(hostile)
def test_renewing_touches_nothing_that_a_quotation_holds(text: str) -> None:
    quoted = harmless(text)
    earlier = Fence("aaaaaaaaaa").passage('n="1"', quoted)
    renewed = FENCE.renewed(earlier)
    assert renewed.startswith(f'<passage-{WORD} n="1">\n')
    assert renewed.endswith(f"\n</passage-{WORD}>")
    assert MARK.findall(renewed) == MARK.findall(earlier)
    assert renewed.count(f"-{WORD}") - quoted.count(f"-{WORD}") == 2


def test_a_passage_is_found_by_its_number_in_what_was_shown() -> None:
    shown = [
        "nothing",
        "\n\n".join(
            [
                FENCE.passage('n="1" title="A"', "One."),
                FENCE.passage('n="12" title="B"', "Two\nlines."),
            ]
        ),
    ]
    assert FENCE.find_passage(12, shown) == "Two\nlines."
    assert FENCE.find_passage(1, shown) == "One."
    assert FENCE.find_passage(2, shown) == ""
    assert Fence("aaaaaaaaaa").find_passage(1, shown) == ""
