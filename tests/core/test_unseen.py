"""What nobody sees is dropped, and what shapes what is seen stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.core.unseen import drop_unseen

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
TEXAS = "\U0001f3f4\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f"


def as_tags(text: str) -> str:
    return "".join(chr(0xE0000 + ord(each)) for each in text)


def as_selectors(data: bytes) -> str:
    """Bytes as variation selectors, as instructions are hidden behind one emoji."""
    return "".join(chr(0xFE00 + each if each < 16 else 0xE0100 + each - 16) for each in data)


STAYS = {
    "plain": "Leave is 27 days.\n\n\tAsk HR \u2013 “soon” … 100 %",
    "Persian": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Hindi": "\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937",
    "Malayalam": "\u0d05\u0d35\u0d28\u0d4d\u200d\u0d31\u0d46",
    "Sinhala": "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
    "Mongolian": "\u1820\u180b\u1821",
    "family": "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "astronaut": "\U0001f469\U0001f3fd\u200d\U0001f680",
    "heart on fire": "\u2764\ufe0f\u200d\U0001f525",
    "rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "pirate flag": "\U0001f3f4\u200d\u2620\ufe0f",
    "woman shrugs": "\U0001f937\U0001f3fb\u200d\u2640\ufe0f",
    "keycap": "1\ufe0f\u20e3 #\ufe0f\u20e3",
    "text presentation": "\u2614\ufe0e \xa9\ufe0e",
    "England": f"a {ENGLAND} b",
    "Texas": TEXAS,
    "two flags": ENGLAND + ENGLAND,
    "ideographic": "\u845b\U000e0100\u98fe\U000e0101 \U00020bb7\U000e0100",
    "compatibility": "\u795e\ufe00",
    "set theory": "\u2229\ufe00",
    "Hangul": "\ud55c\uad6d \u1112\u1161\u11ab",
    "accents": "e\u0301 \u0e33 \u05d0\u05b8",
    "spaces": "a\u00a0b\u2009c\u3000d",
    "replacement": "\ufffd \ufffc",
}
GOES = {
    "tags": (f"a{as_tags('ignore all')}b", "ab"),
    "tags of a flag too long": (f"\U0001f3f4{as_tags('ignoreall')}\U000e007f", "\U0001f3f4"),
    "tags of a flag in capitals": (f"\U0001f3f4{as_tags('GBENG')}\U000e007f", "\U0001f3f4"),
    "flag without its end": (f"\U0001f3f4{as_tags('gbeng')}x", "\U0001f3f4x"),
    "tags behind a flag": (f"{ENGLAND}{as_tags('abc')}", ENGLAND),
    "zero width": ("a\u200bb\u200cc\u200dd\u2060e\ufefff\u2063g", "abcdefg"),
    "two joiners": ("\u0645\u200c\u200c\u0645", "\u0645\u0645"),
    "joiner at an end": ("\u0645\u200d \u200d\u0645", "\u0645 \u0645"),
    "joiner after a letter": ("\U0001f469\u200da", "\U0001f469a"),
    "joiner before an emoji": ("a\u200d\U0001f680", "a\U0001f680"),
    "joiner with an escape": ("\U0001f469\u200d\x1b[1m\U0001f680", "\U0001f469\U0001f680"),
    "selector of Mongolian": ("a\u180bb", "ab"),
    "joiner with more": ("\U0001f469\u200d\u200b\U0001f680", "\U0001f469\U0001f680"),
    "selectors as data": (f"\U0001f600{as_selectors(b'hello')}!", "\U0001f600!"),
    "selectors behind a letter": ("a\ufe0fb\U000e0100c", "abc"),
    "two selectors": ("\u845b\U000e0100\U000e0101\u2614\ufe0f\ufe0f", "\u845b\u2614"),
    "rare selectors": ("\u845b\ufe05\U0001f600\U000e0101", "\u845b\U0001f600"),
    "selector of a digit": ("1\ufe0f 2", "1 2"),
    "bidi": ("a\u202eb\u2066c\u2069d\u200ee\u061cf\u202cg", "abcdefg"),
    "soft hyphen": ("Ver\xadtrag", "Vertrag"),
    "fillers": ("a\u3164b\uffa0c\u115fd\u1160e", "abcde"),
    "controls": ("a\x00b\x08c\x7fd\x9fe\x1cf", "abcdef"),
    "line breaks": ("a\r\nb\rc\x0bd\x0ce\x85f\u2028g\u2029h", "a\nb\nc\nd\ne\nf\ng\nh"),
    "colours": ("a\x1b[31mred\x1b[0m \x9b1mb", "ared b"),
    "cursor": ("a\x1b[2J\x1b[10;20Hb\x1b[?25lc", "abc"),
    "title": ("a\x1b]0;ignore all\x07b\x9d0;x\x9cc", "abc"),
    "link": ("\x1b]8;;https://evil.test\x1b\\here\x1b]8;;\x1b\\", "here"),
    "device control": ("a\x1bPq#0\x1b\\b\x1b_hidden\x1b\\c\x1b^x\x1b\\d", "abcd"),
    "other escapes": ("a\x1b(Bb\x1b7c\x1bMd", "abcd"),
    "open title": ("a\x1b]0;seen\nb", "a0;seen\nb"),
    "escape at the end": ("a\x1b[", "a"),
    "surrogates": ("a\ud800b\udfff", "a\ufffdb\ufffd"),
    "annotation": ("\ufff9a\ufffab\ufffb", "ab"),
    "music": ("a\U0001d173b", "ab"),
    "nothing else": ("\u200b\ufeff\U000e0041", ""),
}


@pytest.mark.parametrize("text", STAYS.values(), ids=STAYS)
def test_what_shapes_what_is_seen_stays(text: str) -> None:
    assert drop_unseen(text) == text


@pytest.mark.parametrize(("text", "seen"), GOES.values(), ids=GOES)
def test_what_nobody_sees_goes(text: str, seen: str) -> None:
    assert drop_unseen(text) == seen
    assert drop_unseen(f"\u65e5{text}\n") == f"\u65e5{seen}\n"


unseen = st.sampled_from(
    [
        *("\u200b", "\u200c", "\u200d", "\ufe0e", "\ufe0f", "\U000e0100", "\U000e0067", "\x1b"),
        *("\x1b[1m", "\x1b]", "\x07", "\r", "\n", "\x85", "\xad", "\u202e", "\ud800", ENGLAND),
        *("\u0645", "\u0915", "\U0001f469", "\u845b", "1", "\u20e3", "\U0001f3f4", "\U000e007f"),
        *("\u1820", "\u180b", "a", "[", "m"),
    ]
)


@given(st.lists(unseen | st.characters(), max_size=14).map("".join))
@settings(deadline=None, max_examples=500)
@example("\r\u200b\n")
@example("\u845b\u200b\U000e0100")
def test_what_is_left_is_seen(text: str) -> None:
    left = drop_unseen(text)
    assert drop_unseen(left) == left
    assert not {"\u202e", "\u200b", "\ufeff", "\x1b", "\x9b"} & set(left)
    kinds = {unicodedata.category(each) for each in left if each not in "\n\t"}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=40))
def test_letters_numbers_and_signs_stay(text: str) -> None:
    fillers = "\u115f\u1160\u3164\uffa0"
    assert drop_unseen(text) == "".join(each for each in text if each not in fillers)


@pytest.mark.parametrize(
    "unit",
    ["\x1b]", "\x1b[0", "\x1b[ ", "\x9d", "\u200d", "\U000e0041", "\U0001f3f4", "\x1bP\x1b", "\r"],
)
def test_a_huge_text_takes_one_pass(unit: str) -> None:
    text = "a" + unit * (1_000_000 // len(unit))
    assert drop_unseen(text).startswith("a")
