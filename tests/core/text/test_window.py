from proxy.core.text.window import Window
from tests.core.text.samples import begun, whole


def test_a_recogniser_looks_no_farther_than_its_bound() -> None:
    window = begun("abcdef")
    assert window.end(2, 3) == 5
    assert window.end(2, 30) == 6


def test_text_may_grow_until_it_ends_or_the_bound_is_reached() -> None:
    assert begun("abc").may_grow(1, 3)
    assert not begun("abc").may_grow(1, 2)
    assert not whole("abc").may_grow(1, 3)
    assert Window("", final=False).may_grow(0, 1)
