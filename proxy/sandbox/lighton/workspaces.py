"""The workspaces that a key can see, as LightOn lists them: page by page."""

from typing import Any
from urllib.parse import urlencode

from proxy.sandbox.documents.corpus import Corpus
from proxy.sandbox.scaleway.catalogue import Workspace

PAGE_SIZE = 20

_CREATED_AT = "2026-01-01T00:00:00Z"


def list_workspaces(corpus: Corpus, address: str, page: str) -> dict[str, Any] | None:
    """Return a page of the workspaces; None if there is no such page.

    `address` is where the list is, for the addresses of its other pages, and `page` is a number, as
    the query has it.
    """
    count = len(corpus.workspaces)
    last = max(1, -(-count // PAGE_SIZE))
    if not page.isascii() or not page.isdecimal() or not 1 <= int(page) <= last:
        return None
    number = int(page)
    shown = corpus.workspaces[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return {
        "count": count,
        "next": _address(address, number + 1) if number < last else None,
        "previous": _address(address, number - 1) if number > 1 else None,
        "results": [_described(corpus, each) for each in shown],
    }


def _address(address: str, page: int) -> str:
    return f"{address}?{urlencode({'page': page})}"


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
