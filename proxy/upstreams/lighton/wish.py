"""What a request wishes to search, read from its body and from its headers, in LightOn's terms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeGuard, TypeVar, get_args

from proxy.core.lookalikes import is_nearly_ours
from proxy.core.names import FIELD, HEADERS
from proxy.core.scope import Retrieval, Shown, Wish
from proxy.core.wish import Wishes
from proxy.errors import BadRequest
from proxy.upstreams.lighton.scope import (
    MAX_RESULTS,
    LightOnScope,
    RelevanceScoring,
    UnknownRelevance,
)

_T = TypeVar("_T")

MAX_ENTRIES: Final = 1_000
"""The most entries of a list that a request may narrow its scope with."""
MAX_ENTRY_CHARS: Final = 500
"""The longest content type or attribute of such a list, in characters."""
MAX_WILDCARDS: Final = 100
"""The most `*` in a request's content types. The proxy tries each on every type in the settings."""

_LONGEST_SHOWN: Final = 80

_WORKSPACE_HEADER: Final = f"{HEADERS}Workspace-Id"
_RETRIEVAL_HEADER: Final = f"{HEADERS}Retrieval"
_WORKSPACE_LOWER: Final = _WORKSPACE_HEADER.lower()
_RETRIEVAL_LOWER: Final = _RETRIEVAL_HEADER.lower()
_HEADERS: Final = frozenset({_WORKSPACE_LOWER, _RETRIEVAL_LOWER})
_HEADER_ID: Final = re.compile(r"[0-9]{1,18}")
"""An id in a header: like those in a body, it fits into 64 bits."""


def parse_wish(document: object) -> Wish:
    """The wish in a request's body, or BadRequest that names the field at fault."""
    if document is None:
        return Wish()
    if not isinstance(document, dict):
        raise BadRequest(f"'{FIELD}' must be an object.", param=FIELD)
    unknown = sorted(set(document) - set(WISH_FIELDS))
    if unknown:
        known = ", ".join(WISH_FIELDS)
        name = f"{FIELD}.{unknown[0][:_LONGEST_SHOWN]}"
        raise BadRequest(f"'{name}' is not known. Known fields: {known}.", param=name)
    given = {name: value for name, value in document.items() if value is not None}
    retrieval = given.pop("retrieval", None)
    progress = given.pop("progress", None)
    fields = {name: _READERS[name](f"{FIELD}.{name}", given[name]) for name in given}
    return Wish(
        LightOnScope(**fields) if fields else None,
        None if retrieval is None else _retrieval(f"{FIELD}.retrieval", retrieval),
        None if progress is None else _progress(f"{FIELD}.progress", progress),
    )


def parse_wish_headers(headers: Mapping[str, str]) -> Wish:
    """The wish in the headers that end in `Workspace-Id: 42,43` and `Retrieval: hybrid`.

    The names in `headers` are in lower case. The proxy refuses any other that is nearly one of
    ours: to overlook a misspelt one would search more than its sender meant.
    """
    ours = {name for name in headers if _may_be_ours(name) and is_nearly_ours(name)}
    unknown = sorted(ours - _HEADERS)
    if unknown:
        known = ", ".join(sorted(_HEADERS))
        raise BadRequest(
            f"The header '{unknown[0]}' is not known. Known headers: {known}.", param=unknown[0]
        )
    workspaces = headers.get(_WORKSPACE_LOWER)
    retrieval = headers.get(_RETRIEVAL_LOWER)
    return Wish(
        None if workspaces is None else LightOnScope(workspace_id=_header_ids(workspaces)),
        None if retrieval is None else _retrieval(_RETRIEVAL_HEADER, retrieval.strip()),
    )


def _may_be_ours(header: str) -> bool:
    """Whether a header needs a closer look: most have none of these, and one slip leaves one."""
    return "g" in header or "workspace" in header or "retrieval" in header


def _header_ids(value: str) -> tuple[int, ...]:
    name = _WORKSPACE_HEADER
    parts = [part.strip() for part in value.split(",")]
    _check_count(name, parts)
    if not all(map(_HEADER_ID.fullmatch, parts)):
        raise BadRequest(f"'{name}' must be integers separated by commas.", param=name)
    return tuple(int(part) for part in parts)


def _retrieval(param: str, value: object) -> Retrieval:
    choices: tuple[Retrieval, ...] = get_args(Retrieval)
    return _one_of(param, value, choices)


def _progress(param: str, value: object) -> Shown:
    choices: tuple[Shown, ...] = get_args(Shown)
    return _one_of(param, value, choices)


def _integers(param: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(map(_is_integer, value)):
        raise BadRequest(f"'{param}' must be an array of integers.", param=param)
    _check_count(param, value)
    return tuple(value)


def _strings(param: str, value: object) -> tuple[str, ...]:
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


def _content_types(param: str, value: object) -> tuple[str, ...]:
    paths = _strings(param, value)
    if sum(path.count("*") for path in paths) > MAX_WILDCARDS:
        raise BadRequest(
            f"'{param}' may have {MAX_WILDCARDS} '*' in all. Name fewer patterns.", param=param
        )
    return paths


def _check_count(param: str, values: Sequence[object]) -> None:
    if len(values) > MAX_ENTRIES:
        raise BadRequest(
            f"'{param}' has {len(values)} entries, and may have {MAX_ENTRIES}. Name fewer, or a "
            "profile that holds them.",
            param=param,
        )


def _result_count(param: str, value: object) -> int:
    if not _is_integer(value) or not 1 <= value <= MAX_RESULTS:
        raise BadRequest(f"'{param}' must be an integer from 1 to {MAX_RESULTS}.", param=param)
    return value


def _scoring(param: str, value: object) -> RelevanceScoring:
    choices: tuple[RelevanceScoring, ...] = get_args(RelevanceScoring)
    return _one_of(param, value, choices)


def _unknown_relevance(param: str, value: object) -> UnknownRelevance:
    choices: tuple[UnknownRelevance, ...] = get_args(UnknownRelevance)
    return _one_of(param, value, choices)


def _share(param: str, value: object) -> float:
    if not (_is_integer(value) or isinstance(value, float)) or not 0 <= value <= 1:
        raise BadRequest(f"'{param}' must be a number from 0 to 1.", param=param)
    return float(value)


def _one_of(param: str, value: object, choices: tuple[_T, ...]) -> _T:
    for choice in choices:
        if value == choice:
            return choice
    raise BadRequest(f"'{param}' must be one of {', '.join(map(str, choices))}.", param=param)


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


# The readers return values of different types, so `Any` is the only common one.
_READERS: Final[Mapping[str, Callable[[str, object], Any]]] = {
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
"""The scope fields that a request may set, each with its reader."""

_NARROWING: Final = (*_READERS, "retrieval")
"""The fields that say what is searched: to overlook one would search more than its sender meant."""
_OTHERS: Final = ("progress",)
WISH_FIELDS: Final = (*_NARROWING, *_OTHERS)
"""The fields of a wish in a body."""

WISHES: Final = Wishes(_NARROWING, parse_wish, parse_wish_headers, _OTHERS)
