"""Halves of surrogate pairs cost one character each, and nothing else changes."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.json_text import loads, mend
from tests.support.steps import check_linear

GONE = "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (rb'"thumbs \ud83d"', f"thumbs {GONE}"),
        (rb'"\ude00 there"', f"{GONE} there"),
        (rb'"\ude00\ud83d"', GONE * 2),
        (rb'"\ud83d\ud83d\ude00"', f"{GONE}😀"),
        (rb'"\uD83D\uDE00 \uD83D"', f"😀 {GONE}"),
        (rb'"\ud83dx\u00e9\n"', f"{GONE}xé\n"),
        (rb'"\\ud83d \ud83d"', rf"\ud83d {GONE}"),
        (rb'"\\\ud83d"', f"\\{GONE}"),
        (b'"a\xed\xa0\xbdb\xed\xb8\x80"', f"a{GONE}b{GONE}"),
        (rb'{"\ud83d": ["\ud83d", 1]}', {GONE: [GONE, 1]}),
    ],
)
def test_each_half_of_a_pair_becomes_one_replacement_character(data: bytes, expected: Any) -> None:
    assert loads(data) == expected


@pytest.mark.parametrize(
    "data", [b"", b"{", b'"\xff"', rb'"\ud83"', b'["\\ud83d", NaN]', b"\\ud83d"]
)
def test_what_is_no_json_is_refused_all_the_same(data: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        loads(data)


texts = st.text(st.characters(categories=None) | st.sampled_from("\ud83d\ude00\\u"))


@given(
    st.recursive(texts, lambda each: st.lists(each) | st.dictionaries(texts, each)), st.booleans()
)
def test_any_document_is_read_as_if_the_halves_were_replaced(document: Any, escaped: bool) -> None:  # noqa: FBT001  # hypothesis passes it
    data = json.dumps(document, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    plainly = json.dumps(json.loads(data.decode("utf-8", "surrogatepass")), ensure_ascii=False)
    assert loads(data) == json.loads(re.sub("[\ud800-\udfff]", GONE, plainly))
    assert len(mend(data)) == len(data)


@pytest.mark.parametrize("piece", [rb"\ud83d", rb"\\", rb"\ud83d\ude00", b"\xed\xa0\xbd", rb"\u"])
def test_twice_the_halves_take_at_most_twice_the_steps(piece: bytes) -> None:
    check_linear(lambda size: lambda: mend(b'"%b"' % (piece * size)), size=400)
