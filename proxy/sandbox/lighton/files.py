"""Files as LightOn lists and describes them, and the pages of one if they are asked for."""

from collections.abc import Mapping
from typing import Any

from proxy.sandbox.documents.corpus import Corpus
from proxy.sandbox.lighton.pages import page_of
from proxy.sandbox.lighton.search import external_metadata
from proxy.sandbox.scaleway.catalogue import Document

_CREATED_AT = "2026-01-01T00:00:00Z"
_TRUE = frozenset({"1", "true", "yes", "on"})
"""The spellings of a true parameter, in lower case."""


def list_files(corpus: Corpus, address: str, query: Mapping[str, str]) -> dict[str, Any] | None:
    """Return a page of the files, of one workspace if `query` names it. See `page_of`."""
    wanted = query.get("workspace_id")
    documents = [
        each for each in corpus.documents if wanted is None or str(each.workspace.id) == wanted
    ]
    return page_of(documents, _described, address, query)


def describe_file(corpus: Corpus, file_id: str, include_content: str) -> dict[str, Any] | None:
    """Return the file; None if there is none of this id. The arguments are as the path has them.

    Markdown and plain text have one page, which holds all of it.
    """
    documents = (each for each in corpus.documents if str(each.id) == file_id)
    document = next(documents, None)
    if document is None:
        return None
    file = _described(document)
    if include_content.lower() in _TRUE:
        texts = corpus.pages[document.id]
        file["content"] = "\n\n".join(filter(None, texts))
        file["pages"] = [
            {"index": index, "markdown": text} for index, text in enumerate(texts, start=1) if text
        ]
    return file


def _described(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "filename": document.filename,
        "title": document.title,
        "extension": document.filename.rpartition(".")[2],
        "workspace": {"id": document.workspace.id, "name": document.workspace.name},
        "summaries": [],
        "status": "embedded",
        "status_vision": None,
        "created_at": _CREATED_AT,
        "updated_at": _CREATED_AT,
        "total_pages": len(document.page_sizes) or 1,
        "size": document.size_bytes,
        "tags": [{"id": tag.id, "name": tag.name} for tag in document.tags],
        "created_by": None,
        "upload_session_uuid": None,
        "signature": None,
        "external_metadata": external_metadata(document),
        "content_types": [],
        "thumbnail": {"status": "MISSING", "url": None},
        "pending_reprocess": None,
    }
