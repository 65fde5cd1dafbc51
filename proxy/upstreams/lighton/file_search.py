"""What the hosted `file_search` reaches, in LightOn's terms. A vector store is a workspace."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from proxy.core.responses.file_search import FileSearch
from proxy.core.stores import workspace_of
from proxy.errors import BadRequest
from proxy.upstreams.lighton.filters import attributes_of
from proxy.upstreams.lighton.scope import LightOnScope
from proxy.upstreams.lighton.store_terms import ranked

_LONGEST_SHOWN: Final = 80


def scope_of(search: FileSearch) -> LightOnScope:
    """The scope of a file search. Raises BadRequest for what LightOn has not, or cannot say."""
    return replace(
        ranked(search.ranking, f"{search.param}.ranking_options"),
        workspace_id=_workspaces(search),
        attribute=attributes_of(search.filters, f"{search.param}.filters") or None,
        max_results=search.max_results,
    )


def _workspaces(search: FileSearch) -> tuple[int, ...]:
    ids = []
    for place, store in enumerate(search.stores):
        workspace = workspace_of(store)
        if workspace is None:
            param = f"{search.param}.vector_store_ids[{place}]"
            raise BadRequest(
                f"'{param}' is {store[:_LONGEST_SHOWN]!r}, which is no vector store here. A store "
                "is a workspace: ws_42 is the workspace 42.",
                param=param,
            )
        ids.append(workspace)
    return tuple(dict.fromkeys(ids))
