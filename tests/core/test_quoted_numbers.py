"""Bracketed numbers in documents: what could be taken for a citation, and what could not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.passages import harmless
from proxy.core.quoted_numbers import defuse_numbers
from proxy.core.text.markers import brackets_in

TAKEN = (
    *("[12]", "[ 3 ]", "[3, 4]", "[3; 4]", "[1-3]", "[1\u20133]", "[3,4,5]", "[001]", "[999]"),
    *("[^1]", "[passage 3]", "[passage 3, passage 4]", "[Passage #3]", "[Passages 3, 4]"),
    *("[Source 3]", "[source: 3]", "[n=3]", "[doc 2]", "[1,\n 2]"),
    *("[3, p. 4]", "[3, pp. 4-5]", "[3 p. 4]", "[3, page 4]", "[1†source]", "[3†L4-L9]"),
    *("[Quelle 3]", "[#3]", "[Ref. 3]", "[2 and 3]", "[1\u20113]", "[3, S. 4]", "[2 (p. 4)]"),
    *("[see 3]", "[2/3]", "[2 3]", "[Passaggi 2 e 3]", '[n="3"]', "[**3**]", "[3][2024]"),
    *("【3】", "【3†source】", "【10:13†x】", "【1, 2】", "\uff3b1\uff3d", "[\u0663]", "[\uff13]"),
)
BARE = str.maketrans("[\uff3b【]\uff3d】", "⟦⟦⟦⟧⟧⟧")


@pytest.mark.parametrize("marker", TAKEN)
@pytest.mark.parametrize("around", ["{}", "It ended {}.", "({})", "27 {} 28", "x.{}", "[{}]"])
def test_a_number_that_could_be_taken_for_ours_cites_nothing(marker: str, around: str) -> None:
    text = around.format(marker)
    assert defuse_numbers(text) == around.format(marker.translate(BARE))


@pytest.mark.parametrize(
    "text",
    [
        *("a[1]", "é[1]", "x_[1]", "m[1][2]", "[text][1]", "\u0436[1]"),
        *("[1](https://x.test)", "[1][text]", "[1]: https://x.test", "[^1]: A note.", "[1][2](u)"),
        *("[2024]", "[2024] EWCA Civ 12", "[1000]", "interval [0, 1]", "[0]", "[1, 2024]"),
        *(
            "[x]",
            "[ ]",
            "[]",
            "[a 1]",
            "[1.5]",
            "[12",
            "12]",
            "[+1]",
            "【x】",
            "【2024】",
            "no number",
        ),
    ],
)
def test_what_is_an_index_a_link_or_no_passage_stays(text: str) -> None:
    assert defuse_numbers(text) == text


def test_brackets_in_a_row_are_changed_together() -> None:
    assert defuse_numbers("So it is.[1][2][3] Next") == "So it is.⟦1⟧⟦2⟧⟦3⟧ Next"
    assert defuse_numbers("So it is.[3][2024] Next") == "So it is.⟦3⟧⟦2024⟧ Next"
    assert defuse_numbers("So it is.[3][text] Next") == "So it is.[3][text] Next"


def test_in_a_script_without_spaces_a_number_after_a_letter_counts() -> None:
    assert defuse_numbers("\u4e8b\u5b9f[1]") == "\u4e8b\u5b9f⟦1⟧"


pieces = st.sampled_from([*TAKEN, "[", "]", "【", "】", "1", "2", ",", " ", "^", ":", "(", "."])


@given(st.lists(pieces, max_size=12).map("".join))
@settings(deadline=None)
def test_nothing_that_is_read_as_a_citation_is_left_but_as_an_index_or_a_link(text: str) -> None:
    made = defuse_numbers(text)
    assert defuse_numbers(made) == made
    assert made.translate(BARE) == text.translate(BARE)
    for start, bracket in brackets_in(made):
        if all(0 < number < 1000 for number in bracket.numbers):
            is_index = re.match(r"[A-Za-z\]]", made[start - 1 : start])
            assert is_index or re.match(r"[(\[:]", made[bracket.end :])


def test_what_a_passage_says_cites_nothing() -> None:
    assert harmless("as [Quelle 3] and [2 (p. 4)] say") == "as ⟦Quelle 3⟧ and ⟦2 (p. 4)⟧ say"


@pytest.mark.parametrize("unit", ["[1", "[1,", "1, ", "[1]", "[1](", "【1x", "000", " ", "[n="])
def test_a_huge_text_takes_one_pass(unit: str) -> None:
    text = "[1" + unit * (300_000 // len(unit)) + "("
    assert len(defuse_numbers(text)) == len(text)
