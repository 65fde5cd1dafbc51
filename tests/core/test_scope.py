import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.scope import (
    NOTHING,
    Retrieval,
    Scope,
    Wish,
    all_of,
    any_of,
    any_subtree_of,
    common_scope,
    covers,
    highest,
    lowest,
    mode_of,
    searching_mode,
    strictest,
)
from proxy.errors import BadRequest, EmptyScope, RetrievalNotAllowed
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


def test_a_scope_covers_what_is_no_wider() -> None:
    shelves = Shelves(("a", "b"), 3)
    for earlier in (shelves, Shelves(("b",), 3), Shelves(("a",), 2)):
        assert covers(shelves, earlier)
    for earlier in (Shelves(("a", "c"), 3), Shelves(("c",), 3), Shelves(("a",), 4)):
        assert not covers(shelves, earlier)
    assert not covers(NOTHING, shelves)
    assert not covers(shelves, NOTHING)


def test_a_wish_without_a_scope_leaves_a_scope_as_it_is() -> None:
    scope = Shelves(("a", "b"), 3)
    assert Wish().within(scope) is scope
    assert Wish(Shelves(("b",), 9)).within(scope) == Shelves(("b",), 3)


# The scope of a request


SHELVES = "abc"
some_shelves = st.builds(
    Shelves,
    st.none() | st.lists(st.sampled_from(SHELVES), max_size=3).map(tuple),
    st.none() | st.integers(1, 9),
)
parts_of_shelves = st.none() | some_shelves


def books(scope: Scope | None) -> set[tuple[str, int]]:
    """What a scope of shelves lets a search bring: a shelf, and the place among its results."""
    if scope is NOTHING:
        return set()
    assert scope is None or isinstance(scope, Shelves)
    shelves, most = (None, 9) if scope is None else (scope.shelf, scope.most or 9)
    return {(each, n) for each in (SHELVES if shelves is None else shelves) for n in range(most)}


def met(*parts: Scope | None) -> set[tuple[str, int]]:
    """What the common scope lets a search bring: nothing where it is refused."""
    try:
        return books(common_scope(*parts))
    except EmptyScope:
        return set()


@given(
    ours=some_shelves,
    key=parts_of_shelves | st.just(NOTHING),
    person=parts_of_shelves | st.just(NOTHING),
    profile=parts_of_shelves,
    request=parts_of_shelves,
)
def test_the_scope_of_a_request_is_what_settings_key_person_profile_and_request_all_allow(
    ours: Scope,
    key: Scope | None,
    person: Scope | None,
    profile: Scope | None,
    request: Scope | None,
) -> None:
    parts = (ours, key, person, profile, request)
    allowed = books(None).intersection(*map(books, parts))
    for order in itertools.permutations(parts):
        assert met(*order) == allowed


def test_a_key_that_opens_nothing_is_refused_where_something_is_searched() -> None:
    for parts in ((Shelves(), NOTHING), (NOTHING, Shelves(("a",)), None)):
        with pytest.raises(EmptyScope, match="open no workspace"):
            common_scope(*parts)
        assert common_scope(*parts, is_searched=False) is NOTHING


def test_a_request_outside_its_scope_is_refused_also_where_nothing_is_searched() -> None:
    with pytest.raises(EmptyScope):
        common_scope(Shelves(("a",)), Shelves(("b",)), is_searched=False)


def test_nothing_lets_a_search_bring_nothing_and_is_not_like_any_vendors_scope() -> None:
    assert (NOTHING.results_limit, NOTHING.results_default) == (0, 0)
    assert (NOTHING.identity, NOTHING.summary) == ({"nothing": True}, "nothing")
    assert NOTHING.identity != Shelves().identity
    with pytest.raises(EmptyScope):
        NOTHING.narrow(Shelves())


# The retrieval mode of a request


@pytest.mark.parametrize(
    ("wished", "usual", "allowed", "expected"),
    [
        (None, "hybrid", None, "hybrid"),
        ("off", "hybrid", None, "off"),
        ("off", "tool", {"off"}, "off"),
        (None, "context", {"tool", "context"}, "context"),
        (None, "tool", {"context"}, "context"),
        (None, "off", {"context", "hybrid"}, "context"),
        (None, "context", {"off", "hybrid", "tool"}, "tool"),
        (None, "context", {"off", "hybrid"}, "hybrid"),
        (None, "context", {"off"}, "off"),
    ],
)
def test_a_mode_that_nobody_asked_for_gives_way_to_one_that_the_key_has(
    wished: Retrieval | None, usual: Retrieval, allowed: set[str] | None, expected: Retrieval
) -> None:
    assert mode_of(wished, usual, None if allowed is None else frozenset(allowed)) == expected


@pytest.mark.parametrize(
    ("wished", "allowed", "told"),
    [
        ("off", {"context"}, "may use: context."),
        ("tool", {"hybrid", "context"}, "may use: context, hybrid."),
        ("tool", set(), "may use none."),
        (None, set(), "may use none."),
    ],
)
def test_a_mode_that_the_client_asks_for_is_refused_if_its_key_has_it_not(
    wished: Retrieval | None, allowed: set[str], told: str
) -> None:
    with pytest.raises(RetrievalNotAllowed, match=told) as caught:
        mode_of(wished, "tool", frozenset(allowed))
    assert caught.value.param == "lighton.retrieval"


def test_what_opens_no_workspace_says_whom_to_ask() -> None:
    with pytest.raises(EmptyScope) as caught:
        common_scope(NOTHING)
    assert caught.value.param == "lighton.workspace_id"
    assert caught.value.message == (
        "There is nothing to search: this API key, or the rules for who asks with it, open no "
        "workspace. Ask the operator of the proxy for one."
    )


def test_a_key_without_any_mode_is_told_so() -> None:
    with pytest.raises(RetrievalNotAllowed, match=r"mode 'tool'\. It may use none\.$"):
        mode_of(None, "tool", frozenset())


@pytest.mark.parametrize("mode", ["tool", "context", "hybrid"])
def test_a_request_for_the_search_itself_keeps_a_mode_that_searches(mode: Retrieval) -> None:
    assert searching_mode(None, mode, None) == mode
    assert searching_mode(mode, mode, frozenset({mode})) == mode


@pytest.mark.parametrize("allowed", [None, frozenset({"off", "tool"})])
def test_where_nothing_would_be_searched_it_gets_the_tool_if_its_key_has_it(
    allowed: frozenset[str] | None,
) -> None:
    assert searching_mode(None, "off", allowed) == "tool"


def test_a_key_without_the_tool_does_not_get_it_so() -> None:
    with pytest.raises(RetrievalNotAllowed, match="may use: context, off"):
        searching_mode(None, "off", frozenset({"off", "context"}))


def test_a_request_cannot_ask_for_the_search_and_for_none() -> None:
    with pytest.raises(BadRequest, match="Leave out one of them") as caught:
        searching_mode("off", "off", None)
    assert caught.value.param == "lighton.retrieval"


def test_either_wish_can_ask_for_the_search_itself() -> None:
    asks, does_not = Wish(must_search=True), Wish(retrieval="hybrid")
    assert (
        asks.narrow(does_not) == does_not.narrow(asks) == Wish(retrieval="hybrid", must_search=True)
    )
