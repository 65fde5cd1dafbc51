import pytest

from proxy.core.text.safe import is_safe_destination


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
