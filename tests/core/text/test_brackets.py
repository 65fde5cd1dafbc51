import pytest

from proxy.core.text import LinkRules, Numbering
from tests.core.text.samples import SHOWN, answer, out_of, rules

TWO_CHUNKS = {1: "https://a", 2: "https://b", 3: "https://a", 4: "https://c"}
"""Passages 1 and 3 are of one source."""


def numbered(text: str) -> str:
    return out_of(text, shown=TWO_CHUNKS, links=rules())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x [2] y [1] z [3]", "x [1] y [2] z [2]"),
        ("x [2, 4].", "x [1][2]."),
        ("x [1][3].", "x [1]."),
        ("x [1] [3].", "x [1]."),
        ("x [1] [2].", "x [1] [2]."),
        ("x [1, 2, 3].", "x [1][2]."),
        ("x [1-4].", "x [1][2][3]."),
        ("x [1]. y [3].", "x [1]. y [1]."),
        ("x [1], [3].", "x [1], [1]."),
        ("x 【2†source】【4†source】", "x [1][2]"),
        ("x [[4]]", "x [1]"),
        ("three months[4].", "three months[1]."),
        ("**x**[4]", "**x**[1]"),
        ("| x [4] |", "| x [1] |"),
        ("- [4] x", "- [1] x"),
        ("x\n[4] y", "x\n[1] y"),
        ("x ([4])", "x ([1])"),
        ("x [[4], [2]]", "x [[1], [2]]"),
        ("x [see [4]] y", "x [see [1]] y"),
        ("x [4]: y z", "x [1]: y z"),
        ("x months[1][2], y", "x months[1][2], y"),
        ("x months[4][2].", "x months[1][2]."),
        ("the tenant's[4]", "the tenant's[1]"),
        ("10 m[4]", "10 m[1]"),
        ("Anhang A[4]", "Anhang A[1]"),
        ("_days_[4]", "_days_[1]"),
        ("iPhone[4]", "iPhone[1]"),
        ("- x\n\n    y [4]", "- x\n\n    y [1]"),
        ("[4] says so. And [1].", "[1] says so. And [2]."),
        ("x\n[4]: Annual report 2023\n", "x\n[1]: Annual report 2023\n"),
    ],
)
def test_sources_are_numbered_by_first_appearance(text: str, expected: str) -> None:
    assert numbered(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("word [9].", "word."),
        ("word[9].", "word."),
        ("word. [9]", "word."),
        ("word [9] next", "word next"),
        ("word [9][1].", "word [1]."),
        ("word [1][9].", "word [1]."),
        ("word [9] [8].", "word."),
        ("word [9][8] next", "word next"),
        ("word [1, 9].", "word [1]."),
        ("word [9, 8].", "word."),
        ("word 【9†source】.", "word."),
        ("word [Source 9].", "word."),
        ("word [9]s", "word s"),
        ("a, [9], b", "a, b"),
        ("a, [9] b", "a, b"),
        ("a [9], b", "a, b"),
        ("word [9](https://evil.example).", "word."),
    ],
)
def test_made_up_numbers_are_taken_out(text: str, expected: str) -> None:
    assert numbered(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "As in [2024] EWCA 1",
            "interval [0, 1]",
            'x {"ids": [1, 2]}',
            "x\n【1】 y",
            "a[1] x",
            "x[2] y",
        ),
        *("arr[i][1]", "foo_bar[1]", "$v[1]", "x [text][1]"),
        *(
            "\\sqrt[3]{x} \\cite[1]{x} \\item[1]",
            "$a \\in [1, 2]$",
            "x ∈ [1, 2]",
            "x [[1, 2], [3, 4], [1, 5]]",
            'x {"a": [[1, 2], [3, 4]]}',
            "x\n\n    a [1]\n    b [2]\n\ny",
            "    a [1]",
        ),
        *(
            "x\n[^1]: y z\n",
            "x \\[1\\] y",
            "`a[1]` b",
            "x\n```\na[1]\n```\n",
            "x\n- ```\n  a[1]\n  ```\n",
        ),
        *(
            "[1] x",
            "[1, 2]",
            '{"a": "b [1]"}',
            "  [1]",
            "x [a] [1.2] [ ] []",
            "x\n[9] y",
            "- [9] y",
        ),
        *("x [see 1 below]", "y = [1, 2]", "items[1] = 2", "x[1] += 1", "A^{[1]}"),
    ],
)
def test_what_is_no_citation_stays_as_it_is(text: str) -> None:
    assert out_of(text) == text
    assert out_of(text, links=rules()) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x [1](https://docs.example/1) y", "x [1] y"),
        ("x [1](https://docs.example/1#page=2) y", "x [1] y"),
        ("x [[1]](https://docs.example/1) y", "x [1] y"),
        ("x [1](https://evil.example) y", "x [1] y"),
        ("x [1](https://docs.example/2) y", "x [1](https://docs.example/2) y"),
        ("x [1](https://intranet.example/) y", "x [1](https://intranet.example/) y"),
        ("x [1](p. 3) y", "x [1] (p. 3) y"),
    ],
)
def test_a_number_that_links_to_its_source_is_a_marker(text: str, expected: str) -> None:
    assert out_of(text, links=rules()) == expected


def test_without_link_rules_only_the_address_of_its_source_makes_it_one() -> None:
    text = "x [1](https://docs.example/1) [1](https://else.example) y"
    assert out_of(text) == "x [1] [1](https://else.example) y"


@pytest.mark.parametrize(
    "text",
    [
        "x\n[1]: https://else.example\n",
        "x\n[1]: <https://else.example>\n",
        "x\n[1]: /a\n",
        "x\n[1]: #a",
    ],
)
def test_without_link_rules_definitions_stay(text: str) -> None:
    assert out_of(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x [4]\n\n[1]: https://a\n[4]: <https://c#p> 'T'\n\ny", "x [1]\n\n\ny"),
        ("x\n- [^1]: https://a", "x\n- "),
        ("x\n[1, 4]: https://b\ny", "x\ny"),
    ],
)
def test_definitions_of_what_the_model_was_shown_go(text: str, expected: str) -> None:
    """Otherwise its number for one source would link the reader's for another."""
    assert out_of(text, shown=TWO_CHUNKS, links=LinkRules("sources")) == expected
    assert out_of(text, shown=TWO_CHUNKS) == expected


@pytest.mark.parametrize("text", ["x\n[9]: https://a", "x\n[a]: https://a", "    [1]: https://a"])
def test_others_stay(text: str) -> None:
    assert out_of(text, shown=TWO_CHUNKS, links=LinkRules("sources")) == text
    assert out_of(text, shown=TWO_CHUNKS) == text


def test_where_numbers_stay_their_definitions_do() -> None:
    text = "x [2]\n\n[1]: https://a"
    assert out_of(text, shown=TWO_CHUNKS, links=LinkRules("sources"), rewrite=False) == text


def test_a_marker_tells_all_passages_it_stands_for() -> None:
    out, markers = answer(["x [2][1][3] y [3]"], shown=TWO_CHUNKS)
    assert out == "x [1][2] y [2]"
    assert [(marker.n, marker.passages) for marker in markers] == [
        (1, (2,)),
        (2, (1, 3)),
        (2, (3,)),
    ]
    assert [out[marker.start : marker.end] for marker in markers] == ["[1]", "[2]", "[2]"]


def test_numbering_goes_on_from_what_is_known() -> None:
    numbering = Numbering({SHOWN[2]: 1}, above=4)
    assert out_of("x [1] [2] [3]", numbering=numbering) == "x [5] [1] [6]"


def test_passage_numbers_may_stay() -> None:
    out, markers = answer(["x [3, 1] 【2†a】 [9] y"], rewrite=False)
    assert out == "x [3][1] [2] y"
    assert [(marker.n, marker.passages) for marker in markers] == [(3, (3,)), (1, (1,)), (2, (2,))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x\n[a]: https://evil.example 'b'\ny", "x\ny"),
        ("x\n[a]: //evil.example", "x\n"),
        ("\ufeff[a]: https://evil.example\ny", "\ufeff\ny"),
        ("> [a]: <https://evil.example>\n> y", "> \n> y"),
        ("- [a]: /evil\n", "- \n"),
        ("x\n[a]:\n  https://evil.example\n", "x\n[a] :\n  [link removed]\n"),
        ("x\n[Annex]: yes\n", "x\n[Annex] : yes\n"),
        ("x\n[Note]: see the annex [1].", "x\n[Note]: see the annex [1]."),
        ("x\n[a]: https://docs.example/1 'b'\ny", "x\n[a]: https://docs.example/1 'b'\ny"),
        ("x\n[a]: https://docs.example/1 '`'\ny", "x\ny"),
        ("x\n[a\nb]: /evil\n", "x\n[a\nb] : /evil\n"),
    ],
)
def test_definitions_stay_if_they_lead_where_they_may(text: str, expected: str) -> None:
    assert out_of(text, links=rules()) == expected


def test_in_an_answer_that_looks_like_data_links_go_all_the_same() -> None:
    text = "[Click](https://evil.example) [1]"
    assert out_of(text, links=LinkRules("sources")) == "Click [1]"
