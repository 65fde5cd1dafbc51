import pytest

from proxy.core.text.seams import joint


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(
            ("a <", "img"),
            ("<", "/b"),
            ("<", "!--"),
            ("]", "(x)"),
            ("``", "`"),
            ("~", "~~"),
            ("~", "`"),
        ),
        *(("h", "ttp://x"), ("htt", "ps://x"), ("HTTP", "s:"), ("http", "://x"), ("http:/", "/x")),
        *(("https://", "x"), ("/", "/x"), ("//", "x"), ("w", "ww.x"), ("ww", "w."), ("www", ".x")),
        *(
            ("www.", "x"),
            ("mail", "to:x"),
            ("mailto", ":x"),
            ("mailto:", "x"),
            ("f", "tp:"),
            ("ftp", ":"),
        ),
        *(("&", "lt;"), ("&#6", "0;"), ("&lt", ";"), ("&", "#60;"), ("\\", "`")),
    ],
)
def test_what_would_come_together_is_kept_apart(before: str, after: str) -> None:
    assert joint(before, after, ends_label=False) == " "


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(
            ("", "x"),
            ("x", ""),
            ("word", "s"),
            ("word", "."),
            ("<", " x"),
            ("<", "3"),
            ("]", "[1]"),
        ),
        *(("`", "x"), ("x", "/y"), ("R&D", " x"), ("https://", " x"), ("]", ":"), ("\\", "x")),
    ],
)
def test_all_else_stays_together(before: str, after: str) -> None:
    assert joint(before, after, ends_label=False) == ""


def test_a_bracket_and_a_colon_define_a_link_only_where_a_label_may_end() -> None:
    assert joint("[x]", ": y", ends_label=True) == " "
