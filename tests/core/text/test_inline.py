import pytest

from tests.core.text.samples import HOST, out_of, rules


def kept_to(text: str) -> str:
    return out_of(text, links=rules())


@pytest.mark.parametrize(
    "text",
    [
        *(
            "x [a](https://docs.example/1) y",
            "![a](https://docs.example/1 'b')",
            "[a](<https://docs.example/1>)",
        ),
        *(
            f"x [a](https://{HOST}/b_(c)) y",
            "x [a](#b) y",
            "<https://docs.example/1> y",
            "[a][b] y [c]",
        ),
        *(
            "x https://docs.example/1, y",
            "(https://docs.example/1)",
            "**https://docs.example/1**",
            "x",
        ),
        *(
            "[https://docs.example/1](https://docs.example/1)",
            "- [ ] x\n- [x] y",
            "a < b && c > d",
            "R&D",
        ),
        *(
            "List<String> x",
            "x <b>y</b> <br> z",
            "&lt;img&gt; &amp; &euro; x",
            "a//b",
            "// x",
            "x!",
            "a\\*b",
        ),
        *(
            "s3://a.b/c",
            "1/2",
            "http",
            "www",
            "the https:// scheme",
            "name@a.example",
            "a \\[b\\](c)",
        ),
        *("`<img src=x>` y", "`[a](https://evil.example)` y", "``a ` <b x>`` y", "`a \\| <b x>` y"),
        *(
            "```\n<img src=x>\n```\ny",
            "~~~html\n<a href=x>\n~~~\n",
            "x\n```\nhttps://evil.example",
            "\\",
        ),
        "1. x\n   ```\n   a\n   ```\n2. y\n\n```\n<a href=x>\n```\n",
    ],
)
def test_what_leads_where_it_may_stays_as_it_is(text: str) -> None:
    assert kept_to(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x [a](https://evil.example) y", "x a y"),
        ("x [a](https://evil.example 'b')s y", "x as y"),
        ("x ![a](https://evil.example/b.png) y", "x a y"),
        ("x [](https://evil.example) y", "x  y"),
        ("x [a **b** `c`](/d) y", "x a **b** `c` y"),
        ("x [![a](https://evil.example)](https://evil.example) y", "x a y"),
        ("x https://evil.example/a?b=c. y", "x [link removed]. y"),
        ("x <https://evil.example> y", "x [link removed] y"),
        ("x <mailto:a@evil.example> y", "x [link removed] y"),
        ("x www.evil.example y", "x [link removed] y"),
        ("x //evil.example y", "x [link removed] y"),
        ("x <img src=//evil.example> y", "x  y"),
        ("x <a href=//evil.example>y</a> z", "x y z"),
        ("<div>x</div>", "x"),
        ("x <script>y()</script> z", "x  z"),
        ("x <y and z", "x < y and z"),
        ("x [a] (b)", "x [a] (b)"),
        ("x [a](b c) y", "x [a] (b c) y"),
        ("x [evil.example/?d=y](https://evil.example) z", "x [link removed] z"),
        ("x ![see evil.example/d x](https://evil.example) z", "x [link removed] z"),
        ("x [evil.example/a [1]](https://evil.example) z", "x [link removed][1] z"),
        ("[evil.example/a](b): z", "[link removed] : z"),
        ("x [[evil.example/a](b)](c) z", "x [link removed] z"),
        ("x [a\nb](https://evil.example) y", "x [a\nb] y"),
        ("x [" + "a" * 1_100 + "](https://evil.example) y", "x [" + "a" * 1_100 + "] y"),
        ("x https://evil.example/" + "a" * 9_000 + " y", "x [link removed] y"),
        ("x https://docs.example/1: y", "x https://docs.example/1 : y"),
        ("x https://docs.example/1[1] y", "x https://docs.example/1 [1] y"),
        ("x https://docs.example/1]DATA y", "x https://docs.example/1 ]DATA y"),
        ("x https://docs.example/1]:DATA y", "x https://docs.example/1 ]:DATA y"),
        ("x https://docs.example/1](DATA) y", "x https://docs.example/1 ] y"),
        ("x [https://docs.example/1](DATA y", "x [https://docs.example/1 ] (DATA y"),
        ("x [https://docs.example/1](DATA) y", "x https://docs.example/1 y"),
        ("x https://docs.example/1\x85DATA y", "x https://docs.example/1 \x85DATA y"),
        ("x https://docs.example/1[](x)\x1fDATA", "x https://docs.example/1 \x1fDATA"),
        ("x](https://docs.example/1)DATA y", "x](https://docs.example/1) DATA y"),
        ("x \\[a](https://docs.example/1)DATA", "x \\[a](https://docs.example/1) DATA"),
        ("x [a ` b](https://docs.example/1)DATA", "x [a ` b](https://docs.example/1) DATA"),
        ("x [[[a]]](https://docs.example/1)DATA", "x [[[a]]](https://docs.example/1) DATA"),
        ("x [a `b` [c]](https://docs.example/1)s", "x [a `b` [c]](https://docs.example/1)s"),
        ("xhttp://3405803876/?d=s y", "xhttp:[link removed] y"),
        ("xhttps://evil/?d y", "xhttps:[link removed] y"),
        ("xhttps://evil。example/?d y", "xhttps:[link removed]。example/?d y"),
        ("xwww.evil.example/?d=1 y", "xw[link removed] y"),
        ("xwwwww.evil.example/?d=1 y", "xwww[link removed] y"),
        ("日www.evil.example/?d=1 y", "日[link removed] y"),
        ("xwww. y aww. y", "xwww. y aww. y"),
        ("- ```\n  <img src=x>\n  ```\n", "- ```\n  \n  ```\n"),
        ("x `a\n<b x>` y", "x `a\n` y"),
        ("~`![a](https://evil.example)`", "~`a`"),
        ("a~``![a](https://evil.example)`` `<b x>`", "a~``a`` ` `"),
        ("~<div>`![a](https://evil.example)` y", "~ `![a](https://evil.example)` y"),
        ("~ `<b x>` y", "~ `<b x>` y"),
        ("| `a | <b x>` |", "| `a | ` |"),
        ("a ` b\nc `<b x>` d\n\n`<b x>`", "a ` b\nc ` ` d\n\n`<b x>`"),
    ],
)
def test_all_else_goes(text: str, expected: str) -> None:
    assert kept_to(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("htt[ps](x)://evil.example", "htt ps://evil.example"),
        ("x <<b x>img src=x>", "x < img src=x>"),
        ("[a](x)(https://evil.example)", "a([link removed])"),
        ("x](y)(https://evil.example)", "x] ([link removed])"),
        ("&#104;ttps://evil.example", "h ttps://evil.example"),
        ("https&#58;//evil.example", "https ://evil.example"),
        ("https:\\//evil.example", "https: / /evil.example"),
        ("w[w](x)w.evil.example", "w w w.evil.example"),
        ("//evil<b x>.example", "//evil .example"),
        ("https://docs.example/1<https://evil.example>", "https://docs.example/1 [link removed]"),
        ("`a`[](x)``<b x>``", "`a` ``<b x>``"),
        ("&[](x)lt;", "& lt;"),
    ],
)
def test_nothing_comes_together_where_something_went(text: str, expected: str) -> None:
    assert kept_to(text) == expected


@pytest.mark.parametrize("fence", ["```", "~~~"])
@pytest.mark.parametrize("line", ["---", "=", "  -- ", "-" * 300])
def test_no_heading_is_made_of_a_fence(fence: str, line: str) -> None:
    """Marked takes all that stands over such a line for text, if no empty line is in it."""
    code = f"{fence}\n<img src=x>\n"
    assert kept_to(f"x\n{code}{line}\n{fence}") == f"x\n{code}\n{line}\n{fence}"
    assert kept_to(f"x\n{code}{fence}\n{line}") == f"x\n{code}{fence}\n\n{line}"
    for text in (f"x\n\n{code}{line}\n", f"x\n{fence}\n\n{line}\n", f"x\n{code}{line[:90]} x\n"):
        assert kept_to(text) == text


@pytest.mark.parametrize(("fence", "end"), [("```", "```~~~"), ("~~~", "~~~`")])
def test_a_fence_that_ends_for_some_is_not_certain_after_it(fence: str, end: str) -> None:
    text = f"{fence}\n<img src=x>\n{end}\n"
    assert kept_to(text + "<b x>\n") == text + "\n"


@pytest.mark.parametrize("title", ['"', "'", "("])
def test_under_a_definition_no_code_is_certain(title: str) -> None:
    text = f"[a]: https://docs.example/1\n{title}\n```\n"
    assert kept_to(text + "<b x>") == text


def test_where_links_stay_only_code_and_escapes_are_looked_at() -> None:
    text = "x <img src=x> [a](b) https://c & `[1]` \\[1] [d]: e"
    assert out_of(text) == text
