from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.lookalikes import Names, fold, is_nearly_ours, refuse_lookalike
from proxy.errors import BadRequest
from proxy.upstreams.lighton.wish import WISHES

UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200c\u200d\u2060\u2800\u3164\ufe0f\ufeff\uffa0"
)
SPACES = " \t\n\u00a0\u2003\u3000"
SIGNS = "-_.:/\\[]{}()$#!'\"\u2010\u2011\u2013\u301c"
MARKS = "\u0301\u0307\u0323\u20dd"

FULL_WIDTH = {letter: chr(ord(letter) - 0x20 + 0xFF00) for letter in "lightonLIGHTON"}
DRESSES = (
    str.upper,
    str.title,
    lambda text: "".join(FULL_WIDTH.get(each, each) for each in text),
    lambda text: text.replace("i", "\u0130"),  # with it, though a capital
    lambda text: text.replace("l", "\u2113"),
    lambda text: text.replace("g", "\u24d6"),  # in a circle
)


@st.composite
def dressed(draw: st.DrawFn, name: str) -> str:
    """`name` as somebody may have written it, with things between its letters."""
    text = draw(st.sampled_from(DRESSES))(name)
    between = st.text(alphabet=UNSEEN + SPACES + SIGNS + MARKS, max_size=2)
    return draw(between) + "".join(each + draw(between) for each in text)


@given(dressed("lighton"))
def test_a_name_that_reads_like_ours_is_nearly_ours_however_it_is_dressed(name: str) -> None:
    assert fold(name) == "lighton"
    assert is_nearly_ours(name)


@given(st.text(max_size=25))
def test_folding_again_changes_nothing_and_leaves_letters_and_digits_only(name: str) -> None:
    folded = fold(name)
    assert fold(folded) == folded
    assert all(each.isalnum() for each in folded)


@given(st.text(alphabet="".join(map(chr, range(0x250))), max_size=20))
def test_folding_is_the_same_for_what_unicode_holds_to_be_the_same(name: str) -> None:
    assert fold(unicodedata.normalize("NFC", name)) == fold(unicodedata.normalize("NFD", name))


@pytest.mark.parametrize("name", ["", "-", "\u200b", "🙂", "\u3164"])
def test_of_a_name_without_letters_nothing_is_left(name: str) -> None:
    assert fold(name) == ""


@pytest.mark.parametrize(
    "name",
    [
        "LIGHTON",
        "x-lighton",
        "X_LightOn_Workspace_Id",
        "lighton-workspace-id",
        "x-light-on-retrieval",
    ],
)
def test_what_begins_like_ours_is_ours(name: str) -> None:
    assert is_nearly_ours(name)


@given(st.integers(0, 6), st.sampled_from("abcxyz"), st.sampled_from("adrs"))
def test_a_slip_of_the_fingers_is_seen(place: int, letter: str, slip: str) -> None:
    start, end = "lighton"[:place], "lighton"[place:]
    written = {
        "a": start + letter + end,
        "d": start + end[1:],
        "r": start + letter + end[1:],
        "s": start + end[1:2] + end[:1] + end[2:],
    }
    assert is_nearly_ours(written[slip])
    assert is_nearly_ours(f"X-{written[slip]}")
    assert is_nearly_ours(f"X-{written[slip]}-Workspace-Id")
    assert is_nearly_ours(f"x_{written[slip]}_retrieval")


def test_the_dotless_i_of_turkish_lower_case_is_a_slip() -> None:
    assert is_nearly_ours("l\u0131ghton")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "light",
        "lighting",
        "lightning",
        "brighton",
        "length",
        "logit_bias",
        "highlighton",
        "x-highlight-on",
        "workspace-id",
        "x-workspace-id",
        "x-retrieval",
    ],
)
def test_what_begins_otherwise_is_not(name: str) -> None:
    assert not is_nearly_ours(name)


# Names


@given(dressed("hr assistant 2").filter(lambda name: name != "hr-assistant-2"))
def test_a_name_that_is_nearly_another_is_taken_for_it(name: str) -> None:
    assert Names(["legal", "hr-assistant-2"]).nearly(name) == "hr-assistant-2"


@pytest.mark.parametrize(
    "name", ["hr-assistant", "HR-Assistant", "legal", "hr", "hr-assistant-3", ""]
)
def test_an_exact_name_is_no_other_and_a_different_one_is_none(name: str) -> None:
    assert Names(["hr-assistant", "HR-Assistant"]).nearly(name) is None


def test_the_first_of_two_names_that_read_alike_is_the_one_meant() -> None:
    assert Names(["HR", "hr"]).nearly("hR") == "HR"


def test_names_of_other_signs_are_like_no_other() -> None:
    assert Names(["🙂"]).nearly("🙃") is None


def test_names_keep_their_order() -> None:
    assert list(Names(["b", "a"])) == ["b", "a"]
    assert "a" in Names(["a"])
    assert "A" not in Names(["a"])


# Fields of a body


def refusal(name: str, value: Any = None) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        refuse_lookalike(name, value, WISHES.narrowing)
    return caught.value


@given(dressed("lighton").filter(lambda name: name != "lighton"))
def test_a_field_that_is_nearly_ours_is_refused_with_its_right_name(name: str) -> None:
    error = refusal(name, {"workspace_id": [43]})
    assert error.param == name[:80]
    assert "'lighton'" in error.message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Model", "'model'"),
        ("toolChoice", "'tool_choice'"),
        ("workspace_id", "'lighton.workspace_id'"),
        ("workspaceId", "'lighton.workspace_id'"),
        ("retrieval", "'lighton.retrieval'"),
        ("min-relevance", "'lighton.min_relevance'"),
    ],
)
def test_what_narrows_by_another_name_or_at_another_place_is_refused(name: str, meant: str) -> None:
    assert meant in refusal(name).message


@pytest.mark.parametrize(
    "name", ["extra_body", "extra-body", "extraBody", "EXTRA_BODY", "model_kwargs"]
)
@pytest.mark.parametrize(
    "value",
    [
        {"lighton": {"workspace_id": [43]}},
        {"LightOn": None},
        {"top_k": 5, "extra_body": {"lighton": {}}},
        {"options": [{"deep": {"light-on": 1}}]},
        {"workspace_id": [43]},
        '{"lighton": {"workspace_id": [43]}}',
        {str(number): 1 for number in range(10_000)},
    ],
)
def test_options_of_an_sdk_that_hold_a_wish_are_refused(name: str, value: Any) -> None:
    error = refusal(name, value)
    assert error.param == name
    assert "'lighton'" in error.message


def test_headers_among_the_options_of_an_sdk_are_refused() -> None:
    assert refusal("extra_headers", {"X-LightOn-Workspace-Id": "43"}).param == "extra_headers"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_k", 5),
        ("extra_body", None),
        ("extra_body", {}),
        ("extra_body", {"top_k": 5, "chat_template_kwargs": {"thinking": True}}),
        ("extra_body", ["x", 1, None]),
        ("extra_headers", {"Content-Type": "application/json", "X-Title": "A chat"}),
        ("extra_body", "top_k=5"),
        ("extra_body", {"guided_json": {"properties": {f"p{n}": {} for n in range(2_000)}}}),
        ("guided_json", {"properties": {"lighton": {"type": "string"}}}),
        ("highlight", True),
    ],
)
def test_any_other_field_passes(name: str, value: Any) -> None:
    refuse_lookalike(name, value, WISHES.narrowing)


def test_a_long_name_is_shown_cut() -> None:
    error = refusal("lighton" + "x" * 1000)
    assert len(error.message) < 200
    assert len(str(error.param)) == 80


def test_all_names_that_are_alike_are_found_in_their_order() -> None:
    names = Names(("b", "A", "a-", "B"))
    assert names.like("a") == ("A", "a-")
    assert names.nearly("a") == "A"
    assert names.like("A") == names.like("c") == ()
