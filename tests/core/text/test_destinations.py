import pytest

from proxy.core.text.destinations import (
    LONGEST,
    Definition,
    Destination,
    is_prose,
    read_definition,
    read_destination,
)
from proxy.core.text.window import Wait
from tests.core.text.samples import begun, whole


@pytest.mark.parametrize(
    ("text", "address", "title"),
    [
        *(("()", "", ""), ("(a)", "a", ""), ("( a )", "a", ""), ("(\n a\n)", "a", "")),
        *(
            ("(<a b>)", "a b", ""),
            ("(<>)", "", ""),
            ("(a(b)c)", "a(b)c", ""),
            ("(a\\)b)", "a\\)b", ""),
        ),
        *(('(a "t")', "a", '"t"'), ("(a 't')", "a", "'t'"), ("(a (t))", "a", "(t)")),
        *(('(a\n"t\nu")', "a", '"t\nu"'), ('(a "\\"")', "a", '"\\""'), ('(a"b")', 'a"b"', "")),
        ("(java\\script:x)", "java\\script:x", ""),
    ],
)
def test_a_destination_is_read(text: str, address: str, title: str) -> None:
    assert read_destination(whole(f"]{text} x"), 1) == Destination(address, title, 1 + len(text))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "(",
            "(a",
            "(a b)",
            "(a\n\nb)",
            "(<a)",
            "(<a\n>)",
            "(<a>b)",
            '(a "t)',
            '(a "t"x)',
            "(a (t)",
        ),
        *('(a "\n\n")', "(a(b)", "(" * 40 + ")" * 40, "(a (t(u)))", "(a \\"),
    ],
)
def test_what_is_none_is_not(text: str) -> None:
    assert read_destination(whole(text), 0) is None


@pytest.mark.parametrize(
    "text", ["(", "(a", "(a ", "(<a", "(<a>", '(a "t', '(a "t"', "(a(b)", "(a\\", "( "]
)
def test_one_that_has_not_ended_is_waited_for(text: str) -> None:
    assert isinstance(read_destination(begun(text), 0), Wait)


@pytest.mark.parametrize(
    "text", ["(" + "a" * LONGEST, '(a "' + "a" * LONGEST, "(<" + "a" * LONGEST]
)
def test_none_is_waited_for_without_end(text: str) -> None:
    assert read_destination(begun(text), 0) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        *(("[x]: /a\n", "/a"), ("[x]:/a", "/a"), ("[x]: <https://a>\n", "https://a")),
        *(
            ('[x]: /a "title"\n', "/a"),
            ("[a b \\] c]:   /a (t)  \r\n", "/a"),
            ('[x]: /a "begun\n', "/a"),
        ),
    ],
)
def test_a_definition_is_read(text: str, address: str) -> None:
    definition = read_definition(whole(f"{text}x"), 0)
    assert isinstance(definition, Definition)
    assert definition.address.rstrip("x") == address


@pytest.mark.parametrize(
    "text",
    [
        *(
            "[x] /a\n",
            "[x]\n",
            "[x\n]: /a\n",
            "[x]: see below\n",
            "[Note]: see the annex.\n",
            "[x]:\n/a\n",
        ),
        *("[x]: Annex\n", "[x]: /a b\n", "[[x]: /a\n", "[]x", "[" + "x" * 1_100 + "]: /a\n", "[x"),
    ],
)
def test_what_is_no_definition_on_one_line_is_none(text: str) -> None:
    assert read_definition(whole(text), 0) is None


@pytest.mark.parametrize(
    "text", ["[", "[x", "[x]", "[x]:", "[x]: /a", "[x]: /a 'b'", "[x\\", "[x]: /a\r"]
)
def test_one_that_has_not_ended_its_line_is_waited_for(text: str) -> None:
    assert isinstance(read_definition(begun(text), 0), Wait)


def test_what_follows_a_definition_is_the_next_line() -> None:
    definition = read_definition(begun("[x]: /a\r\ny"), 0)
    assert definition == Definition("/a", 7, 9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((" **Annual** report", True), (' "Annual report"', True), (" Annex - x", True)),
        *((' Annex "x"', False), (" (see below)", False), (" Annex (2023)", False)),
        *((" see below", True), (" l'annexe 2", True), (" /a b", False), (" tel:1 b", False)),
        *((" see\n", False), ("", False), (" see `x`", False), ("see below", False)),
    ],
)
def test_prose_is_told_from_what_may_be_an_address(text: str, expected: bool) -> None:  # noqa: FBT001  # what is expected
    assert is_prose(whole(text), 0) is expected
