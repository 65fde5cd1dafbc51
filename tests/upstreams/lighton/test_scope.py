import itertools
from dataclasses import astuple, replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.scope import NOTHING, Scope, common_scope, covers
from proxy.errors import EmptyScope, Forbidden
from proxy.upstreams.lighton.scope import DEFAULT_RESULTS, MAX_RESULTS, LightOnScope, scope_in
from tests.upstreams.lighton.admission import (
    LABELS,
    PATHS,
    admitted_ids,
    admitted_label_sets,
    admitted_paths,
)

STRICTNESS = [None, "none", "scoring_only", "scoring_and_filtering"]

ids = st.none() | st.lists(st.integers(0, 5), max_size=4).map(tuple)
plain_paths = st.sampled_from(PATHS[:12])
patterns = st.text(alphabet="ab:*", min_size=1, max_size=5)
labels = st.none() | st.lists(st.sampled_from(LABELS), max_size=3).map(tuple)


def lists_of(entries: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...] | None]:
    return st.none() | st.lists(entries, max_size=3).map(tuple)


scopes = st.builds(
    LightOnScope,
    workspace_id=ids,
    tag_id=ids,
    file_id=ids,
    content_type=lists_of(plain_paths | patterns),
    attribute=labels,
    max_results=st.none() | st.integers(1, MAX_RESULTS),
    relevance_scoring=st.sampled_from(STRICTNESS),
    min_relevance=st.none() | st.floats(0, 1),
    unknown_relevance=st.sampled_from(["keep", "drop"]),
)


def only(name: str, values: Any) -> LightOnScope:
    """A scope with one restriction."""
    return replace(LightOnScope(), **{name: values})


def narrowed(left: LightOnScope, right: LightOnScope) -> LightOnScope | None:
    """The narrower scope; None if nothing is left."""
    try:
        return left.narrow(right)
    except EmptyScope:
        return None


@pytest.mark.parametrize("name", ["workspace_id", "tag_id", "file_id"])
@given(left=ids, right=ids)
@settings(deadline=None)
def test_ids_meet_exactly(
    name: str, left: tuple[int, ...] | None, right: tuple[int, ...] | None
) -> None:
    both = admitted_ids(left) & admitted_ids(right)
    scope = narrowed(only(name, left), only(name, right))
    if scope is None:
        assert not both
    else:
        found = getattr(scope, name)
        assert admitted_ids(found) == both
        assert (found is None) == (left is None and right is None)
        assert found is None or len(set(found)) == len(found) > 0


@given(left=lists_of(plain_paths), right=lists_of(plain_paths))
@settings(deadline=None)
def test_plain_content_types_meet_exactly(
    left: tuple[str, ...] | None, right: tuple[str, ...] | None
) -> None:
    both = admitted_paths(left, patterns_are_subtrees=False) & admitted_paths(
        right, patterns_are_subtrees=False
    )
    scope = narrowed(LightOnScope(content_type=left), LightOnScope(content_type=right))
    if scope is None:
        assert not both
    else:
        assert admitted_paths(scope.content_type, patterns_are_subtrees=False) == both
        assert (scope.content_type is None) == (left is None and right is None)


@pytest.mark.parametrize("patterns_are_subtrees", [True, False])
@given(left=lists_of(plain_paths | patterns), right=lists_of(plain_paths | patterns))
@settings(deadline=None, max_examples=300)
def test_content_type_patterns_never_meet_in_more_than_both_allow(
    *,
    patterns_are_subtrees: bool,
    left: tuple[str, ...] | None,
    right: tuple[str, ...] | None,
) -> None:
    if scope := narrowed(LightOnScope(content_type=left), LightOnScope(content_type=right)):
        found, *both = (
            admitted_paths(entries, patterns_are_subtrees=patterns_are_subtrees)
            for entries in (scope.content_type, left, right)
        )
        assert found <= both[0] & both[1]
        assert (scope.content_type is None) == (left is None and right is None)


@given(left=labels, right=labels)
@settings(deadline=None)
def test_attributes_meet_by_demanding_all(
    left: tuple[str, ...] | None, right: tuple[str, ...] | None
) -> None:
    scope = LightOnScope(attribute=left).narrow(LightOnScope(attribute=right))
    both = admitted_label_sets(left) & admitted_label_sets(right)
    assert admitted_label_sets(scope.attribute) == both


@given(left=scopes, right=scopes)
@settings(deadline=None)
def test_narrowing_never_loosens_any_restriction(left: LightOnScope, right: LightOnScope) -> None:
    scope = narrowed(left, right)
    if scope is None:
        return
    for each in (left, right):
        assert scope.results_limit <= each.results_limit
        assert (scope.min_relevance or 0) >= (each.min_relevance or 0)
        assert each.unknown_relevance == "keep" or scope.unknown_relevance == "drop"
        assert STRICTNESS.index(scope.relevance_scoring) >= STRICTNESS.index(each.relevance_scoring)
        for name in ("workspace_id", "tag_id", "file_id", "content_type", "attribute"):
            assert getattr(each, name) is None or getattr(scope, name) is not None


@given(scope=scopes)
@settings(deadline=None)
def test_a_scope_narrowed_by_itself_or_by_nothing_is_the_same(scope: LightOnScope) -> None:
    same = narrowed(scope, LightOnScope())
    if same is not None:
        assert narrowed(LightOnScope(), scope) == same
        again = same.narrow(scope)
        assert set(again.content_type or ()) == set(same.content_type or ())
        assert replace(again, content_type=same.content_type) == same


@pytest.mark.parametrize(
    ("allowed", "asked", "both"),
    [
        ("legal", "legal", "legal"),
        ("legal", "legal:contract", "legal:contract"),
        ("legal:contract", "legal", "legal:contract"),
        ("legal", "legal:contract:nda", "legal:contract:nda"),
        ("legal", "legal:contract*", "legal:contract*"),
        ("legal", "legal:*", "legal:*"),
        ("legal*", "legal", "legal"),
        ("legal:con*", "legal:contract", "legal:contract"),
        ("*contract*", "legal:contract", "legal:contract"),
        ("*contract*", "legal:contract*", "legal:contract*"),
        ("*", "hr", "hr"),
        ("*a*b*", "xaxbx", "xaxbx"),
    ],
)
def test_content_types_meet_in_the_deeper_one(allowed: str, asked: str, both: str) -> None:
    scope = LightOnScope(content_type=(allowed,)).narrow(LightOnScope(content_type=(asked,)))
    assert scope.content_type == (both,)


@pytest.mark.parametrize(
    ("allowed", "asked"),
    [
        ("legal", "hr"),
        ("legal", "legally"),
        ("legal", "legally:contract"),
        ("legal", "leg*l:contract"),
        ("legal", "*legal:contract"),
        ("legal:contract", "legal:lease"),
        ("*contract*", "legal"),
        ("*b*a*", "xaxbx"),
        ("*ab*ab*", "xab"),
        ("*aba*aba*", "ababa"),
        ("*nda", "legal:nda"),
        ("legal", "legal:nda|hr"),
        ("legal", "legal:nda,hr"),
        ("*a*", "[!a]"),
        ("*a*", "a?"),
    ],
)
def test_content_types_that_do_not_surely_meet_leave_nothing(allowed: str, asked: str) -> None:
    with pytest.raises(EmptyScope) as caught:
        LightOnScope(content_type=(allowed,)).narrow(LightOnScope(content_type=(asked,)))
    assert caught.value.param == "lighton.content_type"


@pytest.mark.parametrize("name", ["workspace_id", "tag_id", "file_id", "content_type"])
def test_an_empty_intersection_is_refused_and_named(name: str) -> None:
    with pytest.raises(EmptyScope, match=name) as caught:
        only(name, ("1", "2")).narrow(only(name, ("3",)))
    assert isinstance(caught.value, Forbidden)
    assert caught.value.param == f"lighton.{name}"


@pytest.mark.parametrize("name", ["workspace_id", "tag_id", "file_id", "content_type"])
def test_an_empty_list_allows_nothing_rather_than_everything(name: str) -> None:
    for left, right in itertools.permutations([only(name, ()), LightOnScope()]):
        with pytest.raises(EmptyScope):
            left.narrow(right)


def test_ids_keep_their_order_and_lose_repeats() -> None:
    wide = LightOnScope(workspace_id=(5, 3, 9, 3))
    assert wide.narrow(LightOnScope(workspace_id=(9, 5, 3))).workspace_id == (5, 3, 9)
    assert wide.narrow(LightOnScope()).workspace_id == (5, 3, 9)


def test_many_ids_meet_without_comparing_each_with_each() -> None:
    many = 200_000
    header, body = range(many), range(many - 1, 2 * many)
    scope = LightOnScope(workspace_id=tuple(header)).narrow(LightOnScope(workspace_id=tuple(body)))
    assert scope.workspace_id == (many - 1,)


def test_the_number_of_results_is_a_limit_and_a_default() -> None:
    assert (LightOnScope().results_limit, LightOnScope().results_default) == (50, 5)
    assert (MAX_RESULTS, DEFAULT_RESULTS) == (50, 5)
    narrow = LightOnScope(max_results=20).narrow(LightOnScope(max_results=3))
    assert (narrow.results_limit, narrow.results_default) == (3, 3)


@pytest.mark.parametrize("scoring", STRICTNESS)
def test_a_least_relevance_needs_relevance_to_be_scored(scoring: Any) -> None:
    scope = LightOnScope(relevance_scoring=scoring)
    assert scope.scoring == scoring
    expected = "scoring_only" if scoring == "none" else scoring
    assert replace(scope, min_relevance=0.5).scoring == expected


def test_a_summary_names_the_workspaces() -> None:
    assert LightOnScope().summary == "workspaces all"
    assert LightOnScope(workspace_id=(3, 1)).summary == "workspaces 3, 1"


def in_one_order(parts: tuple[Scope | None, ...]) -> LightOnScope | None:
    """The common scope of `parts`; None if nothing is left."""
    try:
        scope = common_scope(*parts)
    except EmptyScope:
        return None
    assert isinstance(scope, LightOnScope)
    return scope


def admits(scope: LightOnScope | None) -> list[set[Any]]:
    """What each filter of a scope lets pass; that of no scope lets pass nothing."""
    if scope is None:
        return [set()]
    return [
        admitted_ids(scope.workspace_id),
        admitted_ids(scope.tag_id),
        admitted_ids(scope.file_id),
        admitted_paths(scope.content_type, patterns_are_subtrees=True),
        admitted_label_sets(scope.attribute),
    ]


keys = st.none() | st.just(NOTHING) | ids.map(lambda each: LightOnScope(workspace_id=each or (0,)))


@given(ours=scopes, key=keys, profile=scopes, request=st.none() | scopes)
@settings(deadline=None, max_examples=200)
def test_the_scope_of_a_request_is_never_wider_than_any_of_what_it_is_made_of(
    ours: LightOnScope, key: Scope | None, profile: LightOnScope, request: LightOnScope | None
) -> None:
    parts = (ours, key, profile, request)
    scope = in_one_order(parts)
    if scope is None:
        return
    assert NOTHING not in parts
    for part in parts:
        if isinstance(part, LightOnScope):
            narrower, wider = admits(scope), admits(part)
            assert all(left <= right for left, right in zip(narrower, wider, strict=True))
            assert scope.results_limit <= part.results_limit
            assert (scope.min_relevance or 0) >= (part.min_relevance or 0)


@given(now=scopes, then=scopes)
@settings(deadline=None)
def test_a_scope_covers_only_what_admits_no_more(now: LightOnScope, then: LightOnScope) -> None:
    """Each is compared with a narrower one, too: few others are covered."""
    for earlier in filter(None, (then, narrowed(now, then))):
        if covers(now, earlier):
            narrower, wider = admits(earlier), admits(now)
            assert all(left <= right for left, right in zip(narrower, wider, strict=True))
            assert earlier.results_limit <= now.results_limit
            assert (earlier.min_relevance or 0) >= (now.min_relevance or 0)
    assert covers(LightOnScope(), now) or in_one_order((now, now)) is None


@given(scope=scopes)
def test_a_scope_can_be_read_from_its_identity(scope: LightOnScope) -> None:
    read = scope_in(orjson.loads(orjson.dumps(scope.identity)))
    assert read is not None
    assert read.identity == scope.identity
    assert list not in map(type, astuple(read))


def test_what_is_no_identity_of_this_scope_is_none() -> None:
    assert scope_in(NOTHING.identity) is None
    assert scope_in({"colour": ["red"]}) is None


@given(ours=scopes, key=keys, profile=scopes, request=st.none() | scopes)
@settings(deadline=None, max_examples=60)
def test_in_which_order_scopes_meet_makes_no_difference(
    ours: LightOnScope, key: Scope | None, profile: LightOnScope, request: LightOnScope | None
) -> None:
    parts = (ours, key, profile, request)
    expected = in_one_order(parts)
    for order in itertools.permutations(parts):
        found = in_one_order(order)
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert found.identity == expected.identity
