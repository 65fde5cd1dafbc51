from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.scope import (
    Wish,
    all_of,
    any_of,
    any_subtree_of,
    highest,
    lowest,
    strictest,
)
from proxy.errors import EmptyScope
from tests.support.shelves import Shelves

values = st.none() | st.lists(st.integers(0, 5), max_size=4).map(tuple)
limits = st.none() | st.integers(-3, 3)
CHOICES = ("a", "b", "c")
Values = tuple[int, ...] | None


def admitted(some: Values) -> set[int]:
    return set(range(6)) if some is None else set(some)


def prefixed(roots: tuple[str, ...]) -> Callable[[str], bool]:
    """In this test, a path's subtree is whatever begins with it."""
    return lambda path: path.startswith(roots)


@given(left=values, right=values)
@settings(deadline=None)
def test_any_of_lets_pass_what_both_filters_let_pass(left: Values, right: Values) -> None:
    both = admitted(left) & admitted(right)
    try:
        found = any_of("shelf", left, right)
    except EmptyScope:
        assert not both
    else:
        assert admitted(found) == both
        assert (found is None) == (left is None and right is None)
        assert found is None or len(set(found)) == len(found) > 0


def test_any_of_keeps_the_order_of_the_wider_filter() -> None:
    assert any_of("shelf", (5, 3, 9, 3), (9, 5, 3)) == (5, 3, 9)
    assert any_of("shelf", None, (5, 3, 5)) == (5, 3)


@pytest.mark.parametrize(("left", "right"), [((1,), (2,)), ((), None), (None, ()), ((), (1,))])
def test_an_intersection_without_anything_is_refused_and_named(left: Values, right: Values) -> None:
    with pytest.raises(EmptyScope, match="no shelf is in") as caught:
        any_of("shelf", left, right)
    assert caught.value.param == "lighton.shelf"


@pytest.mark.parametrize(
    ("left", "right", "both"),
    [
        (None, None, None),
        (None, ("a", "a"), ("a",)),
        (("a",), ("ab", "b"), ("ab",)),
        (("ab", "b"), ("a",), ("ab",)),
        (("ab", "c"), ("a", "cd"), ("ab", "cd")),
        (("a",), ("a",), ("a",)),
    ],
)
def test_subtrees_meet_in_the_deeper_one(
    left: tuple[str, ...] | None, right: tuple[str, ...] | None, both: tuple[str, ...] | None
) -> None:
    assert any_subtree_of("path", left, right, prefixed) == both


def test_subtrees_that_do_not_meet_leave_nothing() -> None:
    with pytest.raises(EmptyScope):
        any_subtree_of("path", ("a",), ("b",), prefixed)


@given(left=values, right=values)
@settings(deadline=None)
def test_all_of_demands_what_either_filter_demands(left: Values, right: Values) -> None:
    found = all_of(left, right)
    assert set(found or ()) == {*(left or ()), *(right or ())}
    assert (found is None) == (left is None and right is None)
    assert len(set(found or ())) == len(found or ())


@given(left=limits, right=limits)
@settings(deadline=None)
def test_of_two_limits_the_narrower_one_counts(left: int | None, right: int | None) -> None:
    given_ones = [each for each in (left, right) if each is not None]
    assert lowest(left, right) == (min(given_ones) if given_ones else None)
    assert highest(left, right) == (max(given_ones) if given_ones else None)


@pytest.mark.parametrize(
    ("left", "right", "both"),
    [(None, None, None), ("b", None, "b"), (None, "a", "a"), ("a", "c", "c"), ("c", "b", "c")],
)
def test_of_two_choices_the_stricter_one_counts(
    left: str | None, right: str | None, both: str | None
) -> None:
    assert strictest(CHOICES, left, right) == both


def test_of_two_wishes_the_scopes_meet_and_the_later_retrieval_counts() -> None:
    header = Wish(Shelves(("a", "b")), "context")
    assert header.narrow(Wish(Shelves(("b",)), "off")) == Wish(Shelves(("b",)), "off")
    assert header.narrow(Wish()) == header
    assert Wish().narrow(header) == header
    assert header.narrow(Wish(progress="reasoning")).progress == "reasoning"
    assert Wish(progress="reasoning").narrow(Wish(progress="off")).progress == "off"
    assert Wish(progress="reasoning").narrow(header).progress == "reasoning"
    with pytest.raises(EmptyScope):
        header.narrow(Wish(Shelves(("c",))))


def test_a_wish_without_a_scope_leaves_a_scope_as_it_is() -> None:
    scope = Shelves(("a", "b"), 3)
    assert Wish().within(scope) is scope
    assert Wish(Shelves(("b",), 9)).within(scope) == Shelves(("b",), 3)
