import pytest

from proxy.core.text.data import LONGEST, begins_like_data
from proxy.core.text.window import Wait
from tests.core.text.samples import begun, whole

DATA = (
    *('{"a": 1}', "{", "[]", "[ ]", "[1]", "[1, 2, 3]", "[1, 2]\n[3, 4]\n", "[-1.5, 2]", "[1,"),
    *("[[1, 2], [3, 4]]", '["a", "b"]', '[ "a"]', '[{"a": 1}]', '[1, "a"]', '[[1, "a"]]', "["),
    "[" + "1, " * LONGEST,
)
PROSE = (
    *("[1] says so.", "[2] is so. And [1].", "[1, 2] say so.", "[1][2] say so.", "[1].", "[1]: so"),
    *("[Handbook](https://docs.example/1) says so [2].", "[[1]] says so.", "[1, p. 4] says so."),
    *("[passage 1] says so.", "[x] y", "[ ] y", "[1 and 2] say so.", "Word", "1, 2", "[sic]"),
)


@pytest.mark.parametrize("text", DATA)
def test_arrays_and_objects_are_data(text: str) -> None:
    assert begins_like_data(whole(text)) is True


@pytest.mark.parametrize("text", PROSE)
def test_prose_that_begins_with_a_bracket_is_none(text: str) -> None:
    assert begins_like_data(whole(text)) is False


@pytest.mark.parametrize("text", [*DATA, *PROSE])
def test_what_is_told_early_is_not_taken_back(text: str) -> None:
    for end in range(1, len(text)):
        told = begins_like_data(begun(text[:end]))
        assert isinstance(told, Wait) or told is begins_like_data(whole(text))


def test_nothing_is_waited_for_longer_than_needed() -> None:
    assert begins_like_data(begun("[Handbook")) is False
    assert isinstance(begins_like_data(begun("[1] ")), Wait)
    assert begins_like_data(begun("[1]" + " " * LONGEST)) is True
