"""The hosted tool `file_search`, which is the search of the proxy: what a request says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, cast

from proxy.core.checks import Types, check_length, check_types
from proxy.core.scope import Scope
from proxy.errors import BadRequest

FILE_SEARCH: Final = "file_search"

_LONGEST_SHOWN: Final = 80
_MOST_STORES: Final = 1_000
_MOST_RESULTS: Final = 50
_TYPES: Final[Mapping[str, Types]] = {
    "vector_store_ids": (list,),
    "max_num_results": (int,),
    "filters": (dict,),
    "ranking_options": (dict,),
}


class FileSearch(NamedTuple):
    """What a request lets the search reach. None restricts nothing."""

    stores: tuple[str, ...]
    """The ids of vector stores, at least one."""
    filters: Mapping[str, object] | None = None
    ranking: Mapping[str, object] | None = None
    max_results: int | None = None
    param: str = "tools[0]"
    """Where it stands in the request."""


ScopeOf = Callable[[FileSearch], Scope]
"""What a file search reaches, in the terms of one search vendor. Raises BadRequest."""


def read_file_search(tools: list[object]) -> FileSearch | None:
    """The one `file_search` among a request's tools. Raises BadRequest."""
    declared = list(_declared(tools))
    if not declared:
        return None
    if len(declared) > 1:
        place, _ = declared[1]
        raise BadRequest(
            f"'tools[{place}]' is a second {FILE_SEARCH}, and there may be one. Name all stores "
            "in the first.",
            param=f"tools[{place}]",
        )
    place, tool = declared[0]
    return _read(tool, f"tools[{place}]")


def _declared(tools: list[object]) -> Iterator[tuple[int, Mapping[str, object]]]:
    for place, tool in enumerate(tools):
        if isinstance(tool, dict) and tool.get("type") == FILE_SEARCH:
            yield place, tool


def _read(tool: Mapping[str, object], param: str) -> FileSearch:
    _refuse_others(tool, param)
    check_types(f"{param}.", tool, _TYPES)
    return FileSearch(
        stores=_stores(tool.get("vector_store_ids"), f"{param}.vector_store_ids"),
        filters=cast("Mapping[str, object] | None", tool.get("filters")),
        ranking=cast("Mapping[str, object] | None", tool.get("ranking_options")),
        max_results=_count(tool.get("max_num_results"), f"{param}.max_num_results"),
        param=param,
    )


def _stores(ids: object, param: str) -> tuple[str, ...]:
    if not isinstance(ids, list) or not ids:
        raise BadRequest(f"'{param}' must name at least one vector store.", param=param)
    check_length(param, ids, _MOST_STORES)
    for place, each in enumerate(ids):
        if not isinstance(each, str):
            where = f"{param}[{place}]"
            raise BadRequest(f"'{where}' must be a string.", param=where)
    return tuple(ids)


def _count(count: object, param: str) -> int | None:
    if count is None:
        return None
    if not isinstance(count, int) or not 1 <= count <= _MOST_RESULTS:
        raise BadRequest(f"'{param}' must be an integer from 1 to {_MOST_RESULTS}.", param=param)
    return count


def _refuse_others(tool: Mapping[str, object], param: str) -> None:
    """A misspelt field that was overlooked would search more than its sender meant."""
    known = ("type", *_TYPES)
    for name in tool:
        if name not in known:
            shown = name[:_LONGEST_SHOWN]
            raise BadRequest(
                f"'{param}.{shown}' is not known. Known fields: {', '.join(known)}.",
                param=f"{param}.{shown}",
            )
