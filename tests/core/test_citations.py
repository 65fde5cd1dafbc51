import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.core.citations import MAX_ANNOTATIONS, annotate
from proxy.core.passages import Passage
from proxy.core.wire import Annotation
from tests.core.samples import result

PASSAGES = {
    n: Passage(n, result(f"c{n}", title=f"Title {n}", url=f"https://docs.example/{n}"), "text")
    for n in (1, 2, 3, 12)
}


def cited(text: str) -> list[tuple[str, str]]:
    """What is cited: the number of the passage and the part of the text that cites it."""
    citations = [annotation["url_citation"] for annotation in annotate(text, PASSAGES)]
    return [
        (each["url"].rpartition("/")[2], text[each["start_index"] : each["end_index"]])
        for each in citations
    ]


def test_a_marker_becomes_an_annotation_in_openais_shape() -> None:
    assert annotate("It is 27 days [2].", PASSAGES) == [
        {
            "type": "url_citation",
            "url_citation": {
                "url": "https://docs.example/2",
                "title": "Title 2",
                "start_index": 14,
                "end_index": 17,
            },
        }
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1]", [("1", "[1]")]),
        ("a[1][2] b [1]", [("1", "[1]"), ("2", "[2]"), ("1", "[1]")]),
        ("x [12].", [("12", "[12]")]),
        ("x [1, 2].", [("1", "1"), ("2", "2")]),
        ("x [1,2 ,\n3]", [("1", "1"), ("2", "2"), ("3", "3")]),
        ("x [1, 9, 2]", [("1", "1"), ("2", "2")]),
        ("x [1](https://x.example)", [("1", "[1]")]),
        ("x 【2】", [("2", "【2】")]),
        ("x 【2†L10-L12】 and 【3†source】", [("2", "【2†L10-L12】"), ("3", "【3†source】")]),
        ("\U0001f98a é [3]", [("3", "[3]")]),
        ("[[1]]", [("1", "[1]")]),
        ("[१]", [("1", "[१]")]),
    ],
)
def test_markers_of_every_kind_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert cited(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no marker",
        "[4] [0] [99999] [012345]",
        "[a] [1a] [1.2] [-1] [1 2] [] [1,] [,1] [1-3]",
        "[1",
        "1]",
        "\\[1\\]",
        "【】 【a1】 【1",
        "【2" + "x" * 41 + "】",
    ],
)
def test_what_is_no_marker_of_a_passage_that_was_shown_gets_nothing(text: str) -> None:
    assert cited(text) == []


def test_without_passages_nothing_is_cited() -> None:
    assert annotate("x [1]", {}) == []


@pytest.mark.parametrize(
    "code",
    [
        "`a[1]`",
        "``a ` [1] ` b``",
        "` [1] `",
        "`[1]` and `[2]`",
        "```\na[1]\n```",
        "```python\na[1]\n[2]\n```",
        "~~~\na[1]\n~~~",
        "~~~ a`b`\na[1]\n~~~",
        "   ```\n   a[1]\n   ```",
        "1. step\n\n     ```sh\n     a[1]\n     ```",
        "- ```sh\n  a[1]\n  ```",
        "3) ~~~\n  a[1]\n  ~~~",
        "> ```\n> a[1]\n> ```",
        "````\n```\na[1]\n```\n[1]\n````",
        "```\n``` [1]\n```",
        "```\na[1]\n`````",
        "```\r\na[1]\r\n```",
    ],
)
def test_what_is_in_code_cites_nothing(code: str) -> None:
    assert cited(f"{code}\n") == []
    assert cited(f"Text [2]\n\n{code}\n\nmore text [3].") == [("2", "[2]"), ("3", "[3]")]


def test_code_that_does_not_end_goes_on_to_the_end_of_the_text() -> None:
    assert cited("x [1]\n```\na[2]\n\nb[3]") == [("1", "[1]")]


@pytest.mark.parametrize(
    "text",
    [
        "a ` b [1]",
        "a `b\nc` [1]",
        "a `b [1]\nc`",
        "`` a ` [1]",
        "```not a fence``` [1]",
        "x ``` y [1]",
        "~~struck~~ [1]",
        "`" + "x" * 600 + "` [1]",
    ],
)
def test_stray_backticks_are_no_code(text: str) -> None:
    assert cited(text) == [("1", "[1]")]


pieces = st.lists(
    st.sampled_from(
        ["[1]", "[2, 3]", "[", "]", ",", " ", "\n", "`", "``", "```", "~~~", "【1】", "【", "】"]
    )
    | st.integers(0, 13).map(str)
    | st.text(max_size=3),
    max_size=25,
).map("".join)


def spans(annotations: list[Annotation]) -> list[tuple[int, int]]:
    citations = [each["url_citation"] for each in annotations]
    return [(each["start_index"], each["end_index"]) for each in citations]


@given(pieces)
@settings(deadline=None, max_examples=300)
@example("\U0001f98a [1]")
def test_offsets_are_valid_in_any_text(text: str) -> None:
    annotations = annotate(text, PASSAGES)
    ends = 0
    for (start, end), annotation in zip(spans(annotations), annotations, strict=True):
        assert 0 <= ends <= start < end <= len(text)
        ends = end
        n = int(annotation["url_citation"]["url"].rpartition("/")[2])
        assert int(re.findall(r"\d+", text[start:end])[0]) == n


@given(pieces.filter(lambda text: not set(text) & set("`~【")))
@settings(deadline=None)
def test_markers_outside_code_are_found_wherever_they_are(text: str) -> None:
    marked = f"{text} [12] {text}"
    assert (len(text) + 1, len(text) + 5) in spans(annotate(marked, PASSAGES))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("`x` [1] " * 100_000, 1_000),
        ("[1]\n" + "```\nx\n```\n" * 50_000, 1),
        ("[" + "1," * 300_000, 0),
        ("[1" + " " * 300_000, 0),
        (" ".join("`" * size for size in range(1, 400)) + " [1]", 1),
        ("`" * 300_000, 0),
        (" " * 300_000 + "\n" * 300_000, 0),
    ],
)
def test_a_huge_answer_is_read_in_one_pass(text: str, count: int) -> None:
    assert len(annotate(text, PASSAGES)) == count


@given(pieces.filter(lambda text: "`" not in text and "~~~" not in text))
@settings(deadline=None, max_examples=300)
@example("- [1]\n> 【1】 [2,3]")
def test_text_without_code_is_read_the_same_by_the_pattern_that_knows_code(text: str) -> None:
    # A blank and a mark of code that is none, at the very end, make it the other pattern.
    assert annotate(f"{text} `", PASSAGES) == annotate(text, PASSAGES)


def test_an_answer_has_at_most_so_many_annotations_the_first() -> None:
    text = "[1]" + "[2]" * MAX_ANNOTATIONS
    annotations = annotate(text, PASSAGES)
    assert len(annotations) == MAX_ANNOTATIONS
    assert spans(annotations)[0] == (0, 3)
    assert len(annotate(text, PASSAGES, most=MAX_ANNOTATIONS + 1)) == MAX_ANNOTATIONS + 1


def test_inline_code_may_be_as_long_as_the_limit() -> None:
    assert cited("`[1]" + "x" * 497 + "`") == []
    assert cited("`[1]" + "x" * 498 + "`") == [("1", "[1]")]
