"""How scopes narrow each other, whatever the filters of a search vendor are.

A scope only ever gets narrower: what settings, client key, person, profile and request all allow,
and no more: see `common_scope`. In a filter None means no restriction; an intersection that leaves
nothing raises EmptyScope, because an absent filter means "everything the key can reach" upstream.

A vendor's scope is a class of its own: it satisfies `Scope`, and narrows each of its fields with
one of the functions below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, Protocol, Self, TypeVar, get_args

from proxy.core.names import FIELD
from proxy.errors import BadRequest, EmptyScope, RetrievalNotAllowed

Retrieval = Literal["tool", "context", "hybrid", "off"]
Shown = Literal["off", "reasoning", "open-webui"]
"""How the client of a streamed answer is shown the progress of searches."""
_MODES: Final[tuple[Retrieval, ...]] = get_args(Retrieval)

_T = TypeVar("_T")
_Number = TypeVar("_Number", int, float)


class Scope(Protocol):
    """What a search may reach. A scope never changes, and equals another one of equal fields."""

    def narrow(self, other: Self, /) -> Self:
        """What both scopes allow. Raises EmptyScope when that is nothing."""

    @property
    def results_limit(self) -> int:
        """The most results a search in this scope returns."""

    @property
    def results_default(self) -> int:
        """How many results a search returns if its call names no number."""

    @property
    def identity(self) -> Mapping[str, object]:
        """All of the scope as JSON, the same for all scopes that allow the same."""

    @property
    def summary(self) -> str:
        """What it reaches, in a few words for the operator."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """The scope that no vendor has: no search may run in it."""

    results_limit: int = 0
    results_default: int = 0
    summary: str = "nothing"

    def narrow(self, _other: Scope) -> NoReturn:
        raise EmptyScope(
            "There is nothing to search: this API key, or the rules for who asks with it, open no "
            "workspace. Ask the operator of the proxy for one.",
            param=f"{FIELD}.workspace_id",
        )

    @property
    def identity(self) -> Mapping[str, object]:
        return {"nothing": True}


NOTHING: Final = Nothing()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for in its body or its headers: see `Wishes`."""

    scope: Scope | None = None
    """None restricts nothing."""
    retrieval: Retrieval | None = None
    progress: Shown | None = None
    must_search: bool = False
    """The client asks for the search itself, so a mode that has none will not do."""

    def narrow(self, other: Wish) -> Wish:
        """Both wishes' scopes; of two modes the other's. Raises EmptyScope."""
        scope = other.scope if self.scope is None else other.within(self.scope)
        return Wish(
            scope,
            other.retrieval or self.retrieval,
            other.progress or self.progress,
            self.must_search or other.must_search,
        )

    def within(self, scope: Scope) -> Scope:
        """What both `scope` and this wish allow. Raises EmptyScope when that is nothing."""
        return common_scope(scope, self.scope)


def common_scope(*parts: Scope | None, is_searched: bool = True) -> Scope:
    """What all parts allow: of settings, client key, person, profile and request, in any order.

    None restricts nothing; one part at least is a scope. Raises EmptyScope when nothing is left.
    Only a request that searches nothing may have NOTHING for its scope.
    """
    if NOTHING in parts:
        return NOTHING.narrow(NOTHING) if is_searched else NOTHING
    scopes = [part for part in parts if part is not None]
    common = scopes[0]
    for scope in scopes[1:]:
        common = common.narrow(scope)
    return common


def covers(scope: Scope, earlier: Scope) -> bool:
    """Whether `scope` reaches all that `earlier` does, so that their intersection is `earlier`.

    If in doubt, it does not.
    """
    try:
        return common_scope(scope, earlier).identity == earlier.identity
    except EmptyScope:
        return False


def mode_of(
    wished: Retrieval | None, usual: Retrieval, allowed: frozenset[str] | None
) -> Retrieval:
    """The retrieval mode of a request that wishes for one, or for none and takes the usual one.

    `allowed` are the client key's modes; None allows all. A mode that the client asks for is
    refused if it is not among them: raises RetrievalNotAllowed. Where the client asks for none,
    the first allowed one of `Retrieval` takes the place of a usual one that is not.
    """
    mode = wished or usual
    if allowed is None or mode in allowed:
        return mode
    for other in _MODES if wished is None else ():
        if other in allowed:
            return other
    raise RetrievalNotAllowed(
        f"This API key may not use the retrieval mode {mode!r}. "
        + (f"It may use: {', '.join(sorted(allowed))}." if allowed else "It may use none."),
        param=f"{FIELD}.retrieval",
    )


def searching_mode(
    wished: Retrieval | None, mode: Retrieval, allowed: frozenset[str] | None
) -> Retrieval:
    """The mode of a request that asks for the search itself, where `mode` is what it gets else.

    Raises RetrievalNotAllowed, and BadRequest if the request asks for no retrieval, too.
    """
    if mode != "off":
        return mode
    if wished == "off":
        raise BadRequest(
            "The request asks for file_search, and for retrieval 'off'. Leave out one of them.",
            param=f"{FIELD}.retrieval",
        )
    return mode_of("tool", mode, allowed)


def any_of(
    name: str, left: tuple[_T, ...] | None, right: tuple[_T, ...] | None
) -> tuple[_T, ...] | None:
    """For the filter `name`, which lets pass what has one of its values: the values in both."""
    if left is None and right is None:
        return None
    if left is None or right is None:
        common = left or right or ()
    else:
        wanted = set(right)
        common = tuple(each for each in left if each in wanted)
    return _not_empty(name, common)


def any_subtree_of(
    name: str,
    left: tuple[str, ...] | None,
    right: tuple[str, ...] | None,
    cover: Callable[[tuple[str, ...]], Callable[[str], bool]],
) -> tuple[str, ...] | None:
    """For a filter of paths, each of which stands for its subtree.

    Two subtrees that overlap meet in the deeper one. `cover` makes of some paths a function that
    tells whether one of them covers all that another path stands for.
    """
    if left is None and right is None:
        return None
    if left is None or right is None:
        common = left or right or ()
    else:
        common = (*filter(cover(right), left), *filter(cover(left), right))
    return _not_empty(name, common)


def all_of(left: tuple[_T, ...] | None, right: tuple[_T, ...] | None) -> tuple[_T, ...] | None:
    """For a filter that lets pass what has all of its values: each added one narrows."""
    if left is None and right is None:
        return None
    return tuple(dict.fromkeys((*(left or ()), *(right or ()))))


def lowest(left: _Number | None, right: _Number | None) -> _Number | None:
    """For a limit from above."""
    return min(_given(left, right), default=None)


def highest(left: _Number | None, right: _Number | None) -> _Number | None:
    """For a limit from below."""
    return max(_given(left, right), default=None)


def strictest(order: Sequence[_T], left: _T | None, right: _T | None) -> _T | None:
    """For a choice. `order` has the choices, the strictest one last."""
    return max(_given(left, right), key=order.index, default=None)


def _not_empty(name: str, values: tuple[_T, ...]) -> tuple[_T, ...]:
    if not values:
        raise EmptyScope(
            f"Nothing is left to search: no {name} is in all of settings, client key, person, "
            "profile and request.",
            param=f"{FIELD}.{name}",
        )
    return tuple(dict.fromkeys(values))


def _given(left: _T | None, right: _T | None) -> list[_T]:
    return [each for each in (left, right) if each is not None]
