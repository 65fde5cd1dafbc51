from __future__ import annotations

import json

import pytest

from proxy.core.python_calls import read_python

NUMBERS = {"n": 5, "b": True, "o": None}


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('f(query="a")', [("f", {"query": "a"})]),
        ("f()", [("f", {})]),
        ('[f(q="a)"), g(n=5, b=True, o=None)]', [("f", {"q": "a)"}), ("g", NUMBERS)]),
        ('[ f(a=[1, {"b": 2}], c="it\'s") ]', [("f", {"a": [1, {"b": 2}], "c": "it's"})]),
        ('functions.f(query="é")', [("functions.f", {"query": "é"})]),
        ('f(query="C:\\data")', [("f", {"query": "C:\\data"})]),
        ('f(query="\\ud83e")', [("f", {"query": "?"})]),
    ],
)
def test_calls_with_literal_keywords_are_read(text: str, calls: list[tuple[str, object]]) -> None:
    read, end = read_python(f"{text} and more", 0)
    assert [(name, json.loads(arguments)) for name, arguments in read] == calls
    assert end == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "f(1)",
        "f(query)",
        'f(query=open("x"))',
        "f(**x)",
        "f(a=1",
        "f(a={1, 2})",
        "f(a=b'x')",
        "[f(a=1), 5]",
        "[f(a=1)",
        "(f)(a=1)",
        "f(a=" + "-" * 5_000 + "1)",
        "f(a=" + "(" * 500 + ")" * 500 + ")",
        "f(a=\0)",
        "[x for x in f(a=1)]",
        "nothing",
        "",
    ],
)
def test_all_else_is_no_call(text: str) -> None:
    assert read_python(text, 0) == ((), 0)


def test_a_call_is_read_in_its_place() -> None:
    read, end = read_python('so [f(a="b")]', 3)
    assert (read, end) == ((("f", '{"a": "b"}'),), 13)
