from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.core.text import AnswerText, LinkRules, Numbering
from tests.core.text.samples import HOST, SHOWN, answer, cut, hostile, lines, out_of, rules
from tests.support.markdown import leads_to

WAYS_OUT = {
    "inline": "[a](https://evil.example/?q=x)",
    "inline with a title": '[a](https://evil.example "b")',
    "inline in angles": "[a](<https://evil.example/b c>)",
    "inline over two lines": "[a](\nhttps://evil.example\n)",
    "image": "![a](https://evil.example/x.png)",
    "image in a link": "[![a](https://evil.example/x.png)](https://evil.example)",
    "reference": "[a][b]\n\n[b]: https://evil.example",
    "reference of an image": "![a][b]\n\n[b]: https://evil.example 'c'",
    "collapsed reference": "[a][]\n\n[a]: <https://evil.example>",
    "reference with the address on the next line": "[a]\n\n[a]:\n  https://evil.example",
    "reference in a quotation": "[a]\n\n> [a]: https://evil.example",
    "reference in a list": "[a]\n\n- [a]: https://evil.example",
    "reference over two lines": "[a b]\n\n[a\nb]: https://evil.example",
    "bare": "x https://evil.example/?q=x y",
    "bare ftp": "x ftp://evil.example y",
    "bare www": "x www.evil.example/y z",
    "bare without a scheme": "x //evil.example/y z",
    "bare mail": "mailto:a@evil.example?body=x",
    "autolink": "<https://evil.example>",
    "autolink of a mail": "<mailto:a@evil.example>",
    "img": "x <img src='https://evil.example'>",
    "img without quotes": "<img src=https://evil.example>",
    "img over two lines": "x <img\nsrc=https://evil.example>",
    "img that is not closed": "<div\n<img src=https://evil.example ",
    "a": "<a href=//evil.example>x</a>",
    "iframe": "<iframe src=https://evil.example></iframe>",
    "svg": "<svg><image href=//evil.example></svg>",
    "style": "<style>@import '//evil.example';</style>",
    "style of a tag": '<b style="background:url(//evil.example)">x</b>',
    "form": "<form action=//evil.example><button>x</button></form>",
    "meta": "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "base": "<base href=//evil.example>\n\n[a](#b)",
    "no scheme": "[a](//evil.example)",
    "relative": "[a](/evil)",
    "data": "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "data of an image": "![a](data:image/png;base64,x)",
    "script": "[a](javascript:alert(1))",
    "entity": "[a](https&colon;//evil.example)",
    "entities": "[a](&#104;ttps&#x3a;//evil.example)",
    "escapes": "[a](https\\://evil.example)",
    "backslashes": "[a](https:\\\\evil.example)",
    "user info": f"[a](https://{HOST}@evil.example)",
    "host of a host": f"https://{HOST}.evil.example/x",
    "other page of a source": "https://docs.example/1/evil",
    "unquoted and unclosed": "<a href=https://evil.example x",
    "comment that hides a fence": "<!--\n```\n-->\n<img src=//evil.example>\n```",
    "block that hides a fence": "<div>\n```\n<img src=//evil.example>\n```",
    "fence of a list": "- ```\n<img src=//evil.example>\n  ```",
    "fence of a quotation": "> ```\n<img src=//evil.example>\n> ```",
    "fence in a fence": "  ```\nx\n```\n<img src=//evil.example>\n```",
    "code over two lines": "` x\ny ` <img src=//evil.example> `",
    "code in cells": "|a|b|\n|-|-|\n|`|<img src=//evil.example>`|",
    "two links in one": "[[a](https://evil.example)](https://evil.example)",
    "link in a removed one": "[x](y)(https://evil.example)",
    "address in two": "htt[ps](x)://evil.example",
    "tag in a tag": "<<b x>img src=https://evil.example>",
    "long text": "[" + "x" * 2_000 + "](https://evil.example)",
    "long address": "[x](https://evil.example/" + "y" * 9_000 + ")",
    "long bare address": "https://evil.example/" + "y" * 9_000,
}


def strangers(out: str) -> list[str]:
    """Where rendered text leads, but for sources and the host that the client named."""
    known = {*SHOWN.values(), f"//{HOST}", f"http://{HOST}", f"https://{HOST}"}
    return [
        address
        for address in leads_to(out)
        if address.partition("#")[0] not in {*known, ""}
        and not address.startswith((f"//{HOST}/", f"https://{HOST}/", f"http://{HOST}/"))
    ]


@pytest.mark.parametrize("way", WAYS_OUT)
def test_every_way_is_open_but_those_that_the_renderer_refuses(way: str) -> None:
    assert bool(strangers(WAYS_OUT[way])) is (way not in ("data", "script"))


@pytest.mark.parametrize("way", WAYS_OUT)
@pytest.mark.parametrize("before", ["", "Text. ", "Text:\n\n", "- x\n"])
def test_no_way_leads_out(way: str, before: str) -> None:
    out = out_of(before + WAYS_OUT[way], links=rules())
    assert strangers(out) == []
    assert "](" not in out.replace("[a](#b)", "")


@pytest.mark.parametrize("way", WAYS_OUT)
def test_with_nothing_shown_every_way_stays(way: str) -> None:
    assert out_of(WAYS_OUT[way], shown={}, links=rules()) == WAYS_OUT[way]


@pytest.mark.parametrize("way", WAYS_OUT)
def test_where_all_links_are_allowed_every_way_stays(way: str) -> None:
    assert out_of(WAYS_OUT[way], links=LinkRules("all")) == WAYS_OUT[way]


@given(hostile | lines)
@settings(max_examples=500)
@example("~~~|\n-|\n//evil.example")
@example("-https://docs.example/1*")
@example("https://docs.example/1* [9]x")
@example("https://docs.example/1!]")
@example("x<www.evil.example-->")
@example("//~#fmailto:a@evil.example")
@example("|\n[//evil.example]:https://intranet.example")
def test_no_text_leads_out(text: str) -> None:
    assert strangers(answer([text], links=rules())[0]) == []


@given(hostile)
def test_where_no_link_is_allowed_none_is_left(text: str) -> None:
    assert leads_to(answer([text], links=rules("none"))[0]) == []


@given(
    hostile | lines | st.text(), st.lists(st.integers(1, 9)), st.sampled_from(["sources", "all"])
)
@settings(max_examples=300)
@example("<x'>'>", [], "sources")
@example("](\\>)", [], "sources")
def test_it_makes_no_difference_how_a_text_is_cut(text: str, sizes: list[int], mode: str) -> None:
    whole = answer([text], links=rules(mode))
    assert answer(text, links=rules(mode)) == whole
    assert answer(cut(text, sizes), links=rules(mode)) == whole


@given(hostile)
def test_markers_point_at_their_numbers(text: str) -> None:
    out, markers = answer([text], links=rules())
    assert [out[each.start : each.end] for each in markers] == [f"[{each.n}]" for each in markers]
    assert all(one.end <= other.start for one, other in pairwise(markers))
    assert all(set(each.passages) <= set(SHOWN) for each in markers)


@given(hostile | lines, st.lists(st.integers(1, 9)))
def test_with_nothing_shown_all_text_passes(text: str, sizes: list[int]) -> None:
    assert answer(cut(text, sizes), shown={}, links=rules()) == (text, [])


@given(
    st.text(st.characters(exclude_characters="[]<`&\\!/:.【［【wW")), st.lists(st.integers(1, 9))
)
def test_text_without_marks_passes(text: str, sizes: list[int]) -> None:
    assert answer(cut(text, sizes), links=rules()) == (text, [])


@given(st.lists(hostile | lines, max_size=3))
def test_no_rounds_lead_out_together(rounds: list[str]) -> None:
    text = fed(rules())
    assert strangers("".join(text.feed(each) + text.flush() for each in rounds)) == []


def fed(links: LinkRules | None = None) -> AnswerText:
    text = AnswerText(numbering=Numbering(), links=links)
    text.show(SHOWN)
    return text


@pytest.mark.parametrize("links", [None, rules()])
def test_a_piece_without_a_mark_is_given_back(links: LinkRules | None) -> None:
    text = fed(links)
    for piece in ("Three", " months\n", " of notice"):
        assert text.feed(piece) is piece
    assert not text.holds


def test_what_may_be_a_marker_is_held_until_it_is_told() -> None:
    text = fed()
    assert [text.feed(piece) for piece in ("x ", "[", "1", "]", ". ")] == ["x", "", "", "", " [1]."]
    assert [text.feed(piece) for piece in ("x[", "1", "]", ".", " y ")] == [
        " x",
        "",
        "",
        "",
        "[1]. y",
    ]
    assert text.holds
    assert (text.flush(), text.holds) == (" ", False)


def test_passages_may_be_shown_between_rounds() -> None:
    text = AnswerText(numbering=Numbering(), links=rules())
    assert text.feed("I look [1] up: [a](b) ") == "I look [1] up: [a](b) "
    assert text.flush() == ""
    text.show({1: "https://docs.example/1"})
    assert text.feed("\n\nx [1][2].") + text.flush() == "\n\nx [1]."
    text.show({2: "https://docs.example/2"})
    assert text.feed(" y [2] z") + text.flush() == " y [2] z"
    assert [(each.start, each.n) for each in text.markers] == [(26, 1), (33, 2)]


def test_what_a_round_leaves_open_is_settled_at_its_end() -> None:
    text = fed(rules())
    out = text.feed("x [a") + text.flush() + text.feed("](https://evil.example) y") + text.flush()
    assert out == "x [a] y"
    out = text.feed("<img") + text.flush() + text.feed(" src=x>") + text.flush()
    assert out == "< img src=x>"
    out = text.feed("x //e") + text.flush() + text.feed("vil.example") + text.flush()
    assert out == "x //e vil.example"


def test_a_fence_stays_open_over_the_end_of_a_round() -> None:
    text = fed(rules())
    out = text.feed("```\n") + text.flush() + text.feed("a[1] <b x>\n```\n[1]") + text.flush()
    assert out == "```\na[1] <b x>\n```\n[1]"


def test_tags_in_text_that_passed_make_later_code_doubtful() -> None:
    text = AnswerText(numbering=Numbering(), links=rules())
    text.feed("<pre>\n")
    text.show(SHOWN)
    out = text.feed("```\n<img src=x>\n```\n") + text.flush()
    assert out == "```\n\n```\n"


def test_an_answer_that_begins_like_data_has_no_markers() -> None:
    for begin in ("{", ' ["', "\n[1, [1]", "[1, 2]\n"):
        text = fed()
        assert text.feed(begin) + text.feed(' "x [1]"') + text.flush() == f'{begin} "x [1]"'
        assert text.markers == []


def test_one_that_begins_with_a_bracket_may_have_markers() -> None:
    for begin in ("[3] says so. And", "[a](https://docs.example/1) says so", " [3][1] say so"):
        out, markers = answer(f"{begin} [2].", links=rules())
        assert out.endswith(f"[{markers[-1].n}].")
        assert markers[-1].passages == (2,)


def test_brackets_at_the_begin_are_held_until_it_is_told_what_they_are() -> None:
    text = fed()
    assert [text.feed(piece) for piece in ("\n", "[3", "]", " ", "says [1] ")] == [
        "\n",
        "",
        "",
        "",
        "[1] says [2]",
    ]
    text = fed()
    assert text.feed("[3]") + text.flush() == "[3]"
    text = AnswerText(numbering=Numbering(), links=None)
    assert text.feed("[3] ") == "[3] "
    text.show(SHOWN)
    assert text.feed("says [2]") + text.flush() == "says [1]"


def test_where_no_link_is_allowed_sources_are_none_either() -> None:
    out = out_of(
        "x [a](https://docs.example/1) https://docs.example/1 [b](#c) [1]", links=rules("none")
    )
    assert out == "x a [link removed] b [1]"
