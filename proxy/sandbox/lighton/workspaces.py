"""The workspaces that a key can see, as LightOn lists them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from proxy.sandbox.documents.corpus import Corpus
from proxy.sandbox.lighton.pages import page_of
from proxy.sandbox.scaleway.catalogue import Workspace

_CREATED_AT = "2026-01-01T00:00:00Z"


def list_workspaces(
    corpus: Corpus, address: str, query: Mapping[str, str]
) -> dict[str, Any] | None:
    """Return a page of the workspaces; None if there is no such page. See `page_of`."""
    return page_of(corpus.workspaces, partial(_described, corpus), address, query)


def _described(corpus: Corpus, workspace: Workspace) -> dict[str, Any]:
    return {
        "id": workspace.id,
        "name": workspace.name,
        "workspace_type": "shared",
        "document_upload_method": "manual",
        "description": "",
        "created_at": _CREATED_AT,
        "updated_at": _CREATED_AT,
        "files_count": sum(each.workspace.id == workspace.id for each in corpus.documents),
        "user_role": "viewer",
        "sync": None,
        "scoped_api_keys": [],
        "taxonomy": None,
    }
