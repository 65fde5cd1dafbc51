"""What a search may reach, and how narrower scopes are made of wider ones.

A scope only ever gets narrower: settings, then profile, then request, each one an intersection with
what came before. A field of None means no restriction by that field; an intersection that leaves
nothing raises EmptyScope, because LightOn reads an absent filter as "everything the key can reach".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar, cast, get_args

from proxy.core.content_types import ContentTypes
from proxy.core.lookalikes import is_nearly_ours
from proxy.errors import BadRequest, EmptyScope

Retrieval = Literal["tool", "context", "hybrid", "off"]
RelevanceScoring = Literal["scoring_and_filtering", "scoring_only", "none"]
UnknownRelevance = Literal["keep", "drop"]
"""What becomes of a result that has no relevance, where a least one is asked for."""

MAX_RESULTS: Final = 50
"""The most results one search may ask for (LightOn's own tool has the same limit)."""
DEFAULT_RESULTS: Final = 5
MAX_ENTRIES: Final = 1_000
"""The most entries of a list that a request may narrow its scope with."""
MAX_ENTRY_CHARS: Final = 500
"""The longest content type or attribute of such a list, in characters."""
MAX_WILDCARDS: Final = 100
"""The most `*` in a request's content types: each is tried on every type that settings name."""

_LONGEST_SHOWN: Final = 80

_HEADERS: Final = frozenset({"x-lighton-workspace-id", "x-lighton-retrieval"})
_HEADER_ID: Final = re.compile(r"[0-9]{1,18}")
"""An id in a header: like those in a body, it fits into 64 bits."""

_STRICTNESS: Final[Sequence[RelevanceScoring]] = ("none", "scoring_only", "scoring_and_filtering")
_T = TypeVar("_T", int, float)


@dataclass(frozen=True, slots=True)
class Scope:
    """The filters of a search. Lists are OR within a field, fields are AND; attributes are AND."""

    workspace_id: tuple[int, ...] | None = None
    tag_id: tuple[int, ...] | None = None
    file_id: tuple[int, ...] | None = None
    content_type: tuple[str, ...] | None = None
    attribute: tuple[str, ...] | None = None
    max_results: int | None = None
    relevance_scoring: RelevanceScoring | None = None
    min_relevance: float | None = None
    unknown_relevance: UnknownRelevance = "keep"

    def narrow(self, other: Scope) -> Scope:
        """What both scopes allow. Raises EmptyScope when that is nothing."""
        if self == other == _UNLIMITED:
            return self
        return Scope(
            workspace_id=_both("workspace_id", self.workspace_id, other.workspace_id),
            tag_id=_both("tag_id", self.tag_id, other.tag_id),
            file_id=_both("file_id", self.file_id, other.file_id),
            content_type=_both_paths(self.content_type, other.content_type),
            attribute=_all_of(self.attribute, other.attribute),
            max_results=_extreme(min, self.max_results, other.max_results),
            relevance_scoring=_stricter(self.relevance_scoring, other.relevance_scoring),
            min_relevance=_extreme(max, self.min_relevance, other.min_relevance),
            unknown_relevance=(
                "drop" if "drop" in (self.unknown_relevance, other.unknown_relevance) else "keep"
            ),
        )

    @property
    def results_limit(self) -> int:
        """The most results a search in this scope returns."""
        return self.max_results or MAX_RESULTS

    @property
    def results_default(self) -> int:
        """How many results a search returns when nobody says a number."""
        return self.max_results or DEFAULT_RESULTS

    @property
    def scoring(self) -> RelevanceScoring | None:
        """The relevance scoring to ask for: a least relevance needs one to be measured."""
        if self.min_relevance is not None and self.relevance_scoring == "none":
            return "scoring_only"
        return self.relevance_scoring


_UNLIMITED: Final = Scope()


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for in its `lighton` field or the X-LightOn headers."""

    scope: Scope = field(default_factory=Scope)
    retrieval: Retrieval | None = None

    def narrow(self, other: Wish) -> Wish:
        """Both wishes' scopes; of two retrieval modes the other's. Raises EmptyScope."""
        return Wish(self.scope.narrow(other.scope), other.retrieval or self.retrieval)


def parse_wish(document: Any) -> Wish:
    """The request's `lighton` field, or BadRequest that names the field at fault."""
    if document is None:
        return Wish()
    if not isinstance(document, dict):
        raise BadRequest("'lighton' must be an object.", param="lighton")
    unknown = sorted(set(document) - set(WISH_FIELDS))
    if unknown:
        known = ", ".join(WISH_FIELDS)
        name = f"lighton.{unknown[0][:_LONGEST_SHOWN]}"
        raise BadRequest(f"'{name}' is not known. Known fields: {known}.", param=name)
    given = {name: value for name, value in document.items() if value is not None}
    retrieval = given.pop("retrieval", None)
    return Wish(
        Scope(**{name: _READERS[name](f"lighton.{name}", given[name]) for name in given}),
        None if retrieval is None else _retrieval("lighton.retrieval", retrieval),
    )


def parse_wish_headers(headers: Mapping[str, str]) -> Wish:
    """The wish in `X-LightOn-Workspace-Id: 42,43` and `X-LightOn-Retrieval: hybrid`.

    The names in `headers` are in lower case. Any other that is nearly an X-LightOn header is
    refused: a misspelt one that is overlooked would search more than its sender meant.
    """
    ours = {name for name in headers if _may_be_ours(name) and is_nearly_ours(name)}
    unknown = sorted(ours - _HEADERS)
    if unknown:
        known = ", ".join(sorted(_HEADERS))
        raise BadRequest(
            f"The header '{unknown[0]}' is not known. Known headers: {known}.", param=unknown[0]
        )
    workspaces = headers.get("x-lighton-workspace-id")
    retrieval = headers.get("x-lighton-retrieval")
    return Wish(
        Scope(workspace_id=None if workspaces is None else _header_ids(workspaces)),
        None if retrieval is None else _retrieval("X-LightOn-Retrieval", retrieval.strip()),
    )


def _may_be_ours(header: str) -> bool:
    """Whether a header needs a closer look: most have none of these, and one slip leaves one."""
    return "g" in header or "workspace" in header or "retrieval" in header


def _header_ids(value: str) -> tuple[int, ...]:
    name = "X-LightOn-Workspace-Id"
    parts = [part.strip() for part in value.split(",")]
    _check_count(name, parts)
    if not all(map(_HEADER_ID.fullmatch, parts)):
        raise BadRequest(f"'{name}' must be integers separated by commas.", param=name)
    return tuple(int(part) for part in parts)


def _retrieval(param: str, value: Any) -> Retrieval:
    return cast("Retrieval", _one_of(param, value, get_args(Retrieval)))


def _integers(param: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(_is_number(each, int) for each in value):
        raise BadRequest(f"'{param}' must be an array of integers.", param=param)
    _check_count(param, value)
    return tuple(value)


def _strings(param: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise BadRequest(f"'{param}' must be an array of non-empty strings.", param=param)
    _check_count(param, value)
    if any(len(each) > MAX_ENTRY_CHARS for each in value):
        raise BadRequest(
            f"An entry of '{param}' has more than {MAX_ENTRY_CHARS} characters. Shorten it, or "
            "leave it out.",
            param=param,
        )
    return tuple(value)


def _content_types(param: str, value: Any) -> tuple[str, ...]:
    paths = _strings(param, value)
    if sum(path.count("*") for path in paths) > MAX_WILDCARDS:
        raise BadRequest(
            f"'{param}' may have {MAX_WILDCARDS} '*' in all. Name fewer patterns.", param=param
        )
    return paths


def _check_count(param: str, values: Sequence[Any]) -> None:
    if len(values) > MAX_ENTRIES:
        raise BadRequest(
            f"'{param}' has {len(values)} entries, and may have {MAX_ENTRIES}. Name fewer, or a "
            "profile that holds them.",
            param=param,
        )


def _result_count(param: str, value: Any) -> int:
    if not _is_number(value, int) or not 1 <= value <= MAX_RESULTS:
        raise BadRequest(f"'{param}' must be an integer from 1 to {MAX_RESULTS}.", param=param)
    return int(value)


def _scoring(param: str, value: Any) -> RelevanceScoring:
    return cast("RelevanceScoring", _one_of(param, value, get_args(RelevanceScoring)))


def _unknown_relevance(param: str, value: Any) -> UnknownRelevance:
    return cast("UnknownRelevance", _one_of(param, value, get_args(UnknownRelevance)))


def _share(param: str, value: Any) -> float:
    if not _is_number(value, (int, float)) or not 0 <= value <= 1:
        raise BadRequest(f"'{param}' must be a number from 0 to 1.", param=param)
    return float(value)


def _one_of(param: str, value: Any, choices: tuple[str, ...]) -> Any:
    if value not in choices:
        raise BadRequest(f"'{param}' must be one of {', '.join(choices)}.", param=param)
    return value


def _is_number(value: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


_READERS: Final[dict[str, Callable[[str, Any], Any]]] = {
    "workspace_id": _integers,
    "tag_id": _integers,
    "file_id": _integers,
    "content_type": _content_types,
    "attribute": _strings,
    "max_results": _result_count,
    "relevance_scoring": _scoring,
    "min_relevance": _share,
    "unknown_relevance": _unknown_relevance,
}
"""The scope fields a request may set, and how each is read."""

WISH_FIELDS: Final = (*_READERS, "retrieval")
"""The fields of `lighton`."""


def _both(
    name: str, left: tuple[int, ...] | None, right: tuple[int, ...] | None
) -> tuple[int, ...] | None:
    if left is None and right is None:
        return None
    if left is None or right is None:
        common = left or right or ()
    else:
        wanted = set(right)
        common = tuple(each for each in left if each in wanted)
    return _not_empty(name, tuple(dict.fromkeys(common)))


def _both_paths(
    left: tuple[str, ...] | None, right: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """Content types are subtrees, so two that overlap meet in the deeper one."""
    if left is None and right is None:
        return None
    if left is None or right is None:
        common = list(left or right or ())
    else:
        common = [
            *filter(ContentTypes(right).cover, left),
            *filter(ContentTypes(left).cover, right),
        ]
    return _not_empty("content_type", tuple(dict.fromkeys(common)))


def _not_empty(name: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values:
        raise EmptyScope(
            f"Nothing is left to search: no {name} is in all of settings, profile and request.",
            param=f"lighton.{name}",
        )
    return values


def _all_of(left: tuple[str, ...] | None, right: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Attributes are ANDed by LightOn, so every added one narrows."""
    if left is None and right is None:
        return None
    return tuple(dict.fromkeys((*(left or ()), *(right or ()))))


def _stricter(
    left: RelevanceScoring | None, right: RelevanceScoring | None
) -> RelevanceScoring | None:
    given = [each for each in (left, right) if each is not None]
    return max(given, key=_STRICTNESS.index, default=None)


def _extreme(pick: Any, left: _T | None, right: _T | None) -> _T | None:
    given = [each for each in (left, right) if each is not None]
    chosen: _T | None = pick(given, default=None)
    return chosen
