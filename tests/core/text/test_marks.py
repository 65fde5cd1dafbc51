import pytest

from proxy.core.text.marks import ANY_OF_LINKS, ANY_OF_MARKERS, NEXT_OF_LINKS


@pytest.mark.parametrize(
    "text",
    [
        *(
            "Hello",
            " months",
            "\n",
            "(2024)",
            "a: b.",
            "3.5",
            "R2-D2",
            "and/or",
            "word!x",
            " of",
            "from",
        ),
        *(
            "with",
            "xw",
            "show",
            "xhttp",
            "**bold**",
            "# Title",
            "| a |",
            "1. x",
            "",
            "html.",
            "Mark",
        ),
    ],
)
def test_most_text_has_no_mark(text: str) -> None:
    assert ANY_OF_LINKS.search(text) is None
    assert ANY_OF_MARKERS.search(text) is None


@pytest.mark.parametrize("text", ["[", "【", "［", "`", "\\", "x ", "x\t"])
def test_marks_of_citations_are_found(text: str) -> None:
    assert ANY_OF_MARKERS.search(text)
    assert ANY_OF_LINKS.search(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        *(
            ("a]", "]"),
            ("a<b", "<"),
            ("R&D", "&"),
            ("![x", "!["),
            ("x!", "!"),
            ("a//b", "//"),
            ("a/", "/"),
            ("a~", "~"),
        ),
        *(
            ("x https://y", "https:/"),
            ("HTTP://y", "HTTP:/"),
            ("ftp://y", "ftp:/"),
            ("www.y", "www."),
            ("xwww.y", "www."),
            ("xww", "ww"),
            ("ww.y", "ww."),
        ),
        *(
            ("(Mailto:y", "Mailto:"),
            ("x ht", "ht"),
            ("https:", "https:"),
            ("W", "W"),
            ("x mail", "mail"),
        ),
    ],
)
def test_marks_of_links_are_found_also_cut(text: str, found: str) -> None:
    match = NEXT_OF_LINKS.search(text)
    assert match
    assert match[0] == found
    assert ANY_OF_LINKS.search(text)
