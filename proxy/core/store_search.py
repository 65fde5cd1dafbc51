"""The body of a search in a vector store, checked field by field."""

from __future__ import annotations

from typing import Final, NamedTuple

from proxy.core.names import FIELD
from proxy.core.scope import Scope, Wish
from proxy.core.stores import StoreTerms
from proxy.core.wish import Wishes
from proxy.errors import BadRequest

MOST_QUERIES: Final = 8
MOST_RESULTS: Final = 50
DEFAULT_RESULTS: Final = 10

_FIELDS: Final = ("query", "filters", "max_num_results", "ranking_options", "rewrite_query", FIELD)
_LONGEST_SHOWN: Final = 80


class StoreSearch(NamedTuple):
    """What a client looks for."""

    queries: tuple[str, ...]
    max_results: int
    narrower: tuple[Scope, ...]
    """Its filters and its wishes for ranking, each as a scope."""
    wish: Wish


def read_store_search(
    document: object, terms: StoreTerms, wishes: Wishes, query_chars: int
) -> StoreSearch:
    """The search that a decoded body asks for. Raises BadRequest that names the field at fault.

    `query_chars` is the longest query. A field that nobody knows may be a misspelt one that
    narrows.
    """
    if not isinstance(document, dict):
        raise BadRequest("The request body must be a JSON object.")
    for name in document:
        if name not in _FIELDS:
            shown = name[:_LONGEST_SHOWN]
            known = ", ".join(_FIELDS)
            raise BadRequest(f"'{shown}' is not known. Known fields: {known}.", param=shown)
    _check_rewriting(document.get("rewrite_query"))
    narrower = (
        terms.of_filters(document.get("filters"), "filters"),
        terms.of_ranking(document.get("ranking_options"), "ranking_options"),
    )
    return StoreSearch(
        _queries(document.get("query"), query_chars),
        _max_results(document.get("max_num_results")),
        narrower,
        wishes.read(document.get(FIELD)),
    )


def _queries(given: object, longest: int) -> tuple[str, ...]:
    if isinstance(given, str):
        return (_query(given, "query", longest),)
    if not isinstance(given, list) or not given:
        raise BadRequest("'query' must be a string, or an array of strings.", param="query")
    if len(given) > MOST_QUERIES:
        raise BadRequest(
            f"'query' has {len(given)} entries, and may have {MOST_QUERIES}: each is a search.",
            param="query",
        )
    read = (_query(each, f"query[{place}]", longest) for place, each in enumerate(given))
    return tuple(dict.fromkeys(read))


def _query(given: object, param: str, longest: int) -> str:
    if not isinstance(given, str) or not given.strip():
        raise BadRequest(f"'{param}' must be a string that is not empty.", param=param)
    query = given.strip()
    if len(query) > longest:
        raise BadRequest(
            f"'{param}' has {len(query)} characters, and may have {longest}. Shorten it.",
            param=param,
        )
    return query


def _max_results(given: object) -> int:
    if given is None:
        return DEFAULT_RESULTS
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MOST_RESULTS:
        name = "max_num_results"
        raise BadRequest(f"'{name}' must be an integer from 1 to {MOST_RESULTS}.", param=name)
    return given


def _check_rewriting(given: object) -> None:
    """No model rewrites a query here: it is searched as it is."""
    if given is not None and not isinstance(given, bool):
        raise BadRequest("'rewrite_query' must be a boolean.", param="rewrite_query")
