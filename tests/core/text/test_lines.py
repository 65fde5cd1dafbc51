import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.text.lines import Lines


def after(text: str) -> Lines:
    lines = Lines()
    lines.add(text)
    return lines


@pytest.mark.parametrize(
    "text",
    [
        *("```\n", "```python\nx\n", "````\n```\n", "~~~ a`b\n", "x\n```\n", "- x\n\n```\n"),
        *("```\n    ```\n", "```\n``` x\n", "```\n~~~\n", "```\r\nx\r\n", "```\rx\r", "```\n``\n"),
        *("   ```\n   x\n   ```\n```\n", "> ```\n> x\n> ```\n```\n", "- ```\n  x\n  ```\n```\n"),
        *("1. x\n   ```sh\n   y\n\n   z\n   ```\n2. w\n\n```\n", "1. ```\n   x\n   ```\n```\n"),
        "```\n```\n```\n",
    ],
)
def test_a_fence_at_the_edge_of_the_page_is_certain(text: str) -> None:
    assert after(text).is_surely_code


@pytest.mark.parametrize(
    "text",
    [
        *(" ```\n", "- ```\n", "1. ~~~\n", "> ```\n", "- x\n  ```\n", "    ```\n", "- > ```\n"),
        *("2. ```\n", "```|x\n", "~~~|\n", "  ```\nx\n  ```\n```\n", "  ```\n ```\n```\n"),
        *("> ```\nx\n> ```\n```\n", "- > ```\n  > ```\n```\n", "2. ```\n   ```\n```\n"),
    ],
)
def test_other_fences_are_likely(text: str) -> None:
    lines = after(text)
    assert lines.is_code
    assert not lines.is_surely_code


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "x\n",
            "``\n",
            "```",
            "```x`\n",
            "x ```\n",
            "```\nx\n```\n",
            "```\n`````  \n",
            "~~~\n~~~\n",
        ),
        *("```\n   ```\n", "> ```\n> ```\n", "- ```\n  x\n  ```\n", "````\n```\n````\n"),
    ],
)
def test_elsewhere_is_no_code(text: str) -> None:
    assert not after(text).is_code


def test_in_doubt_nothing_is_certain_any_more() -> None:
    lines = after("```\n")
    lines.doubt()
    assert lines.is_code
    assert not lines.is_surely_code
    lines.add("```\n\n~~~\n")
    assert not lines.is_surely_code


@pytest.mark.parametrize("end", ["\n\n", "\n \t\n", "\r\n\r\n", "\r\r", "\n```\nx\n```\n"])
def test_stray_ticks_end_with_their_paragraph(end: str) -> None:
    lines = after("a ` b")
    lines.has_stray_ticks = True
    lines.add("\r\nc")
    assert lines.has_stray_ticks
    lines.add(end)
    assert not lines.has_stray_ticks


@pytest.mark.parametrize(
    "text", ["    ", "\t", "x\n\n    y", "    x\n    ", "    x\n\n  \t", "- x\n\ny\n\n    "]
)
def test_lines_that_are_set_in_are_likely_code(text: str) -> None:
    lines = after(text[:-1])
    assert lines.is_set_in(text[-1])
    assert not lines.is_code


@pytest.mark.parametrize(
    "text", ["", "   ", "x\n    ", "- x\n\n    ", "1. x\n\n   y\n\n    ", "> 2) x\n\n    "]
)
def test_in_a_list_or_under_text_they_are_not(text: str) -> None:
    assert not after(text).is_set_in("")


@pytest.mark.parametrize(
    "text", ["x\n```", "x\n```\ny\n", "x\n# y\n~~~\n```\n", "x\n```\n```\ny\n"]
)
def test_a_fence_right_under_text_may_become_a_heading(text: str) -> None:
    assert after(text).may_become_heading
    assert not after(text + "\n\n").may_become_heading


@pytest.mark.parametrize(
    "text", ["", "x\n", "```\n", "# x\n```\n", "x\n\n```\n", "x\n`y`", "x ```"]
)
def test_other_lines_may_not(text: str) -> None:
    assert not after(text).may_become_heading


@given(st.lists(st.sampled_from(["```", "~~~", "\n", "\r", " ", "    ", "> ", "- ", "x", "`"])))
def test_it_makes_no_difference_how_lines_are_cut(parts: list[str]) -> None:
    by_part = Lines()
    for part in parts:
        by_part.add(part)
    whole = after("".join(parts))
    assert (by_part.is_code, by_part.is_surely_code) == (whole.is_code, whole.is_surely_code)
    assert by_part.may_become_heading == whole.may_become_heading
    assert by_part.is_set_in("") == whole.is_set_in("")
