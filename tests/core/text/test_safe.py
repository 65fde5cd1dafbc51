import pytest

from proxy.core.text.safe import is_plain_label, is_safe_destination


@pytest.mark.parametrize(
    "written",
    [
        "(https://a/x)",
        "(<https://a/x>)",
        '(https://a/x "A title")',
        "( https://a/x )",
        "https://a/x",
        "<#f>",
    ],
)
def test_plain_destinations_are_safe(written: str) -> None:
    assert is_safe_destination(written)


@pytest.mark.parametrize(
    "written",
    [
        *("(https://a/`)", "(https://a/<b>)", "(https://a/[x)", "(https://a/\\))", "(https://a/|)"),
        *(
            '(https://a/x "`")',
            '(https://a/x "//b")',
            '(https://a/x "www.b.c")',
            '(https://a/x "\n")',
        ),
        *(
            "(\nhttps://a/x)",
            "(https://a/x\n)",
            '(https://a/x "mailto:b@c")',
            '(https://a/x "<b>")',
        ),
    ],
)
def test_destinations_that_hold_other_marks_are_not(written: str) -> None:
    assert not is_safe_destination(written)


@pytest.mark.parametrize("label", ["", "a b", "a [1] b", "`[` [`b`]", "a \\[ \\` b", "a\nb"])
def test_plain_text_of_a_link_is_one_for_all(label: str) -> None:
    assert is_plain_label(label)


@pytest.mark.parametrize("label", ["a ` b", "[", "]", "[a [b]]", "[a](b) c", "a <b", "\\"])
def test_other_text_of_a_link_may_be_none(label: str) -> None:
    assert not is_plain_label(label)
